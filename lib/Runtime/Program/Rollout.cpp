//===- Rollout.cpp - Attention rollout over layers ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Rollout.h"

using namespace vitc::rt;

Rollout::Rollout(int64_t tokens, int64_t query) : row(tokens) {
  row[query] = 1.0;
}

void Rollout::addLayer(const float *probabilities, int64_t heads) {
  int64_t tokens = row.size();
  std::vector<double> result(tokens), mixed(tokens);
  for (int64_t i = 0; i < tokens; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < tokens; ++j) {
      double mean = 0;
      for (int64_t head = 0; head < heads; ++head)
        mean += probabilities[(head * tokens + i) * tokens + j];
      mixed[j] = 0.5 * mean / static_cast<double>(heads) + (i == j ? 0.5 : 0.0);
      sum += mixed[j];
    }
    for (int64_t j = 0; j < tokens; ++j)
      result[j] += row[i] * mixed[j] / sum;
  }
  row = std::move(result);
}
