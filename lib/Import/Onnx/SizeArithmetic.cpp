//===- SizeArithmetic.cpp - Integer ops on sizes of the graph -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters compute the shapes of their reshapes from the sizes of tensors. On
// such tensors, integers of rank 0 or 1, these ops are computed here, by their
// formulas in the batch.
//
//===----------------------------------------------------------------------===//

#include "ModelFile.h"
#include "Node.h"
#include "SliceRange.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

namespace {

/// An input: its elements, and whether it is of rank 0.
struct Sizes {
  Shape elements;
  bool isScalar;
};

using Inputs = ArrayRef<Sizes>;
using MaybeSize = std::optional<Size>;

} // namespace

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// Larger numbers in a formula are no sizes.
static constexpr int64_t kMaxInFormula = int64_t(1) << 46;

static MaybeSize makeSize(std::optional<int64_t> factor,
                          std::optional<int64_t> constant) {
  if (!factor || !constant)
    return std::nullopt;
  auto fits = [](int64_t number) {
    return -kMaxInFormula <= number && number <= kMaxInFormula;
  };
  if (*factor != 0 && !(fits(*factor) && fits(*constant)))
    return std::nullopt;
  return Size::batch(*factor, *constant);
}

static MaybeSize add(Size lhs, Size rhs) {
  return makeSize(llvm::checkedAdd(lhs.batchFactor, rhs.batchFactor),
                  llvm::checkedAdd(lhs.constant, rhs.constant));
}

static MaybeSize subtract(Size lhs, Size rhs) {
  return makeSize(llvm::checkedSub(lhs.batchFactor, rhs.batchFactor),
                  llvm::checkedSub(lhs.constant, rhs.constant));
}

static MaybeSize multiply(Size lhs, Size rhs) {
  if (!lhs.isStatic())
    std::swap(lhs, rhs);
  if (!lhs.isStatic())
    return std::nullopt;
  return makeSize(llvm::checkedMul(lhs.constant, rhs.batchFactor),
                  llvm::checkedMul(lhs.constant, rhs.constant));
}

/// Integers are divided towards zero; a formula only without a rest.
static MaybeSize divide(Size lhs, Size rhs) {
  int64_t divisor = rhs.constant;
  if (!rhs.isStatic() || divisor <= 0)
    return lhs == rhs && rhs != Size(0) ? MaybeSize(Size(1)) : std::nullopt;
  if (!lhs.isStatic() &&
      (lhs.batchFactor % divisor != 0 || lhs.constant % divisor != 0))
    return std::nullopt;
  return Size::batch(lhs.batchFactor / divisor, lhs.constant / divisor);
}

/// Whether they are equal for every batch of 1 and more, if that is one answer.
static MaybeSize equal(Size lhs, Size rhs) {
  MaybeSize difference = subtract(lhs, rhs);
  if (!difference)
    return std::nullopt;
  if (difference->isStatic())
    return Size(difference->constant == 0);
  bool mayBeZero = difference->constant % difference->batchFactor == 0 &&
                   -(difference->constant / difference->batchFactor) >= 1;
  return mayBeZero ? std::nullopt : MaybeSize(Size(0));
}

/// Applies a function of one size from each input, with numpy's broadcast.
static std::optional<Sizes>
elementwise(Inputs inputs,
            llvm::function_ref<MaybeSize(ArrayRef<Size>)> compute) {
  Sizes result{{}, true};
  size_t count = 1;
  for (const Sizes &input : inputs) {
    result.isScalar &= input.isScalar;
    if (input.elements.size() != 1)
      count = input.elements.size();
  }
  for (size_t index = 0; index < count; ++index) {
    Shape arguments;
    for (const Sizes &input : inputs) {
      bool single = input.elements.size() == 1;
      if (!single && input.elements.size() != count)
        return std::nullopt;
      arguments.push_back(input.elements[single ? 0 : index]);
    }
    MaybeSize element = compute(arguments);
    if (!element)
      return std::nullopt;
    result.elements.push_back(*element);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

template <MaybeSize (*Compute)(Size, Size)>
static std::optional<Sizes> importBinary(Node &, Inputs inputs) {
  if (inputs.size() != 2)
    return std::nullopt;
  return elementwise(inputs, [](ArrayRef<Size> arguments) {
    return Compute(arguments[0], arguments[1]);
  });
}

static std::optional<Sizes> importWhere(Node &, Inputs inputs) {
  if (inputs.size() != 3)
    return std::nullopt;
  return elementwise(inputs, [](ArrayRef<Size> arguments) -> MaybeSize {
    if (!arguments[0].isStatic())
      return std::nullopt;
    return arguments[arguments[0].constant != 0 ? 1 : 2];
  });
}

static std::optional<Sizes> importCast(Node &node, Inputs inputs) {
  if (inputs.size() != 1)
    return std::nullopt;
  Sizes result = inputs[0];
  // A number that is not 0 is true, which wrapping would not give.
  if (node.getInt("to", 0) == onnx_proto::TensorProto::BOOL)
    return std::nullopt;
  if (node.getElementType(0).isInteger(1))
    for (Size &element : result.elements)
      element = Size(element.constant != 0);
  return result;
}

static std::optional<Sizes> importConcat(Node &, Inputs inputs) {
  Sizes result{{}, false};
  for (const Sizes &input : inputs) {
    if (input.isScalar)
      return std::nullopt;
    result.elements.append(input.elements);
  }
  return result;
}

static std::optional<Sizes> importGather(Node &, Inputs inputs) {
  if (inputs.size() != 2 || inputs[0].isScalar)
    return std::nullopt;
  int64_t count = inputs[0].elements.size();
  Sizes result{{}, inputs[1].isScalar};
  for (Size index : inputs[1].elements) {
    if (!index.isStatic() || index.constant < -count || index.constant >= count)
      return std::nullopt;
    result.elements.push_back(
        inputs[0].elements[index.constant + (index.constant < 0 ? count : 0)]);
  }
  return result;
}

static std::optional<Sizes> importReduceProd(Node &node, Inputs inputs) {
  if (inputs.empty() || inputs[0].isScalar ||
      node.getInt("noop_with_empty_axes", 0) != 0)
    return std::nullopt;
  Size product = 1;
  for (Size element : inputs[0].elements) {
    MaybeSize next = multiply(product, element);
    if (!next)
      return std::nullopt;
    product = *next;
  }
  return Sizes{{product}, node.getInt("keepdims", 1) == 0};
}

/// To rank 1 or 0, in whatever way the number of sizes is written.
static std::optional<Sizes> importReshape(Node &, Inputs inputs) {
  if (inputs.size() != 2 || inputs[1].isScalar)
    return std::nullopt;
  const Shape &target = inputs[1].elements;
  int64_t count = inputs[0].elements.size();
  if (target.empty() && count == 1)
    return Sizes{inputs[0].elements, true};
  if (target.size() == 1 && (target[0] == Size(-1) || target[0] == Size(count)))
    return Sizes{inputs[0].elements, false};
  return std::nullopt;
}

static std::optional<Sizes> importSlice(Node &, Inputs inputs) {
  if (inputs.size() < 3 || inputs[0].isScalar)
    return std::nullopt;
  for (const Sizes &input : inputs.drop_front())
    if (input.elements.size() != 1 || !input.elements[0].isStatic())
      return std::nullopt;
  int64_t step = inputs.size() > 4 ? inputs[4].elements[0].constant : 1;
  if (step == 0)
    return std::nullopt;
  SliceRange range = getSliceRange(inputs[1].elements[0].constant,
                                   inputs[2].elements[0].constant, step,
                                   inputs[0].elements.size());
  Sizes result{{}, false};
  for (int64_t index = 0; index < range.count; ++index)
    result.elements.push_back(
        inputs[0].elements[range.begin + index * range.step]);
  return result;
}

/// A number becomes a shape of one size, or the other way round.
template <bool ToScalar>
static std::optional<Sizes> importRank(Node &node, Inputs inputs) {
  size_t numAxes = inputs.size() > 1 ? inputs[1].elements.size()
                                     : node.getInts("axes", {0}).size();
  if (inputs.empty() || inputs[0].isScalar == ToScalar ||
      inputs[0].elements.size() != 1 || numAxes != 1)
    return std::nullopt;
  return Sizes{inputs[0].elements, ToScalar};
}

namespace {
struct SizeOp {
  StringLiteral name;
  std::optional<Sizes> (*compute)(Node &node, Inputs inputs);
};
} // namespace

static constexpr SizeOp kSizeOps[] = {
    {"Add", importBinary<add>},       {"Cast", importCast},
    {"Concat", importConcat},         {"Div", importBinary<divide>},
    {"Equal", importBinary<equal>},   {"Gather", importGather},
    {"Mul", importBinary<multiply>},  {"ReduceProd", importReduceProd},
    {"Reshape", importReshape},       {"Slice", importSlice},
    {"Squeeze", importRank<true>},    {"Sub", importBinary<subtract>},
    {"Unsqueeze", importRank<false>}, {"Where", importWhere},
};

/// The type of an op's result; null for one that is no signed integer.
static IntegerType getResultType(Node &node) {
  StringRef op = node.getOpType();
  if (op == "Equal")
    return node.b.getI1Type();
  if (op == "Cast") {
    FailureOr<int64_t> number = node.getRequiredInt("to");
    if (failed(number))
      return nullptr;
    FailureOr<DataType> type = node.getDataType(*number);
    return failed(type) || type->isUnsigned
               ? nullptr
               : dyn_cast<IntegerType>(type->stored);
  }
  unsigned like = op == "Where" ? 1 : 0;
  if (!node.hasInput(like) || node.isUnsigned(like))
    return nullptr;
  return dyn_cast<IntegerType>(node.getElementType(like));
}

bool onnx::importSizes(Node &node) {
  const SizeOp *op = llvm::find_if(
      kSizeOps, [&](const SizeOp &op) { return op.name == node.getOpType(); });
  if (op == std::end(kSizeOps) || node.getNumInputs() == 0)
    return false;
  SmallVector<Sizes> inputs;
  for (unsigned index = 0; index < node.getNumInputs(); ++index) {
    std::optional<Shape> sizes = node.getSizesOf(index);
    if (!sizes)
      return false;
    inputs.push_back({*sizes, node.getShape(index).empty()});
  }
  IntegerType type = getResultType(node);
  if (!type ||
      (type.getWidth() != 64 && type.getWidth() != 32 && type.getWidth() != 1))
    return false;
  std::optional<Sizes> result = op->compute(node, inputs);
  if (!result)
    return false;
  // A number that does not fit wraps around, as the op's own import does it.
  for (Size size : result->elements)
    if (type.getWidth() < 64 && !llvm::isInt<32>(size.constant))
      return false;
  node.setSizes(0, result->elements, type, result->isScalar);
  return true;
}
