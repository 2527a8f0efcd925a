//===- PatchEmbed.td - Patch embedding ------------------ -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_PATCH_EMBED_TD
#define VIT_PATCH_EMBED_TD

include "Vit/VitAttrs.td"

def Vit_PatchEmbedOp : Vit_Op<"patch_embed", [Pure, AttrSizedOperandSegments,
    InferTypeOpAdaptor]> {
  let summary = "patches of an image, projected, behind the class token, with positions";
  let description = [{
    Cuts the image into N = (H/Ph) * (W/Pw) patches, row-major, and projects each:

      result[b, T + n] = filter · norm(patch[b, n]) + bias + position[T + n]
      result[b, t]     = tokens[t] + position[t]         for t < T

    `norm` is none, or normalises the C * Ph * Pw pixels of each patch first.
    Shapes: image [B, C, H, W], filter [E, C, Ph, Pw], bias [E], tokens [T, E] (class,
    distillation; T = 0 when absent), position [T + N, E], result [B, T + N, E].
    Accumulates in f32 for element types of 32 bits or less.
    Source: Dosovitskiy et al. 2021 (ViT), eq. (1); tokens as in Touvron et al. 2021
    (DeiT).
    C1: image and filter have the same C.    C2: Ph divides H and Pw divides W.
    C3: bias has E elements.                 C4: tokens are E wide.
    C5: position is [T + N, E].
    ```mlir
    %z = vit.patch_embed %image, %filter bias(%b : tensor<8xf32>) tokens(%cls : tensor<1x8xf32>) position(%p : tensor<5x8xf32>)
        : tensor<?x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<?x5x8xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$image, Vit_Parameter4D:$filter, Optional<Vit_Parameter1D>:$bias,
                       Optional<Vit_Parameter2D>:$tokens, Optional<Vit_Parameter2D>:$position,
                       OptionalAttr<Vit_NormAttr>:$norm);
  let results = (outs Vit_FloatTensor3D:$result);
  let assemblyFormat = [{
    $image `,` $filter (`bias` `(` $bias^ `:` type($bias) `)`)? (`tokens` `(` $tokens^ `:` type($tokens) `)`)?
    (`position` `(` $position^ `:` type($position) `)`)? (`norm` $norm^)? attr-dict
    `:` type($image) `,` type($filter) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Number of tokens before the patches.
    int64_t getNumTokens();
    /// Patches along the height and along the width.
    int64_t getGridHeight();
    int64_t getGridWidth();
  }];
}

#endif // VIT_PATCH_EMBED_TD
