//===- Attention.td - Attention and its heads ----------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_ATTENTION_TD
#define VIT_ATTENTION_TD

include "Vit/VitAttrs.td"

def Vit_AttentionOp : Vit_Op<"attention", [Pure, AttrSizedOperandSegments, InferTypeOpAdaptor]> {
  let summary = "scaled dot-product attention over all heads";
  let description = [{
    For every batch b and head h, with softmax taken along the keys:

      result[b,h] = softmax(cap(scale * query[b,h] · key[b,h]^T) + bias[b,h] + mask[b,h])
                    · value[b,h]

    where cap(x) is softcap * tanh(x / softcap), or x without `softcap`. Query i sees
    the keys j <= i + causal, with `causal`, that are less than key_length[b].

    Shapes: query [B, H, Nq, D], key [B, Hk, Nk, D], value [B, Hk, Nk, Dv], bias and
    mask [Bb, 1 or H, Nq, Nk] (-inf masks a key), key_length [B], result
    [B, H, Nq, Dv].
    Head h reads key-value head h / (H / Hk). Bb divides B: item b of the batch reads
    item b mod Bb of the bias or mask, as Swin's windows, w of an image's nW, do.
    Products and softmax accumulate in f32 for every element type of 32 bits or
    less. A row with every key masked gives zeros; masks by finite numbers leave a
    row that they cover its probabilities.
    Source: Vaswani et al. 2017, eq. (1); bias as in Liu et al. 2021 (Swin), eq. (4);
    softcap as in Gemma Team 2024, section 2.
    C1: query and key have the same D.   C2: key and value have the same Nk.
    C3: Hk divides H, B agrees; bias and mask have 1 or H heads.
    C4: bias and mask end in Nq x Nk.    C5: a static Bb divides a static B.
    C6: softcap is positive and finite.  C7: key_length has B elements.
    ```mlir
    %r = vit.attention %q, %k, %v scale 1.250000e-01
        : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x64xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$query, Vit_FloatTensor4D:$key, Vit_FloatTensor4D:$value,
                       Optional<Vit_FloatTensor4D>:$bias, Optional<Vit_FloatTensor4D>:$mask,
                       Optional<Vit_IndexTensor1D>:$keyLength, F64Attr:$scale,
                       OptionalAttr<I64Attr>:$causal, OptionalAttr<F64Attr>:$softcap);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`bias` `(` $bias^ `:` type($bias) `)`)? (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`key_length` `(` $keyLength^ `:` type($keyLength) `)`)?
    `scale` $scale (`causal` $causal^)? (`softcap` $softcap^)? attr-dict
    `:` type($query) `,` type($key) `,` type($value) `->` type($result)
  }];
  let builders = [
    // All keys are seen as they are, but for bias and mask.
    OpBuilder<(ins "::mlir::Value":$query, "::mlir::Value":$key, "::mlir::Value":$value, "::mlir::Value":$bias,
                   "::mlir::Value":$mask, "::mlir::FloatAttr":$scale)>,
  ];
  let hasVerifier = 1;
}

def Vit_SoftmaxMatmulOp : Vit_Op<"softmax_matmul", [Pure, InferTypeOpAdaptor]> {
  let summary = "softmax of scores, multiplied with values, over all heads";
  let description = [{
    For every batch b and head h, with softmax taken along the keys:

      result[b,h] = softmax(scores[b,h]) · value[b,h]

    which is vit.attention where the scores are no product of queries and keys.

    Shapes: scores [B, H, Nq, Nk], value [B, Hk, Nk, Dv], result [B, H, Nq, Dv].
    Head h reads value head h / (H / Hk). Softmax and product accumulate in f32 for
    every element type of 32 bits or less. A row of -inf gives zeros.
    Source: Bahdanau et al. 2015, eqs. (5)-(6), additive attention; Shazeer et al.
    2020 (talking heads), section 3, the scores after the first projection.
    C1: scores and value have the same Nk.    C2: Hk divides H, B agrees.
    ```mlir
    %r = vit.softmax_matmul %s, %v : tensor<1x6x9x9xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x64xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$scores, Vit_FloatTensor4D:$value);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = "$scores `,` $value attr-dict `:` type($scores) `,` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Vit_AttentionMapOp : Vit_Op<"attention_map", [Pure, AttrSizedOperandSegments, InferTypeOpAdaptor]> {
  let summary = "the attention probabilities of queries that are chosen at run time";
  let description = [{
    With p[b,h] = softmax(cap(scale * query[b,h] · key[b,h]^T) + bias[b,h] + mask[b,h])
    as in vit.attention, and (first, count) = selection[layer], the result begins with
    the matrix m [B, W, H, count, Nk], row-major; what follows is not specified.

      m[b, w, h, i] = p[b * W + w, h, first + i]     for 0 <= first <= Nq - count
      m[b, w, h, 0] = mean over n of p[b * W + w, h, n]    for first = -1, count = 1

    A count of 0 skips the layer: nothing of it is computed.
    Shapes: query [B * W, H, Nq, D], key [B * W, Hk, Nk, D], bias and mask
    [Bb, 1 or H, Nq, Nk], selection [layers, 2], result [B, W, H, Nq, Nk]; W is
    `windows`, of an image. Each row of m sums to 1, and to 0 where every key is masked.
    Source: the probabilities of Vaswani et al. 2017, eq. (1); the class token's are
    the maps of Caron et al. 2021 (DINO), fig. 1.
    C1: query and key have the same D.   C2: Hk divides H, B agrees; bias and mask
    have 1 or H heads.   C3: bias and mask end in Nq x Nk.   C4: a static Bb divides a
    static B.   C5: windows is positive and divides a static B * W.
    C6: selection has a static number of layers, of 2 numbers each; layer is one of them.
    C7: softcap is positive and finite; key_length has B * W elements.
    ```mlir
    %m = vit.attention_map %q, %k scale 1.250000e-01 selection(%s[3] : tensor<12x2xi64>) windows 1
        : tensor<?x6x9x64xf32>, tensor<?x6x9x64xf32> -> tensor<?x1x6x9x9xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$query, Vit_FloatTensor4D:$key, Optional<Vit_FloatTensor4D>:$bias,
                       Optional<Vit_FloatTensor4D>:$mask, Optional<Vit_IndexTensor1D>:$keyLength,
                       RankedTensorOf<[I64]>:$selection, F64Attr:$scale, OptionalAttr<I64Attr>:$causal,
                       OptionalAttr<F64Attr>:$softcap, I64Attr:$layer, I64Attr:$windows);
  let results = (outs Vit_FloatTensor:$result);
  let assemblyFormat = [{
    $query `,` $key (`bias` `(` $bias^ `:` type($bias) `)`)? (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`key_length` `(` $keyLength^ `:` type($keyLength) `)`)?
    `scale` $scale (`causal` $causal^)? (`softcap` $softcap^)?
    `selection` `(` $selection `[` $layer `]` `:` type($selection) `)` `windows` $windows attr-dict
    `:` type($query) `,` type($key) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Vit_SplitHeadsOp : Vit_Op<"split_heads", [Pure, InferTypeOpAdaptor]> {
  let summary = "tokens of H heads side by side -> one row of tokens per head";
  let description = [{
    result[b, h, n, d] = input[b, n, h * D + d].

    Shapes: input [B, N, H * D], result [B, H, N, D].
    Source: Vaswani et al. 2017, section 3.2.2.
    C1: heads divides the last dim.
    ```mlir
    %q = vit.split_heads %x heads 6 : tensor<?x9x384xf32> -> tensor<?x6x9x64xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor3D:$input, ConfinedAttr<I64Attr, [IntPositive]>:$heads);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = "$input `heads` $heads attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Vit_MergeHeadsOp : Vit_Op<"merge_heads", [Pure, InferTypeOpAdaptor]> {
  let summary = "one row of tokens per head -> tokens of H heads side by side";
  let description = [{
    result[b, n, h * D + d] = input[b, h, n, d], the concatenation of all heads.

    Shapes: input [B, H, N, D], result [B, N, H * D].
    Source: Vaswani et al. 2017, section 3.2.2.
    ```mlir
    %x = vit.merge_heads %a : tensor<?x6x9x64xf32> -> tensor<?x9x384xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$input);
  let results = (outs Vit_FloatTensor3D:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}

#endif // VIT_ATTENTION_TD
