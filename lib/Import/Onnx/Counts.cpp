//===- Counts.cpp - Tensors whose size depends on data --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Such a tensor has room for all positions of one dim, and a count of those
// that are filled. What an op makes of it has the same count where each
// position of the result is made of the same position of the input. Other ops
// would see positions that are not there, and are refused.
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// Which dim of the result has the positions of dim `dim` of input `input`.
using FollowFn = std::optional<int64_t> (*)(Node &node, unsigned input,
                                            int64_t dim);

static int64_t getRank(Node &node, unsigned input) {
  return node.getShape(input).size();
}

//===----------------------------------------------------------------------===//
// By op
//===----------------------------------------------------------------------===//

static std::optional<int64_t> followElementwise(Node &node, unsigned input,
                                                int64_t dim) {
  int64_t rank = 0;
  for (unsigned index = 0; index < node.getNumInputs(); ++index)
    if (node.hasInput(index))
      rank = std::max(rank, getRank(node, index));
  return dim + rank - getRank(node, input);
}

/// Of an op that changes one axis, its attribute.
static std::optional<int64_t> followBesideAxis(Node &node, unsigned input,
                                               int64_t dim) {
  FailureOr<int64_t> axis = node.getAxis("axis", 0, getRank(node, input));
  return failed(axis) || *axis == dim ? std::nullopt : std::optional(dim);
}

/// Before opset 13 all axes from the given one on are one.
static std::optional<int64_t> followSoftmax(Node &node, unsigned input,
                                            int64_t dim) {
  FailureOr<int64_t> axis = node.getAxis("axis", -1, getRank(node, input));
  if (node.getOpset() < 13 || failed(axis) || *axis == dim)
    return std::nullopt;
  return dim;
}

static std::optional<int64_t> followGather(Node &node, unsigned input,
                                           int64_t dim) {
  FailureOr<int64_t> axis = node.getAxis("axis", 0, getRank(node, 0));
  if (failed(axis))
    return std::nullopt;
  if (input == 1)
    return *axis + dim;
  if (dim == *axis)
    return std::nullopt;
  return dim < *axis ? dim : dim + getRank(node, 1) - 1;
}

/// Indices keep all dims but the last, which is a position.
static std::optional<int64_t> followGatherND(Node &node, unsigned input,
                                             int64_t dim) {
  if (input != 1 || node.getInt("batch_dims", 0) != 0 ||
      dim == getRank(node, 1) - 1)
    return std::nullopt;
  return dim;
}

static std::optional<int64_t> followSlice(Node &node, unsigned input,
                                          int64_t dim) {
  if (input != 0 || !node.hasInput(3))
    return std::nullopt;
  FailureOr<SmallVector<int64_t>> axes = node.getIntsOf(3);
  if (succeeded(axes))
    axes = node.normalizeAxes(*axes, getRank(node, 0));
  if (failed(axes) || llvm::is_contained(*axes, dim))
    return std::nullopt;
  return dim;
}

static std::optional<int64_t> followTranspose(Node &node, unsigned input,
                                              int64_t dim) {
  int64_t rank = getRank(node, input);
  SmallVector<int64_t> reversed(
      llvm::reverse(llvm::to_vector(llvm::seq<int64_t>(0, rank))));
  SmallVector<int64_t> perm = node.getInts("perm", reversed);
  return llvm::find(perm, dim) - perm.begin();
}

static std::optional<int64_t> followSqueeze(Node &node, unsigned input,
                                            int64_t dim) {
  FailureOr<SmallVector<int64_t>> axes = node.getIntsOrInput("axes", 1, {});
  if (succeeded(axes))
    axes = node.normalizeAxes(*axes, getRank(node, 0));
  if (input != 0 || failed(axes) || axes->empty() ||
      llvm::is_contained(*axes, dim))
    return std::nullopt;
  return dim - llvm::count_if(*axes, [&](int64_t axis) { return axis < dim; });
}

static std::optional<int64_t> followUnsqueeze(Node &node, unsigned input,
                                              int64_t dim) {
  FailureOr<SmallVector<int64_t>> axes = node.getIntsOrInput("axes", 1, {});
  if (succeeded(axes))
    axes = node.normalizeAxes(*axes, getRank(node, 0) + axes->size());
  if (input != 0 || failed(axes))
    return std::nullopt;
  llvm::sort(*axes);
  for (int64_t axis : *axes)
    dim += axis <= dim;
  return dim;
}

/// Rows stay rows where the first size is taken over or left open.
static std::optional<int64_t> followReshape(Node &node, unsigned input,
                                            int64_t dim) {
  if (input != 0 || dim != 0 || !node.isConstant(1))
    return std::nullopt;
  FailureOr<SmallVector<int64_t>> sizes = node.getIntsOf(1);
  if (failed(sizes) || sizes->empty() || sizes->front() > 0)
    return std::nullopt;
  // Of one row, as many elements go in as come out.
  Shape shape = node.getShape(0);
  int64_t before = 1, after = 1;
  for (Size size : llvm::drop_begin(shape))
    before *= size.constant;
  for (int64_t size : llvm::drop_begin(*sizes))
    after *= size;
  return before == after ? std::optional<int64_t>(0) : std::nullopt;
}

namespace {
/// What an op does with positions.
struct CountRule {
  FollowFn follow = nullptr;
  /// The inputs meet position by position: each has the count, or, unless
  /// `joined`, one position for all.
  bool meets = false, joined = false;
};
} // namespace

static CountRule getRule(StringRef op) {
  CountRule elementwise{followElementwise, /*meets=*/true};
  return llvm::StringSwitch<CountRule>(op)
      .Cases({"Abs", "Add", "And", "Cast", "Ceil", "Clip", "Cos"}, elementwise)
      .Cases({"Div", "Equal", "Exp", "Floor", "Greater", "GreaterOrEqual"},
             elementwise)
      .Cases({"Identity", "Less", "LessOrEqual", "Log", "Max", "Min", "Mod"},
             elementwise)
      .Cases({"Mul", "Neg", "Not", "Or", "Pow", "Reciprocal", "Relu"},
             elementwise)
      .Cases({"Round", "Sigmoid", "Sin", "Sqrt", "Sub", "Tanh", "Where"},
             elementwise)
      .Case("Concat", {followBesideAxis, /*meets=*/true, /*joined=*/true})
      .Case("Split", {followBesideAxis})
      .Cases({"LogSoftmax", "Softmax"}, {followSoftmax})
      .Case("Gather", {followGather})
      .Case("GatherND", {followGatherND})
      .Case("Reshape", {followReshape})
      .Case("Slice", {followSlice})
      .Case("Squeeze", {followSqueeze})
      .Case("Transpose", {followTranspose})
      .Case("Unsqueeze", {followUnsqueeze})
      .Default({});
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

InFlightDiagnostic GraphImporter::emitCountError(Node &node, Value count) {
  GraphValue needed;
  needed.value = count;
  noteNeeded(needed);
  return node.emitError()
         << "reads a tensor whose size depends on data; needs to be an op "
            "that makes each position of its result of one of the tensor's";
}

LogicalResult GraphImporter::verifyNoCounts(Node &node,
                                            ArrayRef<GraphValue *> values) {
  for (GraphValue *value : values)
    if (value && value->count)
      return emitCountError(node, value->count);
  return success();
}

/// Whether an input without a count has one position at dim `dim` of a result
/// of `rank` dims, which it broadcasts to.
static bool isOneAt(Node &node, unsigned input, int64_t dim, int64_t rank) {
  Shape shape = node.getShape(input);
  int64_t own = dim - (rank - int64_t(shape.size()));
  return own < 0 || shape[own] == Size(1);
}

LogicalResult GraphImporter::propagateCounts(Node &node) {
  auto isCounted = [](GraphValue *value) { return value && value->count; };
  auto *first = llvm::find_if(node.inputs, isCounted);
  if (first == node.inputs.end())
    return success();
  Value count = (*first)->count;
  CountRule rule;
  if (normalizeDomain(node.proto.domain()).empty())
    rule = getRule(node.getOpType());
  if (!rule.follow)
    return emitCountError(node, count);
  std::optional<int64_t> dim;
  for (auto [index, input] : llvm::enumerate(node.inputs)) {
    if (!isCounted(input))
      continue;
    std::optional<int64_t> next = rule.follow(node, index, input->countedDim);
    if (!next || (dim && *dim != *next) || input->count != count)
      return emitCountError(node, count);
    dim = next;
  }
  for (auto [index, output] : llvm::enumerate(node.outputs)) {
    if (!output)
      continue;
    int64_t rank = b.getShape(getValue(*output)).size();
    for (auto [operand, input] : llvm::enumerate(node.inputs))
      if (rule.meets && input && !input->count &&
          (rule.joined || !isOneAt(node, operand, *dim, rank)))
        return emitCountError(node, count);
    node.setCount(index, *dim, count);
  }
  return success();
}
