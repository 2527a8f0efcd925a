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
// formulas in the batch. In a loop that stays one, numbers that grow with its
// iterations are computed so, too, also where they are floats for a while.
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
                          std::optional<int64_t> constant,
                          std::optional<int64_t> tripFactor) {
  if (!factor || !constant || !tripFactor)
    return std::nullopt;
  auto fits = [](int64_t number) {
    return -kMaxInFormula <= number && number <= kMaxInFormula;
  };
  if ((*factor != 0 || *tripFactor != 0) &&
      !(fits(*factor) && fits(*constant) && fits(*tripFactor)))
    return std::nullopt;
  Size size = Size::batch(*factor, *constant);
  size.tripFactor = *tripFactor;
  return size;
}

static MaybeSize add(Size lhs, Size rhs) {
  return makeSize(llvm::checkedAdd(lhs.batchFactor, rhs.batchFactor),
                  llvm::checkedAdd(lhs.constant, rhs.constant),
                  llvm::checkedAdd(lhs.tripFactor, rhs.tripFactor));
}

static MaybeSize subtract(Size lhs, Size rhs) {
  return makeSize(llvm::checkedSub(lhs.batchFactor, rhs.batchFactor),
                  llvm::checkedSub(lhs.constant, rhs.constant),
                  llvm::checkedSub(lhs.tripFactor, rhs.tripFactor));
}

static MaybeSize multiply(Size lhs, Size rhs) {
  if (!lhs.isStatic())
    std::swap(lhs, rhs);
  if (!lhs.isStatic())
    return std::nullopt;
  return makeSize(llvm::checkedMul(lhs.constant, rhs.batchFactor),
                  llvm::checkedMul(lhs.constant, rhs.constant),
                  llvm::checkedMul(lhs.constant, rhs.tripFactor));
}

/// Integers are divided towards zero; a formula only without a rest.
static MaybeSize divide(Size lhs, Size rhs) {
  int64_t divisor = rhs.constant;
  if (!rhs.isStatic() || divisor <= 0)
    return lhs == rhs && rhs != Size(0) ? MaybeSize(Size(1)) : std::nullopt;
  if (lhs.tripFactor != 0)
    return std::nullopt;
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
  auto isPositive = [](Size size) {
    return size.batchFactor >= 0 && size.tripFactor >= 0 &&
           size.constant + size.batchFactor > 0;
  };
  MaybeSize opposite = subtract(rhs, lhs);
  if (isPositive(*difference) || (opposite && isPositive(*opposite)))
    return Size(0);
  if (difference->tripFactor != 0)
    return std::nullopt;
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

/// Where they are the end of positions, a loop ends before its numbers exceed a
/// fixed one that they are limited to: behind it are none.
static std::optional<Sizes> importMin(Node &node, Inputs inputs) {
  return elementwise(inputs, [&](ArrayRef<Size> arguments) -> MaybeSize {
    Size least = arguments.front();
    for (Size next : arguments.drop_front()) {
      MaybeSize difference = subtract(next, least);
      if (difference && difference->isStatic()) {
        least = difference->constant < 0 ? next : least;
        continue;
      }
      if (next.tripFactor != 0)
        std::swap(least, next);
      if (!next.isStatic() || !node.endsPositions() ||
          !node.b.limitTrips(least, next.constant))
        return std::nullopt;
      node.b.noteShortened();
    }
    return least;
  });
}

/// A few numbers from one that depends on the iteration on.
static std::optional<Sizes> importRange(Node &, Inputs inputs) {
  if (inputs.size() != 3 || !inputs[0].isScalar || !inputs[1].isScalar ||
      !inputs[2].isScalar)
    return std::nullopt;
  Size start = inputs[0].elements[0], step = inputs[2].elements[0];
  MaybeSize length = subtract(inputs[1].elements[0], start);
  if (start.tripFactor == 0 || !length || !length->isStatic() ||
      step != Size(1) || length->constant < 0 || length->constant > kMaxRank)
    return std::nullopt;
  Sizes result{{}, false};
  for (int64_t index = 0; index < length->constant; ++index) {
    MaybeSize element = add(start, Size(index));
    if (!element)
      return std::nullopt;
    result.elements.push_back(*element);
  }
  return result;
}

namespace {
struct SizeOp {
  StringLiteral name;
  std::optional<Sizes> (*compute)(Node &node, Inputs inputs);
};
} // namespace

static constexpr SizeOp kSizeOps[] = {
    {"Add", importBinary<add>},
    {"Cast", importCast},
    {"Concat", importConcat},
    {"Div", importBinary<divide>},
    {"Equal", importBinary<equal>},
    {"Gather", importGather},
    {"Min", importMin},
    {"Mul", importBinary<multiply>},
    {"Range", importRange},
    {"ReduceProd", importReduceProd},
    {"Reshape", importReshape},
    {"Slice", importSlice},
    {"Squeeze", importRank<true>},
    {"Sub", importBinary<subtract>},
    {"Unsqueeze", importRank<false>},
    {"Where", importWhere},
};

static Type getNumberType(Type type, bool isOfTrip) {
  return isa<IntegerType>(type) || (isOfTrip && type.isF32()) ? type : Type();
}

/// Whole numbers that are constants of a float type.
static std::optional<Shape> getWholeNumbers(Node &node, unsigned index) {
  if (!node.isConstant(index) || !node.getElementType(index).isF32() ||
      node.getShape(index).size() > 1)
    return std::nullopt;
  FailureOr<SmallVector<double>> numbers = node.getFloatsOf(index);
  if (failed(numbers))
    return std::nullopt;
  constexpr double largest = 1 << 24;
  Shape sizes;
  for (double number : *numbers) {
    if (!(std::abs(number) <= largest) || number != std::trunc(number))
      return std::nullopt;
    sizes.push_back(int64_t(number));
  }
  return sizes;
}

/// The type of an op's result; null for one that is no signed integer, nor, of
/// numbers that depend on the iteration, f32.
static Type getResultType(Node &node, bool isOfTrip) {
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
               : getNumberType(type->stored, isOfTrip);
  }
  unsigned like = op == "Where" ? 1 : 0;
  if (!node.hasInput(like) || node.isUnsigned(like))
    return nullptr;
  return getNumberType(node.getElementType(like), isOfTrip);
}

bool onnx::importSizes(Node &node) {
  const SizeOp *op = llvm::find_if(
      kSizeOps, [&](const SizeOp &op) { return op.name == node.getOpType(); });
  if (op == std::end(kSizeOps) || node.getNumInputs() == 0)
    return false;
  SmallVector<Sizes> inputs;
  bool hasFloats = false, isOfTrip = false;
  for (unsigned index = 0; index < node.getNumInputs(); ++index) {
    std::optional<Shape> sizes = node.getFormulasOf(index);
    if (!sizes)
      sizes = getWholeNumbers(node, index);
    if (!sizes)
      return false;
    hasFloats |= !node.getElementType(index).isInteger();
    for (Size size : *sizes) {
      if (size.crossFactor != 0)
        return false;
      isOfTrip |= size.tripFactor != 0;
    }
    inputs.push_back({*sizes, node.getShape(index).empty()});
  }
  // Floats are divided with a rest.
  if (hasFloats && (!isOfTrip || op->name == "Div"))
    return false;
  Type type = getResultType(node, isOfTrip);
  if (!type || !(type.isF32() || type.isInteger(64) || type.isInteger(32) ||
                 type.isInteger(1)))
    return false;
  std::optional<Sizes> result = op->compute(node, inputs);
  if (!result)
    return false;
  // A number that does not fit wraps around, as the op's own import does it.
  for (Size size : result->elements)
    if ((!type.isInteger(64) && !llvm::isInt<32>(size.constant)) ||
        (type.isF32() && size.isStatic()))
      return false;
  node.setSizes(0, result->elements, type, result->isScalar);
  return true;
}
