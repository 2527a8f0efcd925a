//===- Rollout.h - Attention rollout over layers -------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_ROLLOUT_H
#define VITC_LIB_RUNTIME_PROGRAM_ROLLOUT_H

#include <cstdint>
#include <vector>

namespace vitc::rt {

/// How much each token of the input counts for one token after some layers: a
/// row of the product of all layers' matrices, multiplied from the last layer
/// to the first. Source: Abnar and Zuidema 2020, eqs. (1) and (2).
class Rollout {
public:
  /// Begins with token `query` behind the last layer.
  Rollout(int64_t tokens, int64_t query);

  /// Goes back through a layer: with A the mean over heads of the matrices in
  /// `probabilities`, [heads, tokens, tokens], multiplies with 0.5 A + 0.5 I,
  /// each row of it divided by its sum.
  void addLayer(const float *probabilities, int64_t heads);

  /// [tokens], of sum 1.
  const std::vector<double> &getRow() const { return row; }

private:
  std::vector<double> row;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_ROLLOUT_H
