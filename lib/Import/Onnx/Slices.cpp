//===- Slices.cpp - Slice, Split, Concat ----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Crops.h"
#include "LoopBuilder.h"
#include "Node.h"
#include "SliceRange.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

/// Of an axis that grows with each token, the size of a slice of the last
/// positions, from `start` on; none of any other slice.
static std::optional<int64_t> getLastCount(Size size, Size &start, Size end,
                                           int64_t step) {
  constexpr int64_t large = std::numeric_limits<int32_t>::max();
  bool toEnd = end == size || (end.isStatic() && end.constant >= large);
  if (!size.isOfTrip() || size.batchFactor != 0 || step != 1 || !toEnd)
    return std::nullopt;
  if (start.isStatic() && start.constant < 0)
    start = Size::trip(size.tripFactor, size.constant + start.constant);
  if (start.tripFactor != size.tripFactor || start.batchFactor != 0 ||
      start.constant < 0 || start.constant >= size.constant)
    return std::nullopt;
  return size.constant - start.constant;
}

/// What one axis of a dynamic size keeps; only all of it is known to fit every
/// batch.
static LogicalResult verifyWholeSlice(Node &node, int64_t axis, Size size,
                                      Size start, Size end, int64_t step) {
  constexpr int64_t large = std::numeric_limits<int32_t>::max();
  bool toEnd = end == size || (end.isStatic() && end.constant >= large);
  if (start == Size(0) && toEnd && step == 1)
    return success();
  return node.emitError() << "slices axis " << axis << " of size "
                          << Node::format(size) << " from "
                          << Node::format(start) << " to " << Node::format(end)
                          << "; needs all of it, as it depends on the batch";
}

/// Numbers that may depend on the iteration of a loop.
static FailureOr<Shape> getBounds(Node &node, unsigned index) {
  if (std::optional<Shape> bounds = node.getFormulasOf(index))
    return *bounds;
  return node.getRequiredSizes(index);
}

/// The first positions of one axis, as many as are computed.
static LogicalResult importCountedSlice(Node &node) {
  Shape shape = node.getShape(0);
  FailureOr<SmallVector<int64_t>> starts = node.getIntsOf(1);
  FailureOr<SmallVector<int64_t>> axes =
      node.hasInput(3) ? node.getIntsOf(3) : SmallVector<int64_t>{0};
  if (succeeded(axes))
    axes = node.normalizeAxes(*axes, shape.size());
  FailureOr<SmallVector<int64_t>> steps =
      node.hasInput(4) ? node.getIntsOf(4) : SmallVector<int64_t>{1};
  if (failed(starts) || failed(axes) || failed(steps))
    return failure();
  if (axes->size() != 1 || *starts != ArrayRef<int64_t>(0) ||
      *steps != ArrayRef<int64_t>(1) || node.getShape(2) != Shape{1} ||
      !shape[axes->front()].isStatic() ||
      !isa<IntegerType>(node.getElementType(2))) {
    node.noteNeeded(2);
    return node.emitError() << "ends at a number that is computed at run time; "
                               "needs one axis of a fixed size, from 0 on";
  }
  Tensor x = node.input(0);
  int64_t size = shape[axes->front()].constant;
  Value count = node.b.castTo(node.input(2).value, node.b.getI64Type());
  count = node.b.generic(
      count, node.b.getI64Type(),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Type type = args[0].getType();
        Value zero = TensorBuilder::scalar(b, type, 0);
        Value last = TensorBuilder::scalar(b, type, double(size));
        Value behind = arith::AddIOp::create(b, args[0], last);
        Value isFromEnd =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, args[0], zero);
        Value end = arith::SelectOp::create(b, isFromEnd, behind, args[0]);
        end = arith::MaxSIOp::create(b, end, zero);
        return arith::MinSIOp::create(b, end, last);
      });
  node.setOutput(0, x.value, x.isUnsigned);
  node.setCount(0, axes->front(), node.b.reshape(count, {}));
  return success();
}

static LogicalResult importSlice(Node &node) {
  Tensor x = node.input(0);
  Shape shape = node.getShape(0);
  if (!node.getFormulasOf(2) && node.getFormulasOf(1))
    return importCountedSlice(node);
  if (std::optional<Value> crop = buildCrop(node)) {
    node.setOutput(0, *crop, x.isUnsigned);
    return success();
  }
  FailureOr<Shape> starts = getBounds(node, 1), ends = getBounds(node, 2);
  if (failed(starts) || failed(ends))
    return failure();
  SmallVector<int64_t> axes = llvm::to_vector(
      llvm::seq<int64_t>(0, std::min(starts->size(), shape.size())));
  SmallVector<int64_t> steps(starts->size(), 1);
  for (auto [index, list] : {std::pair(3u, &axes), std::pair(4u, &steps)}) {
    if (!node.hasInput(index))
      continue;
    FailureOr<SmallVector<int64_t>> given = node.getIntsOf(index);
    if (failed(given))
      return failure();
    *list = *given;
  }
  FailureOr<SmallVector<int64_t>> normalized =
      node.normalizeAxes(axes, shape.size());
  if (failed(normalized))
    return failure();
  axes = *normalized;
  if (starts->size() != axes.size() || ends->size() != axes.size() ||
      steps.size() != axes.size())
    return node.emitError()
           << "has " << starts->size() << " starts, " << ends->size()
           << " ends, " << axes.size() << " axes and " << steps.size()
           << " steps; needs as many of each";

  // Forward slices of all axes are one op; backward ones are gathers.
  SmallVector<int64_t> offsets(shape.size(), 0), strides(shape.size(), 1);
  SmallVector<std::pair<int64_t, SliceRange>> backward;
  SmallVector<std::tuple<int64_t, Size, int64_t>> moving;
  Shape sizes = shape;
  for (auto [axis, start, end, step] : llvm::zip(axes, *starts, *ends, steps)) {
    if (step == 0)
      return node.emitError() << "step is 0; needs another number";
    if (!shape[axis].isStatic()) {
      if (std::optional<int64_t> count =
              getLastCount(shape[axis], start, end, step)) {
        moving.emplace_back(axis, start, *count);
        continue;
      }
      if (failed(verifyWholeSlice(node, axis, shape[axis], start, end, step)))
        return failure();
      continue;
    }
    if (start.tripFactor != 0 && start.tripFactor == end.tripFactor &&
        start.batchFactor == 0 && end.batchFactor == 0) {
      std::optional<int64_t> count =
          llvm::checkedSub(end.constant, start.constant);
      if (count && *count > 0 && step == 1 && start.constant >= 0 &&
          node.b.limitTrips(end, shape[axis].constant)) {
        moving.emplace_back(axis, start, *count);
        continue;
      }
    }
    bool grows = node.b.isInStep() && end.tripFactor == 1 &&
                 end.batchFactor == 0 && end.constant >= 0;
    if (grows && start == Size(0) && step == 1 &&
        node.b.limitTrips(end, shape[axis].constant)) {
      sizes[axis] = end;
      continue;
    }
    if (node.b.isInStep() && end.tripFactor > 0 && end.batchFactor == 0 &&
        node.b.getExtent(end).constant > shape[axis].constant)
      return node.emitError()
             << "slices axis " << axis << " of '" << node.getInputName(0)
             << "', " << Node::format(shape) << ", to position "
             << node.b.getExtent(end).constant
             << " where the last token is; needs one for each, or fewer tokens";
    if (!start.isStatic() || !end.isStatic())
      return node.emitError()
             << "slices axis " << axis << " from " << Node::format(start)
             << " to " << Node::format(end)
             << "; needs bounds that do not depend on the batch, or that a "
                "loop moves together";
    SliceRange range =
        getSliceRange(start.constant, end.constant, step, shape[axis].constant);
    if (range.step < 0 && range.count > 1) {
      backward.emplace_back(axis, range);
      continue;
    }
    offsets[axis] = range.count == 0 ? 0 : range.begin;
    strides[axis] = std::max<int64_t>(range.step, 1);
    sizes[axis] = range.count;
  }
  Value result = node.b.slice(x.value, offsets, sizes, strides);
  for (auto [axis, start, count] : moving)
    result = takeAt(node.b, result, axis, node.b.getTripIndex(start), count);
  for (auto [axis, range] : backward) {
    SmallVector<int64_t> indices;
    for (int64_t i = 0; i < range.count; ++i)
      indices.push_back(range.begin + i * range.step);
    result = node.b.take(result, axis, indices);
  }
  node.setOutput(0, result, x.isUnsigned);
  return success();
}

//===----------------------------------------------------------------------===//
// Split
//===----------------------------------------------------------------------===//

static LogicalResult importSplit(Node &node) {
  Tensor x = node.input(0);
  Shape shape = node.getShape(0);
  FailureOr<int64_t> axis = node.getAxis("axis", 0, shape.size());
  if (failed(axis))
    return failure();
  Size size = shape[*axis];
  if (!size.isStatic())
    return node.emitError()
           << "splits axis " << *axis << " of " << Node::format(shape)
           << "; needs a size that does not depend on the "
              "batch";
  int64_t count = node.getInt("num_outputs", node.getNumOutputs());
  if (count != int64_t(node.getNumOutputs()))
    return node.emitError()
           << "num_outputs is " << count << "; its " << node.getNumOutputs()
           << " outputs need " << node.getNumOutputs();
  FailureOr<SmallVector<int64_t>> parts = node.getIntsOrInput("split", 1, {});
  if (failed(parts))
    return failure();
  if (parts->empty()) {
    // Equal parts, but for a smaller last one.
    int64_t part = llvm::divideCeil(size.constant, count);
    for (int64_t left = size.constant; int64_t(parts->size()) < count;
         left -= parts->back())
      parts->push_back(std::min(part, left));
  }
  int64_t sum = 0;
  bool negative = false;
  for (int64_t part : *parts) {
    negative |= part < 0 || part > size.constant;
    sum += negative ? 0 : part;
  }
  if (negative || sum != size.constant ||
      parts->size() != node.getNumOutputs()) {
    InFlightDiagnostic error = node.emitError() << "splits into [";
    llvm::interleaveComma(*parts, error);
    return error << "]; needs " << node.getNumOutputs()
                 << " sizes whose sum is " << size.constant;
  }
  int64_t offset = 0;
  for (auto [index, part] : llvm::enumerate(*parts)) {
    node.setOutput(index, node.b.sliceDim(x.value, *axis, offset, part),
                   x.isUnsigned);
    offset += part;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

/// Behind what grows with each token comes one position more.
static LogicalResult importAppend(Node &node, int64_t axis) {
  unsigned grown = 0;
  while (!node.getShape(grown)[axis].isOfTrip())
    ++grown;
  if (grown > 0 || node.getNumInputs() != 2 ||
      node.getShape(1)[axis] != Size(1)) {
    unsigned other = grown == 0 ? 1 : 0;
    InFlightDiagnostic error =
        node.emitError() << "puts axis " << axis << " of '"
                         << node.getInputName(grown) << "', "
                         << Node::format(node.getShape(grown)) << ", together";
    if (other < node.getNumInputs())
      error << " with '" << node.getInputName(other) << "', "
            << Node::format(node.getShape(other));
    return error << "; needs one tensor of a single position behind it, as its "
                    "size grows with each token";
  }
  Tensor tensor = node.input(0);
  node.setOutput(0, node.append(tensor.value, node.input(1).value, axis),
                 tensor.isUnsigned);
  return success();
}

static LogicalResult importConcat(Node &node) {
  Tensor first = node.input(0);
  Shape shape = node.getShape(0);
  FailureOr<int64_t> given = node.getRequiredInt("axis");
  if (failed(given))
    return failure();
  FailureOr<int64_t> axis = node.normalizeAxis(*given, shape.size());
  if (failed(axis))
    return failure();
  SmallVector<Value> tensors;
  for (unsigned index = 0; index < node.getNumInputs(); ++index) {
    if (!node.hasInput(index))
      return node.emitError()
             << "input " << index << " is absent; needs all that are listed";
    Shape other = node.getShape(index);
    bool fits = other.size() == shape.size() &&
                node.getElementType(index) == first.getElementType();
    for (size_t dim = 0; fits && dim < shape.size(); ++dim)
      fits = int64_t(dim) == *axis || other[dim] == shape[dim];
    if (!fits)
      return node.emitError()
             << "input " << index << " has shape " << Node::format(other)
             << " of " << node.getElementType(index) << "; needs that of input "
             << "0, " << Node::format(shape) << " of " << first.getElementType()
             << ", but for axis " << *axis;
    if (other[*axis] != Size(0))
      tensors.push_back(node.input(index).value);
  }
  if (tensors.empty())
    tensors.push_back(first.value);
  for (unsigned index = 0; index < node.getNumInputs(); ++index)
    if (node.getShape(index)[*axis].isOfTrip())
      return importAppend(node, *axis);
  node.setOutput(0, node.b.concat(tensors, *axis), first.isUnsigned);
  return success();
}

void onnx::registerSliceOps(OpRegistry &registry) {
  registry.add("Concat", importConcat);
  registry.add("Slice", importSlice, 3, /*since=*/10);
  registry.add("Split", importSplit);
}
