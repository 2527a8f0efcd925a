//===- Ranking.cpp - ONNX's ops on the order of elements ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ArgMax and ArgMin, TopK, CumSum. The last two look at all pairs of positions
// along the axis, which suits the short axes of these models.
//
//===----------------------------------------------------------------------===//

#include "Ranking.h"

#include "Operands.h"
#include "Reduce.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc::onnx;

Value vitc::onnx::getPosition(ImplicitLocOpBuilder &b, int64_t dim) {
  return arith::IndexCastOp::create(b, b.getI64Type(),
                                    linalg::IndexOp::create(b, dim));
}

/// Whether lhs comes before rhs when the largest, or smallest, is first; NaN is
/// before every number.
static Value buildPrecedes(ImplicitLocOpBuilder &b, const Tensor &like,
                           bool largest, Value lhs, Value rhs) {
  if (like.isFloat()) {
    Value before = arith::CmpFOp::create(
        b, largest ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT, lhs,
        rhs);
    Value lhsNaN =
        arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, lhs, lhs);
    Value rhsNumber =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, rhs, rhs);
    Value onlyLhsNaN = arith::AndIOp::create(b, lhsNaN, rhsNumber);
    return arith::OrIOp::create(b, before, onlyLhsNaN);
  }
  arith::CmpIPredicate predicate =
      like.isUnsigned
          ? (largest ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::ult)
          : (largest ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt);
  return arith::CmpIOp::create(b, predicate, lhs, rhs);
}

/// Sums term(x_i, x_j) over the positions j along `axis`, for each position i.
/// The body may ask for i at loop `axis` and for j at loop `rank`.
static Value reducePairs(
    TensorBuilder &b, Value tensor, int64_t axis, Type resultType,
    llvm::function_ref<Value(ImplicitLocOpBuilder &b, Value own, Value other)>
        term) {
  Shape shape = b.getShape(tensor);
  unsigned rank = shape.size();
  AffineMap ownMap = AffineMap::getMultiDimIdentityMap(rank + 1, b.getContext())
                         .getMajorSubMap(rank);
  SmallVector<AffineExpr> exprs(ownMap.getResults());
  exprs[axis] = b.getAffineDimExpr(rank);
  AffineMap otherMap = AffineMap::get(rank + 1, 0, exprs, b.getContext());
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value init = b.fill(shape, b.getScalarAttr(resultType, 0));
  auto op = linalg::GenericOp::create(
      b, init.getType(), ValueRange{tensor, tensor}, ValueRange(init),
      ArrayRef<AffineMap>{ownMap, otherMap, ownMap}, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        Value added = term(b, args[0], args[1]);
        Value sum = isa<FloatType>(resultType)
                        ? Value(arith::AddFOp::create(b, args[2], added))
                        : Value(arith::AddIOp::create(b, args[2], added));
        linalg::YieldOp::create(b, sum);
      });
  return b.setShape(op.getResult(0), shape);
}

//===----------------------------------------------------------------------===//
// Ranks
//===----------------------------------------------------------------------===//

/// The place of each element along the axis in the sorted order; of equal ones
/// the first comes first.
static Value buildRanks(TensorBuilder &b, const Tensor &input, int64_t axis,
                        bool largest) {
  int64_t rank = input.getRank();
  Type type = b.getI64Type();
  return reducePairs(
      b, input.value, axis, type,
      [&](ImplicitLocOpBuilder &b, Value own, Value other) -> Value {
        Value before = buildPrecedes(b, input, largest, other, own);
        Value after = buildPrecedes(b, input, largest, own, other);
        Value earlier =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                  getPosition(b, rank), getPosition(b, axis));
        Value tie = arith::SelectOp::create(
            b, after, TensorBuilder::scalar(b, b.getI1Type(), 0), earlier);
        Value counts = arith::OrIOp::create(b, before, tie);
        return arith::ExtUIOp::create(b, type, counts);
      });
}

/// For each r below `count`, the sum over the axis of chosen(x) where the rank
/// is r: of one element.
static Value buildByRank(
    TensorBuilder &b, Value tensor, Value ranks, int64_t axis, int64_t count,
    Type type,
    llvm::function_ref<Value(ImplicitLocOpBuilder &b, Value x)> chosen) {
  Shape shape = b.getShape(tensor);
  unsigned rank = shape.size();
  // Loops: the result's dims, r among them, then the position along the axis.
  AffineMap resultMap =
      AffineMap::getMultiDimIdentityMap(rank + 1, b.getContext())
          .getMajorSubMap(rank);
  SmallVector<AffineExpr> exprs(resultMap.getResults());
  exprs[axis] = b.getAffineDimExpr(rank);
  AffineMap readMap = AffineMap::get(rank + 1, 0, exprs, b.getContext());
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  shape[axis] = count;
  Value init = b.fill(shape, b.getScalarAttr(type, 0));
  auto op = linalg::GenericOp::create(
      b, init.getType(), ValueRange{tensor, ranks}, ValueRange(init),
      ArrayRef<AffineMap>{readMap, readMap, resultMap}, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        Value isChosen = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                               args[1], getPosition(b, axis));
        Value result =
            arith::SelectOp::create(b, isChosen, chosen(b, args[0]), args[2]);
        linalg::YieldOp::create(b, result);
      });
  return b.setShape(op.getResult(0), shape);
}

static LogicalResult importTopK(Node &node) {
  TensorBuilder &b = node.b;
  Tensor input = node.input(0);
  FailureOr<int64_t> axis = node.getAxis("axis", -1, input.getRank());
  FailureOr<SmallVector<int64_t>> count = node.getIntsOf(1);
  if (failed(axis) || failed(count))
    return failure();
  Size size = node.getShape(0)[*axis];
  if (count->size() != 1 || !size.isStatic() || count->front() < 0 ||
      count->front() > size.constant)
    return node.emitError()
           << "k is " << Node::format(Shape(ArrayRef<int64_t>(*count)))
           << "; one number up to the axis's size, " << Node::format(size)
           << ", is needed";
  bool largest = node.getInt("largest", 1) != 0;
  Value ranks = buildRanks(b, input, *axis, largest);
  if (node.hasOutput(0))
    node.setOutput(
        0,
        buildByRank(b, input.value, ranks, *axis, count->front(),
                    input.getElementType(),
                    [](ImplicitLocOpBuilder &, Value x) { return x; }),
        input.isUnsigned);
  if (node.hasOutput(1))
    node.setOutput(1, buildByRank(b, input.value, ranks, *axis, count->front(),
                                  b.getI64Type(),
                                  [&](ImplicitLocOpBuilder &b, Value) {
                                    return getPosition(b, input.getRank());
                                  }));
  return success();
}

//===----------------------------------------------------------------------===//
// ArgMax and ArgMin
//===----------------------------------------------------------------------===//

Value vitc::onnx::buildArg(TensorBuilder &b, const Tensor &input, int64_t axis,
                           bool largest, bool last) {
  Type type = b.getI64Type();
  int64_t none = last ? -1 : b.getShape(input.value)[axis].constant;
  Value extreme = reduceToExtreme(b, input, axis, /*keepDims=*/true, largest);
  Value candidates = b.generic(
      {input.value, extreme}, type,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isExtreme;
        if (input.isFloat()) {
          Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO,
                                              args[0], args[0]);
          Value isEqual = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                args[0], args[1]);
          isExtreme = arith::OrIOp::create(b, isNaN, isEqual);
        } else {
          isExtreme = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                            args[0], args[1]);
        }
        return arith::SelectOp::create(b, isExtreme, getPosition(b, axis),
                                       TensorBuilder::scalar(b, type, none));
      });
  return reduceToExtreme(b, Tensor{candidates}, axis, /*keepDims=*/true, last);
}

template <bool largest> static LogicalResult importArg(Node &node) {
  TensorBuilder &b = node.b;
  Tensor input = node.input(0);
  FailureOr<int64_t> axis = node.getAxis("axis", 0, input.getRank());
  if (failed(axis))
    return failure();
  Size size = node.getShape(0)[*axis];
  if (!size.isStatic() || size == Size(0))
    return node.emitError()
           << "axis " << *axis << " has size " << Node::format(size)
           << "; it must be 1 or more and not depend on B";
  bool last = node.getInt("select_last_index", 0) != 0;
  Value result = buildArg(b, input, *axis, largest, last);
  if (node.getInt("keepdims", 1) == 0) {
    Shape shape = node.getShape(0);
    shape.erase(shape.begin() + *axis);
    result = b.reshape(result, shape);
  }
  node.setOutput(0, result);
  return success();
}

//===----------------------------------------------------------------------===//
// CumSum
//===----------------------------------------------------------------------===//

static LogicalResult importCumSum(Node &node) {
  TensorBuilder &b = node.b;
  Tensor input = node.input(0);
  FailureOr<SmallVector<int64_t>> axes = node.getIntsOf(1);
  if (failed(axes))
    return failure();
  if (axes->size() != 1)
    return node.emitError()
           << "input 1 has " << axes->size() << " axes; one is needed";
  FailureOr<int64_t> axis = node.normalizeAxis(axes->front(), input.getRank());
  if (failed(axis))
    return failure();
  bool exclusive = node.getInt("exclusive", 0) != 0;
  bool reverse = node.getInt("reverse", 0) != 0;
  arith::CmpIPredicate predicate =
      reverse
          ? (exclusive ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::sge)
          : (exclusive ? arith::CmpIPredicate::slt : arith::CmpIPredicate::sle);
  int64_t rank = input.getRank();
  Type type = input.getElementType();
  Value result = reducePairs(
      b, input.value, *axis, type,
      [&](ImplicitLocOpBuilder &b, Value, Value other) -> Value {
        Value counts = arith::CmpIOp::create(b, predicate, getPosition(b, rank),
                                             getPosition(b, *axis));
        return arith::SelectOp::create(b, counts, other,
                                       TensorBuilder::scalar(b, type, 0));
      });
  node.setOutput(0, result, input.isUnsigned);
  return success();
}

void vitc::onnx::registerRankingOps(OpRegistry &registry) {
  registry.add("ArgMax", importArg<true>);
  registry.add("ArgMin", importArg<false>);
  registry.add("TopK", importTopK, 2, /*since=*/10);
  registry.add("CumSum", importCumSum, 2);
}
