//===- DistanceBias.h - Attention's bias by distance in a text -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A learned bias of attention for each head and bucket of distances: short
// distances have a bucket each, longer ones share buckets that grow as the
// logarithm does.
//
// Source: Raffel et al. 2020 (T5), section 2.1.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_DISTANCEBIAS_H
#define VITC_LIB_IMPORT_DISTANCEBIAS_H

#include "LayerBuilder.h"
#include "TextSpec.h"

namespace vitc::import_ {

/// The bucket of a key that is `distance` tokens behind its query; before it,
/// negative. With `bothSides`, half of the buckets are for keys behind it, and
/// else keys behind share a bucket with the query's own.
int64_t getDistanceBucket(int64_t distance, bool bothSides, int64_t numBuckets,
                          int64_t maxDistance);

/// Of all pairs of a text's tokens: [1, H, N, N].
mlir::Value buildDistanceBias(LayerBuilder &layers, const TextSpec &spec);

/// Of the token at `position`, an integer [1], to itself and those before it:
/// [1, H, 1, N].
mlir::Value buildDistanceBias(LayerBuilder &layers, const TextSpec &spec,
                              mlir::Value position);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_DISTANCEBIAS_H
