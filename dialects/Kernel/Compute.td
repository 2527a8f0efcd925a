//===- Compute.td - Gemm, attention and norms ----------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_COMPUTE_TD
#define KERNEL_COMPUTE_TD

include "Kernel/KernelAttrs.td"
include "Vit/VitAttrs.td"

def Kernel_GemmOp : Kernel_ComputeOp<"gemm", [AttrSizedOperandSegments]> {
  let summary = "matrix product with packed weights and an epilogue";
  let description = [{
    For b < batch, i < rows, j < n:

      init[resultMap(b, i, j)] =
          activation(sum over l < k of x[b, i, l] * W[j, l] + bias[j])
          + residual[residualMap(b, i, j)]

    where x[b, i, l] is

      lhsActivation(lhs[lhsMap(b, i, l)] * lhsScale[channelMap(b, l)]
                    + lhsShift[channelMap(b, l)])

    without what the op has not, as a group norm is applied to the map that a
    convolution reads; each row of it normalised as `norm`, a #vit.norm, says where
    there is one. With `zero_outside` lhsMap may lead outside of lhs, as a filter
    does at the border of a map: x is 0 there.

    `weights` holds W packed as #vit.expr<pack> does; the padding of the tail panel
    is not used, nor are rows that K is rounded up to. With weights of rank 2 each b
    has a W of its own, weights[b]: a matrix that is computed is packed by
    kernel.gather, or written so by a kernel.norm. The sum runs in the order of l.
    lhs and init may hold f16, bf16 or tf32: all is computed in f32 and rounded once,
    behind the residual. With weights of f16, bf16 or tf32 x is rounded to their type before
    it is multiplied, to tf32 with ties away from zero; the sum stays f32.

    `statistics` [B, chunks, 2, n] is written, too: with the rows of an item cut into
    `chunks`, chunk c being rows [c * rows / chunks, (c + 1) * rows / chunks), for
    each column of what init gets the sum of d, then the sum of d * d, over the rows
    of a chunk, d being the difference to the chunk's first row. Chan, Golub and
    LeVeque 1983, eq. (2.1), combine them; the difference keeps digits where the
    mean is large.
    C1: weights has packedSize(n, k) elements, for each b if of rank 2; bias has n.
    C2: each map takes 3 dims and has one result for each dim of its operand.
    C3: residual and residualMap come together.
    C4: n and k are positive.
    C5: lhsScale, lhsShift and channelMap come together; channelMap takes (b, l) and
    has one result for each dim of both, which are of one type.
    C6: statistics is [B, chunks, 2, n] of f32 with 1 chunk or more; init then holds
    f32.
    ```mlir
    kernel.gemm batch(%b) rows(%m) n 16 k 8 lhs(%x at affine_map<(b, i, l) -> (b, i, l)> : memref<?x4x8xf32>)
        weights(%w : memref<256xf32>) bias(%c : memref<16xf32>)
        init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x4x16xf32>) activation gelu
    ```
  }];
  let arguments = (ins Index:$batch, Index:$rows, I64Attr:$n, I64Attr:$k,
                       Kernel_Shaped:$lhs, AffineMapAttr:$lhsMap, UnitAttr:$zeroOutside,
                       Optional<Kernel_Shaped>:$lhsScale, OptionalAttr<AffineMapAttr>:$channelMap,
                       Optional<Kernel_Shaped>:$lhsShift,
                       DefaultValuedAttr<Vit_ActivationAttr, "::vitc::vit::Activation::None">:$lhsActivation,
                       Kernel_Shaped:$weights,
                       Optional<Kernel_Shaped>:$bias,
                       Optional<Kernel_Shaped>:$residual, OptionalAttr<AffineMapAttr>:$residualMap,
                       Kernel_Shaped:$init, AffineMapAttr:$resultMap, Optional<Kernel_Shaped>:$statistics,
                       DefaultValuedAttr<Vit_ActivationAttr, "::vitc::vit::Activation::None">:$activation,
                       OptionalAttr<Vit_NormAttr>:$norm, OptionalAttr<Kernel_GemmTilingAttr>:$tiling);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `rows` `(` $rows `)` `n` $n `k` $k
    `lhs` `(` $lhs `at` $lhsMap `:` type($lhs) `)` (`zero_outside` $zeroOutside^)?
    (`lhs_scale` `(` $lhsScale^ `at` $channelMap `:` type($lhsScale) `)`)?
    (`lhs_shift` `(` $lhsShift^ `:` type($lhsShift) `)`)? (`lhs_activation` custom<Keyword>($lhsActivation)^)?
    `weights` `(` $weights `:` type($weights) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)? (`residual` `(` $residual^ `at` $residualMap `:` type($residual) `)`)?
    `init` `(` $init `at` $resultMap `:` type($init) `)` (`statistics` `(` $statistics^ `:` type($statistics) `)`)?
    (`activation` custom<Keyword>($activation)^)? (`norm` $norm^)? (`tiling` $tiling^)? attr-dict (`->` type($results)^)?
  }];
  let builders = [
    // Without what is done to lhs, and without statistics.
    OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::Value":$batch, "::mlir::Value":$rows,
                   "::mlir::IntegerAttr":$n, "::mlir::IntegerAttr":$k, "::mlir::Value":$lhs,
                   "::mlir::AffineMapAttr":$lhsMap, "::mlir::Value":$weights, "::mlir::Value":$bias,
                   "::mlir::Value":$residual, "::mlir::AffineMapAttr":$residualMap, "::mlir::Value":$init,
                   "::mlir::AffineMapAttr":$resultMap, "::vitc::vit::ActivationAttr":$activation,
                   "::vitc::vit::NormAttr":$norm, "GemmTilingAttr":$tiling)>];
  let extraClassDeclaration = [{
    /// init, and statistics behind it.
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), getInitMutable().getOperandNumber(),
                                         getStatistics() ? 2 : 1);
    }
    /// How many chunks the rows of an item are cut into; none without statistics.
    std::optional<int64_t> getNumChunks();
    /// Whether each element of lhs is scaled, activated or extended while it is read.
    bool transformsElements();
    /// Whether rows of lhs are changed while they are read: that, padded or normalised.
    bool transformsRows();
  }];
}

def Kernel_AttentionOp : Kernel_ComputeOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "fused attention with online softmax";
  let description = [{
    For b < batch, h < heads, i < queries, e < valueDim, with all d < headDim and
    j < keys:

      init[resultMap(b, h, i, e)] = sum over j of p[j] * value[valueMap(b, h, j, e)]
      p = softmax over j of cap(scale * (query[queryMap(b, h, i, d)] · key[keyMap(b, h, j, d)]))
                            + bias[biasMap(b, h, i, j)] + mask[maskMap(b, h, i, j)]
                            + groupBias where groups(b, i) and groups(b, j) differ

    cap(x) is softcap * tanh(x / softcap), or x without `softcap`. Query i sees the
    keys j <= i + causal, with `causal`, that are less than
    keyLength[keyLengthMap(b)]: the others are not computed. Without query and key the
    product is 0: the scores are read. Groups of windows are how Swin's shift mask is
    computed from indices.

    No buffer of queries x keys exists. A row whose keys are all -inf gives zeros;
    addends that are finite stay so.
    Source: Milakov and Gimelshein 2018, algorithm 3 (online softmax); Dao et al.
    2022 (FlashAttention), algorithm 1.
    C1: each map takes 4 dims, keyLengthMap 1, and has one result for each dim of its
    operand; groups takes 2 and has one result.
    C2: bias and biasMap come together, mask and maskMap, keyLength and keyLengthMap,
    query and queryMap, key and keyMap, groups and groupBias likewise.
    C3: heads and valueDim are positive; so is headDim where there is a query, else 0.
    C4: query and key come together, and without them a bias.
    C5: softcap is positive and finite.    C6: keyLength holds i32 or i64.
    ```mlir
    #qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
    kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
        query(%q at #qkv : memref<?x9x8xf32>) key(%k at #qkv : memref<?x9x8xf32>)
        value(%v at #qkv : memref<?x9x8xf32>) init(%o at #qkv : memref<?x9x8xf32>)
    ```
  }];
  let arguments = (ins Index:$batch, Index:$queries, Index:$keys,
                       I64Attr:$heads, I64Attr:$headDim, I64Attr:$valueDim, F64Attr:$scale,
                       OptionalAttr<I64Attr>:$causal, OptionalAttr<F64Attr>:$softcap,
                       Optional<Kernel_Shaped>:$query, OptionalAttr<AffineMapAttr>:$queryMap,
                       Optional<Kernel_Shaped>:$key, OptionalAttr<AffineMapAttr>:$keyMap,
                       Kernel_Shaped:$value, AffineMapAttr:$valueMap,
                       Optional<Kernel_Shaped>:$bias, OptionalAttr<AffineMapAttr>:$biasMap,
                       Optional<Kernel_Shaped>:$mask, OptionalAttr<AffineMapAttr>:$maskMap,
                       OptionalAttr<AffineMapAttr>:$groups, OptionalAttr<F64Attr>:$groupBias,
                       Optional<Kernel_Shaped>:$keyLength, OptionalAttr<AffineMapAttr>:$keyLengthMap,
                       Kernel_Shaped:$init, AffineMapAttr:$resultMap,
                       OptionalAttr<Kernel_AttentionTilingAttr>:$tiling);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `queries` `(` $queries `)` `keys` `(` $keys `)`
    `heads` $heads `head_dim` $headDim `value_dim` $valueDim `scale` $scale
    (`causal` $causal^)? (`softcap` $softcap^)?
    (`query` `(` $query^ `at` $queryMap `:` type($query) `)`)? (`key` `(` $key^ `at` $keyMap `:` type($key) `)`)?
    `value` `(` $value `at` $valueMap `:` type($value) `)`
    (`bias` `(` $bias^ `at` $biasMap `:` type($bias) `)`)?
    (`mask` `(` $mask^ `at` $maskMap `:` type($mask) `)`)?
    (`groups` $groups^ `group_bias` $groupBias)?
    (`key_length` `(` $keyLength^ `at` $keyLengthMap `:` type($keyLength) `)`)?
    `init` `(` $init `at` $resultMap `:` type($init) `)` (`tiling` $tiling^)? attr-dict (`->` type($results)^)?
  }];
}

def Kernel_AttentionMapOp : Kernel_ComputeOp<"attention_map", [AttrSizedOperandSegments]> {
  let summary = "attention probabilities of queries that are chosen at run time";
  let description = [{
    For b < batch, h < heads, j < keys, p as in kernel.attention, and (first, count) =
    selection[layer], i < count:

      m[b, h, i, j] = p[first + i, j]            for first >= 0
      m[b, h, 0, j] = mean over i of p[i, j]     for first = -1, count = 1

    m [batch, heads, count, keys], row-major, is what init begins with; the rest is
    left as it is. With a count of 0 nothing is computed. `layer` stays a runtime
    value, so that all layers share one function.
    C1: each map takes 4 dims, keyLengthMap 1, and has one result for each dim of its
    operand; groups takes 2 and has one result.
    C2: bias and biasMap come together, mask and maskMap, keyLength and keyLengthMap,
    groups and groupBias likewise.
    C3: heads and headDim are positive.   C4: selection is [layers, 2] of i64.
    C5: softcap is positive and finite.   C6: keyLength holds i32 or i64.
    ```mlir
    #qk = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
    kernel.attention_map batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 scale 5.000000e-01
        selection(%s at %l : memref<12x2xi64>) query(%q at #qk : memref<?x9x8xf32>)
        key(%k at #qk : memref<?x9x8xf32>) init(%m : memref<?x1x2x9x9xf32>)
    ```
  }];
  let arguments = (ins Index:$batch, Index:$queries, Index:$keys,
                       I64Attr:$heads, I64Attr:$headDim, F64Attr:$scale,
                       OptionalAttr<I64Attr>:$causal, OptionalAttr<F64Attr>:$softcap,
                       Kernel_Shaped:$selection, Index:$layer,
                       Kernel_Shaped:$query, AffineMapAttr:$queryMap, Kernel_Shaped:$key, AffineMapAttr:$keyMap,
                       Optional<Kernel_Shaped>:$bias, OptionalAttr<AffineMapAttr>:$biasMap,
                       Optional<Kernel_Shaped>:$mask, OptionalAttr<AffineMapAttr>:$maskMap,
                       OptionalAttr<AffineMapAttr>:$groups, OptionalAttr<F64Attr>:$groupBias,
                       Optional<Kernel_Shaped>:$keyLength, OptionalAttr<AffineMapAttr>:$keyLengthMap,
                       Kernel_Shaped:$init, OptionalAttr<Kernel_AttentionTilingAttr>:$tiling);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `queries` `(` $queries `)` `keys` `(` $keys `)`
    `heads` $heads `head_dim` $headDim `scale` $scale (`causal` $causal^)? (`softcap` $softcap^)?
    `selection` `(` $selection `at` $layer `:` type($selection) `)`
    `query` `(` $query `at` $queryMap `:` type($query) `)` `key` `(` $key `at` $keyMap `:` type($key) `)`
    (`bias` `(` $bias^ `at` $biasMap `:` type($bias) `)`)?
    (`mask` `(` $mask^ `at` $maskMap `:` type($mask) `)`)?
    (`groups` $groups^ `group_bias` $groupBias)?
    (`key_length` `(` $keyLength^ `at` $keyLengthMap `:` type($keyLength) `)`)?
    `init` `(` $init `:` type($init) `)` (`tiling` $tiling^)? attr-dict (`->` type($results)^)?
  }];
}

def Kernel_NormOp : Kernel_ComputeOp<"norm", [AttrSizedOperandSegments]> {
  let summary = "layer or root mean square normalisation of rows";
  let description = [{
    For b < batch, i < rows, c < channels, with mean and biased variance over c:

      init[resultMap(b, i, c)] = (input[inputMap(b, i, c)] - mean)
                                 / sqrt(variance + epsilon) * scale[c] + shift[c]

    With `rms` 0 stands for the mean, and the mean of squares for the variance.
    C1: each map takes 3 dims and has one result for each dim of its operand.
    C2: scale and shift have `channels` elements.
    C3: channels is positive.
    ```mlir
    kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06
        input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x9x8xf32>) scale(%g : memref<8xf32>)
        shift(%s : memref<8xf32>) init(%y at affine_map<(b, i, c) -> (b, i, c)> : memref<?x9x8xf32>)
    ```
  }];
  let arguments = (ins Index:$batch, Index:$rows, I64Attr:$channels, UnitAttr:$rms, F64Attr:$epsilon,
                       Kernel_Shaped:$input, AffineMapAttr:$inputMap,
                       Optional<Kernel_Shaped>:$scale, Optional<Kernel_Shaped>:$shift,
                       Kernel_Shaped:$init, AffineMapAttr:$resultMap,
                       OptionalAttr<Kernel_RowTilingAttr>:$tiling);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `rows` `(` $rows `)` `channels` $channels (`rms` $rms^)? `epsilon` $epsilon
    `input` `(` $input `at` $inputMap `:` type($input) `)` (`scale` `(` $scale^ `:` type($scale) `)`)?
    (`shift` `(` $shift^ `:` type($shift) `)`)? `init` `(` $init `at` $resultMap `:` type($init) `)`
    (`tiling` $tiling^)? attr-dict (`->` type($results)^)?
  }];
}

def Kernel_MeanOp : Kernel_ComputeOp<"mean"> {
  let summary = "mean over rows";
  let description = [{
    For b < batch, c < channels:

      init[resultMap(b, c)] = sum over i < rows of input[inputMap(b, i, c)] / rows

    C1: inputMap takes 3 dims, resultMap 2; one result for each dim of the operand.
    C2: channels is positive.
    ```mlir
    kernel.mean batch(%b) rows(%n) channels 8 input(%x at affine_map<(b, i, c) -> (b, i + 1, c)> : memref<?x9x8xf32>)
        init(%y at affine_map<(b, c) -> (b, c)> : memref<?x8xf32>)
    ```
  }];
  let arguments = (ins Index:$batch, Index:$rows, I64Attr:$channels,
                       Kernel_Shaped:$input, AffineMapAttr:$inputMap,
                       Kernel_Shaped:$init, AffineMapAttr:$resultMap,
                       OptionalAttr<Kernel_RowTilingAttr>:$tiling);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `rows` `(` $rows `)` `channels` $channels
    `input` `(` $input `at` $inputMap `:` type($input) `)` `init` `(` $init `at` $resultMap `:` type($init) `)`
    (`tiling` $tiling^)? attr-dict (`->` type($results)^)?
  }];
}

#endif // KERNEL_COMPUTE_TD
