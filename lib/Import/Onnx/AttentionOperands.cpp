//===- AttentionOperands.cpp - Heads and masks of attention ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention.h"

#include "Operands.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

FailureOr<Value> vitc::onnx::splitHeads(Node &node, Value tokens,
                                        int64_t heads) {
  Shape shape = node.b.getShape(tokens);
  if (heads < 1 || shape.size() != 3 || !shape[2].isStatic() ||
      shape[2].constant % heads != 0)
    return node.emitError()
           << "tokens have shape " << Node::format(shape) << " and " << heads
           << " heads; [B, N, H * D] is needed";
  Value result = vit::SplitHeadsOp::create(node.b, tokens, heads);
  return node.b.setShape(
      result, {shape[0], heads, shape[1], shape[2].constant / heads});
}

Value vitc::onnx::mergeHeads(TensorBuilder &b, Value tensor) {
  Shape shape = b.getShape(tensor);
  Value result = vit::MergeHeadsOp::create(b, tensor);
  return b.setShape(
      result, {shape[0], shape[2], shape[1].constant * shape[3].constant});
}

LogicalResult vitc::onnx::verifyAttention(Node &node,
                                          const AttentionOperands &operands) {
  Shape query = node.b.getShape(operands.query);
  Shape key = node.b.getShape(operands.key);
  Shape value = node.b.getShape(operands.value);
  auto isPositive = [](Size size) {
    return size.isStatic() && size.constant > 0;
  };
  // The number of keys alone may grow with each token.
  auto isFixed = [&](const Shape &shape, bool mayGrow) {
    return shape.size() == 4 && isPositive(shape[1]) && isPositive(shape[3]) &&
           (isPositive(shape[2]) || (mayGrow && shape[2].isOfTrip()));
  };
  if (!isFixed(query, false) || !isFixed(key, true) || !isFixed(value, true) ||
      query[0] != key[0] || key[0] != value[0] || key[1] != value[1] ||
      key[2] != value[2] || query[3] != key[3] ||
      query[1].constant % key[1].constant != 0)
    return node.emitError()
           << "query, key and value have shapes " << Node::format(query) << ", "
           << Node::format(key) << " and " << Node::format(value)
           << "; [B, H, Nq, D], [B, Hk, Nk, D] and [B, Hk, Nk, Dv] with Hk a "
              "divisor of H are needed";
  return success();
}

Value vitc::onnx::buildAttention(TensorBuilder &b,
                                 const AttentionOperands &operands) {
  IntegerAttr causal;
  if (operands.causal)
    causal = b.getI64IntegerAttr(*operands.causal);
  FloatAttr softcap;
  if (operands.softcap)
    softcap = b.getF64FloatAttr(*operands.softcap);
  Value result = vit::AttentionOp::create(
      b, operands.query, operands.key, operands.value, operands.bias,
      operands.mask, operands.keyLength, b.getF64FloatAttr(operands.scale),
      causal, softcap);
  Shape shape = b.getShape(operands.query);
  shape[3] = b.getShape(operands.value)[3];
  return b.setShape(result, shape);
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

static Value buildMinusInfinity(ImplicitLocOpBuilder &b, Type type) {
  return TensorBuilder::scalar(b, type,
                               -std::numeric_limits<double>::infinity());
}

/// 0 where a bool tensor is true, -inf elsewhere.
static Value buildAddendOfBools(TensorBuilder &b, Value mask, Type type) {
  return b.generic(
      mask, type, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::SelectOp::create(b, args[0],
                                       TensorBuilder::scalar(b, type, 0),
                                       buildMinusInfinity(b, type));
      });
}

FailureOr<Value> vitc::onnx::getScoreAddend(Node &node, unsigned index,
                                            const AttentionOperands &operands) {
  TensorBuilder &b = node.b;
  Shape query = b.getShape(operands.query), key = b.getShape(operands.key);
  Type type = TensorBuilder::getElementType(operands.query);
  Tensor mask = node.input(index);
  bool isBool = mask.getElementType().isInteger(1);
  if (!isBool && !mask.isFloat())
    return node.emitError()
           << "input " << index << " has elements of type "
           << mask.getElementType() << "; bools or floats are needed";
  Shape shape = node.getShape(index), full = query;
  full[3] = key[2];
  Size keys = shape.empty() ? Size(0) : shape.back();
  bool isForAll = keys == full[3] || (keys == Size(1) && node.getOpset() < 24);
  bool fits = shape.size() >= 1 && shape.size() <= 4 &&
              (isForAll || (keys.isStatic() && full[3].isStatic() &&
                            keys.constant <= full[3].constant));
  if (fits) {
    // One key stands for all, fewer than there are for the first ones.
    Shape covered = shape;
    if (keys != Size(1))
      covered.back() = full[3];
    Shape shapes[] = {covered, full};
    fits = TensorBuilder::broadcast(shapes) == full;
  }
  if (!fits)
    return node.emitError()
           << "input " << index << " has shape " << Node::format(shape)
           << "; it has to broadcast to " << Node::format(full);

  // A step's mask of tokens that there are.
  if (TypedAttr filled = b.getFilled(mask.value))
    if (isForAll && filled == b.getScalarAttr(filled.getType(), isBool))
      return Value();
  Value addend = isBool ? buildAddendOfBools(b, mask.value, type)
                        : b.castTo(mask.value, type);
  if (!isForAll) {
    SmallVector<int64_t> low(shape.size(), 0), high(shape.size(), 0);
    high.back() = full[3].constant - keys.constant;
    addend =
        b.pad(addend, low, high,
              b.getScalarAttr(type, -std::numeric_limits<double>::infinity()));
    shape.back() = full[3];
  }
  while (shape.size() < 4)
    shape.insert(shape.begin(), Size(1));
  addend = b.reshape(addend, shape);
  return b.broadcastTo(addend, {shape[0], shape[1], full[2], full[3]});
}

void vitc::onnx::setKeyWindow(TensorBuilder &b, const KeyWindow &window,
                              AttentionOperands &operands) {
  if (window.isAll())
    return;
  bool isSliding = window.left >= 0 || window.right >= 0;
  if (!isSliding && !window.lengths) {
    operands.causal = window.offset;
    return;
  }
  Type length =
      window.lengths ? TensorBuilder::getElementType(window.lengths) : Type();
  if (!isSliding && !window.causal &&
      (length.isInteger(32) || length.isInteger(64)))
    operands.keyLength = window.lengths;
  else
    operands.mask = buildKeyWindow(b, window, operands);
}

Value vitc::onnx::buildKeyWindow(TensorBuilder &b, const KeyWindow &window,
                                 const AttentionOperands &operands) {
  Shape shape = b.getShape(operands.query);
  int64_t numQueries = shape[2].constant;
  shape[0] = window.lengths ? shape[0] : Size(1);
  shape[1] = 1;
  shape[3] = b.getShape(operands.key)[2];
  Type type = TensorBuilder::getElementType(operands.query);
  return b.gather(shape, type, [&](ImplicitLocOpBuilder &b, ValueRange) {
    Value query = linalg::IndexOp::create(b, 2);
    Value key = linalg::IndexOp::create(b, 3);
    auto getIndex = [&](int64_t number) -> Value {
      return arith::ConstantIndexOp::create(b, number);
    };
    Value visible;
    auto require = [&](arith::CmpIPredicate predicate, Value lhs, Value rhs) {
      Value holds = arith::CmpIOp::create(b, predicate, lhs, rhs);
      visible =
          visible ? Value(arith::AndIOp::create(b, visible, holds)) : holds;
    };
    Value offset = getIndex(window.offset);
    if (window.lengths) {
      Value item = linalg::IndexOp::create(b, 0);
      Value length = arith::IndexCastOp::create(
          b, b.getIndexType(),
          tensor::ExtractOp::create(b, window.lengths, item));
      offset = arith::SubIOp::create(b, length, getIndex(numQueries));
      require(arith::CmpIPredicate::slt, key, length);
    }
    Value place = arith::AddIOp::create(b, query, offset);
    if (window.causal)
      require(arith::CmpIPredicate::sle, key, place);
    if (window.left >= 0)
      require(arith::CmpIPredicate::sge, key,
              arith::SubIOp::create(b, place, getIndex(window.left)));
    if (window.right >= 0)
      require(arith::CmpIPredicate::sle, key,
              arith::AddIOp::create(b, place, getIndex(window.right)));
    Value addend =
        arith::SelectOp::create(b, visible, TensorBuilder::scalar(b, type, 0),
                                buildMinusInfinity(b, type));
    return addend;
  });
}
