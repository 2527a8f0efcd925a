//===- Convolution.cpp - ONNX's convolutions ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One- and two-dimensional convolutions are vit.conv2d, those of more dims a
// linalg.generic.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"

#include "Operands.h"
#include "Product.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// One and two dimensions
//===----------------------------------------------------------------------===//

/// [B, C, L] as [B, C, 1, L].
static Value addHeight(TensorBuilder &b, Value tensor) {
  Shape shape = b.getShape(tensor);
  shape.insert(shape.begin() + 2, Size(1));
  return b.reshape(tensor, shape);
}

/// [B, C, 1, L] as [B, C, L].
static Value dropHeight(TensorBuilder &b, Value tensor) {
  Shape shape = b.getShape(tensor);
  shape.erase(shape.begin() + 2);
  return b.reshape(tensor, shape);
}

static Value buildConv2d(TensorBuilder &b, Value input, Value filter,
                         Value bias, const SlidingWindow &window,
                         int64_t groups) {
  Value result = vit::Conv2dOp::create(b, input, filter, bias,
                                       /*residual=*/Value(), window.strides,
                                       {window.padBegin[0], window.padBegin[1],
                                        window.padEnd[0], window.padEnd[1]},
                                       window.dilations, groups);
  Shape shape = b.getShape(input);
  auto type = cast<RankedTensorType>(result.getType());
  for (int64_t dim : {1, 2, 3})
    shape[dim] = type.getDimSize(dim);
  return b.setShape(result, shape);
}

//===----------------------------------------------------------------------===//
// More dimensions
//===----------------------------------------------------------------------===//

/// Dim 1 of [B, G * C, ...] or dim 0 of [G * O, ...] as two.
static Value splitGroups(TensorBuilder &b, Value tensor, int64_t dim,
                         int64_t groups) {
  Shape shape = b.getShape(tensor);
  shape[dim] = shape[dim].constant / groups;
  shape.insert(shape.begin() + dim, Size(groups));
  return b.reshape(tensor, shape);
}

static Value padSpatialDims(TensorBuilder &b, Value input,
                            const SlidingWindow &window) {
  SmallVector<int64_t> low(2, 0), high(2, 0);
  llvm::append_range(low, window.padBegin);
  llvm::append_range(high, window.padEnd);
  Type type = TensorBuilder::getElementType(input);
  return b.pad(input, low, high, b.getScalarAttr(type, 0));
}

/// Loops: batch, group, output channel and position, then input channel and
/// position in the window.
static Value buildConvNd(TensorBuilder &b, Value input, Value filter,
                         const SlidingWindow &window, int64_t groups) {
  unsigned rank = window.kernel.size();
  input = splitGroups(b, padSpatialDims(b, input, window), 1, groups);
  filter = splitGroups(b, filter, 0, groups);
  Shape shape = b.getShape(input);
  shape[2] = b.getShape(filter)[1];
  SmallVector<AffineExpr> batchAndGroup = {b.getAffineDimExpr(0),
                                           b.getAffineDimExpr(1)};
  AffineExpr output = b.getAffineDimExpr(2);
  AffineExpr channel = b.getAffineDimExpr(3 + rank);
  SmallVector<AffineExpr> inputExprs(batchAndGroup), resultExprs(batchAndGroup);
  SmallVector<AffineExpr> filterExprs = {batchAndGroup[1], output, channel};
  inputExprs.push_back(channel);
  resultExprs.push_back(output);
  for (unsigned dim = 0; dim != rank; ++dim) {
    AffineExpr position = b.getAffineDimExpr(3 + dim);
    AffineExpr step = b.getAffineDimExpr(4 + rank + dim);
    inputExprs.push_back(position * window.strides[dim] +
                         step * window.dilations[dim]);
    filterExprs.push_back(step);
    resultExprs.push_back(position);
    shape[3 + dim] = window.outputs[dim];
  }
  auto getMap = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(4 + 2 * rank, 0, exprs, b.getContext());
  };
  SmallVector<utils::IteratorType> iterators(3 + rank,
                                             utils::IteratorType::parallel);
  iterators.append(1 + rank, utils::IteratorType::reduction);
  Type type = TensorBuilder::getElementType(input);
  Value init = b.fill(shape, b.getScalarAttr(type, 0));
  auto op = linalg::GenericOp::create(
      b, init.getType(), ValueRange{input, filter}, ValueRange(init),
      {getMap(inputExprs), getMap(filterExprs), getMap(resultExprs)}, iterators,
      [](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        Value product = arith::MulFOp::create(b, args[0], args[1]);
        Value sum = arith::AddFOp::create(b, args[2], product);
        linalg::YieldOp::create(b, sum);
      });
  Value result = b.setShape(op.getResult(0), shape);
  shape[1] = shape[1].constant * shape[2].constant;
  shape.erase(shape.begin() + 2);
  return b.reshape(result, shape);
}

Value onnx::buildConv(TensorBuilder &b, Value input, Value filter, Value bias,
                      SlidingWindow window, int64_t groups) {
  unsigned rank = window.kernel.size();
  if (rank == 2)
    return buildConv2d(b, input, filter, bias, window, groups);
  if (rank == 1) {
    window.addHeight();
    return dropHeight(b,
                      buildConv2d(b, addHeight(b, input), addHeight(b, filter),
                                  bias, window, groups));
  }
  Value result = buildConvNd(b, input, filter, window, groups);
  if (!bias)
    return result;
  Shape shape(rank + 1, Size(1));
  shape.front() = b.getShape(bias).front();
  return buildSum(b, result, b.reshape(bias, shape));
}

//===----------------------------------------------------------------------===//
// Conv
//===----------------------------------------------------------------------===//

FailureOr<Value> onnx::getConvBias(Node &node, int64_t channels) {
  if (!node.hasInput(2))
    return Value();
  if (failed(verifyTypeOfFirst(node, 2)) ||
      failed(verifyShape(node, 2, {Size(channels)})))
    return failure();
  return node.input(2).value;
}

LogicalResult onnx::verifyFilter(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input) || failed(verifyTypeOfFirst(node, 1)))
    return failure();
  return success();
}

/// The sizes of dims `first` and up of an operand, or an error.
static FailureOr<SmallVector<int64_t>> getStaticSizesOf(Node &node,
                                                        StringRef role,
                                                        ArrayRef<Size> shape,
                                                        size_t first) {
  SmallVector<int64_t> sizes;
  for (Size size : shape.drop_front(first)) {
    if (!size.isStatic())
      return node.emitError()
             << role << " has shape " << Node::format(shape) << "; dims from "
             << first << " on must not depend on B";
    sizes.push_back(size.constant);
  }
  return sizes;
}

FailureOr<Value> onnx::buildConv(Node &node, Value input, Value filter,
                                 Value bias) {
  TensorBuilder &b = node.b;
  Shape shape = b.getShape(input), filterShape = b.getShape(filter);
  if (shape.size() < 3)
    return node.emitError() << "input has shape " << Node::format(shape)
                            << "; [B, C, ...] with 3 dims or more is needed";
  if (filterShape.size() != shape.size())
    return node.emitError()
           << "filter has shape " << Node::format(filterShape) << "; "
           << shape.size() << " dims are needed, as many as the input's";
  FailureOr<SmallVector<int64_t>> sizes =
      getStaticSizesOf(node, "input", shape, 1);
  FailureOr<SmallVector<int64_t>> filterSizes =
      getStaticSizesOf(node, "filter", filterShape, 0);
  if (failed(sizes) || failed(filterSizes))
    return failure();
  int64_t groups = node.getInt("group", 1);
  int64_t outputs = filterSizes->front();
  if (groups < 1 || groups > outputs || outputs % groups != 0 ||
      (*filterSizes)[1] * groups != sizes->front())
    return node.emitError()
           << "group is " << groups << " with " << sizes->front()
           << " input channels and a filter of shape "
           << Node::format(filterShape)
           << "; the groups have to share both evenly";
  FailureOr<SlidingWindow> window =
      getSlidingWindow(node, ArrayRef<int64_t>(*sizes).drop_front(),
                       ArrayRef<int64_t>(*filterSizes).drop_front(2));
  if (failed(window))
    return failure();
  return buildConv(b, input, filter, bias, *window, groups);
}

FailureOr<Value> onnx::buildConv(Node &node) {
  if (failed(verifyFilter(node)))
    return failure();
  Shape filterShape = node.getShape(1);
  FailureOr<Value> bias =
      getConvBias(node, filterShape.empty() ? 0 : filterShape.front().constant);
  if (failed(bias))
    return failure();
  return buildConv(node, node.input(0).value, node.input(1).value, *bias);
}

static LogicalResult importConv(Node &node) {
  FailureOr<Value> result = buildConv(node);
  if (failed(result))
    return failure();
  node.setOutput(0, *result);
  return success();
}

void onnx::registerConvolutionOps(OpRegistry &registry) {
  registry.add("Conv", importConv, 2);
  registerTransposedConvolutionOps(registry);
}
