//===- Window.td - Windows of a feature map -------------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_WINDOW_TD
#define VIT_WINDOW_TD

include "Vit/VitAttrs.td"

def Vit_WindowPartitionOp : Vit_Op<"window_partition", [Pure, InferTypeOpAdaptor]> {
  let summary = "a feature map -> the tokens of its windows";
  let description = [{
    With nW = (H / Mh) * (W / Mw) windows in row-major order, wx = w mod (W / Mw):

      result[b * nW + w, i * Mw + j, c]
          = input[b, w / (W / Mw) * Mh + i, wx * Mw + j, c]

    Shapes: input [B, H, W, C], window [Mh, Mw], result [B * nW, Mh * Mw, C].
    Source: Liu et al. 2021 (Swin), section 3.2.
    C1: window has 2 sizes from 1 to 32767.    C2: Mh divides H, Mw divides W.
    ```mlir
    %w = vit.window_partition %x window [4, 4] : tensor<?x8x8x32xf32> -> tensor<?x16x32xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$input, DenseI64ArrayAttr:$window);
  let results = (outs Vit_FloatTensor3D:$result);
  let assemblyFormat = "$input `window` $window attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Vit_WindowReverseOp : Vit_Op<"window_reverse", [Pure, InferTypeOpAdaptor]> {
  let summary = "the tokens of windows -> the feature map they tile";
  let description = [{
    The inverse of vit.window_partition: result[b, y, x, c] =
    input[b * nW + y / Mh * (W / Mw) + x / Mw, y mod Mh * Mw + x mod Mw, c].

    Shapes: input [B * nW, Mh * Mw, C], size [H, W], window [Mh, Mw], result
    [B, H, W, C].
    Source: Liu et al. 2021 (Swin), section 3.2.
    C1: size and window have 2 positive sizes, the window's at most 32767.
    C2: Mh divides H, Mw divides W.
    C3: input has Mh * Mw tokens.    C4: nW divides a static first dim of input.
    ```mlir
    %x = vit.window_reverse %w window [4, 4] size [8, 8] : tensor<?x16x32xf32> -> tensor<?x8x8x32xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor3D:$input, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$size);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = "$input `window` $window `size` $size attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Vit_CyclicShiftOp : Vit_Op<"cyclic_shift", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "a feature map, rolled along height and width";
  let description = [{
    result[b, y, x, c] = input[b, (y + sy) mod H, (x + sx) mod W, c], which is
    torch.roll by (-sy, -sx).

    Shapes: input and result [B, H, W, C], shift [sy, sx] (negative: back).
    Source: Liu et al. 2021 (Swin), section 3.2, "efficient batch computation".
    C1: shift has 2 entries, of absolute value less than H and W.
    ```mlir
    %y = vit.cyclic_shift %x shift [2, 2] : tensor<?x8x8x32xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$input, DenseI64ArrayAttr:$shift);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = "$input `shift` $shift attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Vit_ShiftMaskOp : Vit_Op<"shift_mask", [Pure]> {
  let summary = "the mask of attention in cyclically shifted windows";
  let description = [{
    After a cyclic shift a window may hold tokens that were not neighbours. A row y of
    the shifted map belongs to region 0 for y < H - Mh, 1 for y < H - sy, else 2 (all
    to 0 where sy is 0), a column likewise; result[w, 0, i, j] is 0 where tokens i and
    j of window w are of one region, else `value`.

    Shapes: size [H, W], window [Mh, Mw], shift [sy, sx], result [nW, 1, N, N] with
    N = Mh * Mw.
    Source: Liu et al. 2021 (Swin), figure 4; value is -100 there.
    C1: size, window and shift have 2 entries; Mh and Mw, at most 32767, divide H and W.
    C2: 0 <= sy < Mh and 0 <= sx < Mw.    C3: the result has this shape.
    ```mlir
    %m = vit.shift_mask size [8, 8] window [4, 4] shift [2, 2] value -1.000000e+02 : tensor<4x1x16x16xf32>
    ```
  }];
  let arguments = (ins DenseI64ArrayAttr:$size, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$shift, F64Attr:$value);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = "`size` $size `window` $window `shift` $shift `value` $value attr-dict `:` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The region of each window's tokens, row-major [nW, N]: 3 times the row's
    /// region and the column's.
    static ::llvm::SmallVector<int32_t> getRegions(
        ::llvm::ArrayRef<int64_t> size, ::llvm::ArrayRef<int64_t> window,
        ::llvm::ArrayRef<int64_t> shift);
  }];
}

def Vit_RelativePositionBiasOp : Vit_Op<"relative_position_bias", [Pure, InferTypeOpAdaptor]> {
  let summary = "the bias of each pair of a window's tokens, by their distance";
  let description = [{
    With token i at (yi, xi) of an Mh x Mw window, row-major:

      index(i, j) = (yi - yj + Mh - 1) * (2 * Mw - 1) + xi - xj + Mw - 1
      result[0, h, i, j] = table[index(i, j), h]

    With `classToken`, token 0 is a class token and the window's tokens follow; with
    T rows in the table, row T - 3 is for the class token to any other, T - 2 for any
    other to the class token, T - 1 for the class token to itself.

    Shapes: table [(2 * Mh - 1) * (2 * Mw - 1), H], 3 rows more with `classToken`;
    result [1, H, N, N], N = Mh * Mw, 1 more with `classToken`.
    Source: Liu et al. 2021 (Swin), eq. (4); Bao et al. 2022 (BEiT) for class tokens.
    C1: window has 2 sizes from 1 to 32767.    C2: the table has this number of rows.
    ```mlir
    %b = vit.relative_position_bias %table window [4, 4] : tensor<49x3xf32> -> tensor<1x3x16x16xf32>
    ```
  }];
  let arguments = (ins Vit_Parameter2D:$table, DenseI64ArrayAttr:$window, UnitAttr:$classToken);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = "$table `window` $window (`class_token` $classToken^)? attr-dict `:` type($table) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The row of the table for each pair of tokens, row-major [N, N].
    ::llvm::SmallVector<int32_t> getIndex();
  }];
}

def Vit_PatchMergingOp : Vit_Op<"patch_merging", [Pure, InferTypeOpAdaptor]> {
  let summary = "the channels of 2 x 2 neighbours side by side";
  let description = [{
    result[b, y, x, (2 * j + i) * C + c] = input[b, 2 * y + i, 2 * x + j, c]. The norm
    and the linear layer of Swin's patch merging are ops of their own.

    Shapes: input [B, H, W, C], result [B, H / 2, W / 2, 4 * C].
    Source: Liu et al. 2021 (Swin), section 3.1.
    C1: H and W are even.
    ```mlir
    %y = vit.patch_merging %x : tensor<?x8x8x32xf32> -> tensor<?x4x4x128xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor4D:$input);
  let results = (outs Vit_FloatTensor4D:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif // VIT_WINDOW_TD
