//===- RotaryEmbedding.cpp - ONNX's RotaryEmbedding -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns pairs (x1, x2) of the first R features of each head by an angle that
// depends on the token:
//
//   x1' = cos * x1 - sin * x2
//   x2' = sin * x1 + cos * x2
//
// The pairs are neighbours (interleaved) or feature i and i + R / 2.
// Source: Su et al. 2021 (RoFormer), eq. (34).
//
//===----------------------------------------------------------------------===//

#include "RotaryEmbedding.h"

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc::onnx;

/// The batch of input `index`: 1 where all items share it.
static Size getItems(Node &node, unsigned index, Size batch) {
  Shape shape = node.getShape(index);
  return !shape.empty() && shape[0] == Size(1) ? Size(1) : batch;
}

/// The cosines or sines, input `index`, as [1 or B, N, 1, R / 2]: given so, or
/// rows of a table [P, R / 2] that input 3 chooses.
static FailureOr<Value> getAngles(Node &node, unsigned index, Size batch,
                                  Size tokens, int64_t half) {
  TensorBuilder &b = node.b;
  if (failed(verifyTypeOfFirst(node, index)))
    return failure();
  Value table = node.input(index).value;
  if (!node.hasInput(3)) {
    Size items = getItems(node, index, batch);
    if (failed(verifyShape(node, index, {items, tokens, Size(half)})))
      return failure();
    return b.reshape(table, {items, tokens, Size(1), half});
  }
  Shape tableShape = node.getShape(index);
  if (tableShape.size() != 2 || !tableShape[0].isStatic() ||
      tableShape[0] == Size(0) || tableShape[1] != Size(half))
    return node.emitError()
           << "input " << index << " has shape " << Node::format(tableShape)
           << "; [P, " << half << "] is needed with position_ids";
  if (node.input(3).isFloat())
    return node.emitError()
           << "input 3 has elements of type " << node.input(3).getElementType()
           << "; integers are needed";
  Size items = getItems(node, 3, batch);
  if (failed(verifyShape(node, 3, {items, tokens})))
    return failure();
  Value positions = node.input(3).value;
  return b.gather(
      {items, tokens, Size(1), half}, TensorBuilder::getElementType(table),
      [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
        Value item = linalg::IndexOp::create(b, 0);
        Value token = linalg::IndexOp::create(b, 1);
        Value feature = linalg::IndexOp::create(b, 3);
        Value position = arith::IndexCastOp::create(
            b, b.getIndexType(),
            tensor::ExtractOp::create(b, positions, ValueRange{item, token}));
        // A position outside of the table reads its first or last row.
        Value last =
            arith::ConstantIndexOp::create(b, tableShape[0].constant - 1);
        position = arith::MinSIOp::create(b, position, last);
        position = arith::MaxSIOp::create(b, position,
                                          arith::ConstantIndexOp::create(b, 0));
        return tensor::ExtractOp::create(b, table,
                                         ValueRange{position, feature});
      });
}

/// factor * x + otherFactor * y, or their difference.
template <typename Op>
static Value combine(TensorBuilder &b, Value factor, Value x, Value otherFactor,
                     Value y) {
  return b.generic({factor, x, otherFactor, y},
                   TensorBuilder::getElementType(x),
                   [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value first = arith::MulFOp::create(b, args[0], args[1]);
                     Value second = arith::MulFOp::create(b, args[2], args[3]);
                     return Op::create(b, first, second);
                   });
}

/// Turns all features of [B, N, H, R].
static Value rotate(TensorBuilder &b, Value input, Value cosine, Value sine,
                    bool interleaved) {
  // The pair's members become a dim of two.
  Shape shape = b.getShape(input);
  int64_t pairDim = interleaved ? 4 : 3, half = shape[3].constant / 2;
  Shape paired(ArrayRef<Size>(shape).take_front(3));
  paired.push_back(interleaved ? half : 2);
  paired.push_back(interleaved ? 2 : half);
  Value pairs = b.reshape(input, paired);
  Shape single(ArrayRef<Size>(shape).take_front(3));
  single.push_back(half);
  Value x1 = b.reshape(b.sliceDim(pairs, pairDim, 0, 1), single);
  Value x2 = b.reshape(b.sliceDim(pairs, pairDim, 1, 1), single);
  Value turned1 = combine<arith::SubFOp>(b, cosine, x1, sine, x2);
  Value turned2 = combine<arith::AddFOp>(b, sine, x1, cosine, x2);
  paired[pairDim] = 1;
  Value turned = b.concat(
      {b.reshape(turned1, paired), b.reshape(turned2, paired)}, pairDim);
  return b.reshape(turned, shape);
}

Value vitc::onnx::buildRotaryEmbedding(TensorBuilder &b, Value tokens,
                                       Value cosine, Value sine,
                                       bool interleaved) {
  int64_t turned = 2 * b.getShape(cosine)[3].constant;
  int64_t features = b.getShape(tokens)[3].constant;
  Value result =
      rotate(b, b.sliceDim(tokens, 3, 0, turned), cosine, sine, interleaved);
  if (turned == features)
    return result;
  return b.concat({result, b.sliceDim(tokens, 3, turned, features - turned)},
                  3);
}

static LogicalResult importRotaryEmbedding(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/3);
  if (failed(input))
    return failure();
  // As [B, N, H, D].
  Shape original = node.getShape(0), shape = original;
  int64_t heads = node.getInt("num_heads", 0);
  bool threeDims = shape.size() == 3;
  if (threeDims && heads > 0 && shape[2].isStatic() &&
      shape[2].constant % heads == 0)
    shape = {shape[0], shape[1], heads, shape[2].constant / heads};
  else if (shape.size() == 4)
    std::swap(shape[1], shape[2]);
  if (shape.size() != 4 || !shape[3].isStatic())
    return node.emitError() << "input has shape " << Node::format(original)
                            << " and num_heads is " << heads
                            << "; [B, N, H * D] with num_heads or [B, H, N, D] "
                               "is needed";
  Value tokens = threeDims ? b.reshape(input->value, shape)
                           : b.transpose(input->value, {0, 2, 1, 3});

  int64_t features = shape[3].constant;
  int64_t turned = node.getInt("rotary_embedding_dim", 0);
  if (turned == 0)
    turned = features;
  if (turned < 2 || turned > features || turned % 2 != 0)
    return node.emitError() << turned << " features of " << features
                            << " are turned; an even number up to all is "
                               "needed";
  FailureOr<Value> cosine = getAngles(node, 1, shape[0], shape[1], turned / 2);
  FailureOr<Value> sine = getAngles(node, 2, shape[0], shape[1], turned / 2);
  if (failed(cosine) || failed(sine))
    return failure();

  Value result = buildRotaryEmbedding(b, tokens, *cosine, *sine,
                                      node.getInt("interleaved", 0) != 0);
  node.setOutput(0, threeDims ? b.reshape(result, original)
                              : b.transpose(result, {0, 2, 1, 3}));
  return success();
}

void vitc::onnx::registerRotaryEmbeddingOps(OpRegistry &registry) {
  registry.add("RotaryEmbedding", importRotaryEmbedding, 3, /*since=*/23);
}
