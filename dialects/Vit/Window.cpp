//===- Window.cpp - Windows of a feature map ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace vitc::vit;

/// The largest window: so that the number of pairs of its tokens fits 64 bits.
static constexpr int64_t kMaxWindow = 32767;

/// Checks that `sizes` of `op` are two, each from 1 to `limit`.
static LogicalResult verifySizes(std::optional<Location> location, StringRef op,
                                 StringRef name, ArrayRef<int64_t> sizes,
                                 int64_t limit) {
  if (sizes.size() == 2 && llvm::all_of(sizes, [&](int64_t size) {
        return size >= 1 && size <= limit;
      }))
    return success();
  return emitOptionalError(location, "'", op, "' op has ", name, " [", sizes,
                           "]; needs 2 sizes of 1 to ", limit);
}

/// Checks that `window`, of two positive sizes, divides `size`.
static LogicalResult verifyDivides(Operation *op, ArrayRef<int64_t> window,
                                   ArrayRef<int64_t> size) {
  if (size[0] % window[0] == 0 && size[1] % window[1] == 0)
    return success();
  return op->emitOpError() << "has windows of " << window[0] << " x "
                           << window[1] << " but the map is " << size[0]
                           << " x " << size[1]
                           << "; the window must divide the map";
}

//===----------------------------------------------------------------------===//
// WindowPartitionOp
//===----------------------------------------------------------------------===//

LogicalResult WindowPartitionOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  ArrayRef<int64_t> window = adaptor.getWindow();
  if (failed(verifySizes(location, getOperationName(), "window", window,
                         kMaxWindow)))
    return failure();
  int64_t numWindows =
      input.getDimSize(1) / window[0] * (input.getDimSize(2) / window[1]);
  int64_t batch = input.getDimSize(0);
  types.push_back(
      input.clone({ShapedType::isDynamic(batch) ? batch : batch * numWindows,
                   window[0] * window[1], input.getDimSize(3)}));
  return success();
}

LogicalResult WindowPartitionOp::verify() {
  // C1
  if (failed(verifySizes(getLoc(), getOperationName(), "window", getWindow(),
                         kMaxWindow)))
    return failure();
  // C2
  return verifyDivides(*this, getWindow(),
                       getInput().getType().getShape().slice(1, 2));
}

OpFoldResult WindowPartitionOp::fold(FoldAdaptor) {
  auto reverse = getInput().getDefiningOp<WindowReverseOp>();
  if (reverse && reverse.getWindow() == getWindow() &&
      reverse.getInput().getType() == getType())
    return reverse.getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// WindowReverseOp
//===----------------------------------------------------------------------===//

/// C1 of window_reverse.
static LogicalResult verifyReverse(std::optional<Location> location,
                                   ArrayRef<int64_t> window,
                                   ArrayRef<int64_t> size) {
  StringRef op = WindowReverseOp::getOperationName();
  if (failed(verifySizes(location, op, "window", window, kMaxWindow)))
    return failure();
  return verifySizes(location, op, "size", size,
                     std::numeric_limits<int32_t>::max());
}

LogicalResult WindowReverseOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  ArrayRef<int64_t> window = adaptor.getWindow(), size = adaptor.getSize();
  if (failed(verifyReverse(location, window, size)))
    return failure();
  int64_t numWindows = size[0] / window[0] * (size[1] / window[1]);
  int64_t windows = input.getDimSize(0);
  if (numWindows == 0)
    return emitOptionalError(location, "'vit.window_reverse' op has size [",
                             size, "], less than window [", window, "]");
  types.push_back(input.clone(
      {ShapedType::isDynamic(windows) ? windows : windows / numWindows, size[0],
       size[1], input.getDimSize(2)}));
  return success();
}

LogicalResult WindowReverseOp::verify() {
  ArrayRef<int64_t> window = getWindow(), size = getSize();
  // C1, C2
  if (failed(verifyReverse(getLoc(), window, size)) ||
      failed(verifyDivides(*this, window, size)))
    return failure();
  // C3
  int64_t numTokens = getInput().getType().getDimSize(1);
  if (numTokens != window[0] * window[1])
    return emitOpError() << "input has " << numTokens
                         << " tokens a window but a window is " << window[0]
                         << " x " << window[1];
  // C4
  int64_t numWindows = size[0] / window[0] * (size[1] / window[1]);
  int64_t windows = getInput().getType().getDimSize(0);
  if (!ShapedType::isDynamic(windows) && windows % numWindows != 0)
    return emitOpError() << "has " << windows << " windows but a map has "
                         << numWindows << ", which must divide them";
  return success();
}

OpFoldResult WindowReverseOp::fold(FoldAdaptor) {
  auto partition = getInput().getDefiningOp<WindowPartitionOp>();
  if (partition && partition.getWindow() == getWindow() &&
      partition.getInput().getType() == getType())
    return partition.getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// CyclicShiftOp
//===----------------------------------------------------------------------===//

LogicalResult CyclicShiftOp::verify() {
  ArrayRef<int64_t> shift = getShift();
  ArrayRef<int64_t> size = getInput().getType().getShape().slice(1, 2);
  // C1
  if (shift.size() != 2)
    return emitOpError() << "has shift [" << shift << "]; needs 2 entries";
  for (int64_t dim : {0, 1})
    if (shift[dim] <= -size[dim] || shift[dim] >= size[dim])
      return emitOpError() << "shifts by [" << shift << "] but the map is "
                           << size[0] << " x " << size[1]
                           << "; a shift is less than the map";
  return success();
}

OpFoldResult CyclicShiftOp::fold(FoldAdaptor) {
  if (getShift()[0] == 0 && getShift()[1] == 0)
    return getInput();
  auto inner = getInput().getDefiningOp<CyclicShiftOp>();
  if (!inner)
    return {};
  // Two shifts are one by their sum.
  ArrayRef<int64_t> size = getInput().getType().getShape().slice(1, 2);
  setShift({(inner.getShift()[0] + getShift()[0]) % size[0],
            (inner.getShift()[1] + getShift()[1]) % size[1]});
  getInputMutable().assign(inner.getInput());
  return getResult();
}

//===----------------------------------------------------------------------===//
// ShiftMaskOp
//===----------------------------------------------------------------------===//

LogicalResult ShiftMaskOp::verify() {
  ArrayRef<int64_t> size = getSize(), window = getWindow(), shift = getShift();
  // C1
  StringRef op = getOperationName();
  if (failed(verifySizes(getLoc(), op, "size", size,
                         std::numeric_limits<int32_t>::max())) ||
      failed(verifySizes(getLoc(), op, "window", window, kMaxWindow)) ||
      failed(verifyDivides(*this, window, size)))
    return failure();
  if (shift.size() != 2)
    return emitOpError() << "has shift [" << shift << "]; needs 2 entries";
  // C2
  for (int64_t dim : {0, 1})
    if (shift[dim] < 0 || shift[dim] >= window[dim])
      return emitOpError() << "shifts by [" << shift << "] but a window is "
                           << window[0] << " x " << window[1]
                           << "; needs 0 or more and less than the window";
  // C3
  int64_t numTokens = window[0] * window[1];
  int64_t numWindows = size[0] / window[0] * (size[1] / window[1]);
  RankedTensorType type = getType();
  auto wanted = type.clone({numWindows, 1, numTokens, numTokens});
  if (type != wanted)
    return emitOpError() << "has result " << type << "; needs " << wanted;
  return success();
}

SmallVector<int32_t> ShiftMaskOp::getRegions(ArrayRef<int64_t> size,
                                             ArrayRef<int64_t> window,
                                             ArrayRef<int64_t> shift) {
  // The region of a row, or of a column.
  auto getRegion = [&](int64_t dim, int64_t position) {
    if (shift[dim] == 0 || position < size[dim] - window[dim])
      return 0;
    return position < size[dim] - shift[dim] ? 1 : 2;
  };
  SmallVector<int32_t> regions;
  regions.reserve(size[0] * size[1]);
  for (int64_t top = 0; top < size[0]; top += window[0])
    for (int64_t left = 0; left < size[1]; left += window[1])
      for (int64_t y = top; y < top + window[0]; ++y)
        for (int64_t x = left; x < left + window[1]; ++x)
          regions.push_back(3 * getRegion(0, y) + getRegion(1, x));
  return regions;
}

//===----------------------------------------------------------------------===//
// RelativePositionBiasOp
//===----------------------------------------------------------------------===//

LogicalResult RelativePositionBiasOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  auto table = cast<RankedTensorType>(adaptor.getTable().getType());
  ArrayRef<int64_t> window = adaptor.getWindow();
  if (failed(verifySizes(location, getOperationName(), "window", window,
                         kMaxWindow)))
    return failure();
  int64_t numTokens = window[0] * window[1] + adaptor.getClassToken();
  types.push_back(table.clone({1, table.getDimSize(1), numTokens, numTokens}));
  return success();
}

LogicalResult RelativePositionBiasOp::verify() {
  ArrayRef<int64_t> window = getWindow();
  // C1
  if (failed(verifySizes(getLoc(), getOperationName(), "window", window,
                         kMaxWindow)))
    return failure();
  // C2
  int64_t numRows = (2 * window[0] - 1) * (2 * window[1] - 1);
  if (getClassToken())
    numRows += 3;
  if (getTable().getType().getDimSize(0) != numRows)
    return emitOpError() << "table has " << getTable().getType().getDimSize(0)
                         << " rows but a window of " << window[0] << " x "
                         << window[1]
                         << (getClassToken() ? " with a class token" : "")
                         << " needs " << numRows;
  return success();
}

SmallVector<int32_t> RelativePositionBiasOp::getIndex() {
  int64_t height = getWindow()[0], width = getWindow()[1];
  int64_t numTokens = getType().getDimSize(2);
  int64_t numRows = getTable().getType().getDimSize(0);
  int64_t first = getClassToken() ? 1 : 0;
  auto getRow = [&](int64_t i, int64_t j) {
    if (i < first && j < first)
      return numRows - 1;
    if (j < first)
      return numRows - 2;
    if (i < first)
      return numRows - 3;
    int64_t y = (i - first) / width - (j - first) / width;
    int64_t x = (i - first) % width - (j - first) % width;
    return (y + height - 1) * (2 * width - 1) + x + width - 1;
  };
  SmallVector<int32_t> index;
  index.reserve(numTokens * numTokens);
  for (int64_t i = 0; i < numTokens; ++i)
    for (int64_t j = 0; j < numTokens; ++j)
      index.push_back(getRow(i, j));
  return index;
}

//===----------------------------------------------------------------------===//
// PatchMergingOp
//===----------------------------------------------------------------------===//

LogicalResult PatchMergingOp::inferReturnTypes(MLIRContext *context,
                                               std::optional<Location> location,
                                               Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  types.push_back(
      input.clone({input.getDimSize(0), input.getDimSize(1) / 2,
                   input.getDimSize(2) / 2, 4 * input.getDimSize(3)}));
  return success();
}

LogicalResult PatchMergingOp::verify() {
  // C1
  RankedTensorType input = getInput().getType();
  if (input.getDimSize(1) % 2 != 0 || input.getDimSize(2) % 2 != 0)
    return emitOpError() << "has a map of " << input.getDimSize(1) << " x "
                         << input.getDimSize(2)
                         << "; needs an even height and width";
  return success();
}
