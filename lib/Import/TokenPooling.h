//===- TokenPooling.h - One vector from the tokens of a text ----*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TOKENPOOLING_H
#define VITC_LIB_IMPORT_TOKENPOOLING_H

#include "LayerBuilder.h"

namespace vitc::import_ {

/// The mean [B, E] of the rows of `hidden` [B, N, E] whose `mask` [B, N], of
/// integers, is not 0; zeros where there is none.
mlir::Value buildMaskedMean(LayerBuilder &layers, mlir::Value hidden,
                            mlir::Value mask, const llvm::Twine &layer);

/// The number [B, 1] of the first of `ids` [B, N] that is `token`; 0 where none
/// is.
mlir::Value buildPositionOf(LayerBuilder &layers, mlir::Value ids,
                            int64_t token, const llvm::Twine &layer);

/// The number [B, 1] of the first of the greatest `ids` [B, N], which are less
/// than 2^31.
mlir::Value buildPositionOfGreatest(LayerBuilder &layers, mlir::Value ids,
                                    const llvm::Twine &layer);

/// Row position[b, 0] of item b of `hidden` [B, N, E]: [B, E].
mlir::Value buildRowAt(LayerBuilder &layers, mlir::Value hidden,
                       mlir::Value position, const llvm::Twine &layer);

/// The rows of `input` [B, E], each scaled to length 1.
mlir::Value buildUnitRows(LayerBuilder &layers, mlir::Value input,
                          const llvm::Twine &layer);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TOKENPOOLING_H
