//===- Gathers.cpp - Reads at computed positions --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Node.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// The index that `number` means in a dimension of `size`: negative ones count
/// from the end. Ones beyond it, which only a run can have, read an end.
static Value wrapIndex(ImplicitLocOpBuilder &b, Value number, Value size) {
  Value index = arith::IndexCastOp::create(b, b.getIndexType(), number);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value isNegative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, index, zero);
  Value fromEnd = arith::AddIOp::create(b, index, size);
  index = arith::SelectOp::create(b, isNegative, fromEnd, index);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value last = arith::SubIOp::create(b, size, one);
  index = arith::MaxSIOp::create(b, index, zero);
  return arith::MinSIOp::create(b, index, last);
}

/// The positions that a dim of `size` has with every batch.
static int64_t getLeast(Size size) { return size.constant + size.batchFactor; }

/// Makes a constant index count from the start, or errors where it is outside
/// of the dim for some batch.
static LogicalResult resolveIndex(Node &node, int64_t &index, Size size) {
  int64_t least = getLeast(size);
  if (size.isStatic()) {
    if (index < -least || index >= least)
      return node.emitError()
             << "has index " << index << "; a size of " << least << " needs "
             << -least << " to " << least - 1;
    index += index < 0 ? least : 0;
    return success();
  }
  if (index < 0 || index >= least)
    return node.emitError() << "has index " << index << " in a dim of size "
                            << Node::format(size) << "; any batch needs 0 to "
                            << least - 1 << " (--batch=N fixes it)";
  return success();
}

/// Indices of input 1 that are computed at run time need a static size.
static LogicalResult verifyIndexedDim(Node &node, Size size) {
  if (size.isStatic() || node.isConstant(1))
    return success();
  return node.emitError() << "reads a dim of size " << Node::format(size)
                          << " at indices computed at run time; needs a size "
                             "that does not depend on the batch (--batch=N "
                             "fixes it)";
}

/// Constant indices, checked, none negative.
static FailureOr<SmallVector<int64_t>>
getConstantIndices(Node &node, unsigned input, Size size) {
  FailureOr<SmallVector<int64_t>> indices = node.getIntsOf(input);
  if (failed(indices))
    return failure();
  for (int64_t &index : *indices)
    if (failed(resolveIndex(node, index, size)))
      return failure();
  return indices;
}

static LogicalResult verifyIndices(Node &node, unsigned input) {
  if (isa<IntegerType>(node.getElementType(input)))
    return success();
  return node.emitError() << "indices have elements of type "
                          << node.getElementType(input) << "; needs integers";
}

static SmallVector<Value> getLoopIndices(ImplicitLocOpBuilder &b,
                                         int64_t rank) {
  SmallVector<Value> indices;
  for (int64_t dim = 0; dim < rank; ++dim)
    indices.push_back(linalg::IndexOp::create(b, dim));
  return indices;
}

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

static LogicalResult importGather(Node &node) {
  TensorBuilder &b = node.b;
  Tensor x = node.input(0);
  Shape shape = node.getShape(0), indexShape = node.getShape(1);
  FailureOr<int64_t> axis = node.getAxis("axis", 0, shape.size());
  if (failed(axis) || failed(verifyIndices(node, 1)))
    return failure();
  Shape result(ArrayRef(shape).take_front(*axis));
  result.append(indexShape);
  result.append(shape.begin() + *axis + 1, shape.end());
  if (TypedAttr filled = b.getFilled(x.value)) {
    node.setOutput(0, b.fill(result, filled), x.isUnsigned);
    return success();
  }
  if (node.isConstant(1)) {
    FailureOr<SmallVector<int64_t>> indices =
        getConstantIndices(node, 1, shape[*axis]);
    if (failed(indices))
      return failure();
    Value taken = b.take(x.value, *axis, *indices);
    node.setOutput(0, b.reshape(taken, result), x.isUnsigned);
    return success();
  }
  if (failed(verifyIndexedDim(node, shape[*axis])))
    return failure();
  if (llvm::is_contained(result, Size(0)) || shape[*axis] == Size(0))
    return node.emitError() << "reads input of shape " << Node::format(shape)
                            << " at run time; needs sizes of 1 or more";
  std::optional<int64_t> largest = node.getLargestOf(1);
  if (largest && shape[*axis].isStatic() && *largest >= shape[*axis].constant)
    return node.emitError()
           << "reads position " << *largest << " of axis " << *axis << " of '"
           << node.getInputName(0) << "', " << Node::format(shape)
           << ", where the last token is; needs one for each, or fewer tokens";
  SmallVector<AffineExpr> exprs;
  for (size_t dim = 0; dim < indexShape.size(); ++dim)
    exprs.push_back(b.getAffineDimExpr(*axis + dim));
  auto map = AffineMap::get(result.size(), 0, exprs, b.getContext());
  Value size = arith::ConstantIndexOp::create(b, getLeast(shape[*axis]));
  Value gathered = b.generic(
      node.input(1).value, map, result, x.getElementType(),
      [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        SmallVector<Value> loops = getLoopIndices(body, result.size());
        SmallVector<Value> position(loops.begin(), loops.begin() + *axis);
        position.push_back(wrapIndex(body, args[0], size));
        position.append(loops.begin() + *axis + indexShape.size(), loops.end());
        return tensor::ExtractOp::create(body, x.value, position);
      });
  node.setOutput(0, gathered, x.isUnsigned);
  return success();
}

static LogicalResult importGatherElements(Node &node) {
  TensorBuilder &b = node.b;
  Tensor x = node.input(0);
  Shape shape = node.getShape(0), result = node.getShape(1);
  FailureOr<int64_t> axis = node.getAxis("axis", 0, shape.size());
  if (failed(axis) || failed(verifyIndices(node, 1)))
    return failure();
  bool fits = shape.size() == result.size() && shape[*axis] != Size(0);
  for (size_t dim = 0; fits && dim < shape.size(); ++dim)
    fits = int64_t(dim) == *axis || shape[dim] == result[dim] ||
           (shape[dim].isStatic() && result[dim].isStatic() &&
            result[dim].constant <= shape[dim].constant);
  if (!fits)
    return node.emitError() << "indices have shape " << Node::format(result)
                            << "; input of shape " << Node::format(shape)
                            << " needs the same rank, and sizes that are no "
                               "larger but for axis "
                            << *axis;
  if (failed(verifyIndexedDim(node, shape[*axis])) ||
      (node.isConstant(1) && failed(getConstantIndices(node, 1, shape[*axis]))))
    return failure();
  Value size = arith::ConstantIndexOp::create(b, getLeast(shape[*axis]));
  Value gathered =
      b.generic(node.input(1).value, b.getMultiDimIdentityMap(result.size()),
                result, x.getElementType(),
                [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
                  SmallVector<Value> position =
                      getLoopIndices(body, result.size());
                  position[*axis] = wrapIndex(body, args[0], size);
                  return tensor::ExtractOp::create(body, x.value, position);
                });
  node.setOutput(0, gathered, x.isUnsigned);
  return success();
}

/// That the indices, tuples of positions in dims of `sizes`, can be read at.
static LogicalResult verifyTuples(Node &node, ArrayRef<Size> sizes) {
  if (llvm::is_contained(sizes, Size(0)))
    return node.emitError()
           << "reads from dims of sizes " << Node::format(sizes)
           << "; needs sizes of 1 or more";
  for (Size size : sizes)
    if (failed(verifyIndexedDim(node, size)))
      return failure();
  if (!node.isConstant(1) || sizes.empty())
    return success();
  FailureOr<SmallVector<int64_t>> indices = node.getIntsOf(1);
  if (failed(indices))
    return failure();
  for (auto [at, index] : llvm::enumerate(*indices))
    if (failed(resolveIndex(node, index, sizes[at % sizes.size()])))
      return failure();
  return success();
}

static LogicalResult importGatherND(Node &node) {
  TensorBuilder &b = node.b;
  Tensor x = node.input(0), indices = node.input(1);
  Shape shape = node.getShape(0), indexShape = node.getShape(1);
  int64_t batchDims = node.getInt("batch_dims", 0);
  if (failed(verifyIndices(node, 1)))
    return failure();
  int64_t rank = shape.size(), indexRank = indexShape.size();
  bool fits = indexRank > 0 && indexShape.back().isStatic() && batchDims >= 0 &&
              batchDims < std::min(rank, indexRank) &&
              batchDims + indexShape.back().constant <= rank;
  for (int64_t dim = 0; fits && dim < batchDims; ++dim)
    fits = shape[dim] == indexShape[dim];
  if (!fits)
    return node.emitError() << "indices have shape " << Node::format(indexShape)
                            << " and batch_dims is " << batchDims
                            << "; input of shape " << Node::format(shape)
                            << " needs the same batch sizes, and a last size "
                               "of at most its rank behind them";
  int64_t tuple = indexShape.back().constant;
  if (failed(verifyTuples(node, ArrayRef(shape).slice(batchDims, tuple))))
    return failure();
  Shape result(ArrayRef(indexShape).drop_back());
  result.append(shape.begin() + batchDims + tuple, shape.end());
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < tuple; ++dim)
    sizes.push_back(
        arith::ConstantIndexOp::create(b, getLeast(shape[batchDims + dim])));
  Value gathered = b.gather(
      result, x.getElementType(),
      [&](ImplicitLocOpBuilder &body, ValueRange) -> Value {
        SmallVector<Value> loops = getLoopIndices(body, result.size());
        SmallVector<Value> position(loops.begin(), loops.begin() + batchDims);
        for (int64_t part = 0; part < tuple; ++part) {
          SmallVector<Value> at(loops.begin(), loops.begin() + indexRank - 1);
          at.push_back(arith::ConstantIndexOp::create(body, part));
          Value number = tensor::ExtractOp::create(body, indices.value, at);
          position.push_back(wrapIndex(body, number, sizes[part]));
        }
        position.append(loops.begin() + indexRank - 1, loops.end());
        return tensor::ExtractOp::create(body, x.value, position);
      });
  node.setOutput(0, gathered, x.isUnsigned);
  return success();
}

//===----------------------------------------------------------------------===//
// Positions made from indices
//===----------------------------------------------------------------------===//

static LogicalResult importTrilu(Node &node) {
  TensorBuilder &b = node.b;
  Tensor x = node.input(0);
  int64_t rank = x.getRank(), offset = 0;
  if (rank < 2)
    return node.emitError()
           << "input has shape " << Node::format(node.getShape(0))
           << "; needs matrices";
  if (node.hasInput(1)) {
    FailureOr<SmallVector<int64_t>> given = node.getIntsOf(1);
    if (failed(given))
      return failure();
    if (given->size() != 1)
      return node.emitError()
             << "has " << given->size() << " diagonals; needs 1";
    constexpr int64_t bound = int64_t(1) << 40;
    offset = std::clamp(given->front(), -bound, bound);
  }
  bool upper = node.getInt("upper", 1) != 0;
  Value kept = b.generic(
      x.value, b.getMultiDimIdentityMap(rank), node.getShape(0),
      x.getElementType(),
      [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value row = linalg::IndexOp::create(body, rank - 2);
        Value column = linalg::IndexOp::create(body, rank - 1);
        Value diagonal = arith::AddIOp::create(
            body, row, arith::ConstantIndexOp::create(body, offset));
        Value keep = arith::CmpIOp::create(
            body, upper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle,
            column, diagonal);
        Value zero = TensorBuilder::scalar(body, args[0].getType(), 0);
        return arith::SelectOp::create(body, keep, args[0], zero);
      });
  node.setOutput(0, kept, x.isUnsigned);
  return success();
}

static LogicalResult importOneHot(Node &node) {
  TensorBuilder &b = node.b;
  Tensor indices = node.input(0);
  FailureOr<DenseElementsAttr> depth = node.getConstant(1);
  FailureOr<DenseElementsAttr> values =
      failed(depth) ? FailureOr<DenseElementsAttr>() : node.getConstant(2);
  if (failed(depth) || failed(values))
    return failure();
  if (depth->getNumElements() != 1 || values->getNumElements() != 2)
    return node.emitError()
           << "has " << depth->getNumElements() << " depths and "
           << values->getNumElements() << " values; needs 1 and 2";
  int64_t count =
      isa<FloatType>(depth->getElementType())
          ? int64_t(std::clamp((*node.getFloatsOf(1))[0], -1.0, 1e9))
          : (*node.getIntsOf(1))[0];
  if (count < 1)
    return node.emitError() << "depth is " << count << "; needs 1 or more";
  FailureOr<int64_t> axis = node.getAxis("axis", -1, indices.getRank() + 1);
  if (failed(axis))
    return failure();
  Shape shape = node.getShape(0);
  shape.insert(shape.begin() + *axis, Size(count));
  SmallVector<AffineExpr> exprs;
  for (int64_t dim = 0; dim < int64_t(shape.size()); ++dim)
    if (dim != *axis)
      exprs.push_back(b.getAffineDimExpr(dim));
  auto map = AffineMap::get(shape.size(), 0, exprs, b.getContext());
  auto numbers = values->getValues<TypedAttr>();
  Value numbersAsI64 =
      b.castTo(indices.value, b.getI64Type(), indices.isUnsigned);
  Value hot = b.generic(
      numbersAsI64, map, shape, values->getElementType(),
      [&](ImplicitLocOpBuilder &body, ValueRange args) -> Value {
        Value size = TensorBuilder::scalar(body, body.getI64Type(), count);
        Value zero = TensorBuilder::scalar(body, body.getI64Type(), 0);
        Value isNegative = arith::CmpIOp::create(
            body, arith::CmpIPredicate::slt, args[0], zero);
        Value index = arith::SelectOp::create(
            body, isNegative, arith::AddIOp::create(body, args[0], size),
            args[0]);
        Value loop = arith::IndexCastOp::create(
            body, body.getI64Type(), linalg::IndexOp::create(body, *axis));
        Value isHot =
            arith::CmpIOp::create(body, arith::CmpIPredicate::eq, index, loop);
        Value off = arith::ConstantOp::create(body, numbers[0]);
        Value on = arith::ConstantOp::create(body, numbers[1]);
        return arith::SelectOp::create(body, isHot, on, off);
      });
  node.setOutput(0, hot, node.input(2).isUnsigned);
  return success();
}

void onnx::registerGatherOps(OpRegistry &registry) {
  registry.add("Gather", importGather, 2);
  registry.add("GatherElements", importGatherElements, 2);
  registry.add("GatherND", importGatherND, 2);
  registry.add("OneHot", importOneHot, 3);
  registry.add("Trilu", importTrilu);
}
