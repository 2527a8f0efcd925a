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

    Patches become rows (im2col), tokens are placed before patches. The maps' last
    dims are `offsets`, which are known when it runs: a row goes to its position of
    a decoder's cache.
    C1: each map takes 1 + size(sizes) + size(offsets) dims and has one result for
    each dim of its operand.
    C2: there is a size, and all are positive.
    C3: a step of an offset moves every index by a constant, 0 or more.
    ```mlir
    kernel.gather batch(%b) sizes [1, 8] input(%cls at affine_map<(b, n, c) -> (n, c)> : memref<1x8xf32>)
        init(%x at affine_map<(b, n, c) -> (b, n, c)> : memref<?x5x8xf32>)
    kernel.gather batch(%b) sizes [1, 8] offsets(%p) input(%row at affine_map<(b, n, c, p) -> (b, n, c)> : memref<?x1x8xf32>)
        init(%cache at affine_map<(b, n, c, p) -> (b, n + p, c)> : memref<?x64x8xf32>)
    ```
  }];
  let arguments = (ins Index:$batch, DenseI64ArrayAttr:$sizes, Variadic<Index>:$offsets,
                       Kernel_Shaped:$input, AffineMapAttr:$inputMap,
                       Kernel_Shaped:$init, AffineMapAttr:$resultMap,
                       OptionalAttr<Kernel_RowTilingAttr>:$tiling);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `sizes` $sizes (`offsets` `(` $offsets^ `)`)?
    `input` `(` $input `at` $inputMap `:` type($input) `)`
    `init` `(` $init `at` $resultMap `:` type($init) `)` (`tiling` $tiling^)? attr-dict (`->` type($results)^)?
  }];
  let builders = [
    /// Without offsets.
    OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::Value":$batch, "::mlir::DenseI64ArrayAttr":$sizes,
                   "::mlir::Value":$input, "::mlir::AffineMapAttr":$inputMap, "::mlir::Value":$init,
                   "::mlir::AffineMapAttr":$resultMap, "::vitc::kernel::RowTilingAttr":$tiling),
              [{ build($_builder, $_state, results, batch, sizes, ::mlir::ValueRange(), input, inputMap, init,
                       resultMap, tiling); }]>];
  let extraClassDeclaration = computeOpDeclaration # [{
    /// The dims of the maps: the batch, sizes, offsets.
    unsigned getNumDims() { return 1 + getSizes().size() + getOffsets().size(); }
  }];
}

def Kernel_YieldOp : Kernel_Op<"yield", [Pure, Terminator, HasParent<"GenericOp">]> {
  let summary = "the element that kernel.generic writes, or the accumulator's new value";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Kernel_IndexOp : Kernel_Op<"index", [Pure, HasParent<"GenericOp">]> {
  let summary = "where the body of kernel.generic is along one dim";
  let description = [{
    Dim 0 is the batch; sizes, then reduced sizes follow.
    C1: the parent has such a dim.
    ```mlir
    %c = kernel.index 1
    ```
  }];
  let arguments = (ins I64Attr:$dim);
  let results = (outs Index:$result);
  let assemblyFormat = "$dim attr-dict";
  let hasVerifier = 1;
}

def Kernel_LoadOp : Kernel_Op<"load", [Pure, HasParent<"GenericOp">]> {
  let summary = "an element of a table at computed indices";
  let description = [{
    tables[table][tableMaps[table](indices...)]. The table goes by its number, so
    that generics that differ in tables only share a function. Indices are in
    bounds: what could be out of them is clamped or wrapped before.
    C1: the parent has such a table.
    C2: there are as many indices as its map has dims.
    C3: the result is of its element type.
    ```mlir
    %0 = kernel.load 0[%row, %c] : f32
    ```
  }];
  let arguments = (ins I64Attr:$table, Variadic<Index>:$indices);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$table `[` $indices `]` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Kernel_GenericOp : Kernel_ComputeOp<"generic", [SingleBlock, AttrSizedOperandSegments]> {
  let summary = "a scalar body over index maps";
  let description = [{
    For b < batch and every index s of the box `sizes`:

      init[resultMap(b, s...)] = body(inputs[0][inputMaps[0](b, s...)], ...)

    With `reduce`, the element is what the body leaves in its last argument, the
    accumulator, after every index r of the box `reduce`:

      a = identity, or init[resultMap(b, s..., r...)] without one
      a = body(inputs[0][inputMaps[0](b, s..., r...)], ..., a)   for each r

    The body holds arith and math ops on scalars, kernel.index, and kernel.load
    from `tables`. An accumulator that one associative op updates may be split, in
    an order that the code alone decides. What is no block of a vision transformer
    ends here: fused, vectorised, threaded.
    C1: one input map an input; each map takes 1 + size(sizes) + size(reduce) dims
    and has one result for each dim of its operand; the result map uses no reduced
    dim.
    C2: there is a size, and all, reduced ones too, are positive.
    C3: the body has one argument an input, of its element type, then one of init's
    if it reduces, and yields init's.
    C4: one table map a table, with one result for each dim of it.
    C5: an identity comes with `reduce` and has init's element type.
    ```mlir
    kernel.generic batch(%b) sizes [8] reduce [3] identity 0.000000e+00 : f32
        inputs(%x : memref<?x8x3xf32>) at [affine_map<(b, c, r) -> (b, c, r)>]
        init(%y at affine_map<(b, c, r) -> (b, c)> : memref<?x8xf32>) {
    ^bb0(%e: f32, %sum: f32):
      %0 = arith.addf %sum, %e : f32
      kernel.yield %0 : f32
    }
    ```
  }];
  let arguments = (ins Index:$batch, DenseI64ArrayAttr:$sizes,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$reduce, OptionalAttr<TypedAttrInterface>:$identity,
                       Variadic<Kernel_Shaped>:$inputs, AffineMapArrayAttr:$inputMaps,
                       Variadic<Kernel_Shaped>:$tables, DefaultValuedAttr<AffineMapArrayAttr, "{}">:$tableMaps,
                       Kernel_Shaped:$init, AffineMapAttr:$resultMap,
                       OptionalAttr<Kernel_RowTilingAttr>:$tiling);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `sizes` $sizes (`reduce` $reduce^)? (`identity` $identity^)?
    (`inputs` `(` $inputs^ `:` type($inputs) `)`)? `at` $inputMaps
    (`tables` `(` $tables^ `:` type($tables) `)` `through` $tableMaps)?
    `init` `(` $init `at` $resultMap `:` type($init) `)` (`tiling` $tiling^)? $body attr-dict (`->` type($results)^)?
  }];
  let builders = [
    /// An elementwise kernel without tables; the body is for the caller to fill.
    OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::Value":$batch, "::mlir::DenseI64ArrayAttr":$sizes,
                   "::mlir::ValueRange":$inputs, "::mlir::ArrayAttr":$inputMaps, "::mlir::Value":$init,
                   "::mlir::AffineMapAttr":$resultMap, "::vitc::kernel::RowTilingAttr":$tiling)>];
  let extraClassDeclaration = computeOpDeclaration # [{
    /// The dims of the iteration space: the batch, sizes, reduced sizes.
    unsigned getNumDims() { return 1 + getSizes().size() + getReduce().size(); }
    /// The body's last argument if it reduces, else null.
    ::mlir::BlockArgument getAccumulator() {
      return getReduce().empty() ? ::mlir::BlockArgument() : getBody().front().getArguments().back();
    }
  }];
}

#endif // KERNEL_GENERIC_TD
