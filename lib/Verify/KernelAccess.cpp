//===- KernelAccess.cpp - What kernels read and write ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelAccess.h"

#include "vitc/Analysis/BatchMultiple.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

//===----------------------------------------------------------------------===//
// Iteration spaces
//===----------------------------------------------------------------------===//

/// The iteration space of a kernel's result; none for a kernel that is not
/// known.
static FailureOr<SmallVector<int64_t>> getExtents(Operation *kernel,
                                                  int64_t batch) {
  bool known = true;
  auto size = [&](Value value) -> int64_t {
    std::optional<KernelSize> kernelSize = getKernelSize(value);
    known &= kernelSize.has_value();
    return kernelSize ? kernelSize->at(batch) : 0;
  };
  auto box = [&](Value count, ArrayRef<int64_t> sizes) {
    SmallVector<int64_t> extents = {size(count)};
    llvm::append_range(extents, sizes);
    return extents;
  };
  auto extents =
      llvm::TypeSwitch<Operation *, SmallVector<int64_t>>(kernel)
          .Case([&](GemmOp op) {
            return box(op.getBatch(), {size(op.getRows()), int64_t(op.getN())});
          })
          .Case([&](AttentionOp op) {
            return box(op.getBatch(),
                       {int64_t(op.getHeads()), size(op.getQueries()),
                        int64_t(op.getValueDim())});
          })
          .Case([&](AttentionMapOp op) {
            return box(op.getBatch(),
                       {int64_t(op.getHeads()), size(op.getQueries()),
                        size(op.getKeys())});
          })
          .Case([&](GroupedConvOp op) {
            return box(op.getBatch(),
                       {op.getSize()[0], op.getSize()[1], op.getOutputs()});
          })
          .Case([&](NormOp op) {
            return box(op.getBatch(),
                       {size(op.getRows()), int64_t(op.getChannels())});
          })
          .Case([&](MeanOp op) {
            return box(op.getBatch(), {int64_t(op.getChannels())});
          })
          .Case([&](GatherOp op) {
            // Offsets, which a run decides, stand at 0.
            SmallVector<int64_t> sizes(op.getSizes());
            sizes.append(op.getOffsets().size(), 1);
            return box(op.getBatch(), sizes);
          })
          .Case([&](GenericOp op) { return box(op.getBatch(), op.getSizes()); })
          .Default([&](Operation *) {
            known = false;
            return SmallVector<int64_t>();
          });
  if (!known)
    return kernel->emitOpError("is no kernel that vitc verify knows, or has a "
                               "size that is not a multiple of the batch");
  return extents;
}

/// Where a kernel's result lies in its destination.
static AffineMap getResultMap(Operation *kernel) {
  if (auto map = dyn_cast<AttentionMapOp>(kernel)) {
    // [items of all images, heads, ...] in [batch, windows, heads, ...].
    Builder builder(kernel->getContext());
    int64_t windows = cast<ShapedType>(map.getInit().getType()).getDimSize(1);
    SmallVector<AffineExpr> dims;
    for (unsigned dim = 0; dim < 4; ++dim)
      dims.push_back(builder.getAffineDimExpr(dim));
    return AffineMap::get(4, 0,
                          {dims[0].floorDiv(windows), dims[0] % windows,
                           dims[1], dims[2], dims[3]},
                          kernel->getContext());
  }
  return kernel->getAttrOfType<AffineMapAttr>("resultMap").getValue();
}

FailureOr<std::vector<KernelAccesses>>
vitc::getKernelAccesses(func::FuncOp entry, int64_t batch) {
  std::vector<KernelAccesses> kernels;
  WalkResult result = entry.walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto destination = dyn_cast<DestinationStyleOpInterface>(op);
    if (!destination)
      return WalkResult::advance();
    FailureOr<SmallVector<int64_t>> extents = getExtents(op, batch);
    if (failed(extents))
      return WalkResult::interrupt();
    KernelAccesses accesses{
        op,
        {destination.getDpsInits().front(), getResultMap(op), *extents},
        /*statistics=*/std::nullopt,
        /*reads=*/{}};
    if (auto gemm = dyn_cast<GemmOp>(op); gemm && gemm.getStatistics())
      accesses.statistics = {
          gemm.getStatistics(),
          AffineMap::getMultiDimIdentityMap(4, op->getContext()),
          {extents->front(), *gemm.getNumChunks(), 2, extents->back()}};
    for (Value input : destination.getDpsInputs())
      if (isa<MemRefType>(input.getType()))
        accesses.reads.push_back(input);
    kernels.push_back(std::move(accesses));
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return kernels;
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

static int64_t evaluate(AffineExpr expr, ArrayRef<int64_t> indices) {
  switch (expr.getKind()) {
  case AffineExprKind::Constant:
    return cast<AffineConstantExpr>(expr).getValue();
  case AffineExprKind::DimId:
    return indices[cast<AffineDimExpr>(expr).getPosition()];
  case AffineExprKind::SymbolId:
    llvm_unreachable("maps of kernels have no symbols");
  default:
    break;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t lhs = evaluate(binary.getLHS(), indices);
  int64_t rhs = evaluate(binary.getRHS(), indices);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::Mod:
    return lhs - rhs * llvm::divideFloorSigned(lhs, rhs);
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(lhs, rhs);
  default:
    return llvm::divideCeilSigned(lhs, rhs);
  }
}

/// Goes to the next of the indices below `extents`, the last dim fastest; false
/// behind the last.
static bool advance(SmallVectorImpl<int64_t> &indices,
                    ArrayRef<int64_t> extents) {
  for (size_t dim = extents.size(); dim-- > 0;) {
    if (++indices[dim] < extents[dim])
      return true;
    indices[dim] = 0;
  }
  return false;
}

/// One more than the largest value that `expr` has.
static int64_t getBound(AffineExpr expr, ArrayRef<int64_t> extents) {
  // Dims that it does not use stay 0.
  SmallVector<int64_t> used(extents), indices(extents.size(), 0);
  for (size_t dim = 0; dim < extents.size(); ++dim)
    if (!expr.isFunctionOfDim(dim))
      used[dim] = 1;
  int64_t bound = 0;
  do {
    bound = std::max(bound, evaluate(expr, indices) + 1);
  } while (advance(indices, used));
  return bound;
}

SmallVector<int64_t> vitc::getBufferShape(Value buffer,
                                          ArrayRef<KernelAccesses> kernels) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> shape(type.getShape());
  if (type.getRank() == 0 || !type.isDynamicDim(0))
    return shape;
  shape.front() = 0;
  auto include = [&](const KernelAccess &written) {
    if (written.buffer == buffer)
      shape.front() = std::max(
          shape.front(), getBound(written.map.getResult(0), written.extents));
  };
  for (const KernelAccesses &kernel : kernels) {
    include(kernel.result);
    if (kernel.statistics)
      include(*kernel.statistics);
  }
  return shape;
}

BufferPlaces vitc::getBufferPlaces(func::FuncOp entry, int64_t batch,
                                   ArrayRef<KernelAccesses> kernels) {
  BufferPlaces places;
  for (auto buffer : entry.getOps<BufferOp>()) {
    if (buffer.getSpace() != Space::Arena)
      continue;
    HostTensor tensor;
    tensor.shape = getBufferShape(buffer, kernels);
    Type element = cast<MemRefType>(buffer.getType()).getElementType();
    places[buffer] = {
        static_cast<int64_t>(buffer.getOffset() + buffer.getPerBatch() * batch),
        tensor.getNumElements() * getTensorElementBytes(element)};
  }
  return places;
}

/// Calls `visit` with the place in the buffer, in elements, of each index of
/// the iteration space in order.
static void forEachElement(const KernelAccess &access,
                           llvm::function_ref<void(int64_t)> visit) {
  auto type = cast<MemRefType>(access.buffer.getType());
  if (llvm::is_contained(access.extents, 0))
    return;
  SmallVector<int64_t> indices(access.extents.size(), 0);
  do {
    int64_t place = 0;
    for (auto [dim, expr] : llvm::enumerate(access.map.getResults()))
      place = place * (dim == 0 ? 1 : type.getDimSize(dim)) +
              evaluate(expr, indices);
    visit(place);
  } while (advance(indices, access.extents));
}

bool vitc::haveCommonElement(const KernelAccess &a, const KernelAccess &b,
                             int64_t numElements) {
  std::vector<bool> touched(numElements);
  forEachElement(a, [&](int64_t place) { touched[place] = true; });
  bool common = false;
  forEachElement(b, [&](int64_t place) { common |= touched[place]; });
  return common;
}

bool vitc::writesAll(const KernelAccess &access, ArrayRef<int64_t> shape) {
  HostTensor tensor;
  tensor.shape.assign(shape.begin(), shape.end());
  std::vector<bool> touched(tensor.getNumElements());
  forEachElement(access, [&](int64_t place) { touched[place] = true; });
  return !llvm::is_contained(touched, false);
}

HostTensor vitc::readAccess(const KernelAccess &access, const char *data) {
  auto type = cast<MemRefType>(access.buffer.getType());
  HostTensor tensor{type.getElementType(), access.extents, {}};
  int64_t size = getTensorElementBytes(tensor.element);
  tensor.bytes.resize(tensor.getNumElements() * size);
  char *out = tensor.bytes.data();
  forEachElement(access, [&](int64_t place) {
    std::memcpy(out, data + place * size, size);
    out += size;
  });
  return tensor;
}
