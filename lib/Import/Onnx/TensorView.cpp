//===- TensorView.cpp - Where the elements of a tensor are from -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorView.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

bool TensorBox::contains(const TensorBox &other) const {
  for (size_t dim = 0; dim < sizes.size(); ++dim)
    if (sizes[dim].isStatic() &&
        (other.offsets[dim] < offsets[dim] ||
         other.offsets[dim] + other.sizes[dim].constant >
             offsets[dim] + sizes[dim].constant))
      return false;
  return true;
}

bool TensorBox::isApartFrom(const TensorBox &other) const {
  for (size_t dim = 0; dim < sizes.size(); ++dim)
    if (sizes[dim].isStatic() &&
        (other.offsets[dim] >= offsets[dim] + sizes[dim].constant ||
         offsets[dim] >= other.offsets[dim] + other.sizes[dim].constant))
      return true;
  return false;
}

namespace {

/// Follows a box of a tensor to what the tensor is made of.
class ViewTracer {
public:
  ViewTracer(const TensorBuilder &b, Value tensor, const TensorBox &box)
      : b(b), view{tensor, box,
                   llvm::to_vector(llvm::seq<int64_t>(0, box.sizes.size()))} {}

  TensorView trace() {
    while (Operation *op = view.source.getDefiningOp())
      if (!step(op))
        break;
    return std::move(view);
  }

private:
  /// Goes on to an operand of `op`; false where the elements are of its own.
  bool step(Operation *op);
  bool step(linalg::TransposeOp op);
  bool step(tensor::ExtractSliceOp op);
  bool step(tensor::ConcatOp op);
  /// A reshape whose groups have one size that is not 1 at most.
  bool step(Operation *op, ArrayRef<ReassociationIndices> groups,
            bool isCollapse);
  /// Takes `source`, whose dim is `moved[d]` for dim d of the box, -1: none.
  void move(Value source, TensorBox box, ArrayRef<int64_t> moved);

  const TensorBuilder &b;
  TensorView view;
};

} // namespace

void ViewTracer::move(Value source, TensorBox box, ArrayRef<int64_t> moved) {
  for (int64_t &dim : view.dims)
    dim = dim < 0 ? -1 : moved[dim];
  view.source = source;
  view.box = std::move(box);
}

bool ViewTracer::step(linalg::TransposeOp op) {
  TensorBox box = view.box;
  ArrayRef<int64_t> perm = op.getPermutation();
  for (auto [to, from] : llvm::enumerate(perm)) {
    box.offsets[from] = view.box.offsets[to];
    box.sizes[from] = view.box.sizes[to];
  }
  move(op.getInput(), box, perm);
  return true;
}

bool ViewTracer::step(tensor::ExtractSliceOp op) {
  Shape from = b.getShape(op.getSource()), to = b.getShape(op);
  auto isOne = [](int64_t stride) { return stride == 1; };
  if (from.size() != to.size() || !llvm::all_of(op.getStaticStrides(), isOne) ||
      ShapedType::isDynamicShape(op.getStaticOffsets()))
    return false;
  for (auto [before, after, offset] :
       llvm::zip(from, to, op.getStaticOffsets()))
    if (!before.isStatic() && (before != after || offset != 0))
      return false;
  for (auto [own, offset] : llvm::zip(view.box.offsets, op.getStaticOffsets()))
    own += offset;
  view.source = op.getSource();
  return true;
}

bool ViewTracer::step(tensor::ConcatOp op) {
  int64_t dim = op.getDim();
  if (!b.getShape(op)[dim].isStatic())
    return false;
  int64_t offset = view.box.offsets[dim], size = view.box.sizes[dim].constant;
  for (Value operand : op.getInputs()) {
    int64_t own = b.getShape(operand)[dim].constant;
    if (offset < own) {
      view.box.offsets[dim] = offset;
      view.source = operand;
      return offset + size <= own;
    }
    offset -= own;
  }
  return false;
}

bool ViewTracer::step(Operation *op, ArrayRef<ReassociationIndices> groups,
                      bool isCollapse) {
  Value source = op->getOperand(0);
  Shape from = b.getShape(source), to = b.getShape(op->getResult(0));
  ArrayRef<Size> grouped = isCollapse ? from : to;
  TensorBox box{SmallVector<int64_t>(from.size(), 0), Shape(from.size(), 1)};
  SmallVector<int64_t> moved(to.size(), -1);
  for (auto [whole, group] : llvm::enumerate(groups)) {
    std::optional<int64_t> kept;
    for (int64_t dim : group)
      if (grouped[dim] != Size(1)) {
        if (kept)
          return false;
        kept = dim;
      }
    if (!kept)
      continue;
    int64_t source = isCollapse ? *kept : whole;
    int64_t result = isCollapse ? whole : *kept;
    box.offsets[source] = view.box.offsets[result];
    box.sizes[source] = view.box.sizes[result];
    moved[result] = source;
  }
  move(source, box, moved);
  return true;
}

bool ViewTracer::step(Operation *op) {
  // What a concatenation of one part too many leaves as it was.
  TensorView before = view;
  bool isMoved =
      llvm::TypeSwitch<Operation *, bool>(op)
          .Case<linalg::TransposeOp, tensor::ExtractSliceOp, tensor::ConcatOp>(
              [&](auto moving) { return step(moving); })
          .Case<tensor::CollapseShapeOp>([&](auto reshape) {
            return step(op, reshape.getReassociationIndices(), true);
          })
          .Case<tensor::ExpandShapeOp>([&](auto reshape) {
            return step(op, reshape.getReassociationIndices(), false);
          })
          .Default([](Operation *) { return false; });
  if (!isMoved)
    view = std::move(before);
  return isMoved;
}

TensorView onnx::traceView(const TensorBuilder &b, Value tensor,
                           const TensorBox &box) {
  return ViewTracer(b, tensor, box).trace();
}
