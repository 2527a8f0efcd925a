//===- Scatters.cpp - Writes at constant positions ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scatter whose indices are constants is a gather: a table tells, for each
// position of the result, which update it takes, or that it keeps its element.
// Updates of one element that are added, say, need a table each. Where indices
// are computed, each position compares itself with those of all updates.
//
//===----------------------------------------------------------------------===//

#include "GridIndices.h"
#include "Operands.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// Entries of the largest table.
static constexpr uint64_t kMaxTable = uint64_t(1) << 26;
/// Updates of one element, each of which is an op.
static constexpr size_t kMaxTables = 256;
/// Updates along an axis whose indices are computed, each an op.
static constexpr int64_t kMaxComputedUpdates = 16;

namespace {
/// What becomes of an element and its update.
enum class ScatterReduction { None, Add, Mul, Max, Min };
} // namespace

static FailureOr<ScatterReduction> getReduction(Node &node) {
  std::string reduction = node.getString("reduction", "none");
  if (reduction == "none")
    return ScatterReduction::None;
  if (reduction == "add")
    return ScatterReduction::Add;
  if (reduction == "mul")
    return ScatterReduction::Mul;
  if (reduction == "max")
    return ScatterReduction::Max;
  if (reduction == "min")
    return ScatterReduction::Min;
  return node.emitError() << "reduction is '" << reduction
                          << "'; needs none, add, mul, max or min";
}

static Value buildReduction(ImplicitLocOpBuilder &b, const Tensor &like,
                            ScatterReduction reduction, Value element,
                            Value update) {
  switch (reduction) {
  case ScatterReduction::None:
    return update;
  case ScatterReduction::Add:
    return createByType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(
        b, like, element, update);
  case ScatterReduction::Mul:
    return createByType<arith::MulFOp, arith::MulIOp, arith::MulIOp>(
        b, like, element, update);
  case ScatterReduction::Max:
    return createByType<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(
        b, like, element, update);
  case ScatterReduction::Min:
    return createByType<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(
        b, like, element, update);
  }
  return update;
}

/// Sizes of the leading dims that the table covers, or an error.
static FailureOr<SmallVector<int64_t>> getTableShape(Node &node,
                                                     ArrayRef<Size> sizes) {
  SmallVector<int64_t> shape;
  uint64_t count = 1;
  for (Size size : sizes) {
    if (!size.isStatic())
      return node.emitError()
             << "writes to positions of " << Node::format(sizes)
             << "; needs sizes that do not depend on the "
                "batch";
    shape.push_back(size.constant);
    count = llvm::SaturatingMultiply<uint64_t>(count, size.constant);
  }
  if (count > kMaxTable)
    return node.emitError() << "writes to positions of " << Node::format(sizes)
                            << "; needs at most " << kMaxTable << " of them";
  return shape;
}

/// Row-major position in `shape`; none out of bounds.
static std::optional<int64_t> linearize(ArrayRef<int64_t> position,
                                        ArrayRef<int64_t> shape) {
  int64_t linear = 0;
  for (auto [index, size] : llvm::zip(position, shape)) {
    if (index < -size || index >= size)
      return std::nullopt;
    linear = linear * size + (index < 0 ? index + size : index);
  }
  return linear;
}

namespace {
/// Which update each position takes. With a reduction a position may have
/// several updates, and there are as many tables.
class ScatterTables {
public:
  ScatterTables(ArrayRef<int64_t> shape, ScatterReduction reduction)
      : shape(shape), reduction(reduction) {}

  /// False where that is too much.
  bool add(int64_t position, int64_t update);
  /// Combines `data` with rows of `updates`, [U, rest...].
  Value apply(TensorBuilder &b, const Tensor &data, Value updates) const;

private:
  Value applyTable(TensorBuilder &b, const Tensor &data, Value updates,
                   ArrayRef<int64_t> table) const;

  SmallVector<int64_t> shape;
  ScatterReduction reduction;
  std::vector<std::vector<int64_t>> tables;
  /// Updates of each position.
  std::vector<int64_t> counts;
};
} // namespace

bool ScatterTables::add(int64_t position, int64_t update) {
  int64_t size = ShapedType::getNumElements(shape);
  counts.resize(size);
  int64_t table = reduction == ScatterReduction::None ? 0 : counts[position]++;
  if (table == int64_t(tables.size())) {
    if (tables.size() == kMaxTables ||
        uint64_t(size) * (tables.size() + 1) > kMaxTable)
      return false;
    tables.emplace_back(size, -1);
  }
  tables[table][position] = update;
  return true;
}

Value ScatterTables::applyTable(TensorBuilder &b, const Tensor &data,
                                Value updates, ArrayRef<int64_t> table) const {
  Shape dataShape = b.getShape(data.value);
  Value tableValue = b.atPreamble([&]() -> Value {
    return b.constant(DenseElementsAttr::get(
        RankedTensorType::get(shape, b.getI64Type()), table));
  });
  size_t prefix = shape.size();
  SmallVector<AffineExpr> exprs;
  for (size_t dim = 0; dim < prefix; ++dim)
    exprs.push_back(b.getAffineDimExpr(dim));
  SmallVector<AffineMap> maps = {
      AffineMap::get(dataShape.size(), 0, exprs, b.getContext()),
      b.getMultiDimIdentityMap(dataShape.size())};
  return b.generic(
      {tableValue, data.value}, maps, dataShape, data.getElementType(),
      [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value zero = TensorBuilder::scalar(body, body.getI64Type(), 0);
        Value isWritten = arith::CmpIOp::create(body, arith::CmpIPredicate::sge,
                                                args[0], zero);
        SmallVector<Value> position = {arith::IndexCastOp::create(
            body, body.getIndexType(),
            arith::MaxSIOp::create(body, args[0], zero))};
        for (size_t dim = prefix; dim < dataShape.size(); ++dim)
          position.push_back(linalg::IndexOp::create(body, dim));
        Value update = tensor::ExtractOp::create(body, updates, position);
        update = buildReduction(body, data, reduction, args[1], update);
        return arith::SelectOp::create(body, isWritten, update, args[1]);
      });
}

Value ScatterTables::apply(TensorBuilder &b, const Tensor &data,
                           Value updates) const {
  Tensor result = data;
  for (const std::vector<int64_t> &table : tables)
    result.value = applyTable(b, result, updates, table);
  return result.value;
}

static LogicalResult refuseUpdates(Node &node) {
  return node.emitError() << "updates one element more than " << kMaxTables
                          << " times, or many elements often; needs tables of "
                             "at most "
                          << kMaxTable << " entries in all";
}

static LogicalResult importScatterND(Node &node) {
  FailureOr<ScatterReduction> reduction = getReduction(node);
  if (failed(reduction))
    return failure();
  if (*reduction == ScatterReduction::None && !node.isConstant(1) &&
      node.getShape(2) == node.getShape(0) &&
      areGridIndices(node.b, node.input(1).value, node.getShape(0))) {
    node.forward(0, 2);
    return success();
  }
  FailureOr<SmallVector<int64_t>> indices = node.getIntsOf(1);
  if (failed(indices))
    return failure();
  Shape shape = node.getShape(0), indexShape = node.getShape(1);
  int64_t rank = shape.size();
  int64_t tuple = indexShape.empty() ? -1 : indexShape.back().constant;
  Shape wanted(ArrayRef(indexShape).drop_back(indexShape.empty() ? 0 : 1));
  if (tuple >= 1 && tuple <= rank)
    wanted.append(shape.begin() + tuple, shape.end());
  if (tuple < 1 || tuple > rank || node.getShape(2) != wanted ||
      node.getElementType(2) != node.getElementType(0))
    return node.emitError() << "input has shape " << Node::format(shape)
                            << ", indices " << Node::format(indexShape)
                            << ", updates " << Node::format(node.getShape(2))
                            << "; the updates need one piece of the input for "
                               "each index";
  ArrayRef<Size> sizes = shape;
  FailureOr<SmallVector<int64_t>> tableShape =
      getTableShape(node, sizes.take_front(tuple));
  if (failed(tableShape))
    return failure();
  int64_t count = int64_t(indices->size()) / tuple;
  Tensor data = node.input(0);
  if (count == 0) {
    node.forward(0, 0);
    return success();
  }
  ScatterTables tables(*tableShape, *reduction);
  for (int64_t update = 0; update < count; ++update) {
    ArrayRef<int64_t> position =
        ArrayRef(*indices).slice(update * tuple, tuple);
    std::optional<int64_t> at = linearize(position, *tableShape);
    if (!at)
      return node.emitError()
             << "index " << update << " is out of bounds of the input, "
             << Node::format(shape);
    if (!tables.add(*at, update))
      return refuseUpdates(node);
  }
  Shape rows = {Size(count)};
  rows.append(shape.begin() + tuple, shape.end());
  TensorBuilder &b = node.b;
  Value updates = b.reshape(node.input(2).value, rows);
  node.setOutput(0, tables.apply(b, data, updates), data.isUnsigned);
  return success();
}

/// Whether importComputedScatter imports `node`: updates of all positions but
/// for those along `axis`.
static bool isComputedScatter(Node &node, int64_t axis,
                              ScatterReduction reduction) {
  Shape shape = node.getShape(0), indexShape = node.getShape(1);
  if (reduction != ScatterReduction::None || node.isConstant(1) ||
      indexShape.size() != shape.size() || !shape[axis].isStatic())
    return false;
  Size updates = indexShape[axis];
  Shape expected = shape;
  expected[axis] = updates;
  return indexShape == expected && node.getShape(2) == indexShape &&
         updates.isStatic() && updates.constant <= kMaxComputedUpdates &&
         node.getElementType(2) == node.getElementType(0);
}

/// A scatter to which position of `axis` each update goes being computed.
static LogicalResult importComputedScatter(Node &node, int64_t axis) {
  TensorBuilder &b = node.b;
  Shape shape = node.getShape(0);
  Tensor data = node.input(0);
  AffineMap identity = b.getMultiDimIdentityMap(shape.size());
  AffineMap first = identity.replace(b.getAffineDimExpr(axis),
                                     b.getAffineConstantExpr(0), shape.size(),
                                     /*numResultSyms=*/0);
  Value result = data.value;
  for (int64_t update = 0; update < node.getShape(1)[axis].constant; ++update)
    result = b.generic(
        {result, b.sliceDim(node.input(1).value, axis, update, 1),
         b.sliceDim(node.input(2).value, axis, update, 1)},
        {identity, first, first}, shape, data.getElementType(),
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          Type type = args[1].getType();
          auto number = [&](int64_t value) {
            return TensorBuilder::scalar(b, type, double(value));
          };
          Value isFromEnd = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                                  args[1], number(0));
          Value behind =
              arith::AddIOp::create(b, args[1], number(shape[axis].constant));
          Value at = arith::SelectOp::create(b, isFromEnd, behind, args[1]);
          Value here = arith::IndexCastOp::create(
              b, type, linalg::IndexOp::create(b, axis));
          Value isHere =
              arith::CmpIOp::create(b, arith::CmpIPredicate::eq, at, here);
          return arith::SelectOp::create(b, isHere, args[2], args[0]);
        });
  node.setOutput(0, result, data.isUnsigned);
  return success();
}

static LogicalResult importScatterElements(Node &node) {
  FailureOr<ScatterReduction> reduction = getReduction(node);
  Shape shape = node.getShape(0), indexShape = node.getShape(1);
  FailureOr<int64_t> axis = node.getAxis("axis", 0, shape.size());
  if (failed(reduction) || failed(axis))
    return failure();
  if (isComputedScatter(node, *axis, *reduction))
    return importComputedScatter(node, *axis);
  FailureOr<SmallVector<int64_t>> indices = node.getIntsOf(1);
  if (failed(indices))
    return failure();
  if (indexShape.size() != shape.size() || node.getShape(2) != indexShape ||
      node.getElementType(2) != node.getElementType(0))
    return node.emitError() << "input has shape " << Node::format(shape)
                            << ", indices " << Node::format(indexShape)
                            << ", updates " << Node::format(node.getShape(2))
                            << "; needs one rank, and an update for each index";
  FailureOr<SmallVector<int64_t>> tableShape = getTableShape(node, shape);
  if (failed(tableShape))
    return failure();
  Tensor data = node.input(0);
  int64_t count = indices->size();
  if (count == 0) {
    node.forward(0, 0);
    return success();
  }
  ScatterTables tables(*tableShape, *reduction);
  SmallVector<int64_t> position(shape.size(), 0);
  for (int64_t update = 0; update < count; ++update) {
    SmallVector<int64_t> target = position;
    target[*axis] = (*indices)[update];
    std::optional<int64_t> at = linearize(target, *tableShape);
    if (!at)
      return node.emitError()
             << "index " << update << " is out of bounds of the input, "
             << Node::format(shape);
    if (!tables.add(*at, update))
      return refuseUpdates(node);
    for (size_t dim = shape.size(); dim-- > 0;) {
      if (++position[dim] < indexShape[dim].constant)
        break;
      position[dim] = 0;
    }
  }
  TensorBuilder &b = node.b;
  Value updates = b.reshape(node.input(2).value, Size(count));
  node.setOutput(0, tables.apply(b, data, updates), data.isUnsigned);
  return success();
}

void onnx::registerScatterOps(OpRegistry &registry) {
  registry.add("ScatterElements", importScatterElements, 3);
  registry.add("ScatterND", importScatterND, 3);
}
