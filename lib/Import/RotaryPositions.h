//===- RotaryPositions.h - Queries and keys turned by position -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ROTARYPOSITIONS_H
#define VITC_LIB_IMPORT_ROTARYPOSITIONS_H

#include "LayerBuilder.h"

namespace vitc::import_ {

/// How a patch's place becomes angles.
struct AxialRotary {
  double base = 100;
  /// Its centre between the picture's borders, -1 and 1, times 2 pi; otherwise
  /// its number, plus the offset.
  bool centered = true;
  double offset = 0;
  /// How many patches there were along each side when numbers were learned,
  /// to which they are scaled; 0: they are not.
  int64_t referencePatches = 0;
  /// The first half of the angles is of the width.
  bool widthFirst = false;
  /// The source turns features 2 i and 2 i + 1 with each other, not i and
  /// i + D / 2.
  bool neighbours = false;
};

/// By which angle each feature of a head is turned, for each token.
struct RotaryTables {
  mlir::Value cosine; // [N, D / 2]
  /// [N, 2, D / 2], negative for the first half of the head.
  mlir::Value sine;
};

/// Tables for `prefix` tokens, which are not turned, and a grid of patches. Of
/// the D / 2 angles of a patch the first half is of its height, the second of
/// its width: its place there times base^(-4 i / D). D is a multiple of 4.
/// Source: Heo et al. 2024 (axial RoPE), section 3.2; centred places as DINOv3
/// (Simeoni et al. 2025) has them.
RotaryTables buildAxialRotaryTables(LayerBuilder &layers, int64_t prefix,
                                    int64_t height, int64_t width,
                                    int64_t headDim, const AxialRotary &rotary,
                                    const llvm::Twine &layer);

/// Turns feature i of each head of `rows` [B, N, H * D] with feature i + D / 2.
/// Source: Su et al. 2021 (RoFormer), eq. (34).
mlir::Value rotateHeads(LayerBuilder &layers, mlir::Value rows,
                        int64_t numHeads, const RotaryTables &tables,
                        const llvm::Twine &layer);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ROTARYPOSITIONS_H
