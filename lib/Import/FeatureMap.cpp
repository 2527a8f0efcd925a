//===- FeatureMap.cpp - Tokens as a map of the picture --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FeatureMap.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;

/// The most class, distillation and register tokens in front of patches.
static constexpr int64_t kMaxPrefix = 16;

namespace {
/// Patches, or what was merged of them, of the picture.
struct Grid {
  int64_t height, width;
};
} // namespace

/// The height and width of the first input [B, C, H, W].
static std::optional<Grid> getPictureSize(func::FuncOp function) {
  for (Type type : function.getArgumentTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor && tensor.getRank() == 4 && !tensor.isDynamicDim(2) &&
        !tensor.isDynamicDim(3))
      return Grid{tensor.getDimSize(2), tensor.getDimSize(3)};
  }
  return std::nullopt;
}

/// The largest grid of square patches of the picture that `fits`.
static std::optional<Grid> findGrid(Grid picture,
                                    llvm::function_ref<bool(Grid)> fits) {
  for (int64_t patch = 1; patch <= std::max(picture.height, picture.width);
       ++patch) {
    Grid grid{llvm::divideCeilSigned(picture.height, patch),
              llvm::divideCeilSigned(picture.width, patch)};
    if (fits(grid))
      return grid;
  }
  return std::nullopt;
}

static bool isGridOf(Grid picture, int64_t height, int64_t width) {
  return findGrid(picture,
                  [&](Grid grid) {
                    return grid.height == height && grid.width == width;
                  })
      .has_value();
}

/// Tokens [B, prefix + H * W, C] as [B, H, W, C].
static Value expandTokens(OpBuilder &b, Value tokens, Grid grid, Location loc) {
  auto type = cast<RankedTensorType>(tokens.getType());
  int64_t count = grid.height * grid.width;
  int64_t prefix = type.getDimSize(1) - count;
  if (prefix > 0) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, tokens);
    SmallVector<OpFoldResult> offsets(3, b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
    offsets[1] = b.getIndexAttr(prefix);
    sizes[1] = b.getIndexAttr(count);
    tokens =
        tensor::ExtractSliceOp::create(b, loc, tokens, offsets, sizes, strides);
  }
  auto expanded = RankedTensorType::get(
      {type.getDimSize(0), grid.height, grid.width, type.getDimSize(2)},
      type.getElementType());
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}, {3}};
  return tensor::ExpandShapeOp::create(b, loc, expanded, tokens, groups);
}

/// [B, H, W, C] as [B, C, H, W].
static Value moveChannelsFirst(OpBuilder &b, Value map, Location loc) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, map);
  SmallVector<OpFoldResult> moved = {sizes[0], sizes[3], sizes[1], sizes[2]};
  Value empty = tensor::EmptyOp::create(
      b, loc, moved, cast<RankedTensorType>(map.getType()).getElementType());
  return linalg::TransposeOp::create(b, loc, map, empty,
                                     ArrayRef<int64_t>{0, 3, 1, 2})
      ->getResult(0);
}

Value import_::buildFeatureMap(OpBuilder &b, Value value, func::FuncOp function,
                               StringRef name, Location loc) {
  auto type = cast<RankedTensorType>(value.getType());
  std::optional<Grid> picture = getPictureSize(function);
  Location mapLoc = NameLoc::get(b.getStringAttr(name + ".map"));
  if (picture && type.getRank() == 3 && !type.isDynamicDim(1)) {
    int64_t tokens = type.getDimSize(1);
    std::optional<Grid> grid = findGrid(*picture, [&](Grid each) {
      int64_t prefix = tokens - each.height * each.width;
      return prefix >= 0 && prefix <= kMaxPrefix;
    });
    if (grid)
      return moveChannelsFirst(b, expandTokens(b, value, *grid, mapLoc),
                               mapLoc);
  }
  if (picture && type.getRank() == 4) {
    if (isGridOf(*picture, type.getDimSize(2), type.getDimSize(3)))
      return value;
    if (isGridOf(*picture, type.getDimSize(1), type.getDimSize(2)))
      return moveChannelsFirst(b, value, mapLoc);
  }
  InFlightDiagnostic error = emitError(loc);
  error << "output '" << name << "' is " << type << "; a map needs [B, N, C] "
        << "or [B, H, W, C] of patches of the picture";
  return nullptr;
}
