//===- Pads.cpp - Pad -----------------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Node.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// Larger tables of what is repeated are mistakes.
static constexpr int64_t kMaxIndices = int64_t(1) << 24;

namespace {
/// Elements before and after each dim; negative: cut off.
struct Padding {
  SmallVector<int64_t> low, high;
};
} // namespace

static FailureOr<Padding> getPadding(Node &node) {
  Shape shape = node.getShape(0);
  FailureOr<SmallVector<int64_t>> pads = node.getIntsOf(1);
  if (failed(pads))
    return failure();
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  if (node.hasInput(3)) {
    FailureOr<SmallVector<int64_t>> given = node.getIntsOf(3);
    if (failed(given))
      return failure();
    FailureOr<SmallVector<int64_t>> normalized =
        node.normalizeAxes(*given, shape.size());
    if (failed(normalized))
      return failure();
    axes = *normalized;
  }
  if (pads->size() != 2 * axes.size())
    return node.emitError() << "has " << pads->size() << " pads; "
                            << axes.size() << " axes need " << 2 * axes.size();
  Padding padding;
  padding.low.assign(shape.size(), 0);
  padding.high.assign(shape.size(), 0);
  for (auto [index, axis] : llvm::enumerate(axes)) {
    int64_t low = (*pads)[index], high = (*pads)[axes.size() + index];
    constexpr int64_t bound = int64_t(1) << 31;
    Size size = shape[axis];
    bool inRange = std::max(std::abs(low / 2), std::abs(high / 2)) < bound;
    bool fits = inRange && (size.isStatic() ? size.constant + low + high >= 0
                                            : low == 0 && high == 0);
    if (!fits)
      return node.emitError()
             << "pads axis " << axis << " of " << Node::format(shape) << " by "
             << low << " and " << high
             << "; needs a size that does not depend on the "
                "batch, and 0 or more elements in all";
    padding.low[axis] = low;
    padding.high[axis] = high;
  }
  return padding;
}

/// The element of a dim that a position, in front of, in or behind it, shows.
static int64_t getSource(StringRef mode, int64_t position, int64_t size) {
  if (mode == "edge")
    return std::clamp<int64_t>(position, 0, size - 1);
  auto modulo = [](int64_t x, int64_t period) {
    return (x % period + period) % period;
  };
  if (mode == "wrap")
    return modulo(position, size);
  int64_t period = std::max<int64_t>(2 * (size - 1), 1);
  int64_t mirrored = modulo(position, period);
  return std::min(mirrored, period - mirrored) % size;
}

static LogicalResult importPad(Node &node) {
  TensorBuilder &b = node.b;
  std::string mode = node.getString("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" &&
      mode != "wrap")
    return node.emitError()
           << "mode is '" << mode << "'; needs constant, reflect, edge or wrap";
  FailureOr<Padding> padding = getPadding(node);
  if (failed(padding))
    return failure();
  Tensor x = node.input(0);
  Shape shape = node.getShape(0);
  Value result = x.value;
  if (mode != "constant") {
    for (size_t dim = 0; dim < shape.size(); ++dim) {
      int64_t low = padding->low[dim], high = padding->high[dim];
      if (low == 0 && high == 0)
        continue;
      int64_t size = shape[dim].constant;
      if (size == 0)
        return node.emitError()
               << "pads axis " << dim << " of " << Node::format(shape)
               << "; needs an element to repeat";
      if (size + low + high > kMaxIndices)
        return node.emitError()
               << "pads axis " << dim << " of " << Node::format(shape) << " to "
               << size + low + high << " elements; mode " << mode
               << " needs at most " << kMaxIndices;
      SmallVector<int64_t> indices;
      for (int64_t position = -low; position < size + high; ++position)
        indices.push_back(getSource(mode, position, size));
      result = b.take(result, dim, indices);
    }
    node.setOutput(0, result, x.isUnsigned);
    return success();
  }

  TypedAttr number = b.getScalarAttr(x.getElementType(), 0);
  if (node.hasInput(2)) {
    FailureOr<DenseElementsAttr> value = node.getConstant(2);
    if (failed(value))
      return failure();
    if (value->getNumElements() != 1 ||
        value->getElementType() != x.getElementType())
      return node.emitError() << "constant_value is a " << value->getType()
                              << "; needs one " << x.getElementType();
    number = *value->value_begin<TypedAttr>();
  }
  SmallVector<int64_t> offsets, strides(shape.size(), 1);
  Shape cut = shape;
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    int64_t &low = padding->low[dim], &high = padding->high[dim];
    offsets.push_back(std::max<int64_t>(-low, 0));
    cut[dim].constant += std::min<int64_t>(low, 0) + std::min<int64_t>(high, 0);
    low = std::max<int64_t>(low, 0);
    high = std::max<int64_t>(high, 0);
    if (cut[dim].isStatic() && cut[dim].constant < 0)
      return node.emitError() << "cuts off more of axis " << dim << " of "
                              << Node::format(shape) << " than there is";
  }
  result = b.slice(result, offsets, cut, strides);
  node.setOutput(0, b.pad(result, padding->low, padding->high, number),
                 x.isUnsigned);
  return success();
}

void onnx::registerPadOps(OpRegistry &registry) {
  registry.add("Pad", importPad, 2, /*since=*/11);
}
