//===- ContribEmbedding.cpp - ONNX Runtime's embedding of text ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// com.microsoft's EmbedLayerNormalization, the start of BERT:
//
//   norm(word[ids] + position[positions] + segment[segments])
//
// Source: Devlin et al. 2019, fig. 2.
//
//===----------------------------------------------------------------------===//

#include "Contrib.h"
#include "Normalization.h"
#include "Operands.h"
#include "Product.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc::onnx;

/// An input of i32 [B, N], as the ids are.
static LogicalResult verifyTokens(Node &node, unsigned index) {
  if (!node.getElementType(index).isInteger(32))
    return node.emitError() << "input " << index << " has elements of type "
                            << node.getElementType(index) << "; needs i32";
  return verifyShape(node, index, node.getShape(0));
}

/// The sizes of a table [rows, width] of floats, input `index`.
static FailureOr<Shape> getTableShape(Node &node, unsigned index) {
  FailureOr<Tensor> table = getFloatInput(node, index);
  if (failed(table) || failed(verifySameType(node, index, 2)))
    return failure();
  Shape shape = node.getShape(index);
  if (shape.size() != 2 || !shape[0].isStatic() || shape[0] == Size(0) ||
      !shape[1].isStatic() || shape[1] != node.getShape(2).back())
    return node.emitError() << "input " << index << " has shape "
                            << Node::format(shape) << "; needs a table [rows, "
                            << Node::format(node.getShape(2).back()) << "]";
  return shape;
}

/// Rows of table `index` that `ids`, i32 [B, N], choose. An id outside of the
/// table chooses its first or last row.
static FailureOr<Value> takeRows(Node &node, unsigned index, Value ids) {
  TensorBuilder &b = node.b;
  FailureOr<Shape> shape = getTableShape(node, index);
  if (failed(shape))
    return failure();
  Shape result = b.getShape(ids);
  result.push_back((*shape)[1]);
  Value table = node.input(index).value;
  auto map = AffineMap::getMultiDimIdentityMap(3, b.getContext());
  return b.generic(
      ids, map.getMajorSubMap(2), result, TensorBuilder::getElementType(table),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value row = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
        Value last =
            arith::ConstantIndexOp::create(b, (*shape)[0].constant - 1);
        row = arith::MinSIOp::create(b, row, last);
        row = arith::MaxSIOp::create(b, row,
                                     arith::ConstantIndexOp::create(b, 0));
        Value column = linalg::IndexOp::create(b, 2);
        return tensor::ExtractOp::create(b, table, ValueRange{row, column});
      });
}

/// Positions as input 8 says, or counted from 0: [B, N, width] or [N, width].
static FailureOr<Value> takePositions(Node &node) {
  TensorBuilder &b = node.b;
  if (node.hasInput(8)) {
    if (failed(verifyTokens(node, 8)))
      return failure();
    return takeRows(node, 3, node.input(8).value);
  }
  FailureOr<Shape> shape = getTableShape(node, 3);
  if (failed(shape))
    return failure();
  Size tokens = node.getShape(0)[1];
  if (!tokens.isStatic() || tokens.constant > (*shape)[0].constant)
    return node.emitError() << "has " << Node::format(tokens) << " tokens and "
                            << Node::format((*shape)[0])
                            << " positions; needs one for each token";
  return b.sliceDim(node.input(3).value, 0, 0, tokens.constant);
}

/// How many tokens of each item the mask, input 7, has; 0 without a mask.
static FailureOr<Value> countTokens(Node &node) {
  TensorBuilder &b = node.b;
  Shape shape = node.getShape(0);
  Type type = b.getI32Type();
  if (!node.hasInput(7))
    return b.fill({shape[0]}, b.getScalarAttr(type, 0));
  if (failed(verifyTokens(node, 7)))
    return failure();
  return b.reduce(
      node.input(7).value, 1, /*keepDims=*/false, b.getScalarAttr(type, 0),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isToken =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, args[0],
                                  TensorBuilder::scalar(b, type, 1));
        Value one = arith::ExtUIOp::create(b, type, isToken);
        return arith::AddIOp::create(b, one, args[1]);
      });
}

LogicalResult vitc::onnx::importEmbedLayerNormalization(Node &node) {
  TensorBuilder &b = node.b;
  for (unsigned index : {2, 3, 5, 6})
    if (!node.hasInput(index))
      return node.emitError() << "input " << index << " is absent; needs it";
  Shape ids = node.getShape(0);
  if (ids.size() != 2)
    return node.emitError()
           << "input 0 has shape " << Node::format(ids) << "; needs [B, N]";
  if (node.getShape(2).size() != 2)
    return node.emitError()
           << "input 2 has shape " << Node::format(node.getShape(2))
           << "; needs a table [rows, width]";
  if (failed(verifyTokens(node, 0)))
    return failure();
  FailureOr<Value> words = takeRows(node, 2, node.input(0).value);
  FailureOr<Value> positions = failed(words) ? words : takePositions(node);
  if (failed(positions))
    return failure();
  Value sum = buildSum(b, *words, *positions);
  if (node.hasInput(1) != node.hasInput(4))
    return node.emitError() << "input " << (node.hasInput(1) ? 4 : 1)
                            << " is absent; segment_ids and "
                               "segment_embedding come together";
  if (node.hasInput(1)) {
    if (failed(verifyTokens(node, 1)))
      return failure();
    FailureOr<Value> segments = takeRows(node, 4, node.input(1).value);
    if (failed(segments))
      return failure();
    sum = buildSum(b, sum, *segments);
  }
  for (unsigned index : {5, 6})
    if (failed(verifySameType(node, index, 2)) ||
        failed(verifyShape(node, index, node.getShape(2).back())))
      return failure();
  node.setOutput(0, buildLayerNorm(b, sum, node.input(5).value,
                                   node.input(6).value,
                                   node.getFloat("epsilon", 1e-12)));
  if (node.hasOutput(1)) {
    FailureOr<Value> counts = countTokens(node);
    if (failed(counts))
      return failure();
    node.setOutput(1, *counts);
  }
  node.setOutput(2, sum);
  return success();
}
