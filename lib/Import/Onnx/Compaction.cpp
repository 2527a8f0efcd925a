//===- Compaction.cpp - Ops whose result's size depends on data -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NonZero and Compress. Their results have room for every position, and a count
// of those that are filled. The n-th set position is the first that has n + 1
// set ones up to it, which a binary search over running sums finds.
//
//===----------------------------------------------------------------------===//

#include "Compaction.h"

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

static Value makeIndex(ImplicitLocOpBuilder &b, int64_t number) {
  return arith::ConstantIndexOp::create(b, number);
}

//===----------------------------------------------------------------------===//
// Set positions
//===----------------------------------------------------------------------===//

/// For each position the sum up to it. Each step doubles how many are summed.
static Value buildRunningSums(TensorBuilder &b, Value numbers, int64_t size) {
  Type type = TensorBuilder::getElementType(numbers);
  for (int64_t step = 1; step < size; step *= 2)
    numbers = b.gather(
        {Size(size)}, type, [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
          Value at = linalg::IndexOp::create(b, 0);
          Value before = arith::SubIOp::create(b, at, makeIndex(b, step));
          Value zero = makeIndex(b, 0);
          Value exists =
              arith::CmpIOp::create(b, arith::CmpIPredicate::sge, before, zero);
          before = arith::MaxSIOp::create(b, before, zero);
          Value other = tensor::ExtractOp::create(b, numbers, before);
          other = arith::SelectOp::create(b, exists, other,
                                          TensorBuilder::scalar(b, type, 0));
          Value own = tensor::ExtractOp::create(b, numbers, at);
          return arith::AddIOp::create(b, own, other);
        });
  return numbers;
}

/// How many of ascending `sums` are `rank` or less, but at most size - 1.
static Value buildSearch(ImplicitLocOpBuilder &b, Value sums, Value rank,
                         int64_t size) {
  Value found = makeIndex(b, 0), last = makeIndex(b, size - 1);
  for (int64_t step = llvm::PowerOf2Ceil(size); step >= 1; step /= 2) {
    Value next = arith::AddIOp::create(b, found, makeIndex(b, step - 1));
    Value inside =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, next, last);
    Value sum = tensor::ExtractOp::create(
        b, sums, Value(arith::MinSIOp::create(b, next, last)));
    Value below =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sle, sum, rank);
    Value moves = arith::AndIOp::create(b, inside, below);
    Value moved = arith::AddIOp::create(b, found, makeIndex(b, step));
    found = arith::SelectOp::create(b, moves, moved, found);
  }
  return found;
}

SetPositions onnx::findSetPositions(TensorBuilder &b, Value flags) {
  Type type = b.getI64Type();
  int64_t size = b.getShape(flags)[0].constant;
  Value sums =
      buildRunningSums(b, b.castTo(flags, type, /*fromUnsigned=*/true), size);
  Value positions = b.gather(
      {Size(size)}, type, [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
        Value rank =
            arith::IndexCastOp::create(b, type, linalg::IndexOp::create(b, 0));
        return arith::IndexCastOp::create(b, type,
                                          buildSearch(b, sums, rank, size));
      });
  return {positions, b.reshape(b.sliceDim(sums, 0, size - 1, 1), {})};
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static LogicalResult importNonZero(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<SmallVector<int64_t>> sizes = getStaticSizes(node, 0, 0);
  if (failed(sizes))
    return failure();
  Tensor input = node.input(0);
  int64_t count = ShapedType::getNumElements(*sizes);
  // Of one number the row is of the dim that it might have.
  if (sizes->empty())
    sizes->push_back(1);
  int64_t rank = sizes->size();
  Type type = b.getI64Type();
  if (count == 0) {
    node.setConstant(
        0, DenseElementsAttr::get(RankedTensorType::get({rank, 0}, type),
                                  ArrayRef<Attribute>()));
    return success();
  }
  Value flags = b.castTo(input.value, b.getI1Type());
  SetPositions set = findSetPositions(b, b.reshape(flags, {Size(count)}));
  // Row d has the positions' indices of dim d.
  SmallVector<Value> rows;
  int64_t stride = count;
  for (int64_t size : *sizes) {
    stride /= size;
    Value row = b.generic(
        set.positions, type, [&](ImplicitLocOpBuilder &b, ValueRange args) {
          Value outer = arith::DivUIOp::create(
              b, args[0], TensorBuilder::scalar(b, type, stride));
          return arith::RemUIOp::create(b, outer,
                                        TensorBuilder::scalar(b, type, size));
        });
    rows.push_back(b.reshape(row, {Size(1), Size(count)}));
  }
  node.setOutput(0, rows.size() == 1 ? rows.front() : b.concat(rows, 0));
  node.setCount(0, /*dim=*/1, set.count);
  return success();
}

/// The slices of an axis, or the elements of all, whose flag is set; without a
/// flag there is none.
static LogicalResult importCompress(Node &node) {
  TensorBuilder &b = node.b;
  Tensor input = node.input(0);
  Value flags = node.input(1).value;
  Shape flagShape = node.getShape(1);
  if (flagShape.size() != 1 || !flagShape[0].isStatic() ||
      !node.getElementType(1).isInteger(1))
    return node.emitError()
           << "input 1 has shape " << Node::format(flagShape)
           << " and elements of type " << node.getElementType(1)
           << "; needs a vector of bool of a fixed size";
  int64_t axis = 0;
  if (node.hasAttr("axis")) {
    FailureOr<int64_t> given = node.getAxis("axis", 0, input.getRank());
    if (failed(given))
      return failure();
    axis = *given;
  } else {
    FailureOr<SmallVector<int64_t>> sizes = getStaticSizes(node, 0, 0);
    if (failed(sizes))
      return failure();
    input.value =
        b.reshape(input.value, {Size(ShapedType::getNumElements(*sizes))});
  }
  Shape shape = b.getShape(input.value);
  int64_t size = flagShape[0].constant;
  if (!shape[axis].isStatic() || size < 1 || size > shape[axis].constant)
    return node.emitError()
           << "has " << size << " flags for axis " << axis << " of shape "
           << Node::format(shape)
           << "; needs 1 or more, at most as many as positions, whose number "
              "does not depend on the batch";
  SetPositions set = findSetPositions(b, flags);
  shape[axis] = size;
  Value result = b.gather(
      shape, input.getElementType(),
      [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
        SmallVector<Value> at;
        for (size_t dim = 0; dim < shape.size(); ++dim)
          at.push_back(linalg::IndexOp::create(b, dim));
        Value position = tensor::ExtractOp::create(b, set.positions, at[axis]);
        at[axis] = arith::IndexCastOp::create(b, b.getIndexType(), position);
        return tensor::ExtractOp::create(b, input.value, at);
      });
  node.setOutput(0, result, input.isUnsigned);
  node.setCount(0, axis, set.count);
  return success();
}

void onnx::registerCompactionOps(OpRegistry &registry) {
  registry.add("NonZero", importNonZero);
  registry.add("Compress", importCompress, 2);
}
