//===- TextSpec.cpp - Checks of a text model's sizes ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextSpec.h"

#include "ModelLimits.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

LogicalResult import_::verifySizes(const TextSpec &spec, Location loc) {
  if (spec.headSize == 0 && spec.hiddenSize % spec.numHeads != 0)
    return emitError(loc) << spec.keys.hiddenSize << " = " << spec.hiddenSize
                          << " is not a multiple of " << spec.keys.numHeads
                          << " = " << spec.numHeads;
  if (spec.positions == TextPositions::Sines && spec.hiddenSize % 2 != 0)
    return emitError(loc) << spec.keys.hiddenSize << " = " << spec.hiddenSize
                          << "; positions of sines and cosines need an even "
                             "number";
  if (spec.positions == TextPositions::Sines && spec.sineSteps < 1)
    return emitError(loc) << spec.keys.hiddenSize << " = " << spec.hiddenSize
                          << "; positions of sines and cosines need more";
  // Of an encoder each side has half of the buckets; half of these are for one
  // distance each.
  if (!spec.names.distances.empty() &&
      spec.maxDistance <= spec.numBuckets / (spec.causal ? 2 : 4))
    return emitError(loc) << spec.keys.maxDistance << " = " << spec.maxDistance
                          << "; it needs to be more than "
                          << (spec.causal ? "half" : "a quarter")
                          << " of relative_attention_num_buckets = "
                          << spec.numBuckets;
  return success();
}

/// Of positions that are computed: their table is made before the weights are
/// compared with the sizes.
static LogicalResult verifyTable(const TextSpec &spec, Location loc) {
  if (spec.positions != TextPositions::Sines ||
      spec.length * spec.hiddenSize <= kMaxArea)
    return success();
  return emitError(loc) << "texts of " << spec.length << " tokens with "
                        << spec.keys.hiddenSize << " = " << spec.hiddenSize
                        << " need positions of "
                        << spec.length * spec.hiddenSize
                        << " numbers; vitc computes at most " << kMaxArea;
}

LogicalResult import_::verifyLength(int64_t length, int64_t limit,
                                    Location loc) {
  if (length < 1 || length > limit)
    return emitError(loc) << "texts of " << length
                          << " tokens were asked for; the model has positions "
                             "for 1 to "
                          << limit;
  return success();
}

LogicalResult import_::resolveLength(TextSpec &spec, int64_t defaultLength,
                                     std::optional<int64_t> asked,
                                     Location loc) {
  if (failed(verifySizes(spec, loc)))
    return failure();
  int64_t limit = spec.numPositions - spec.firstPosition;
  if (limit < 1)
    return emitError(loc) << "max_position_embeddings = " << spec.numPositions
                          << "; its first token has position "
                          << spec.firstPosition << ", which needs more";
  spec.length = defaultLength > 0 ? std::min(defaultLength, limit) : limit;
  if (asked) {
    spec.length = *asked;
    if (failed(verifyLength(spec.length, limit, loc)))
      return failure();
  }
  return verifyTable(spec, loc);
}
