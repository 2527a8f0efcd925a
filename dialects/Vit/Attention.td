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

      result[b,h] = softmax(scale * query[b,h] · key[b,h]^T + bias[b,h] + mask[b,h])
                    · value[b,h]

    Shapes: query [B, H, Nq, D], key [B, Hk, Nk, D], value [B, Hk, Nk, Dv], bias and
    mask [Bb, 1 or H, Nq, Nk] (-inf masks a key), result [B, H, Nq, Dv].
    Head h reads key-value head h / (H / Hk). Bb divides B: item b of the batch reads
    item b mod Bb of the bias or mask, as Swin's windows, w of an image's nW, do.
    Products and softmax accumulate in f32 for every element type of 32 bits or
    less. A row with every key masked gives zeros.
    Source: Vaswani et al. 2017, eq. (1); bias as in Liu et al. 2021 (Swin), eq. (4).
    C1: query and key have the same D.   C2: key and value have the same Nk.
    C3: Hk divides H, B agrees; bias and mask have 1 or H heads.
    C4: bias and mask end in Nq x Nk.    C5: a static Bb divides a static B.
    ```mlir
    %r = vit.attention %q, %k, %v scale 1.250000e-01
        : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x64xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$query, Vit_FloatTensor4D:$key, Vit_FloatTensor4D:$value,
                       Optional<Vit_FloatTensor4D>:$bias, Optional<Vit_FloatTensor4D>:$mask, F64Attr:$scale);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`bias` `(` $bias^ `:` type($bias) `)`)? (`mask` `(` $mask^ `:` type($mask) `)`)?
    `scale` $scale attr-dict
    `:` type($query) `,` type($key) `,` type($value) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Vit_AttentionMapOp : Vit_Op<"attention_map", [Pure, AttrSizedOperandSegments, InferTypeOpAdaptor]> {
  let summary = "the attention probabilities of one query, or their mean over all";
  let description = [{
    With p[b,h] = softmax(scale * query[b,h] · key[b,h]^T + bias[b,h] + mask[b,h]) as
    in vit.attention:

      result[b,h] = p[b,h,0]                 for queries first (the class token)
      result[b,h] = mean over n of p[b,h,n]  for queries mean

    Shapes: query [B, H, Nq, D], key [B, Hk, Nk, D], bias and mask
    [Bb, 1 or H, Nq, Nk], result [B, H, Nk]. Each row of the result sums to 1 where no
    query has every key masked.
    Source: the class token's attention as in Caron et al. 2021 (DINO), fig. 1.
    C1: query and key have the same D.   C2: Hk divides H, B agrees; bias and mask
    have 1 or H heads.   C3: bias and mask end in Nq x Nk.   C4: a static Bb divides a
    static B.
    ```mlir
    %m = vit.attention_map %q, %k scale 1.250000e-01 queries first
        : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$query, Vit_FloatTensor4D:$key, Optional<Vit_FloatTensor4D>:$bias,
                       Optional<Vit_FloatTensor4D>:$mask, F64Attr:$scale, Vit_QuerySelectionAttr:$queries);
  let results = (outs Vit_FloatTensor3D:$result);
  let assemblyFormat = [{
    $query `,` $key (`bias` `(` $bias^ `:` type($bias) `)`)? (`mask` `(` $mask^ `:` type($mask) `)`)?
    `scale` $scale `queries` custom<Keyword>($queries) attr-dict
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
