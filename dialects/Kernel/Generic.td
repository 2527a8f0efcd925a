//===- Generic.td - Data movement and what has no kernel of its own - -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_GENERIC_TD
#define KERNEL_GENERIC_TD

include "Kernel/KernelAttrs.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Kernel_GatherOp : Kernel_ComputeOp<"gather"> {
  let summary = "copy through index maps";
  let description = [{
    For b < batch and every index s of the box `sizes`:

      init[resultMap(b, s...)] = input[inputMap(b, s...)]

    Patches become rows (im2col), tokens are placed before patches.
    C1: each map takes 1 + size(sizes) dims and has one result for each dim of its
    operand.
    C2: there is a size, and all are positive.
    ```mlir
    kernel.gather batch(%b) sizes [1, 8] input(%cls at affine_map<(b, n, c) -> (n, c)> : memref<1x8xf32>)
        init(%x at affine_map<(b, n, c) -> (b, n, c)> : memref<?x5x8xf32>)
    ```
  }];
  let arguments = (ins Index:$batch, DenseI64ArrayAttr:$sizes,
                       Kernel_Shaped:$input, AffineMapAttr:$inputMap,
                       Kernel_Shaped:$init, AffineMapAttr:$resultMap,
                       OptionalAttr<Kernel_RowTilingAttr>:$tiling);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `sizes` $sizes `input` `(` $input `at` $inputMap `:` type($input) `)`
    `init` `(` $init `at` $resultMap `:` type($init) `)` (`tiling` $tiling^)? attr-dict (`->` type($results)^)?
  }];
}

def Kernel_YieldOp : Kernel_Op<"yield", [Pure, Terminator, HasParent<"GenericOp">]> {
  let summary = "the element that kernel.generic writes";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Kernel_GenericOp : Kernel_ComputeOp<"generic", [SingleBlock]> {
  let summary = "an elementwise body over index maps";
  let description = [{
    For b < batch and every index s of the box `sizes`:

      init[resultMap(b, s...)] = body(inputs[0][inputMaps[0](b, s...)], ...)

    The body holds arith and math ops on scalars. What is no block of a vision
    transformer ends here: fused, vectorised, threaded.
    C1: one input map an input; each map takes 1 + size(sizes) dims and has one
    result for each dim of its operand.
    C2: there is a size, and all are positive.
    C3: the body has one argument an input, of its element type, and yields init's.
    ```mlir
    kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xf32>) at [affine_map<(b, c) -> (b, c)>]
        init(%y at affine_map<(b, c) -> (b, c)> : memref<?x8xf32>) {
    ^bb0(%e: f32):
      %0 = math.absf %e : f32
      kernel.yield %0 : f32
    }
    ```
  }];
  let arguments = (ins Index:$batch, DenseI64ArrayAttr:$sizes, Variadic<Kernel_Shaped>:$inputs,
                       AffineMapArrayAttr:$inputMaps, Kernel_Shaped:$init, AffineMapAttr:$resultMap,
                       OptionalAttr<Kernel_RowTilingAttr>:$tiling);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `sizes` $sizes (`inputs` `(` $inputs^ `:` type($inputs) `)`)? `at` $inputMaps
    `init` `(` $init `at` $resultMap `:` type($init) `)` (`tiling` $tiling^)? $body attr-dict (`->` type($results)^)?
  }];
}

#endif // KERNEL_GENERIC_TD
