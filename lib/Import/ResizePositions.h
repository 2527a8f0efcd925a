//===- ResizePositions.h - Position embeddings for another grid -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_RESIZEPOSITIONS_H
#define VITC_LIB_IMPORT_RESIZEPOSITIONS_H

#include "LayerBuilder.h"

namespace vitc::import_ {

/// Positions [from.height * from.width, E] of patches for a grid of another
/// size, as timm's resample_abs_pos_embed has them: bicubic (a = -0.5) with
/// antialiasing, along the height and then along the width. The ops are on
/// constants.
mlir::Value resizePositions(LayerBuilder &builder, mlir::Value positions,
                            std::pair<int64_t, int64_t> from,
                            std::pair<int64_t, int64_t> to,
                            const llvm::Twine &layer);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_RESIZEPOSITIONS_H
