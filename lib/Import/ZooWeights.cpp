//===- ZooWeights.cpp - Generated weights ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ZooWeights.h"

#include "Vit/VitDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static uint64_t fnv1a64(StringRef text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : text)
    hash = (hash ^ uint8_t(c)) * 0x100000001b3;
  return hash;
}

static float getMean(WeightRole role) {
  return role == WeightRole::NormScale ? 1.0f : 0.0f;
}

/// Half the width of the distribution, whose deviation is scale / sqrt(3).
static float getScale(WeightRole role, ArrayRef<int64_t> shape) {
  auto getMatrixScale = [](int64_t fanIn) {
    return float(std::sqrt(3.0 / double(fanIn)));
  };
  switch (role) {
  case WeightRole::Matrix: {
    int64_t fanIn = 1;
    for (int64_t dim : shape.drop_front())
      fanIn *= dim;
    return getMatrixScale(fanIn);
  }
  case WeightRole::TransposedMatrix:
    return getMatrixScale(shape.front());
  case WeightRole::Bias:
  case WeightRole::NormShift:
    return 0.125f;
  case WeightRole::NormScale:
    return 0.25f;
  case WeightRole::Token:
    return 1.0f;
  }
  llvm_unreachable("all roles are covered");
}

RankedTensorType ZooWeights::define(OpBuilder &builder, StringRef name,
                                    ArrayRef<int64_t> shape, const Twine &,
                                    WeightRole role) {
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  if (!defined.insert(name).second)
    return type;
  uint64_t stream = fnv1a64(name) ^ (seed * 0x9E3779B97F4A7C15);
  vit::WeightOp::create(builder, NameLoc::get(builder.getStringAttr(name)),
                        name, type, /*file=*/FlatSymbolRefAttr(),
                        /*offset=*/IntegerAttr(),
                        builder.getI64IntegerAttr(int64_t(stream)),
                        builder.getF32FloatAttr(getMean(role)),
                        builder.getF32FloatAttr(getScale(role, shape)));
  return type;
}

std::string ZooWeights::hash() const {
  llvm::BLAKE3 hasher;
  hasher.update(model);
  return llvm::toHex(hasher.final(), /*LowerCase=*/true);
}
