//===- Convolution.td - Convolutions -------------------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_CONVOLUTION_TD
#define VIT_CONVOLUTION_TD

include "Vit/VitAttrs.td"

def Vit_Conv2dOp : Vit_Op<"conv2d", [Pure, AttrSizedOperandSegments,
    InferTypeOpAdaptor]> {
  let summary = "two-dimensional convolution with bias, activation and residual";
  let description = [{
    With g = o / (O / groups), the group of output channel o, and 0 outside of the
    input:

      sum[b, o, y, x] = bias[o] + sum over c, i, j of filter[o, c, i, j]
          * input[b, g * C / groups + c, y * sy + i * dy - top, x * sx + j * dx - left]
      result = activation(sum) + residual

    Shapes: input [B, C, H, W], filter [O, C / groups, Kh, Kw], bias [O], residual
    and result [B, O, H', W'] with H' = (H + top + bottom - (Kh - 1) * dy - 1) / sy + 1 and W'
    likewise. pad is [top, left, bottom, right] (ONNX's order), stride [sy, sx],
    dilation [dy, dx]. Accumulates in f32 for element types of 32 bits or less.
    Source: ONNX Conv; PyTorch Conv2d.
    C1: stride and dilation have 2 positive entries, pad has 4 of 0 or more.
    C2: groups divides C and O; filter has C / groups input channels.
    C3: the padded input is at least as large as the dilated filter.
    C4: bias has O elements.
    C5: residual has the result's shape.
    ```mlir
    %y = vit.conv2d %x, %w bias(%b : tensor<16xf32>) stride [2, 2] pad [1, 1, 1, 1]
        : tensor<?x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x16x16xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$input, Vit_FloatTensor4D:$filter, Optional<Vit_FloatTensor>:$bias,
                       Optional<Vit_FloatTensor4D>:$residual,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$stride,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pad,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilation,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<Vit_ActivationAttr, "Activation::None">:$activation);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = [{
    $input `,` $filter (`bias` `(` $bias^ `:` type($bias) `)`)? (`residual` `(` $residual^ `:` type($residual) `)`)?
    (`stride` $stride^)? (`pad` $pad^)? (`dilation` $dilation^)? (`groups` $groups^)?
    (`activation` custom<Keyword>($activation)^)? attr-dict `:` type($input) `,` type($filter) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // VIT_CONVOLUTION_TD
