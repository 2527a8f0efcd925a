//===- Norm.td - Normalisation -------------------------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_NORM_TD
#define VIT_NORM_TD

include "Vit/VitDialect.td"

def Vit_LayerNormOp : Vit_Op<"layer_norm", [Pure, AttrSizedOperandSegments, AllTypesMatch<["input", "result"]>]> {
  let summary = "layer normalisation along the last axis";
  let description = [{
    result = (input - mean) / sqrt(variance + epsilon) * scale + shift, with mean and
    biased variance of each row of the last axis.

    Shapes: input and result [..., C], scale and shift [C]. Statistics are in f32 for
    element types of 32 bits or less.
    Source: Ba et al. 2016, eq. (4).
    C1: scale has C elements.    C2: shift has C elements.    C3: epsilon is 0 or more.
    ```mlir
    %y = vit.layer_norm %x scale(%g : tensor<8xf32>) shift(%b : tensor<8xf32>) epsilon 1.000000e-06 : tensor<?x4x8xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor:$input, Optional<Vit_Parameter1D>:$scale,
                       Optional<Vit_Parameter1D>:$shift, F64Attr:$epsilon);
  let results = (outs Vit_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `:` type($scale) `)`)? (`shift` `(` $shift^ `:` type($shift) `)`)?
    `epsilon` $epsilon attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Vit_RmsNormOp : Vit_Op<"rms_norm", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "root mean square normalisation along the last axis";
  let description = [{
    result = input / sqrt(mean(input^2) + epsilon) * scale, the mean along C.

    Shapes: input and result [..., C], scale [C]. Statistics are in f32 for element
    types of 32 bits or less.
    Source: Zhang and Sennrich 2019, eq. (4).
    C1: scale has C elements.    C2: epsilon is 0 or more.
    ```mlir
    %y = vit.rms_norm %x scale(%g : tensor<8xf32>) epsilon 1.000000e-06 : tensor<?x4x8xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor:$input, Optional<Vit_Parameter1D>:$scale, F64Attr:$epsilon);
  let results = (outs Vit_FloatTensor:$result);
  let assemblyFormat = "$input (`scale` `(` $scale^ `:` type($scale) `)`)? `epsilon` $epsilon attr-dict `:` type($result)";
  let hasVerifier = 1;
}

#endif // VIT_NORM_TD
