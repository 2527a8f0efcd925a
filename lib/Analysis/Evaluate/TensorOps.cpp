//===- TensorOps.cpp - Evaluation of tensor ops ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "Ops.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Target/StridedCopy.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace vitc;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

static RankedTensorType getResultType(Operation *op) {
  return getConstantType(op->getResult(0).getType());
}

static int64_t getWidth(const ConstantTensor &tensor) {
  return *getElementBytes(tensor.getElementType());
}

static FailureOr<int64_t> getInteger(OpFoldResult value, ValueLookup lookup) {
  if (auto attr = dyn_cast<Attribute>(value))
    return cast<IntegerAttr>(attr).getInt();
  const ConstantTensor *scalar = lookup(cast<Value>(value));
  if (!scalar || scalar->size() != 1)
    return failure();
  Lanes lanes;
  loadLanes(*scalar, 0, 1, lanes);
  return lanes.integers[0];
}

static FailureOr<SmallVector<int64_t>>
getIntegers(ArrayRef<OpFoldResult> values, ValueLookup lookup) {
  SmallVector<int64_t> integers;
  for (OpFoldResult value : values) {
    FailureOr<int64_t> integer = getInteger(value, lookup);
    if (failed(integer))
      return failure();
    integers.push_back(*integer);
  }
  return integers;
}

/// Every element is `scalar`.
static ConstantTensor splat(RankedTensorType type,
                            const ConstantTensor &scalar) {
  ConstantTensor result(type);
  int64_t width = getWidth(result);
  for (int64_t i = 0; i < result.size(); ++i)
    std::memcpy(result.data() + i * width, scalar.data(), width);
  return result;
}

static ConstantTensor clone(const ConstantTensor &tensor) {
  ConstantTensor result(tensor.getType());
  std::memcpy(result.data(), tensor.data(), getConstantBytes(tensor.getType()));
  return result;
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

namespace {
/// Elements of a tensor at offsets + i * strides.
struct Box {
  SmallVector<int64_t> offsets, sizes, strides;
};
} // namespace

static FailureOr<Box> getBox(OffsetSizeAndStrideOpInterface op,
                             ArrayRef<int64_t> shape, ValueLookup lookup) {
  auto offsets = getIntegers(op.getMixedOffsets(), lookup);
  auto sizes = getIntegers(op.getMixedSizes(), lookup);
  auto strides = getIntegers(op.getMixedStrides(), lookup);
  if (failed(offsets) || failed(sizes) || failed(strides))
    return failure();
  for (auto [size, offset, count, stride] :
       llvm::zip_equal(shape, *offsets, *sizes, *strides)) {
    int64_t span, last;
    if (count < 0 || offset < 0 || stride < 1 ||
        (count > 0 && (llvm::MulOverflow(count - 1, stride, span) ||
                       llvm::AddOverflow(offset, span, last) || last >= size)))
      return failure();
  }
  return Box{*offsets, *sizes, *strides};
}

/// Copies between a dense tensor of the box's sizes and the box in a tensor of
/// `shape`.
static void copyBox(const char *from, char *to, ArrayRef<int64_t> shape,
                    const Box &box, int64_t width, bool isInsertion) {
  SmallVector<int64_t> strides = getRowMajorStrides(shape);
  int64_t at = 0;
  for (auto [stride, offset, step] :
       llvm::zip_equal(strides, box.offsets, box.strides)) {
    at += stride * offset;
    stride *= step;
  }
  SmallVector<int64_t> dense = getRowMajorStrides(box.sizes);
  if (isInsertion)
    copyStrided(from, dense, to + at * width, strides, box.sizes, width);
  else
    copyStrided(from + at * width, strides, to, dense, box.sizes, width);
}

static FailureOr<ConstantTensor> evaluate(tensor::ExtractSliceOp op,
                                          ValueLookup lookup) {
  const ConstantTensor *source = lookup(op.getSource());
  if (!source)
    return failure();
  FailureOr<Box> box = getBox(op, source->getShape(), lookup);
  ConstantTensor result(getResultType(op));
  if (failed(box) || ShapedType::getNumElements(box->sizes) != result.size())
    return failure();
  copyBox(source->data(), result.data(), source->getShape(), *box,
          getWidth(result), /*isInsertion=*/false);
  return result;
}

static FailureOr<ConstantTensor> evaluate(tensor::InsertSliceOp op,
                                          ValueLookup lookup) {
  const ConstantTensor *source = lookup(op.getSource());
  const ConstantTensor *dest = lookup(op.getDest());
  if (!source || !dest)
    return failure();
  FailureOr<Box> box = getBox(op, dest->getShape(), lookup);
  if (failed(box) || ShapedType::getNumElements(box->sizes) != source->size())
    return failure();
  ConstantTensor result = clone(*dest);
  copyBox(source->data(), result.data(), dest->getShape(), *box,
          getWidth(result), /*isInsertion=*/true);
  return result;
}

static FailureOr<ConstantTensor> evaluate(tensor::ConcatOp op,
                                          ValueLookup lookup) {
  ConstantTensor result(getResultType(op));
  int64_t rank = result.getShape().size(), dim = op.getDim();
  Box box{SmallVector<int64_t>(rank, 0), {}, SmallVector<int64_t>(rank, 1)};
  for (Value input : op.getInputs()) {
    const ConstantTensor *piece = lookup(input);
    if (!piece)
      return failure();
    box.sizes.assign(piece->getShape().begin(), piece->getShape().end());
    copyBox(piece->data(), result.data(), result.getShape(), box,
            getWidth(result), /*isInsertion=*/true);
    box.offsets[dim] += piece->getShape()[dim];
  }
  return result;
}

static FailureOr<ConstantTensor> evaluate(tensor::PadOp op,
                                          ValueLookup lookup) {
  const ConstantTensor *source = lookup(op.getSource());
  Value padding = op.getConstantPaddingValue();
  const ConstantTensor *value = padding ? lookup(padding) : nullptr;
  auto low = getIntegers(op.getMixedLowPad(), lookup);
  auto high = getIntegers(op.getMixedHighPad(), lookup);
  if (!source || !value || failed(low) || failed(high))
    return failure();
  ConstantTensor result = splat(getResultType(op), *value);
  for (auto [size, before, after, padded] :
       llvm::zip_equal(source->getShape(), *low, *high, result.getShape()))
    if (before < 0 || after < 0 || before + size + after != padded)
      return failure();
  Box box{*low, SmallVector<int64_t>(source->getShape()),
          SmallVector<int64_t>(low->size(), 1)};
  copyBox(source->data(), result.data(), result.getShape(), box,
          getWidth(result), /*isInsertion=*/true);
  return result;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static FailureOr<ConstantTensor> evaluate(tensor::ExtractOp op,
                                          ValueLookup lookup) {
  const ConstantTensor *source = lookup(op.getTensor());
  auto indices = getIntegers(getAsOpFoldResult(op.getIndices()), lookup);
  if (!source || failed(indices))
    return failure();
  int64_t at = 0;
  for (auto [index, size] : llvm::zip_equal(*indices, source->getShape())) {
    if (index < 0 || index >= size)
      return failure();
    at = at * size + index;
  }
  ConstantTensor result(getResultType(op));
  int64_t width = getWidth(result);
  std::memcpy(result.data(), source->data() + at * width, width);
  return result;
}

static FailureOr<ConstantTensor> evaluate(tensor::FromElementsOp op,
                                          ValueLookup lookup) {
  ConstantTensor result(getResultType(op));
  int64_t width = getWidth(result);
  for (auto [i, value] : llvm::enumerate(op.getElements())) {
    const ConstantTensor *element = lookup(value);
    if (!element)
      return failure();
    std::memcpy(result.data() + i * width, element->data(), width);
  }
  return result;
}

static FailureOr<ConstantTensor> evaluate(tensor::DimOp op,
                                          ValueLookup lookup) {
  const ConstantTensor *source = lookup(op.getSource());
  FailureOr<int64_t> dim = getInteger(op.getDimension(), lookup);
  if (!source || failed(dim) || *dim < 0 ||
      *dim >= static_cast<int64_t>(source->getShape().size()))
    return failure();
  Lanes lanes;
  lanes.integers = {source->getShape()[*dim]};
  ConstantTensor result(getResultType(op));
  storeLanes(lanes, 0, 1, result);
  return result;
}

FailureOr<ConstantTensor> vitc::evaluateTensorOp(Operation *op,
                                                 ValueLookup lookup) {
  using Result = FailureOr<ConstantTensor>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<tensor::ExtractSliceOp, tensor::InsertSliceOp, tensor::ConcatOp,
            tensor::PadOp, tensor::ExtractOp, tensor::FromElementsOp,
            tensor::DimOp>([&](auto op) { return evaluate(op, lookup); })
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp,
            tensor::ReshapeOp>([&](Operation *op) -> Result {
        const ConstantTensor *source = lookup(op->getOperand(0));
        RankedTensorType type = getResultType(op);
        if (!source || source->size() != type.getNumElements())
          return failure();
        return source->reshape(type);
      })
      .Case<tensor::EmptyOp>([&](Operation *op) -> Result {
        return ConstantTensor(getResultType(op));
      })
      .Case<tensor::SplatOp>([&](tensor::SplatOp op) -> Result {
        const ConstantTensor *value = lookup(op.getInput());
        if (!value)
          return failure();
        return splat(getResultType(op), *value);
      })
      .Default([](Operation *) -> Result { return failure(); });
}
