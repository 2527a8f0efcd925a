//===- Ranking.cpp - How well texts fit pictures --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ranking.h"

#include "Status.h"

#include <cstring>

using namespace vitc::rt;

/// Row `row` of embeddings [rows, width].
static const float *rowOf(const NpyArray &embeddings, int64_t row) {
  return reinterpret_cast<const float *>(embeddings.bytes.data()) +
         row * embeddings.dims[1];
}

NpyArray vitc::rt::computeScores(const RankingDescriptor &ranking,
                                 const NpyArray &rows,
                                 const NpyArray &columns) {
  if (rows.dtype != VITC_F32 || columns.dtype != VITC_F32 ||
      rows.dims.size() != 2 || columns.dims.size() != 2 ||
      rows.dims[1] != columns.dims[1])
    throw Failure(VITC_INTERNAL,
                  "embeddings of pictures and texts differ; needs f32 of one "
                  "width");
  NpyArray scores;
  scores.dtype = VITC_F32;
  scores.dims = {rows.dims[0], columns.dims[0]};
  scores.bytes.resize(rows.dims[0] * columns.dims[0] * sizeof(float));
  uint8_t *next = scores.bytes.data();
  for (int64_t i = 0; i < rows.dims[0]; ++i)
    for (int64_t j = 0; j < columns.dims[0]; ++j) {
      const float *lhs = rowOf(rows, i), *rhs = rowOf(columns, j);
      double product = 0;
      for (int64_t e = 0; e < rows.dims[1]; ++e)
        product += double(lhs[e]) * rhs[e];
      float score = static_cast<float>(ranking.scale * product + ranking.bias);
      std::memcpy(next, &score, sizeof(score));
      next += sizeof(score);
    }
  return scores;
}
