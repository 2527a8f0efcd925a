//===- Footprint.h - What an op computes and moves --------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Facts about vit and linalg ops, for one item of the batch; an op that no item
// has a part in, as one on constants alone, counts once.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_FOOTPRINT_H
#define VITC_ANALYSIS_FOOTPRINT_H

#include "Vit/VitDialect.h"

namespace vitc {

struct Footprint {
  /// Of products: those that papers count. A multiply-add is 2 FLOPs.
  int64_t multiplyAdds = 0;
  /// Everything else that is computed: norms, softmax, activations, sums; one
  /// for each arith or math op on an element.
  int64_t otherFlops = 0;
  /// Operands read and results written, each once.
  int64_t bytes = 0;

  int64_t getFlops() const { return 2 * multiplyAdds + otherFlops; }
  Footprint &operator+=(const Footprint &other);
};

/// Other FLOPs, for each element: of a row that is normalised, without scale
/// and shift: sums of the elements and of the squared differences, then the
/// normalisation.
inline constexpr int64_t kLayerNormFlops = 6;
inline constexpr int64_t kRmsNormFlops = 3;
/// Of a score: scale, then max, subtraction, exp, sum and division of softmax.
inline constexpr int64_t kSoftmaxFlops = 6;
/// Of a result: GELU by a polynomial of its own counts as the ops of its
/// formula.
int64_t getActivationFlops(vit::Activation activation);

/// The footprint of an op with tensor results. Data movement computes nothing,
/// and nothing is counted for what becomes addresses: reshapes, slices,
/// transposes, windows, heads.
Footprint getFootprint(mlir::Operation *op);

/// Whether the op computes nothing: it moves, selects or names data.
bool isDataMovement(mlir::Operation *op);

/// Elements of a tensor for one item of the batch; a static dim 0 counts whole.
int64_t getNumElements(mlir::Value tensor);

} // namespace vitc

#endif // VITC_ANALYSIS_FOOTPRINT_H
