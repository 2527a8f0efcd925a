//===- GenerationAttention.cpp - A step's attention to places -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenerationAttention.h"

#include "InputFile.h"
#include "ModelLimits.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// The sizes behind the batch of an output that has probabilities of places,
/// [B, heads, places] or, as a map, [B, height, width]; empty for another type.
static ArrayRef<int64_t> getPlaces(RankedTensorType type) {
  if (type.getRank() < 2 || !isa<FloatType>(type.getElementType()))
    return {};
  ArrayRef<int64_t> shape = type.getShape().drop_front();
  bool isEmpty = ShapedType::isDynamicShape(shape) ||
                 ShapedType::getNumElements(shape) == 0;
  return isEmpty ? ArrayRef<int64_t>() : shape;
}

FailureOr<vit::TokenGridAttr> import_::readAttentionGrid(Config &config,
                                                         StringRef output,
                                                         RankedTensorType type,
                                                         bool readsPicture) {
  SmallVector<int64_t, 4> sizes =
      config.getSizes("attention_grid", {1, 1}, kMaxTokens, /*min=*/0);
  if (config.failed())
    return failure();
  auto getGrid = [&](int64_t prefix, int64_t height, int64_t width) {
    return vit::TokenGridAttr::get(type.getContext(), prefix, height, width,
                                   /*classToken=*/false);
  };
  ArrayRef<int64_t> shape = getPlaces(type);
  if (shape.empty())
    return config.emitError()
           << "attention names '" << output << "' of type " << type
           << "; it needs probabilities [batch, places]";
  int64_t places = shape.back();
  if (!config.contains("attention_grid")) {
    auto side = static_cast<int64_t>(std::sqrt(double(places)));
    return readsPicture && side * side == places ? getGrid(0, side, side)
                                                 : vit::TokenGridAttr();
  }
  if (sizes.size() == 2)
    sizes.insert(sizes.begin(), 0);
  bool fits = sizes.size() == 3 && sizes[1] > 0 && sizes[2] > 0;
  int64_t count = fits ? sizes[0] + sizes[1] * sizes[2] : 0;
  bool isMap = fits && count == ShapedType::getNumElements(shape.take_back(2));
  if (!fits || (count != places && !isMap))
    return config.emitError()
           << "attention_grid = " << formatShape(sizes) << "; the " << places
           << " places of '" << output
           << "' need [height, width] or [prefix, height, width]";
  return getGrid(sizes[0], sizes[1], sizes[2]);
}
