//===- Attention.cpp - ONNX's Attention -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// vit.attention, masks being its addends. With softcap, scores as an output, or
// softmax in f64 it is written out:
//
//   scores = scale * query . key^T         qk_matmul_output_mode 0
//   scores = cap * tanh(scores / cap)      mode 1
//   scores = scores + bias + mask          mode 2
//   probabilities = softmax(scores)        mode 3
//   result = probabilities . value
//
// A query that no key is visible to has probabilities of zero.
//
//===----------------------------------------------------------------------===//

#include "Attention.h"

#include "Operands.h"
#include "Product.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace vitc::onnx;

/// TensorProto.DataType of double, as softmax_precision has it.
constexpr int64_t kDataTypeDouble = 11;

//===----------------------------------------------------------------------===//
// Written out
//===----------------------------------------------------------------------===//

/// [B, H, M, K] by [B, Hk, K, N], or by [B, Hk, N, K] when transposed, where
/// head h of the first is multiplied with head h / (H / Hk) of the second.
static Value multiplyHeads(TensorBuilder &b, Value lhs, Value rhs,
                           bool transposed) {
  Shape left = b.getShape(lhs), right = b.getShape(rhs);
  int64_t heads = right[1].constant;
  int64_t rows = left[1].constant / heads * left[2].constant;
  AffineExpr batch, head, m, n, k;
  bindDims(b.getContext(), batch, head, m, n, k);
  auto getMap = [&](AffineExpr row, AffineExpr column) {
    return AffineMap::get(5, 0, {batch, head, row, column}, b.getContext());
  };
  Size columns = right[transposed ? 2 : 3];
  // Heads that share one of rhs are more rows of one product.
  Value grouped = b.reshape(lhs, {left[0], heads, rows, left[3]});
  Value product = b.contract(grouped, getMap(m, k), rhs,
                             transposed ? getMap(n, k) : getMap(k, n),
                             {left[0], heads, rows, columns}, getMap(m, n));
  return b.reshape(product, {left[0], left[1], left[2], columns});
}

/// cap * tanh(x / cap).
static Value buildSoftcap(TensorBuilder &b, Value scores, double cap) {
  Type type = TensorBuilder::getElementType(scores);
  return b.generic(
      scores, type, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value limit = TensorBuilder::scalar(b, type, cap);
        Value x = arith::DivFOp::create(b, args[0], limit);
        return arith::MulFOp::create(b, math::TanhOp::create(b, x), limit);
      });
}

/// Zeros in the rows whose addends are all -inf.
static Value zeroMaskedRows(TensorBuilder &b, Value probabilities,
                            Value addend) {
  Type type = TensorBuilder::getElementType(probabilities);
  double infinity = std::numeric_limits<double>::infinity();
  Type addendType = TensorBuilder::getElementType(addend);
  Value largest = b.reduce(
      addend, 3, /*keepDims=*/true, b.getScalarAttr(addendType, -infinity),
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::MaximumFOp::create(b, args[0], args[1]);
      });
  return b.generic({probabilities, largest}, type,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value masked = arith::CmpFOp::create(
                         b, arith::CmpFPredicate::OEQ, args[1],
                         TensorBuilder::scalar(b, addendType, -infinity));
                     return arith::SelectOp::create(
                         b, masked, TensorBuilder::scalar(b, type, 0), args[0]);
                   });
}

namespace {
struct WrittenOut {
  double softcap;
  bool softmaxInDouble;
  int64_t outputMode;
};
} // namespace

/// Sets outputs 0, without merging heads, and 3.
static Value buildWrittenOut(Node &node, const AttentionOperands &operands,
                             const WrittenOut &form) {
  TensorBuilder &b = node.b;
  Type type = TensorBuilder::getElementType(operands.query);
  auto setScores = [&](int64_t mode, Value scores) {
    if (node.hasOutput(3) && form.outputMode == mode)
      node.setOutput(3, scores);
  };
  Value scores = multiplyHeads(b, operands.query, operands.key, true);
  scores = buildScaled(b, scores, operands.scale);
  setScores(0, scores);
  if (form.softcap > 0)
    scores = buildSoftcap(b, scores, form.softcap);
  setScores(1, scores);
  Value addend = operands.bias;
  if (operands.mask)
    addend = addend ? buildSum(b, addend, operands.mask) : operands.mask;
  if (addend)
    scores = buildSum(b, scores, addend);
  setScores(2, scores);
  if (form.softmaxInDouble)
    scores = b.castTo(scores, b.getF64Type());
  Value probabilities = b.softmax(scores, 3);
  if (addend)
    probabilities = zeroMaskedRows(b, probabilities, addend);
  probabilities = b.castTo(probabilities, type);
  setScores(3, probabilities);
  return multiplyHeads(b, probabilities, operands.value, false);
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

/// Inputs 0 to 2 by heads.
static FailureOr<AttentionOperands> getOperands(Node &node) {
  AttentionOperands operands;
  Value *values[] = {&operands.query, &operands.key, &operands.value};
  int64_t rank = node.input(0).getRank();
  for (unsigned index : {0, 1, 2}) {
    FailureOr<Tensor> input = getFloatInput(node, index);
    if (failed(input) || failed(verifyTypeOfFirst(node, index)))
      return failure();
    if (input->getRank() != rank || (rank != 3 && rank != 4))
      return node.emitError()
             << "inputs 0 and " << index << " have shapes "
             << Node::format(node.getShape(0)) << " and "
             << Node::format(node.getShape(index))
             << "; both need 3 dims [B, N, H * D] or 4 [B, H, N, D]";
    *values[index] = input->value;
    if (rank == 4)
      continue;
    FailureOr<int64_t> heads =
        node.getRequiredInt(index == 0 ? "q_num_heads" : "kv_num_heads");
    if (failed(heads))
      return failure();
    FailureOr<Value> split = splitHeads(node, input->value, *heads);
    if (failed(split))
      return failure();
    *values[index] = *split;
  }
  return operands;
}

/// Puts the cached keys and values, inputs 4 and 5, before the new ones; gives
/// their number.
static FailureOr<Size> addPast(Node &node, AttentionOperands &operands) {
  if (node.hasInput(4) != node.hasInput(5))
    return node.emitError() << "input " << (node.hasInput(4) ? 5 : 4)
                            << " is absent; past_key and past_value come "
                               "together";
  Size numPast = 0;
  if (node.hasInput(4)) {
    Value *values[] = {&operands.key, &operands.value};
    for (unsigned index : {4, 5}) {
      Value &value = *values[index - 4];
      Shape own = node.b.getShape(value), needed = own;
      Shape past = node.getShape(index);
      if (past.size() == 4)
        needed[2] = past[2];
      if (failed(verifyTypeOfFirst(node, index)) ||
          failed(verifyShape(node, index, needed)))
        return failure();
      numPast = past[2];
      if (numPast.isOfTrip() && own[2] == Size(1)) {
        value = node.append(node.input(index).value, value, 2);
        continue;
      }
      if (!numPast.isStatic())
        return node.emitError()
               << "input " << index << " has shape " << Node::format(past)
               << "; its dim 2 must not depend on B, and grow only where one "
                  "token comes behind it";
      if (numPast != Size(0))
        value = node.b.concat({node.input(index).value, value}, 2);
    }
  }
  if (node.hasOutput(1))
    node.setOutput(1, operands.key);
  if (node.hasOutput(2))
    node.setOutput(2, operands.value);
  return numPast;
}

/// Of keys that grow with each token, those that are there.
static LogicalResult setGrownKeys(Node &node, const AttentionOperands &operands,
                                  Size numPast, KeyWindow &window) {
  Shape query = node.b.getShape(operands.query);
  Size keys = node.b.getShape(operands.key)[2];
  bool hasPlace = window.causal || window.left >= 0 || window.right >= 0;
  if (hasPlace && (query[2] != Size(1) || !numPast.isOfTrip()))
    return node.emitError()
           << "has " << Node::format(keys) << " keys, of which "
           << Node::format(numPast) << " are past_key's, and "
           << Node::format(query[2])
           << " queries; a window of keys that grow with each token needs one "
              "query behind past_key";
  // Behind the query's own there is no key.
  window.causal = false;
  window.right = -1;
  window.lengths = node.b.broadcastTo(
      node.b.sizesTensor(keys, node.b.getI64Type(), /*scalar=*/false),
      query[0]);
  return success();
}

static FailureOr<KeyWindow>
getKeyWindow(Node &node, const AttentionOperands &operands, Size numPast) {
  KeyWindow window;
  window.causal = node.getInt("is_causal", 0) != 0;
  window.offset = numPast.constant;
  window.left = node.getInt("left_window_size", -1);
  window.right = node.getInt("right_window_size", -1);
  for (int64_t size : {window.left, window.right})
    if (size < -1 || size > std::numeric_limits<int32_t>::max())
      return node.emitError() << "a window size is " << size
                              << "; -1 or a number of keys is needed";
  if (!node.hasInput(6)) {
    if (node.b.getShape(operands.key)[2].isOfTrip() &&
        failed(setGrownKeys(node, operands, numPast, window)))
      return failure();
    return window;
  }
  if (node.hasInput(4))
    return node.emitError() << "has nonpad_kv_seqlen and past_key; at most one "
                               "of them is possible";
  Tensor lengths = node.input(6);
  if (lengths.isFloat())
    return node.emitError()
           << "input 6 has elements of type " << lengths.getElementType()
           << "; integers are needed";
  if (failed(verifyShape(node, 6, node.b.getShape(operands.query)[0])))
    return failure();
  window.lengths = lengths.value;
  return window;
}

static LogicalResult importAttention(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<AttentionOperands> operands = getOperands(node);
  if (failed(operands))
    return failure();
  FailureOr<Size> numPast = addPast(node, *operands);
  if (failed(numPast) || failed(verifyAttention(node, *operands)))
    return failure();
  FailureOr<KeyWindow> window = getKeyWindow(node, *operands, *numPast);
  if (failed(window))
    return failure();
  if (node.hasInput(3)) {
    FailureOr<Value> bias = getScoreAddend(node, 3, *operands);
    if (failed(bias))
      return failure();
    operands->bias = *bias;
  }
  double headDim = b.getShape(operands->query)[3].constant;
  operands->scale = node.getFloat("scale", 1 / std::sqrt(headDim));

  WrittenOut form;
  form.softcap = node.getFloat("softcap", 0);
  form.outputMode = node.getInt("qk_matmul_output_mode", 0);
  form.softmaxInDouble = node.getInt("softmax_precision", 1) == kDataTypeDouble;
  if (form.outputMode < 0 || form.outputMode > 3)
    return node.emitError() << "qk_matmul_output_mode is " << form.outputMode
                            << "; 0 to 3 is needed";
  if (node.hasOutput(3) && (form.outputMode == 1 || form.outputMode == 2))
    emitWarning(b.getLoc())
        << "qk_matmul_output_mode " << form.outputMode
        << " changed its meaning in onnx 1.22: taken as the scores "
        << (form.outputMode == 1 ? "after softcap" : "after softcap and mask");
  Value result;
  if (form.softmaxInDouble || node.hasOutput(3)) {
    if (!window->isAll())
      operands->mask = buildKeyWindow(b, *window, *operands);
    result = buildWrittenOut(node, *operands, form);
  } else {
    if (form.softcap > 0)
      operands->softcap = form.softcap;
    setKeyWindow(b, *window, *operands);
    result = buildAttention(b, *operands);
  }
  node.setOutput(0,
                 node.input(0).getRank() == 3 ? mergeHeads(b, result) : result);
  return success();
}

void vitc::onnx::registerAttentionOps(OpRegistry &registry) {
  registry.add("Attention", importAttention, 3, /*since=*/23);
}
