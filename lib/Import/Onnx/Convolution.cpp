//===- Convolution.cpp - ONNX's convolutions ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One- and two-dimensional convolutions are vit.conv2d; a transposed one is a
// convolution of the input with zeros between its elements.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"

#include "Operands.h"
#include "SlidingWindow.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

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

/// The bias, one number for each output channel, or null.
static FailureOr<Value> getBias(Node &node, int64_t channels) {
  if (!node.hasInput(2))
    return Value();
  if (failed(verifyTypeOfFirst(node, 2)) ||
      failed(verifyShape(node, 2, {Size(channels)})))
    return failure();
  return node.input(2).value;
}

/// The sizes of the filter: 3 or 4 dims, as the input has.
static FailureOr<SmallVector<int64_t>> getFilterShape(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input) || failed(verifyTypeOfFirst(node, 1)))
    return failure();
  int64_t rank = input->getRank();
  if (rank != 3 && rank != 4)
    return node.emitError()
           << "input has shape " << Node::format(node.getShape(0))
           << "; 3 dims [B, C, L] or 4 [B, C, H, W] are supported";
  if (node.input(1).getRank() != rank)
    return node.emitError()
           << "filter has shape " << Node::format(node.getShape(1)) << "; "
           << rank << " dims are needed, as many as the input's";
  return getStaticSizes(node, 1, 0);
}

static LogicalResult verifyGroups(Node &node, int64_t groups, int64_t channels,
                                  int64_t filterChannels, int64_t outputs) {
  if (groups < 1 || groups > outputs || outputs % groups != 0 ||
      filterChannels * groups != channels)
    return node.emitError() << "group is " << groups << " with " << channels
                            << " input channels and a filter of shape "
                            << Node::format(node.getShape(1))
                            << "; the groups have to share both evenly";
  return success();
}

FailureOr<Value> vitc::onnx::buildConv(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<SmallVector<int64_t>> filterShape = getFilterShape(node);
  if (failed(filterShape))
    return failure();
  FailureOr<SmallVector<int64_t>> inputSizes = getStaticSizes(node, 0, 1);
  FailureOr<Value> bias = getBias(node, filterShape->front());
  if (failed(inputSizes) || failed(bias))
    return failure();
  int64_t groups = node.getInt("group", 1);
  if (failed(verifyGroups(node, groups, inputSizes->front(), (*filterShape)[1],
                          filterShape->front())))
    return failure();
  FailureOr<SlidingWindow> window =
      getSlidingWindow(node, ArrayRef<int64_t>(*inputSizes).drop_front(),
                       ArrayRef<int64_t>(*filterShape).drop_front(2));
  if (failed(window))
    return failure();

  Value input = node.input(0).value, filter = node.input(1).value;
  bool oneDimensional = inputSizes->size() == 2;
  if (oneDimensional) {
    input = addHeight(b, input);
    filter = addHeight(b, filter);
    window->addHeight();
  }
  Value result = buildConv2d(b, input, filter, *bias, *window, groups);
  return oneDimensional ? dropHeight(b, result) : result;
}

static LogicalResult importConv(Node &node) {
  FailureOr<Value> result = buildConv(node);
  if (failed(result))
    return failure();
  node.setOutput(0, *result);
  return success();
}

//===----------------------------------------------------------------------===//
// ConvTranspose
//===----------------------------------------------------------------------===//

/// [.., H, W] with stride - 1 zeros between neighbours.
static Value insertZeros(TensorBuilder &b, Value input,
                         ArrayRef<int64_t> strides) {
  Shape shape = b.getShape(input);
  int64_t height = shape[2].constant, width = shape[3].constant;
  Value spread =
      b.reshape(input, {shape[0], shape[1], height, Size(1), width, Size(1)});
  int64_t high[] = {0, 0, 0, strides[0] - 1, 0, strides[1] - 1};
  int64_t low[] = {0, 0, 0, 0, 0, 0};
  Type type = TensorBuilder::getElementType(input);
  spread = b.pad(spread, low, high, b.getScalarAttr(type, 0));
  spread = b.reshape(
      spread, {shape[0], shape[1], height * strides[0], width * strides[1]});
  // Behind the last there are none.
  spread = b.sliceDim(spread, 2, 0, (height - 1) * strides[0] + 1);
  return b.sliceDim(spread, 3, 0, (width - 1) * strides[1] + 1);
}

/// Rows and columns from last to first.
static Value flipKernel(TensorBuilder &b, Value filter) {
  Shape shape = b.getShape(filter);
  return b.gather(
      shape, TensorBuilder::getElementType(filter),
      [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
        SmallVector<Value> indices;
        for (int64_t dim = 0; dim != 4; ++dim) {
          Value index = linalg::IndexOp::create(b, dim);
          if (dim >= 2)
            index = arith::SubIOp::create(
                b, arith::ConstantIndexOp::create(b, shape[dim].constant - 1),
                index);
          indices.push_back(index);
        }
        return tensor::ExtractOp::create(b, filter, indices);
      });
}

/// [C, O / groups, Kh, Kw] as [O, C / groups, Kh, Kw].
static Value swapChannels(TensorBuilder &b, Value filter, int64_t groups) {
  Shape shape = b.getShape(filter);
  int64_t inputs = shape[0].constant / groups, outputs = shape[1].constant;
  Value grouped =
      b.reshape(filter, {groups, inputs, outputs, shape[2], shape[3]});
  Value swapped = b.transpose(grouped, {0, 2, 1, 3, 4});
  return b.reshape(swapped, {groups * outputs, inputs, shape[2], shape[3]});
}

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

static LogicalResult importConvTranspose(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<SmallVector<int64_t>> filterShape = getFilterShape(node);
  if (failed(filterShape))
    return failure();
  FailureOr<SmallVector<int64_t>> inputSizes = getStaticSizes(node, 0, 1);
  if (failed(inputSizes))
    return failure();
  int64_t groups = node.getInt("group", 1);
  int64_t channels = filterShape->front();
  if (groups < 1 || groups > channels || channels % groups != 0 ||
      channels != inputSizes->front())
    return node.emitError()
           << "group is " << groups << " with " << inputSizes->front()
           << " input channels and a filter of shape "
           << Node::format(node.getShape(1))
           << "; the filter's dim 0 has to be the input's "
              "channels, a multiple of group";
  FailureOr<Value> bias = getBias(node, (*filterShape)[1] * groups);
  auto sizes = ArrayRef<int64_t>(*inputSizes).drop_front();
  FailureOr<SlidingWindow> window = getWindowShape(
      node, sizes.size(), ArrayRef<int64_t>(*filterShape).drop_front(2));
  if (failed(bias) || failed(window) ||
      failed(getTransposedPads(node, sizes, *window)))
    return failure();

  Value input = node.input(0).value, filter = node.input(1).value;
  bool oneDimensional = sizes.size() == 1;
  if (oneDimensional) {
    input = addHeight(b, input);
    filter = addHeight(b, filter);
    window->addHeight();
  }
  input = insertZeros(b, input, window->strides);
  input = cropNegativePads(b, input, *window);
  filter = flipKernel(b, swapChannels(b, filter, groups));
  window->strides = {1, 1};
  Value result = buildConv2d(b, input, filter, *bias, *window, groups);
  if (oneDimensional)
    result = dropHeight(b, result);
  node.setOutput(0, result);
  return success();
}

void vitc::onnx::registerConvolutionOps(OpRegistry &registry) {
  registry.add("Conv", importConv, 2);
  registry.add("ConvTranspose", importConvTranspose, 2);
}
