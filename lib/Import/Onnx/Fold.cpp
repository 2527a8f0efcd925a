//===- Fold.cpp - ONNX's Col2Im -------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Puts sliding blocks back into a picture, where those that overlap are added:
// each element of the result sums, over the positions in a block, the one block
// that has it there.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "SlidingWindow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// The window that slid over a picture, or an error.
static FailureOr<SlidingWindow> getBlocks(Node &node, ArrayRef<int64_t> image,
                                          ArrayRef<int64_t> block) {
  size_t rank = image.size();
  FailureOr<SmallVector<int64_t>> strides = getPerDim(node, "strides", rank, 1);
  FailureOr<SmallVector<int64_t>> dilations =
      getPerDim(node, "dilations", rank, 1);
  FailureOr<SmallVector<int64_t>> pads = getPerDim(node, "pads", 2 * rank, 0);
  if (failed(strides) || failed(dilations) || failed(pads))
    return failure();
  SlidingWindow window;
  window.kernel.assign(block.begin(), block.end());
  window.strides = *strides;
  window.dilations = *dilations;
  for (size_t dim = 0; dim != rank; ++dim) {
    for (int64_t size : {image[dim], block[dim]})
      if (size < 1 || size > kMaxWindowSize)
        return node.emitError()
               << "image has shape " << Node::format(Shape(image))
               << " and blocks " << Node::format(Shape(block))
               << "; needs sizes from 1 to " << kMaxWindowSize;
    window.padBegin.push_back((*pads)[dim]);
    window.padEnd.push_back((*pads)[rank + dim]);
    int64_t room = image[dim] + window.padBegin[dim] + window.padEnd[dim] -
                   window.getExtent(dim);
    if (room < 0)
      return node.emitError()
             << "blocks span " << window.getExtent(dim) << " positions of dim "
             << dim << "; the padded image has "
             << room + window.getExtent(dim);
    window.outputs.push_back(room / window.strides[dim] + 1);
  }
  return window;
}

/// The block that has element `at` of the image at position `step`, if any.
static std::pair<Value, Value> findBlock(ImplicitLocOpBuilder &b, Value at,
                                         Value step,
                                         const SlidingWindow &window,
                                         size_t dim) {
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto compare = [&](arith::CmpIPredicate predicate, Value lhs,
                     Value rhs) -> Value {
    return arith::CmpIOp::create(b, predicate, lhs, rhs);
  };
  Value zero = number(0), stride = number(window.strides[dim]);
  Value start = arith::SubIOp::create(
      b, arith::AddIOp::create(b, at, number(window.padBegin[dim])),
      arith::MulIOp::create(b, step, number(window.dilations[dim])));
  Value inImage = arith::MaxSIOp::create(b, start, zero);
  Value block = arith::DivUIOp::create(b, inImage, stride);
  Value isStart = compare(arith::CmpIPredicate::eq, start,
                          arith::MulIOp::create(b, block, stride));
  Value last = number(window.outputs[dim] - 1);
  Value exists = arith::AndIOp::create(
      b, isStart, compare(arith::CmpIPredicate::sle, block, last));
  return {arith::MinSIOp::create(b, block, last), exists};
}

/// From [B, C, block..., blocks...] to [B, C, image...].
static Value buildFold(TensorBuilder &b, Value columns, ArrayRef<int64_t> image,
                       const SlidingWindow &window) {
  size_t rank = image.size(), numLoops = 2 + 2 * rank;
  Shape shape(ArrayRef<Size>(b.getShape(columns)).take_front(2));
  shape.append(image.begin(), image.end());
  Type type = TensorBuilder::getElementType(columns);
  SmallVector<AffineExpr> resultExprs, stepExprs;
  for (size_t loop = 0; loop != numLoops; ++loop)
    (loop < 2 + rank ? resultExprs : stepExprs)
        .push_back(b.getAffineDimExpr(loop));
  auto getMap = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(numLoops, 0, exprs, b.getContext());
  };
  SmallVector<utils::IteratorType> iterators(2 + rank,
                                             utils::IteratorType::parallel);
  iterators.append(rank, utils::IteratorType::reduction);
  Value extents = b.empty(Shape(ArrayRef<int64_t>(window.kernel)), type);
  Value init = b.fill(shape, b.getScalarAttr(type, 0));
  auto op = linalg::GenericOp::create(
      b, init.getType(), ValueRange(extents), ValueRange(init),
      {getMap(stepExprs), getMap(resultExprs)}, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        SmallVector<Value> position, blocks;
        for (size_t loop : {0, 1})
          position.push_back(linalg::IndexOp::create(b, loop));
        Value exists;
        for (size_t dim = 0; dim != rank; ++dim) {
          Value step = linalg::IndexOp::create(b, 2 + rank + dim);
          auto [block, isThere] = findBlock(
              b, linalg::IndexOp::create(b, 2 + dim), step, window, dim);
          position.push_back(step);
          blocks.push_back(block);
          exists = exists ? Value(arith::AndIOp::create(b, exists, isThere))
                          : isThere;
        }
        llvm::append_range(position, blocks);
        Value element = tensor::ExtractOp::create(b, columns, position);
        Value zero = TensorBuilder::scalar(b, type, 0);
        element = arith::SelectOp::create(b, exists, element, zero);
        Value sum = isa<FloatType>(type)
                        ? Value(arith::AddFOp::create(b, args[1], element))
                        : arith::AddIOp::create(b, args[1], element);
        linalg::YieldOp::create(b, sum);
      });
  return b.setShape(op.getResult(0), shape);
}

static LogicalResult importCol2Im(Node &node) {
  FailureOr<SmallVector<int64_t>> image = node.getIntsOf(1);
  FailureOr<SmallVector<int64_t>> block =
      failed(image) ? image : node.getIntsOf(2);
  if (failed(image) || failed(block))
    return failure();
  Shape shape = node.getShape(0);
  if (shape.size() != 3 || image->empty() || image->size() != block->size())
    return node.emitError()
           << "input has shape " << Node::format(shape) << ", image "
           << image->size() << " sizes and blocks " << block->size()
           << "; needs [B, C * block, blocks] and as many sizes";
  FailureOr<SlidingWindow> window = getBlocks(node, *image, *block);
  if (failed(window))
    return failure();
  int64_t elements = 1, blocks = 1;
  for (auto [size, count] : llvm::zip(window->kernel, window->outputs)) {
    elements = llvm::SaturatingMultiply<uint64_t>(elements, size);
    blocks = llvm::SaturatingMultiply<uint64_t>(blocks, count);
  }
  if (!shape[1].isStatic() || elements < 1 ||
      shape[1].constant % elements != 0 || shape[2] != Size(blocks))
    return node.emitError()
           << "input has shape " << Node::format(shape) << "; blocks of "
           << elements << " elements, of "
           << "which the image has " << blocks << ", need a multiple of "
           << elements << " and " << blocks;
  TensorBuilder &b = node.b;
  Shape split = {shape[0], shape[1].constant / elements};
  llvm::append_range(split, Shape(ArrayRef<int64_t>(window->kernel)));
  llvm::append_range(split, Shape(ArrayRef<int64_t>(window->outputs)));
  Tensor input = node.input(0);
  node.setOutput(0,
                 buildFold(b, b.reshape(input.value, split), *image, *window),
                 input.isUnsigned);
  return success();
}

void onnx::registerFoldOps(OpRegistry &registry) {
  registry.add("Col2Im", importCol2Im, 3);
}
