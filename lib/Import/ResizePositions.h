//===- ResizePositions.h - For another grid --------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_RESIZEPOSITIONS_H
#define VITC_LIB_IMPORT_RESIZEPOSITIONS_H

#include "LayerBuilder.h"
#include "VitSpec.h"

namespace vitc::import_ {

/// Height and width, in patches.
using GridSize = std::pair<int64_t, int64_t>;

/// Positions [from.height * from.width, E] of patches for a grid of another
/// size, by default as timm's resample_abs_pos_embed has them, along the height
/// and then along the width. The ops are on constants.
mlir::Value resizePositions(LayerBuilder &builder, mlir::Value positions,
                            GridSize from, GridSize to,
                            const llvm::Twine &layer,
                            PositionResize form = PositionResize::Antialiased);

/// The relative position biases of patches, a row for each distance,
/// [(2 * from.height - 1) * (2 * from.width - 1), H], for another grid: as
/// BeitRelativePositionBias of transformers or resize_rel_pos_bias_table of
/// timm has them. The ops are on constants.
mlir::Value resizeBiasTable(LayerBuilder &builder, mlir::Value table,
                            GridSize from, GridSize to, BiasResize form,
                            const llvm::Twine &layer);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_RESIZEPOSITIONS_H
