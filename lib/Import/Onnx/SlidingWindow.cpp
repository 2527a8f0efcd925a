//===- SlidingWindow.cpp - Windows of convolutions and pools --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SlidingWindow.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::onnx;

int64_t SlidingWindow::getCeilPad(size_t dim, int64_t input) const {
  int64_t end = (outputs[dim] - 1) * strides[dim] + getExtent(dim);
  return std::max<int64_t>(end - input - padBegin[dim] - padEnd[dim], 0);
}

void SlidingWindow::addHeight() {
  for (auto *list : {&kernel, &strides, &dilations, &outputs})
    list->insert(list->begin(), 1);
  for (auto *list : {&padBegin, &padEnd})
    list->insert(list->begin(), 0);
}

FailureOr<SmallVector<int64_t>>
vitc::onnx::getPerDim(Node &node, StringRef name, size_t rank, int64_t least) {
  SmallVector<int64_t> standard(rank, least);
  SmallVector<int64_t> numbers = node.getInts(name, standard);
  if (numbers.size() != rank)
    return node.emitError() << name << " has " << numbers.size() << " entries; "
                            << rank << " are needed";
  for (int64_t number : numbers)
    if (number < least || number > kMaxWindowSize)
      return node.emitError()
             << name << " has an entry of " << number << "; " << least << " to "
             << kMaxWindowSize << " is supported";
  return numbers;
}

FailureOr<SlidingWindow> vitc::onnx::getWindowShape(Node &node, size_t rank,
                                                    ArrayRef<int64_t> kernel) {
  SlidingWindow window;
  window.kernel.assign(kernel.begin(), kernel.end());
  if (kernel.empty() || node.hasAttr("kernel_shape")) {
    FailureOr<SmallVector<int64_t>> named =
        getPerDim(node, "kernel_shape", rank, 1);
    if (failed(named))
      return failure();
    if (!kernel.empty() && ArrayRef<int64_t>(*named) != kernel)
      return node.emitError()
             << "kernel_shape is "
             << Node::format(Shape(ArrayRef<int64_t>(*named)))
             << "; the filter's is " << Node::format(Shape(kernel));
    window.kernel = *named;
  }
  FailureOr<SmallVector<int64_t>> strides = getPerDim(node, "strides", rank, 1);
  FailureOr<SmallVector<int64_t>> dilations =
      getPerDim(node, "dilations", rank, 1);
  if (failed(strides) || failed(dilations))
    return failure();
  window.strides = *strides;
  window.dilations = *dilations;
  for (size_t dim = 0; dim != rank; ++dim)
    if (window.kernel[dim] < 1 || window.kernel[dim] > kMaxWindowSize ||
        window.getExtent(dim) > kMaxWindowSize)
      return node.emitError()
             << "the window has " << window.kernel[dim]
             << " positions with a dilation of " << window.dilations[dim]
             << "; it may span 1 to " << kMaxWindowSize;
  return window;
}

/// Splits the padding that makes `outputs` windows fit, the odd one at the end
/// or, for SAME_LOWER, at the start.
static void padSame(SlidingWindow &window, ArrayRef<int64_t> sizes,
                    bool lower) {
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    int64_t outputs = llvm::divideCeil(size, window.strides[dim]);
    int64_t span = (outputs - 1) * window.strides[dim] + window.getExtent(dim);
    int64_t total = std::max<int64_t>(span - size, 0);
    int64_t begin = lower ? total - total / 2 : total / 2;
    window.padBegin.push_back(begin);
    window.padEnd.push_back(total - begin);
    window.outputs.push_back(outputs);
  }
}

FailureOr<SlidingWindow>
vitc::onnx::getSlidingWindow(Node &node, ArrayRef<int64_t> sizes,
                             ArrayRef<int64_t> kernel) {
  size_t rank = sizes.size();
  FailureOr<SlidingWindow> window = getWindowShape(node, rank, kernel);
  if (failed(window))
    return failure();
  for (int64_t size : sizes)
    if (size < 1 || size > kMaxWindowSize)
      return node.emitError()
             << "the input's spatial sizes are " << Node::format(Shape(sizes))
             << "; 1 to " << kMaxWindowSize << " is supported";

  std::string autoPad = node.getString("auto_pad", "NOTSET");
  if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
    padSame(*window, sizes, autoPad == "SAME_LOWER");
    return window;
  }
  if (autoPad != "NOTSET" && autoPad != "VALID")
    return node.emitError() << "auto_pad is '" << autoPad
                            << "'; NOTSET, VALID, SAME_UPPER or SAME_LOWER is "
                               "needed";
  SmallVector<int64_t> pads(2 * rank, 0);
  if (autoPad == "NOTSET") {
    FailureOr<SmallVector<int64_t>> named =
        getPerDim(node, "pads", 2 * rank, 0);
    if (failed(named))
      return failure();
    pads = *named;
  }
  window->padBegin.assign(pads.begin(), pads.begin() + rank);
  window->padEnd.assign(pads.begin() + rank, pads.end());

  bool ceil = node.getInt("ceil_mode", 0) != 0;
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    int64_t padded = size + window->padBegin[dim] + window->padEnd[dim];
    int64_t room = padded - window->getExtent(dim);
    if (room < 0)
      return node.emitError() << "the window spans " << window->getExtent(dim)
                              << " positions of dim " << dim + 2
                              << ", which has " << padded << " with padding";
    int64_t stride = window->strides[dim];
    int64_t outputs =
        (ceil ? llvm::divideCeil(room, stride) : room / stride) + 1;
    // A window that starts behind the input does not count.
    if (ceil && (outputs - 1) * stride >= size + window->padBegin[dim])
      --outputs;
    window->outputs.push_back(outputs);
  }
  return window;
}
