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
//
//===----------------------------------------------------------------------===//

#include "Node.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// Entries of the largest table.
static constexpr uint64_t kMaxTable = uint64_t(1) << 26;

static LogicalResult verifyReduction(Node &node) {
  std::string reduction = node.getString("reduction", "none");
  if (reduction == "none")
    return success();
  return node.emitError() << "reduction is '" << reduction
                          << "'; vitc imports none";
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

/// Writes rows of `updates`, [U, rest...], to where `table` has their numbers.
static Value scatterRows(TensorBuilder &b, Value data, Value updates,
                         ArrayRef<int64_t> tableShape,
                         ArrayRef<int64_t> table) {
  Shape shape = b.getShape(data);
  Value tableValue = b.atPreamble([&]() -> Value {
    return b.constant(DenseElementsAttr::get(
        RankedTensorType::get(tableShape, b.getI64Type()), table));
  });
  size_t prefix = tableShape.size();
  SmallVector<AffineExpr> exprs;
  for (size_t dim = 0; dim < prefix; ++dim)
    exprs.push_back(b.getAffineDimExpr(dim));
  SmallVector<AffineMap> maps = {
      AffineMap::get(shape.size(), 0, exprs, b.getContext()),
      b.getMultiDimIdentityMap(shape.size())};
  return b.generic(
      {tableValue, data}, maps, shape, TensorBuilder::getElementType(data),
      [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value zero = TensorBuilder::scalar(body, body.getI64Type(), 0);
        Value isWritten = arith::CmpIOp::create(body, arith::CmpIPredicate::sge,
                                                args[0], zero);
        SmallVector<Value> position = {arith::IndexCastOp::create(
            body, body.getIndexType(),
            arith::MaxSIOp::create(body, args[0], zero))};
        for (size_t dim = prefix; dim < shape.size(); ++dim)
          position.push_back(linalg::IndexOp::create(body, dim));
        Value update = tensor::ExtractOp::create(body, updates, position);
        return arith::SelectOp::create(body, isWritten, update, args[1]);
      });
}

static LogicalResult importScatterND(Node &node) {
  FailureOr<SmallVector<int64_t>> indices = node.getIntsOf(1);
  if (failed(indices) || failed(verifyReduction(node)))
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
  SmallVector<int64_t> table(ShapedType::getNumElements(*tableShape), -1);
  for (int64_t update = 0; update < count; ++update) {
    ArrayRef<int64_t> position =
        ArrayRef(*indices).slice(update * tuple, tuple);
    std::optional<int64_t> at = linearize(position, *tableShape);
    if (!at)
      return node.emitError()
             << "index " << update << " is out of bounds of the input, "
             << Node::format(shape);
    table[*at] = update;
  }
  Shape rows = {Size(count)};
  rows.append(shape.begin() + tuple, shape.end());
  TensorBuilder &b = node.b;
  Value updates = b.reshape(node.input(2).value, rows);
  node.setOutput(0, scatterRows(b, data.value, updates, *tableShape, table),
                 data.isUnsigned);
  return success();
}

static LogicalResult importScatterElements(Node &node) {
  FailureOr<SmallVector<int64_t>> indices = node.getIntsOf(1);
  if (failed(indices) || failed(verifyReduction(node)))
    return failure();
  Shape shape = node.getShape(0), indexShape = node.getShape(1);
  FailureOr<int64_t> axis = node.getAxis("axis", 0, shape.size());
  if (failed(axis))
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
  SmallVector<int64_t> table(ShapedType::getNumElements(*tableShape), -1);
  SmallVector<int64_t> position(shape.size(), 0);
  for (int64_t update = 0; update < count; ++update) {
    SmallVector<int64_t> target = position;
    target[*axis] = (*indices)[update];
    std::optional<int64_t> at = linearize(target, *tableShape);
    if (!at)
      return node.emitError()
             << "index " << update << " is out of bounds of the input, "
             << Node::format(shape);
    table[*at] = update;
    for (size_t dim = shape.size(); dim-- > 0;) {
      if (++position[dim] < indexShape[dim].constant)
        break;
      position[dim] = 0;
    }
  }
  TensorBuilder &b = node.b;
  Value updates = b.reshape(node.input(2).value, Size(count));
  node.setOutput(0, scatterRows(b, data.value, updates, *tableShape, table),
                 data.isUnsigned);
  return success();
}

void onnx::registerScatterOps(OpRegistry &registry) {
  registry.add("ScatterElements", importScatterElements, 3);
  registry.add("ScatterND", importScatterND, 3);
}
