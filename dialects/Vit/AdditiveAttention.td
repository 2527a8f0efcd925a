//===- AdditiveAttention.td - Attention with summed scores - -*- tablegen -*-==//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_ADDITIVE_ATTENTION_TD
#define VIT_ADDITIVE_ATTENTION_TD

include "Vit/VitDialect.td"

def Vit_AdditiveAttentionOp : Vit_Op<"additive_attention", [Pure, InferTypeOpAdaptor]> {
  let summary = "additive attention, as Bahdanau's";
  let description = [{
    For every batch b, with softmax taken along the keys j:

      result[b, i] = sum over j of softmax(scores[b, i])[j] * value[b, j]
      scores[b, i, j] = sum over d of weight[d] * tanh(query[b, i, d] + key[b, j, d])

    query and key are projected: keys once for all steps of a decoder, by a vit.linear
    outside of its loop. A constant that all scores have in common changes nothing.

    Shapes: query [B, Nq, D], key [B, Nk, D], weight [D], value [B, Nk, Dv], result
    [B, Nq, Dv]. All accumulates in f32 for element types of 32 bits or less.
    Source: Bahdanau et al. 2015, eqs. (5)-(6) and appendix A.1.2.
    C1: query, key and weight have the same D.   C2: key and value have the same Nk.
    C3: all have the same B and element type.
    ```mlir
    %c = vit.additive_attention %q, %k, %w, %v
        : tensor<?x1x64xf32>, tensor<?x25x64xf32>, tensor<64xf32>, tensor<?x25x32xf32> -> tensor<?x1x32xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor3D:$query, Vit_FloatTensor3D:$key, Vit_Parameter1D:$weight,
                       Vit_FloatTensor3D:$value);
  let results = (outs Vit_FloatTensor3D:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $weight `,` $value attr-dict
    `:` type($query) `,` type($key) `,` type($weight) `,` type($value) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // VIT_ADDITIVE_ATTENTION_TD
