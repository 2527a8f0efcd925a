//===- Operands.cpp - Checks of a node's inputs ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operands.h"

using namespace mlir;
using namespace vitc::onnx;

LogicalResult vitc::onnx::verifyTypeOfFirst(Node &node, unsigned index) {
  return verifySameType(node, index, 0);
}

LogicalResult vitc::onnx::verifySameType(Node &node, unsigned index,
                                         unsigned like) {
  Tensor first = node.input(like), other = node.input(index);
  if (first.getElementType() == other.getElementType() &&
      first.isUnsigned == other.isUnsigned)
    return success();
  auto describe = [](const Tensor &tensor) {
    std::string text;
    llvm::raw_string_ostream(text) << "'" << (tensor.isUnsigned ? "u" : "")
                                   << tensor.getElementType() << "'";
    return text;
  };
  return node.emitError() << "input " << index << " has elements of type "
                          << describe(other) << "; those of input " << like
                          << " have type " << describe(first)
                          << " and both need the same";
}

FailureOr<SmallVector<Tensor>> vitc::onnx::getBroadcastInputs(Node &node,
                                                              unsigned count) {
  SmallVector<Tensor> inputs;
  for (unsigned index = 0; index != count; ++index) {
    if (!node.hasInput(index))
      return node.emitError() << "input " << index << " is absent; this op "
                              << "needs inputs 0 to " << count - 1;
    if (failed(verifyTypeOfFirst(node, index)))
      return failure();
    inputs.push_back(node.input(index));
  }
  if (failed(node.getBroadcastShape(count)))
    return failure();
  return inputs;
}

FailureOr<SmallVector<Tensor>> vitc::onnx::getVariadicInputs(Node &node) {
  return getBroadcastInputs(node, node.getNumInputs());
}

FailureOr<Tensor> vitc::onnx::getFloatInput(Node &node, unsigned index) {
  Tensor input = node.input(index);
  if (!input.isFloat())
    return node.emitError() << "input " << index << " has elements of type "
                            << input.getElementType() << "; floats are needed";
  return input;
}

FailureOr<Tensor> vitc::onnx::getFloatInput(Node &node, unsigned index,
                                            int64_t minRank) {
  FailureOr<Tensor> input = getFloatInput(node, index);
  if (succeeded(input) && input->getRank() < minRank)
    return node.emitError() << "input " << index << " has shape "
                            << Node::format(node.getShape(index)) << "; "
                            << minRank << " dims or more are needed";
  return input;
}

LogicalResult vitc::onnx::verifyShape(Node &node, unsigned index,
                                      ArrayRef<Size> shape) {
  if (ArrayRef<Size>(node.getShape(index)) == shape)
    return success();
  return node.emitError() << "input " << index << " has shape "
                          << Node::format(node.getShape(index)) << "; "
                          << Node::format(shape) << " is needed";
}

FailureOr<SmallVector<int64_t>>
vitc::onnx::getStaticSizes(Node &node, unsigned index, int64_t first) {
  SmallVector<int64_t> sizes;
  for (auto [dim, size] : llvm::enumerate(node.getShape(index))) {
    if (static_cast<int64_t>(dim) < first)
      continue;
    if (!size.isStatic())
      return node.emitError() << "input " << index << " has shape "
                              << Node::format(node.getShape(index)) << "; dim "
                              << dim << " must not depend on B";
    sizes.push_back(size.constant);
  }
  return sizes;
}
