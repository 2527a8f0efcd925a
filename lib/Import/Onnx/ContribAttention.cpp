//===- ContribAttention.cpp - ONNX Runtime's attention ops ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention projects the tokens itself, by one matrix for query, key and value;
// MultiHeadAttention is given all three. ContribGroupedAttention.cpp has the
// form whose heads share keys.
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "Contrib.h"
#include "Operands.h"
#include "Product.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace vitc::onnx;

LogicalResult
vitc::onnx::verifyAbsent(Node &node,
                         ArrayRef<std::pair<unsigned, StringRef>> inputs) {
  for (auto [index, name] : inputs)
    if (node.hasInput(index))
      return node.emitError() << "input " << index << ", " << name
                              << ", is there; it is not supported";
  return success();
}

/// Input `index` says which keys are padding: lengths [B], or zeros in
/// [B, Nk] or [B, Nq, Nk].
static LogicalResult addPadding(Node &node, unsigned index,
                                AttentionOperands &operands) {
  if (!node.hasInput(index))
    return success();
  TensorBuilder &b = node.b;
  if (!node.getElementType(index).isInteger(32))
    return node.emitError() << "input " << index << " has elements of type "
                            << node.getElementType(index) << "; needs i32";
  Shape query = b.getShape(operands.query), key = b.getShape(operands.key);
  Shape full = {query[0], query[2], key[2]}, shape = node.getShape(index);
  Value mask = node.input(index).value;
  if (ArrayRef<Size>(shape) == ArrayRef<Size>(query[0])) {
    operands.keyLength = mask;
    return success();
  }
  if (shape.size() == 2)
    shape.insert(shape.begin() + 1, Size(1));
  if (shape.size() != 3 || shape[0] != full[0] || shape[2] != full[2] ||
      (shape[1] != full[1] && shape[1] != Size(1)))
    return node.emitError()
           << "input " << index << " has shape "
           << Node::format(node.getShape(index)) << "; needs "
           << Node::format({full[0]}) << ", "
           << Node::format({full[0], full[2]}) << " or " << Node::format(full);
  Type type = TensorBuilder::getElementType(operands.query);
  double filler = node.getFloat("mask_filter_value", -10000);
  Value addend =
      b.generic(b.reshape(mask, shape), type,
                [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  Value isSeen = arith::CmpIOp::create(
                      b, arith::CmpIPredicate::ne, args[0],
                      TensorBuilder::scalar(b, args[0].getType(), 0));
                  return arith::SelectOp::create(
                      b, isSeen, TensorBuilder::scalar(b, type, 0),
                      TensorBuilder::scalar(b, type, filler));
                });
  shape.insert(shape.begin() + 1, Size(1));
  operands.mask = b.broadcastTo(b.reshape(addend, shape),
                                {full[0], Size(1), full[1], full[2]});
  return success();
}

/// Completes operands that have query, key and value, and sets output 0.
static LogicalResult finish(Node &node, AttentionOperands &operands,
                            unsigned paddingIndex, unsigned biasIndex) {
  if (failed(verifyAttention(node, operands)) ||
      failed(addPadding(node, paddingIndex, operands)))
    return failure();
  if (node.hasInput(biasIndex)) {
    FailureOr<Value> bias = getScoreAddend(node, biasIndex, operands);
    if (failed(bias))
      return failure();
    operands.bias = *bias;
  }
  KeyWindow window;
  window.causal = node.getInt("unidirectional", 0) != 0;
  if (!window.isAll()) {
    Value causal = buildKeyWindow(node.b, window, operands);
    operands.mask =
        operands.mask ? buildSum(node.b, operands.mask, causal) : causal;
  }
  // Zero means the default as well.
  double scale = node.getFloat("scale", 0);
  double headDim = node.b.getShape(operands.query)[3].constant;
  operands.scale = scale != 0 ? scale : 1 / std::sqrt(headDim);
  node.setOutput(0, mergeHeads(node.b, buildAttention(node.b, operands)));
  return success();
}

static LogicalResult importContribAttention(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0);
  FailureOr<int64_t> heads = node.getRequiredInt("num_heads");
  if (failed(input) || failed(heads) || failed(verifyTypeOfFirst(node, 1)) ||
      failed(verifyAbsent(node, {{4, "past"}, {6, "past_sequence_length"}})))
    return failure();
  if (node.getInt("do_rotary", 0) != 0 || node.hasOutput(1))
    return node.emitError() << "do_rotary is set or output 1 in use; neither "
                               "is supported";
  Shape tokens = node.getShape(0), weights = node.getShape(1);
  if (tokens.size() != 3 || weights.size() != 2 || tokens[2] != weights[0])
    return node.emitError()
           << "inputs 0 and 1 have shapes " << Node::format(tokens) << " and "
           << Node::format(weights) << "; [B, N, C] and [C, 3 * E] are needed";
  int64_t width = weights[1].constant;
  SmallVector<int64_t> third(3, width / 3);
  SmallVector<int64_t> sizes = node.getInts("qkv_hidden_sizes", third);
  bool areSizes = sizes.size() == 3;
  for (int64_t size : sizes)
    areSizes &= size >= 1 && size <= width;
  if (!areSizes || sizes[0] + sizes[1] + sizes[2] != width)
    return node.emitError()
           << "qkv_hidden_sizes is "
           << Node::format(Shape(ArrayRef<int64_t>(sizes)))
           << "; three sizes with a sum of " << width << " are needed";

  Value packed = b.matmul(input->value, node.input(1).value);
  if (node.hasInput(2)) {
    if (failed(verifyTypeOfFirst(node, 2)) ||
        failed(verifyShape(node, 2, {Size(width)})))
      return failure();
    packed = buildSum(b, packed, node.input(2).value);
  }
  AttentionOperands operands;
  Value *values[] = {&operands.query, &operands.key, &operands.value};
  int64_t offset = 0;
  for (auto [value, size] : llvm::zip(values, sizes)) {
    FailureOr<Value> split =
        splitHeads(node, b.sliceDim(packed, 2, offset, size), *heads);
    if (failed(split))
      return failure();
    *value = *split;
    offset += size;
  }
  return finish(node, operands, /*paddingIndex=*/3, /*biasIndex=*/5);
}

/// Key and value may be split by heads already.
static LogicalResult importMultiHeadAttention(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<int64_t> heads = node.getRequiredInt("num_heads");
  if (failed(heads) ||
      failed(verifyAbsent(node, {{6, "past_key"}, {7, "past_value"}})))
    return failure();
  for (unsigned output : {1, 2, 3})
    if (node.hasOutput(output))
      return node.emitError()
             << "output " << output << " is in use; only output 0 is supported";
  AttentionOperands operands;
  Value *values[] = {&operands.query, &operands.key, &operands.value};
  Value bias = node.hasInput(3) ? node.input(3).value : Value();
  if (bias &&
      (failed(verifyTypeOfFirst(node, 3)) || node.getShape(3).size() != 1))
    return node.emitError()
           << "input 3 has shape " << Node::format(node.getShape(3))
           << "; one number for each feature of query, key "
              "and value is needed";
  int64_t offset = 0;
  for (unsigned index : {0, 1, 2}) {
    FailureOr<Tensor> input = getFloatInput(node, index);
    if (failed(input) || failed(verifyTypeOfFirst(node, index)))
      return failure();
    Shape shape = node.getShape(index);
    bool byHeads = shape.size() == 4 && index != 0 && !bias;
    if (shape.size() != 3 && !byHeads)
      return node.emitError()
             << "input " << index << " has shape " << Node::format(shape)
             << "; [B, N, H * D], or for key and value without bias "
                "[B, H, N, D], is supported";
    Value tokens = input->value;
    if (bias) {
      int64_t size = shape[2].constant;
      if (offset + size > b.getShape(bias)[0].constant)
        return node.emitError()
               << "input 3 has shape " << Node::format(node.getShape(3))
               << "; one number for each feature of query, "
                  "key and value is needed";
      tokens = buildSum(b, tokens, b.sliceDim(bias, 0, offset, size));
      offset += size;
    }
    FailureOr<Value> split =
        byHeads ? FailureOr<Value>(tokens) : splitHeads(node, tokens, *heads);
    if (failed(split))
      return failure();
    *values[index] = *split;
  }
  if (bias && offset != b.getShape(bias)[0].constant)
    return node.emitError()
           << "input 3 has shape " << Node::format(node.getShape(3))
           << "; one number for each feature of query, "
              "key and value is needed";
  return finish(node, operands, /*paddingIndex=*/4, /*biasIndex=*/5);
}

void vitc::onnx::registerContribAttentionOps(OpRegistry &registry) {
  registry.add("Attention", importContribAttention, 2, /*since=*/1,
               kContribDomain);
  registry.add("GroupQueryAttention", importGroupQueryAttention, 1, /*since=*/1,
               kContribDomain);
  registry.add("MultiHeadAttention", importMultiHeadAttention, 3, /*since=*/1,
               kContribDomain);
}
