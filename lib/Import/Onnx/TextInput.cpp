//===- TextInput.cpp - A text that is as long as it is --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A graph that was exported for texts of any length, and has no mask, reads
// every position of its input: padding would change what it computes. The
// function has room for the longest text and a mask. Sizes that depend on the
// text's are formulas of the number of its tokens, as those in the step of a
// decoder are of the tokens before.
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::GraphProto;
using onnx_proto::ValueInfoProto;

void GraphImporter::readTextSize(const GraphProto &graph) {
  if (!part.text)
    return;
  for (const auto &initializer : graph.initializer())
    if (initializer.name() == part.text->ids)
      return;
  for (const ValueInfoProto &input : graph.input()) {
    const auto &dims = input.type().tensor_type().shape().dim();
    if (input.name() != part.text->ids || dims.size() != 2 || hasSize(dims[1]))
      continue;
    std::string name = getSizeName(dims[1], input.name(), 1);
    if (!options.shapes.count(name))
      textSize = name;
  }
}

void GraphImporter::noteTextSize(const ValueInfoProto &input, Value argument) {
  if (textSize.empty())
    return;
  Shape shape = b.getShape(argument);
  for (auto [index, dim] :
       llvm::enumerate(input.type().tensor_type().shape().dim()))
    if (!hasSize(dim) && getSizeName(dim, input.name(), index) == textSize)
      shape[index] = Size::trip(1);
  b.setShape(argument, shape);
}

LogicalResult GraphImporter::addTextMask(RankedTensorType ids) {
  if (ids.getDimSize(0) != 1)
    return emitError(loc) << "input '" << part.text->ids << "' has a batch of "
                          << ids.getDimSize(0)
                          << " and texts of any length without a mask; needs a "
                             "batch of 1, or --shape "
                          << textSize << "=" << part.text->length
                          << " for texts with padding";
  auto type = RankedTensorType::get(ids.getShape(), b.getI64Type());
  Value mask = addArgument(type, part.text->mask);
  if (part.text->isUnpadded)
    *part.text->isUnpadded = true;
  Value count = b.atPreamble([&]() -> Value {
    Value sum = b.reduce(mask, {0, 1}, /*keepDims=*/false,
                         b.getScalarAttr(b.getI64Type(), 0),
                         [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                           return arith::AddIOp::create(b, args[0], args[1]);
                         });
    // Offsets are made of it, and a caller's mask may have any numbers.
    sum = b.generic(sum, b.getI64Type(),
                    [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                      Value least = TensorBuilder::scalar(b, b.getI64Type(), 0);
                      Value most = TensorBuilder::scalar(
                          b, b.getI64Type(), double(part.text->length));
                      return arith::MinSIOp::create(
                          b, arith::MaxSIOp::create(b, args[0], least), most);
                    });
    return b.reshape(sum, {Size(1)});
  });
  b.startStep(count, part.text->length + 1);
  return success();
}
