//===- TransposedConvolution.cpp - ONNX's ConvTranspose -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A transposed convolution of stride S is a convolution that gives S elements a
// position, of which each has its own part of the filter. With dilations, or
// where the result reaches beyond the windows, it is a convolution of the input
// with zeros between its elements.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"
#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// With zeros
//===----------------------------------------------------------------------===//

/// [B, C, ...] with stride - 1 zeros between neighbours.
static Value insertZeros(TensorBuilder &b, Value input,
                         ArrayRef<int64_t> strides) {
  Shape shape = b.getShape(input);
  Shape apart(ArrayRef<Size>(shape).take_front(2)), joined(apart);
  SmallVector<int64_t> high(2, 0);
  for (auto [dim, stride] : llvm::enumerate(strides)) {
    Size size = shape[dim + 2];
    apart.append({size, Size(1)});
    joined.push_back(size.constant * stride);
    high.append({0, stride - 1});
  }
  SmallVector<int64_t> low(high.size(), 0);
  Type type = TensorBuilder::getElementType(input);
  Value spread =
      b.pad(b.reshape(input, apart), low, high, b.getScalarAttr(type, 0));
  spread = b.reshape(spread, joined);
  // Behind the last there are none.
  for (auto [dim, stride] : llvm::enumerate(strides))
    spread = b.sliceDim(spread, dim + 2, 0,
                        (shape[dim + 2].constant - 1) * stride + 1);
  return spread;
}

/// The window's positions from last to first.
static Value flipKernel(TensorBuilder &b, Value filter) {
  Shape shape = b.getShape(filter);
  return b.gather(
      shape, TensorBuilder::getElementType(filter),
      [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
        SmallVector<Value> indices;
        for (auto [dim, size] : llvm::enumerate(shape)) {
          Value index = linalg::IndexOp::create(b, dim);
          if (dim >= 2)
            index = arith::SubIOp::create(
                b, arith::ConstantIndexOp::create(b, size.constant - 1), index);
          indices.push_back(index);
        }
        return tensor::ExtractOp::create(b, filter, indices);
      });
}

/// [C, O / groups, ...] as [O, C / groups, ...].
static Value swapChannels(TensorBuilder &b, Value filter, int64_t groups) {
  Shape shape = b.getShape(filter);
  int64_t inputs = shape[0].constant / groups, outputs = shape[1].constant;
  ArrayRef<Size> window = ArrayRef<Size>(shape).drop_front(2);
  Shape grouped = {groups, inputs, outputs};
  Shape swapped = {groups * outputs, inputs};
  llvm::append_range(grouped, window);
  llvm::append_range(swapped, window);
  auto order = llvm::to_vector(llvm::seq<int64_t>(0, grouped.size()));
  std::swap(order[1], order[2]);
  return b.reshape(b.transpose(b.reshape(filter, grouped), order), swapped);
}

//===----------------------------------------------------------------------===//
// The window
//===----------------------------------------------------------------------===//

/// Completes the window of the forward convolution whose transpose this is:
/// `outputs` are the result's sizes, the pads may be negative.
static LogicalResult getTransposedPads(Node &node, ArrayRef<int64_t> sizes,
                                       SlidingWindow &window) {
  size_t rank = sizes.size();
  FailureOr<SmallVector<int64_t>> outputPadding =
      getPerDim(node, "output_padding", rank, 0);
  FailureOr<SmallVector<int64_t>> pads = getPerDim(node, "pads", 2 * rank, 0);
  if (failed(outputPadding) || failed(pads))
    return failure();
  std::string autoPad = node.getString("auto_pad", "NOTSET");
  bool same = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  if (!same && autoPad != "NOTSET" && autoPad != "VALID")
    return node.emitError() << "auto_pad is '" << autoPad
                            << "'; NOTSET, VALID, SAME_UPPER or SAME_LOWER is "
                               "needed";
  SmallVector<int64_t> wanted = node.getInts("output_shape", {});
  if (wanted.size() > rank)
    wanted.erase(wanted.begin(), wanted.end() - rank);
  if (same && wanted.empty())
    for (auto [size, stride] : llvm::zip(sizes, window.strides))
      wanted.push_back(size * stride);
  if (!wanted.empty() && wanted.size() != rank)
    return node.emitError() << "output_shape has " << wanted.size()
                            << " entries; " << rank << " are needed";
  for (int64_t size : llvm::concat<const int64_t>(sizes, wanted))
    if (size < 1 || size > kMaxWindowSize)
      return node.emitError()
             << "the input or the result has spatial size " << size << "; 1 to "
             << kMaxWindowSize << " is supported";

  for (auto [dim, size] : llvm::enumerate(sizes)) {
    int64_t full = window.strides[dim] * (size - 1) + (*outputPadding)[dim] +
                   window.getExtent(dim);
    int64_t begin = autoPad == "VALID" ? 0 : (*pads)[dim];
    int64_t end = autoPad == "VALID" ? 0 : (*pads)[rank + dim];
    if (!wanted.empty()) {
      // Negative where the result is larger than what the windows reach.
      int64_t total = full - wanted[dim];
      int64_t half = llvm::divideFloorSigned(total, 2);
      begin = autoPad == "SAME_UPPER" ? half : total - half;
      end = total - begin;
    }
    window.padBegin.push_back(window.getExtent(dim) - 1 - begin);
    window.padEnd.push_back(window.getExtent(dim) - 1 - end +
                            (*outputPadding)[dim]);
    // The part of the spread input that the pads do not cut off.
    int64_t left = window.strides[dim] * (size - 1) + 1 +
                   std::min<int64_t>(window.padBegin.back(), 0) +
                   std::min<int64_t>(window.padEnd.back(), 0);
    int64_t output = full - begin - end;
    if (output < 1 || left < 1 || full > kMaxWindowSize)
      return node.emitError()
             << "dim " << dim + 2 << " of the result has size " << output
             << " after padding; 1 to " << kMaxWindowSize << " is supported";
    window.outputs.push_back(output);
  }
  return success();
}

/// Cuts off what negative padding takes away.
static Value cropNegativePads(TensorBuilder &b, Value input,
                              SlidingWindow &window) {
  for (auto [dim, begin, end] :
       llvm::enumerate(window.padBegin, window.padEnd)) {
    int64_t size = b.getShape(input)[dim + 2].constant;
    int64_t cropBegin = std::max<int64_t>(-begin, 0);
    int64_t cropEnd = std::max<int64_t>(-end, 0);
    input = b.sliceDim(input, dim + 2, cropBegin, size - cropBegin - cropEnd);
    begin = std::max<int64_t>(begin, 0);
    end = std::max<int64_t>(end, 0);
  }
  return input;
}

//===----------------------------------------------------------------------===//
// Without zeros
//===----------------------------------------------------------------------===//

/// Whether the result, in each dim, is part of what the windows reach, and the
/// windows have no holes.
static bool isSubpixel(const SlidingWindow &window, ArrayRef<int64_t> sizes) {
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    int64_t stride = window.strides[dim], kernel = window.kernel[dim];
    int64_t begin = kernel - 1 - window.padBegin[dim];
    int64_t reach = (size - 1 + llvm::divideCeil(kernel, stride)) * stride;
    if (window.dilations[dim] != 1 || begin < 0 ||
        begin + window.outputs[dim] > reach)
      return false;
  }
  return llvm::any_of(window.strides,
                      [](int64_t stride) { return stride > 1; });
}

/// [C, O / groups, ...] as a filter of stride 1 that gives, for each output
/// channel, the `stride` elements of each dim that one input position starts.
static Value splitPhases(TensorBuilder &b, Value filter,
                         const SlidingWindow &window, int64_t groups) {
  unsigned rank = window.kernel.size();
  Shape shape = b.getShape(filter);
  int64_t inputs = shape[0].constant / groups, outputs = shape[1].constant;
  SmallVector<int64_t> low(2 + rank, 0), high(2, 0);
  Shape split = {groups, inputs, outputs};
  Shape joined = {groups * outputs, inputs};
  SmallVector<int64_t> order = {0, 2};
  for (unsigned dim = 0; dim != rank; ++dim) {
    int64_t stride = window.strides[dim];
    int64_t taps = llvm::divideCeil(window.kernel[dim], stride);
    high.push_back(taps * stride - window.kernel[dim]);
    split.append({taps, stride});
    joined[0] = joined[0].constant * stride;
    joined.push_back(taps);
    order.push_back(4 + 2 * dim);
  }
  order.push_back(1);
  for (unsigned dim = 0; dim != rank; ++dim)
    order.push_back(3 + 2 * dim);
  Type type = TensorBuilder::getElementType(filter);
  filter = b.reshape(b.pad(filter, low, high, b.getScalarAttr(type, 0)), split);
  return flipKernel(b, b.reshape(b.transpose(filter, order), joined));
}

/// A convolution that gives a block of `strides` elements for each position,
/// which are then put next to each other.
static Value buildSubpixel(TensorBuilder &b, Value input, Value filter,
                           Value bias, const SlidingWindow &window,
                           int64_t groups) {
  unsigned rank = window.kernel.size();
  int64_t phases = llvm::product_of(window.strides);
  filter = splitPhases(b, filter, window, groups);
  Shape filterShape = b.getShape(filter), shape = b.getShape(input);
  int64_t channels = filterShape[0].constant / phases;
  if (bias)
    bias = b.reshape(
        b.broadcastTo(b.reshape(bias, {channels, Size(1)}), {channels, phases}),
        Size(channels * phases));
  SlidingWindow forward;
  Shape split = {shape[0], channels}, joined(split);
  split.append(window.strides.begin(), window.strides.end());
  SmallVector<int64_t> order = {0, 1}, offsets = {0, 0};
  Shape cropped(split.begin(), split.begin() + 2);
  for (unsigned dim = 0; dim != rank; ++dim) {
    int64_t taps = filterShape[dim + 2].constant;
    int64_t positions = shape[dim + 2].constant + taps - 1;
    forward.kernel.push_back(taps);
    forward.strides.push_back(1);
    forward.dilations.push_back(1);
    forward.padBegin.push_back(taps - 1);
    forward.padEnd.push_back(taps - 1);
    forward.outputs.push_back(positions);
    split.push_back(positions);
    joined.push_back(positions * window.strides[dim]);
    order.append({2 + rank + dim, 2 + dim});
    offsets.push_back(window.kernel[dim] - 1 - window.padBegin[dim]);
    cropped.push_back(window.outputs[dim]);
  }
  Value result = buildConv(b, input, filter, bias, forward, groups);
  result = b.transpose(b.reshape(result, split), order);
  SmallVector<int64_t> steps(2 + rank, 1);
  return b.slice(b.reshape(result, joined), offsets, cropped, steps);
}

Value onnx::buildTransposedConv(TensorBuilder &b, Value input, Value filter,
                                Value bias, SlidingWindow window,
                                int64_t groups) {
  Shape shape = b.getShape(input);
  SmallVector<int64_t> sizes;
  for (Size size : ArrayRef<Size>(shape).take_back(window.kernel.size()))
    sizes.push_back(size.constant);
  // One element has no neighbour to be apart from.
  for (auto [size, stride] : llvm::zip(sizes, window.strides))
    if (size == 1)
      stride = 1;
  if (isSubpixel(window, sizes))
    return buildSubpixel(b, input, filter, bias, window, groups);
  input = insertZeros(b, input, window.strides);
  input = cropNegativePads(b, input, window);
  filter = flipKernel(b, swapChannels(b, filter, groups));
  llvm::fill(window.strides, 1);
  return buildConv(b, input, filter, bias, window, groups);
}

static LogicalResult importConvTranspose(Node &node) {
  TensorBuilder &b = node.b;
  if (failed(verifyFilter(node)))
    return failure();
  Shape shape = node.getShape(0), filterShape = node.getShape(1);
  if (shape.size() < 3 || filterShape.size() != shape.size())
    return node.emitError()
           << "input has shape " << Node::format(shape) << " and filter "
           << Node::format(filterShape)
           << "; as many dims are needed, 3 [B, C, ...] or more";
  FailureOr<SmallVector<int64_t>> inputSizes = getStaticSizes(node, 0, 1);
  FailureOr<SmallVector<int64_t>> filterSizes = getStaticSizes(node, 1, 0);
  if (failed(inputSizes) || failed(filterSizes))
    return failure();
  int64_t groups = node.getInt("group", 1);
  int64_t channels = filterSizes->front();
  if (groups < 1 || groups > channels || channels % groups != 0 ||
      channels != inputSizes->front())
    return node.emitError()
           << "group is " << groups << " with " << inputSizes->front()
           << " input channels and a filter of shape "
           << Node::format(filterShape)
           << "; the filter's dim 0 has to be the input's "
              "channels, a multiple of group";
  FailureOr<Value> bias = getConvBias(node, (*filterSizes)[1] * groups);
  auto sizes = ArrayRef<int64_t>(*inputSizes).drop_front();
  FailureOr<SlidingWindow> window = getWindowShape(
      node, sizes.size(), ArrayRef<int64_t>(*filterSizes).drop_front(2));
  if (failed(bias) || failed(window) ||
      failed(getTransposedPads(node, sizes, *window)))
    return failure();
  node.setOutput(0, buildTransposedConv(b, node.input(0).value,
                                        node.input(1).value, *bias, *window,
                                        groups));
  return success();
}

void onnx::registerTransposedConvolutionOps(OpRegistry &registry) {
  registry.add("ConvTranspose", importConvTranspose, 2);
}
