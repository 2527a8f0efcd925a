//===- Product.cpp - ONNX's matrix products -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each product is a linalg.contract; a transposed operand is only another
// indexing map of it.
//
//===----------------------------------------------------------------------===//

#include "Product.h"

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc::onnx;

Value vitc::onnx::buildScaled(TensorBuilder &b, Value tensor, double factor) {
  if (factor == 1)
    return tensor;
  Type type = TensorBuilder::getElementType(tensor);
  return b.generic(tensor, type,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value scalar = TensorBuilder::scalar(b, type, factor);
                     if (isa<FloatType>(type))
                       return arith::MulFOp::create(b, args[0], scalar);
                     return arith::MulIOp::create(b, args[0], scalar);
                   });
}

Value vitc::onnx::buildSum(TensorBuilder &b, Value lhs, Value rhs) {
  Type type = TensorBuilder::getElementType(lhs);
  return b.elementwise({lhs, rhs}, type,
                       [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                         if (isa<FloatType>(type))
                           return arith::AddFOp::create(b, args[0], args[1]);
                         return arith::AddIOp::create(b, args[0], args[1]);
                       });
}

/// Whether shapes are those of numpy.matmul's operands.
static bool areMultipliable(ArrayRef<Size> lhs, ArrayRef<Size> rhs) {
  if (lhs.empty() || rhs.empty())
    return false;
  Size inner = rhs.size() == 1 ? rhs.back() : rhs[rhs.size() - 2];
  if (lhs.back() != inner)
    return false;
  Shape batch[] = {Shape(lhs.drop_back(std::min<size_t>(lhs.size(), 2))),
                   Shape(rhs.drop_back(std::min<size_t>(rhs.size(), 2)))};
  return TensorBuilder::broadcast(batch).has_value();
}

LogicalResult vitc::onnx::verifyMatmul(Node &node, ArrayRef<Size> lhs,
                                       ArrayRef<Size> rhs) {
  if (areMultipliable(lhs, rhs))
    return success();
  return node.emitError() << "operands have shapes " << Node::format(lhs)
                          << " and " << Node::format(rhs)
                          << "; the inner dims have to agree and the others to "
                             "broadcast";
}

/// What an op keeps but for numbers that become 0, as PyTorch's safe softmax
/// does with NaN; null for another op.
static Value getKept(Operation *op) {
  if (isa_and_present<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return op->getOperand(0);
  auto generic = dyn_cast_if_present<linalg::GenericOp>(op);
  if (!generic)
    return {};
  auto select = generic.getBody()
                    ->getTerminator()
                    ->getOperand(0)
                    .getDefiningOp<arith::SelectOp>();
  if (!select || !matchPattern(select.getTrueValue(), m_AnyZeroFloat()))
    return {};
  auto argument = dyn_cast<BlockArgument>(select.getFalseValue());
  if (!argument || argument.getOwner() != generic.getBody())
    return {};
  OpOperand *kept = generic.getMatchingOpOperand(argument);
  return generic.getMatchingIndexingMap(kept).isIdentity() ? kept->get()
                                                           : Value();
}

/// Whether `value` is a softmax's along the last dim, perhaps in another shape,
/// or 0.
static bool isSoftmax(Value value) {
  while (Value kept = getKept(value.getDefiningOp()))
    value = kept;
  Operation *op = value.getDefiningOp();
  auto softmax = dyn_cast_if_present<linalg::SoftmaxOp>(op);
  return softmax && int64_t(softmax.getDimension()) ==
                        softmax.getInputOperandType().getRank() - 1;
}

static LogicalResult importMatMul(Node &node) {
  if (failed(verifyTypeOfFirst(node, 1)) ||
      failed(verifyMatmul(node, node.getShape(0), node.getShape(1))))
    return failure();
  // Positions that there is room for are no terms of a sum; a softmax has left
  // them out.
  Value lhs = node.input(0).value;
  if (node.getShape(0).back().isOfTrip() && !isSoftmax(lhs))
    lhs = node.b.keepPositions(lhs, node.getShape(0).size() - 1, 0);
  node.setOutput(0, node.b.matmul(lhs, node.input(1).value),
                 node.input(0).isUnsigned);
  return success();
}

FailureOr<Value> vitc::onnx::buildGemm(Node &node) {
  TensorBuilder &b = node.b;
  if (failed(verifyTypeOfFirst(node, 1)))
    return failure();
  Shape lhs = node.getShape(0), rhs = node.getShape(1);
  if (lhs.size() != 2 || rhs.size() != 2)
    return node.emitError()
           << "operands have shapes " << Node::format(lhs) << " and "
           << Node::format(rhs) << "; matrices are needed";
  bool transA = node.getInt("transA", 0), transB = node.getInt("transB", 0);
  Size rows = lhs[transA], innerA = lhs[!transA], innerB = rhs[transB],
       columns = rhs[!transB];
  if (innerA != innerB)
    return node.emitError()
           << "operands have shapes " << Node::format(lhs)
           << (transA ? " (transposed)" : "") << " and " << Node::format(rhs)
           << (transB ? " (transposed)" : "")
           << "; the inner dims have to agree";

  AffineExpr m = b.getAffineDimExpr(0), n = b.getAffineDimExpr(1),
             k = b.getAffineDimExpr(2);
  auto getMap = [&](AffineExpr first, AffineExpr second) {
    return AffineMap::get(3, 0, {first, second}, b.getContext());
  };
  Shape shape{rows, columns};
  Value result =
      b.contract(node.input(0).value, transA ? getMap(k, m) : getMap(m, k),
                 node.input(1).value, transB ? getMap(n, k) : getMap(k, n),
                 shape, getMap(m, n));
  double alpha = node.getFloat("alpha", 1), beta = node.getFloat("beta", 1);
  if (!node.input(0).isFloat() && (alpha != 1 || beta != 1))
    return node.emitError() << "alpha is " << alpha << " and beta " << beta
                            << "; a product of integers needs 1 for both";
  result = buildScaled(b, result, alpha);
  if (node.hasInput(2) && beta != 0) {
    if (failed(verifyTypeOfFirst(node, 2)))
      return failure();
    Shape shapes[] = {shape, node.getShape(2)};
    if (TensorBuilder::broadcast(shapes) != shape)
      return node.emitError()
             << "input 2 has shape " << Node::format(node.getShape(2))
             << "; it has to broadcast to " << Node::format(shape);
    result = buildSum(b, result, buildScaled(b, node.input(2).value, beta));
  }
  return result;
}

static LogicalResult importGemm(Node &node) {
  FailureOr<Value> result = buildGemm(node);
  if (failed(result))
    return failure();
  node.setOutput(0, *result, node.input(0).isUnsigned);
  return success();
}

void vitc::onnx::registerProductOps(OpRegistry &registry) {
  registry.add("MatMul", importMatMul, 2);
  registry.add("Gemm", importGemm, 2);
}
