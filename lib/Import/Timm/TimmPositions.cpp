//===- TimmPositions.cpp - Positions of timm's plain transformers ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimmLayers.h"

#include "ConvLayers.h"
#include "InputFile.h"
#include "ResizePositions.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

std::optional<RotaryTables> TimmLayers::axialRotary(const Twine &layer,
                                                    std::array<int64_t, 2> size,
                                                    int64_t width,
                                                    int64_t numHeads) {
  if (width % (4 * numHeads) != 0) {
    fail() << "'" << layer.str() << "' has a width of " << width << " in "
           << numHeads
           << " heads; rotary positions need a multiple of 4 in each";
    return std::nullopt;
  }
  AxialRotary rotary;
  rotary.base = 1e4;
  rotary.centered = false;
  return buildAxialRotaryTables(layers, /*prefix=*/0, size[0], size[1],
                                width / numHeads, rotary, layer);
}

Value TimmLayers::rotarySelfAttention(Value tokens, const Twine &layer,
                                      int64_t numHeads,
                                      const RotaryTables &tables) {
  std::string name = layer.str();
  Value rows = linear(tokens, name + ".qkv");
  int64_t width = getSize(tokens, 2);
  if (!rows)
    return {};
  if (getSize(rows, 2) != 3 * width)
    return fail() << "'" << name << ".qkv' has a width of " << getSize(rows, 2)
                  << "; query, key and value need " << width << " each";
  auto part = [&](int64_t index) {
    Value part = slice(rows, 2, index * width, width, name);
    if (index < 2)
      part = keepBatch(rotateHeads(layers, part, numHeads, tables, name), rows);
    return splitHeads(part, numHeads, name);
  };
  return linear(attend(part(0), part(1), part(2), name), name + ".proj");
}

Value TimmLayers::addPositions(Value tokens, const Twine &weight,
                               std::array<int64_t, 2> size, PositionResize form,
                               bool cropped, std::array<int64_t, 2> learned) {
  if (!tokens)
    return {};
  std::string name = weight.str();
  ArrayRef<int64_t> stored = checkpoint.getShape(name);
  int64_t width = getSize(tokens, 2);
  GridSize from;
  if (stored.size() == 4) {
    from = {stored[1], stored[2]};
  } else {
    auto shape = getWeightShape(name, 3);
    if (!shape)
      return {};
    auto side = int64_t(std::llround(std::sqrt(double((*shape)[1]))));
    if (learned[0] * learned[1] == (*shape)[1])
      from = {learned[0], learned[1]};
    else if (side * side == (*shape)[1])
      from = {side, side};
    else
      from = {size[0], size[1]};
  }
  if (from.first < 1 || from.second < 1)
    return fail() << "tensor '" << name << "' has shape " << formatShape(stored)
                  << "; it needs sizes of 1 or more";
  int64_t longer = std::max(size[0], size[1]);
  if (!checkTableSize(name, std::max(from.first, from.second), longer))
    return {};
  SmallVector<int64_t> shape = {1, from.first * from.second, width};
  if (stored.size() == 4)
    shape = {1, from.first, from.second, width};
  startLayer(name);
  Value grid =
      b.reshape(parameter(name, shape), {from.first * from.second, width});
  GridSize to = {size[0], size[1]};
  if (from != to) {
    GridSize resized = cropped ? GridSize(longer, longer) : to;
    grid = resizePositions(layers, grid, from, resized, name, form);
    if (resized != to) {
      grid = b.reshape(grid, {longer, longer, width});
      grid = b.sliceDim(b.sliceDim(grid, 0, 0, to.first), 1, 0, to.second);
      grid = b.reshape(grid, {to.first * to.second, width});
    }
  }
  return addBroadcast(tokens, grid, name);
}

Value TimmLayers::linePositions(const Twine &weight, int64_t width,
                                int64_t length, int64_t count,
                                PositionResize form) {
  std::string name = weight.str();
  auto shape = getWeightShape(name, 3);
  if (!shape)
    return {};
  int64_t stored = (*shape)[1];
  if (!checkTableSize(name, stored, length))
    return {};
  startLayer(name);
  Value line = b.reshape(parameter(name, {1, stored, width}), {stored, width});
  line = resizePositions(layers, line, {stored, 1}, {length, 1}, name, form);
  return b.sliceDim(line, 0, 0, count);
}
