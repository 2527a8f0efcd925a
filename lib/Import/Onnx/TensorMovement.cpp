//===- TensorMovement.cpp - Reshapes, slices, transposes ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SizeProduct.h"
#include "TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

namespace {

/// Dims of the operand and of the result with the same number of elements.
struct DimGroup {
  ReassociationIndices from, to;
  Size size;
};

} // namespace

/// The finest groups; none when the shapes have no common factorisation.
static std::optional<SmallVector<DimGroup>> groupDims(ArrayRef<Size> from,
                                                      ArrayRef<Size> to) {
  SmallVector<DimGroup> groups;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    DimGroup group;
    SizeProduct lhs, rhs;
    auto takeFrom = [&] {
      lhs.multiply(from[i]);
      group.from.push_back(i++);
    };
    auto takeTo = [&] {
      rhs.multiply(to[j]);
      group.to.push_back(j++);
    };
    takeFrom();
    takeTo();
    while (!(lhs == rhs)) {
      bool extendFrom =
          lhs.isSmallerThan(rhs) ? i < from.size() : j == to.size();
      if (extendFrom ? i == from.size() : j == to.size())
        return std::nullopt;
      if (extendFrom)
        takeFrom();
      else
        takeTo();
    }
    std::optional<Size> size = lhs.getSize();
    if (!size)
      return std::nullopt;
    group.size = *size;
    groups.push_back(std::move(group));
  }
  // What is left are ones.
  for (; i < from.size(); ++i)
    groups.back().from.push_back(i);
  for (; j < to.size(); ++j)
    groups.back().to.push_back(j);
  return groups;
}

bool TensorBuilder::canReshape(ArrayRef<Size> from, ArrayRef<Size> to) {
  if (!(SizeProduct(from) == SizeProduct(to)))
    return false;
  return from.empty() || to.empty() || llvm::is_contained(to, Size(0)) ||
         groupDims(from, to).has_value();
}

Value TensorBuilder::reshape(Value tensor, ArrayRef<Size> shape) {
  Shape from = getShape(tensor);
  Type element = getElementType(tensor);
  if (ArrayRef<Size>(from) == shape)
    return tensor;
  if (llvm::is_contained(shape, Size(0)))
    return empty(shape, element);
  if (TypedAttr filled = getFilled(tensor))
    return fill(shape, filled);
  if (from.empty() || shape.empty()) {
    SmallVector<ReassociationIndices> none;
    if (from.empty())
      return tensor::ExpandShapeOp::create(*this, getType(shape, element),
                                           tensor, none);
    return tensor::CollapseShapeOp::create(*this, getType(shape, element),
                                           tensor, none);
  }
  std::optional<SmallVector<DimGroup>> groups = groupDims(from, shape);
  if (!groups)
    llvm::report_fatal_error("reshaped a tensor to a shape that does not fit");

  SmallVector<ReassociationIndices> collapse, expand;
  Shape middle;
  for (const DimGroup &group : *groups) {
    collapse.push_back(group.from);
    expand.push_back(group.to);
    middle.push_back(group.size);
  }
  if (middle.size() != from.size())
    tensor = setShape(tensor::CollapseShapeOp::create(
                          *this, getType(middle, element), tensor, collapse),
                      middle);
  if (middle.size() != shape.size())
    tensor =
        setShape(tensor::ExpandShapeOp::create(*this, getType(shape, element),
                                               tensor, expand, getSizes(shape)),
                 shape);
  return tensor;
}

//===----------------------------------------------------------------------===//
// Transposes, slices, concatenation, padding, gathers
//===----------------------------------------------------------------------===//

Value TensorBuilder::transpose(Value tensor, ArrayRef<int64_t> perm) {
  if (llvm::equal(perm, llvm::seq<int64_t>(0, perm.size())))
    return tensor;
  Shape from = getShape(tensor);
  Shape shape = llvm::map_to_vector<6>(
      perm, [&](int64_t dim) -> Size { return from[dim]; });
  Value init = empty(shape, getElementType(tensor));
  auto op = linalg::TransposeOp::create(*this, tensor, init, perm);
  return setShape(op->getResult(0), shape);
}

Value TensorBuilder::slice(Value tensor, ArrayRef<int64_t> offsets,
                           ArrayRef<Size> sizes, ArrayRef<int64_t> strides) {
  Shape from = getShape(tensor);
  auto isOne = [](int64_t stride) { return stride == 1; };
  if (ArrayRef<Size>(from) == sizes && llvm::all_of(strides, isOne))
    return tensor;
  SmallVector<OpFoldResult> mixedOffsets, mixedStrides;
  for (auto [offset, stride] : llvm::zip(offsets, strides)) {
    mixedOffsets.push_back(getIndexAttr(offset));
    mixedStrides.push_back(getIndexAttr(stride));
  }
  auto op = tensor::ExtractSliceOp::create(
      *this, getType(sizes, getElementType(tensor)), tensor, mixedOffsets,
      getSizes(sizes), mixedStrides);
  return setShape(op, sizes);
}

Value TensorBuilder::sliceDim(Value tensor, int64_t dim, int64_t offset,
                              int64_t size) {
  Shape sizes = getShape(tensor);
  sizes[dim] = size;
  SmallVector<int64_t> offsets(sizes.size(), 0), strides(sizes.size(), 1);
  offsets[dim] = offset;
  return slice(tensor, offsets, sizes, strides);
}

Value TensorBuilder::concat(ValueRange tensors, int64_t axis) {
  if (tensors.size() == 1)
    return tensors[0];
  Shape shape = getShape(tensors[0]);
  for (Value tensor : tensors.drop_front()) {
    Size size = getShape(tensor)[axis];
    shape[axis].constant += size.constant;
    shape[axis].batchFactor += size.batchFactor;
    shape[axis].tripFactor += size.tripFactor;
  }
  auto op = tensor::ConcatOp::create(
      *this, getType(shape, getElementType(tensors[0])), axis, tensors);
  return setShape(op, shape);
}

Value TensorBuilder::pad(Value tensor, ArrayRef<int64_t> low,
                         ArrayRef<int64_t> high, TypedAttr value) {
  Shape shape = getShape(tensor);
  SmallVector<OpFoldResult> mixedLow, mixedHigh;
  bool padded = false;
  for (auto [size, before, after] : llvm::zip(shape, low, high)) {
    size.constant += before + after;
    padded |= before + after != 0;
    mixedLow.push_back(getIndexAttr(before));
    mixedHigh.push_back(getIndexAttr(after));
  }
  if (!padded)
    return tensor;
  Value number = arith::ConstantOp::create(*this, value);
  auto op = tensor::PadOp::create(*this, getType(shape, getElementType(tensor)),
                                  tensor, mixedLow, mixedHigh, number);
  return setShape(op, shape);
}

Value TensorBuilder::gather(ArrayRef<Size> shape, Type resultElement,
                            Body body) {
  return generic({}, {}, shape, resultElement, body);
}

/// Whether the indices are those of a slice; gives its stride.
static bool isSlice(ArrayRef<int64_t> indices, int64_t &stride) {
  stride = indices.size() > 1 ? indices[1] - indices[0] : 1;
  for (size_t i = 1; i < indices.size(); ++i)
    if (indices[i] - indices[i - 1] != stride)
      return false;
  return stride > 0;
}

Value TensorBuilder::take(Value tensor, int64_t dim,
                          ArrayRef<int64_t> indices) {
  Shape shape = getShape(tensor);
  shape[dim] = int64_t(indices.size());
  if (indices.empty())
    return empty(shape, getElementType(tensor));
  int64_t stride;
  if (isSlice(indices, stride)) {
    SmallVector<int64_t> offsets(shape.size(), 0), strides(shape.size(), 1);
    offsets[dim] = indices[0];
    strides[dim] = stride;
    return slice(tensor, offsets, shape, strides);
  }
  Value table = atPreamble([&]() -> Value {
    return constant(DenseElementsAttr::get(
        RankedTensorType::get(indices.size(), getI64Type()), indices));
  });
  auto map = AffineMap::get(shape.size(), 0, getAffineDimExpr(dim));
  return generic(table, map, shape, getElementType(tensor),
                 [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                   SmallVector<Value> position;
                   for (size_t i = 0; i < shape.size(); ++i)
                     position.push_back(linalg::IndexOp::create(b, i));
                   position[dim] =
                       arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
                   return tensor::ExtractOp::create(b, tensor, position);
                 });
}
