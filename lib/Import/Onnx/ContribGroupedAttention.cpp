//===- ContribGroupedAttention.cpp - Heads that share keys ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// com.microsoft's GroupQueryAttention over a whole text: causal, without keys
// of an earlier run.
// Source: Ainslie et al. 2023 (GQA).
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "Contrib.h"
#include "Operands.h"
#include "RotaryEmbedding.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace vitc::onnx;

namespace {
struct GroupedHeads {
  int64_t query, key;
};
} // namespace

/// Inputs 0 to 2, or all packed in input 0, as [B, N, H * D].
static FailureOr<SmallVector<Value>> getTokens(Node &node, GroupedHeads heads) {
  TensorBuilder &b = node.b;
  bool isPacked = !node.hasInput(1);
  if (isPacked == node.hasInput(2))
    return node.emitError() << "input " << (isPacked ? 1 : 2)
                            << " is absent; key and value come together";
  SmallVector<Value> tokens;
  for (unsigned index = 0; index < (isPacked ? 1 : 3); ++index) {
    FailureOr<Tensor> input = getFloatInput(node, index);
    if (failed(input) || failed(verifyTypeOfFirst(node, index)))
      return failure();
    Shape shape = node.getShape(index);
    if (shape.size() != 3 || !shape[1].isStatic() || !shape[2].isStatic())
      return node.emitError()
             << "input " << index << " has shape " << Node::format(shape)
             << "; needs [B, N, H * D], where only B depends on the batch";
    tokens.push_back(input->value);
  }
  if (!isPacked)
    return tokens;
  int64_t all = heads.query + 2 * heads.key,
          width = node.getShape(0)[2].constant;
  if (width % all != 0)
    return node.emitError()
           << "input 0 has " << width << " features; " << all
           << " heads of query, key and value need a multiple of their number";
  Value packed = tokens.front();
  tokens.clear();
  int64_t offset = 0;
  for (int64_t count : {heads.query, heads.key, heads.key}) {
    int64_t size = width / all * count;
    tokens.push_back(b.sliceDim(packed, 2, offset, size));
    offset += size;
  }
  return tokens;
}

/// Rows 0 to N - 1 of a table [P, R / 2], input `index`, as [1, N, 1, R / 2].
static FailureOr<Value> getAngles(Node &node, unsigned index, Size tokens,
                                  int64_t headDim) {
  TensorBuilder &b = node.b;
  if (!node.hasInput(index))
    return node.emitError()
           << "input " << index << " is absent; do_rotary needs it";
  Shape shape = node.getShape(index);
  bool fits = shape.size() == 2 && shape[0].isStatic() && shape[1].isStatic() &&
              shape[0].constant >= tokens.constant && shape[1].constant > 0 &&
              shape[1].constant <= headDim / 2;
  if (!fits || failed(verifyTypeOfFirst(node, index)))
    return node.emitError()
           << "input " << index << " has shape " << Node::format(shape)
           << "; needs " << Node::format(tokens)
           << " rows or more of up to half of " << headDim << " features";
  return b.reshape(b.sliceDim(node.input(index).value, 0, 0, tokens.constant),
                   {Size(1), tokens, Size(1), shape[1]});
}

/// Turns [B, N, H * D] by each token's position.
static FailureOr<Value> rotateTokens(Node &node, Value tokens, int64_t heads,
                                     int64_t headDim) {
  TensorBuilder &b = node.b;
  Shape shape = b.getShape(tokens);
  FailureOr<Value> cosine = getAngles(node, 7, shape[1], headDim);
  FailureOr<Value> sine =
      failed(cosine) ? cosine : getAngles(node, 8, shape[1], headDim);
  if (failed(sine))
    return failure();
  if (b.getShape(*cosine) != b.getShape(*sine))
    return node.emitError()
           << "inputs 7 and 8 have shapes " << Node::format(node.getShape(7))
           << " and " << Node::format(node.getShape(8)) << "; needs one shape";
  Value byHeads =
      b.reshape(tokens, {shape[0], shape[1], Size(heads), Size(headDim)});
  bool interleaved = node.getInt("rotary_interleaved", 0) != 0;
  return b.reshape(
      buildRotaryEmbedding(b, byHeads, *cosine, *sine, interleaved), shape);
}

/// Keys behind each text's last token, number input 5, are padding.
static LogicalResult addLengths(Node &node, AttentionOperands &operands) {
  TensorBuilder &b = node.b;
  Shape shape = b.getShape(operands.key);
  if (!node.hasInput(5))
    return node.emitError() << "input 5, seqlens_k, is absent; needs it";
  if (!node.getElementType(5).isInteger(32) ||
      !TensorBuilder::canReshape(node.getShape(5), shape[0]))
    return node.emitError()
           << "input 5 has shape " << Node::format(node.getShape(5))
           << " and elements of type " << node.getElementType(5)
           << "; needs one i32 for each item of the batch";
  if (node.isConstant(5)) {
    FailureOr<SmallVector<int64_t>> last = node.getIntsOf(5);
    if (failed(last))
      return failure();
    if (llvm::all_of(*last,
                     [&](int64_t at) { return at == shape[2].constant - 1; }))
      return success();
  }
  operands.keyLength =
      b.generic(b.reshape(node.input(5).value, shape[0]), b.getI32Type(),
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  Value one = TensorBuilder::scalar(b, args[0].getType(), 1);
                  return arith::AddIOp::create(b, args[0], one);
                });
  return success();
}

static LogicalResult verifyForm(Node &node, GroupedHeads heads) {
  if (heads.query < 1 || heads.key < 1 || heads.query % heads.key != 0)
    return node.emitError() << "has " << heads.query << " heads of queries and "
                            << heads.key << " of keys; needs a divisor of them";
  if (failed(verifyAbsent(node, {{3, "past_key"},
                                 {4, "past_value"},
                                 {9, "position_ids"},
                                 {11, "head_sink"}})))
    return failure();
  for (StringRef name : {"smooth_softmax", "qk_output"})
    if (node.getInt(name, 0) > 0)
      return node.emitError() << name << " is set; it is not supported";
  return success();
}

LogicalResult vitc::onnx::importGroupQueryAttention(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<int64_t> queryHeads = node.getRequiredInt("num_heads");
  FailureOr<int64_t> keyHeads = node.getRequiredInt("kv_num_heads");
  if (failed(queryHeads) || failed(keyHeads))
    return failure();
  GroupedHeads heads{*queryHeads, *keyHeads};
  if (failed(verifyForm(node, heads)))
    return failure();
  FailureOr<SmallVector<Value>> tokens = getTokens(node, heads);
  if (failed(tokens))
    return failure();
  AttentionOperands operands;
  Value *values[] = {&operands.query, &operands.key, &operands.value};
  int64_t counts[] = {heads.query, heads.key, heads.key};
  for (unsigned index : {0, 1, 2}) {
    Value part = (*tokens)[index];
    int64_t width = b.getShape(part)[2].constant;
    bool turns = index != 2 && node.getInt("do_rotary", 0) != 0 &&
                 width % counts[index] == 0;
    FailureOr<Value> turned =
        turns ? rotateTokens(node, part, counts[index], width / counts[index])
              : FailureOr<Value>(part);
    if (failed(turned))
      return failure();
    FailureOr<Value> split = splitHeads(node, *turned, counts[index]);
    if (failed(split))
      return failure();
    *values[index] = *split;
  }
  if (failed(verifyAttention(node, operands)))
    return failure();
  Shape query = b.getShape(operands.query), key = b.getShape(operands.key);
  if (query[2] != key[2])
    return node.emitError()
           << "has " << Node::format(query[2]) << " queries and "
           << Node::format(key[2]) << " keys; needs as many";
  if (failed(addLengths(node, operands)))
    return failure();
  if (node.hasInput(10)) {
    FailureOr<Value> bias = getScoreAddend(node, 10, operands);
    if (failed(bias))
      return failure();
    operands.bias = *bias;
  }
  KeyWindow window;
  window.causal = true;
  // The window counts the query's own key.
  int64_t visible = node.getInt("local_window_size", -1);
  window.left = visible > 0 ? visible - 1 : -1;
  setKeyWindow(b, window, operands);
  if (double cap = node.getFloat("softcap", 0); cap > 0)
    operands.softcap = cap;
  double scale = node.getFloat("scale", 0);
  operands.scale =
      scale != 0 ? scale : 1 / std::sqrt(double(query[3].constant));
  node.setOutput(0, mergeHeads(b, buildAttention(b, operands)));
  node.setOutput(1, operands.key);
  node.setOutput(2, operands.value);
  return success();
}
