//===- Softmax.h - Softmax and values in linalg -------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOLINALG_SOFTMAX_H
#define VITC_CONVERSION_VITTOLINALG_SOFTMAX_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc {

/// The loop of head h as an index of key's heads: h / (H / Hk).
mlir::AffineExpr getKeyHead(mlir::Value key, int64_t numHeads,
                            mlir::AffineExpr head);

/// softmax along the last of four dims; a row of -inf gives zeros.
mlir::Value buildSoftmax(mlir::ImplicitLocOpBuilder &builder,
                         mlir::Value scores);

/// probabilities [B, H, Nq, Nk] · value [B, Hk, Nk, D], in `type`.
mlir::Value buildWeightedValues(mlir::ImplicitLocOpBuilder &builder,
                                mlir::Value probabilities, mlir::Value value,
                                mlir::Type type);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOLINALG_SOFTMAX_H
