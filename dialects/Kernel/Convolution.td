//===- Convolution.td - Convolutions in groups of channels - -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_CONVOLUTION_TD
#define KERNEL_CONVOLUTION_TD

include "Kernel/KernelAttrs.td"
include "Vit/VitAttrs.td"

def Kernel_ConvTilingAttr : Kernel_Attr<"ConvTiling", "conv_tiling"> {
  let summary = "how a grouped convolution is cut";
  let description = [{
    A micro-tile of up to `columns` places of a row of the result times `vectors`
    vectors of channels stays in registers, `taps` columns of the filter beside it.
    A task computes about `channels` channels of up to `rows` rows.
  }];
  let parameters = (ins "int64_t":$columns, "int64_t":$vectors, "int64_t":$taps, "int64_t":$rows,
                        "int64_t":$channels);
}

def Kernel_GroupedConvOp : Kernel_ComputeOp<"grouped_conv", [AttrSizedOperandSegments]> {
  let summary = "convolution of groups of channels, depthwise ones included";
  let description = [{
    For b < batch, (y, x) in `size`, o < O, with g = o floordiv (O / groups), the group
    of output channel o, and 0 outside of the input, which has `input_size` places:

      init[resultMap(b, y, x, o)] = activation(sum[b, y, x, o] + bias[o])
                                    + residual[residualMap(b, y, x, o)]
      sum = sum over i, j, c of filter[i, j, c, o]
            * input[inputMap(b, y * sy + i * dy - top, x * sx + j * dx - left, g * Cg + c)]

    Shapes: filter [Kh, Kw, Cg, O], bias [O]. stride is [sy, sx], dilation [dy, dx],
    pad [top, left]. A depthwise convolution has as many groups as channels: Cg is 1.
    C1: size, input_size, stride and dilation have 2 positive entries, pad has 2 of 0
    or more.
    C2: filter has rank 4 and static positive sizes.    C3: groups divides O.
    C4: bias has O elements.
    C5: each map takes 4 dims and has one result for each dim of its operand.
    C6: residual and residualMap come together.
    ```mlir
    #places = affine_map<(b, y, x, c) -> (b, y, x, c)>
    kernel.grouped_conv batch(%b) size [5, 5] input_size [9, 9] groups 8 stride [2, 2] dilation [1, 1] pad [1, 1]
        input(%x at #places : memref<?x9x9x8xf32>) filter(%w : memref<3x3x1x8xf32>) bias(%c : memref<8xf32>)
        init(%y at #places : memref<?x5x5x8xf32>) activation gelu
    ```
  }];
  let arguments = (ins Index:$batch, DenseI64ArrayAttr:$size, DenseI64ArrayAttr:$inputSize, I64Attr:$groups,
                       DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$dilation, DenseI64ArrayAttr:$pad,
                       Kernel_Shaped:$input, AffineMapAttr:$inputMap, Kernel_Shaped:$filter,
                       Optional<Kernel_Shaped>:$bias,
                       Optional<Kernel_Shaped>:$residual, OptionalAttr<AffineMapAttr>:$residualMap,
                       Kernel_Shaped:$init, AffineMapAttr:$resultMap,
                       DefaultValuedAttr<Vit_ActivationAttr, "::vitc::vit::Activation::None">:$activation,
                       OptionalAttr<Kernel_ConvTilingAttr>:$tiling);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `size` $size `input_size` $inputSize `groups` $groups
    `stride` $stride `dilation` $dilation `pad` $pad
    `input` `(` $input `at` $inputMap `:` type($input) `)` `filter` `(` $filter `:` type($filter) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)? (`residual` `(` $residual^ `at` $residualMap `:` type($residual) `)`)?
    `init` `(` $init `at` $resultMap `:` type($init) `)`
    (`activation` custom<Keyword>($activation)^)? (`tiling` $tiling^)? attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = computeOpDeclaration # [{
    int64_t getFilterSize(unsigned dim) {
      return ::llvm::cast<::mlir::ShapedType>(getFilter().getType()).getDimSize(dim);
    }
    /// Rows and columns of the filter.
    int64_t getTapRows() { return getFilterSize(0); }
    int64_t getTapColumns() { return getFilterSize(1); }
    /// Channels of the input, and of the result, in each group.
    int64_t getGroupChannels() { return getFilterSize(2); }
    int64_t getGroupOutputs() { return getOutputs() / getGroups(); }
    /// Channels of the result.
    int64_t getOutputs() { return getFilterSize(3); }
  }];
}

#endif // KERNEL_CONVOLUTION_TD
