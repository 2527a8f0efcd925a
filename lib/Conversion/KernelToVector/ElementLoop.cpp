//===- ElementLoop.cpp - Loops over the elements of a box -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementLoop.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <numeric>

using namespace mlir;
using namespace vitc::kernel;

/// Elements of a row that is worth its own start: a few vectors.
static constexpr int64_t kShortRow = 256;

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// The run of a division or its remainder, where `lhs` is the run of what is
/// divided. If at the start of each run that is a multiple of what it grows by
/// in a run, and so is the divisor, then no quotient changes within a run.
static Run getDivisionRun(AffineBinaryOpExpr expr, unsigned dim, Run lhs) {
  auto divisor = dyn_cast<AffineConstantExpr>(expr.getRHS());
  if (lhs.stride == 0 && divisor)
    return lhs;
  if (!divisor || lhs.stride < 0 || expr.getKind() == AffineExprKind::CeilDiv)
    return {1, 0};
  AffineExpr position = getAffineDimExpr(dim, expr.getContext());
  int64_t size = lhs.size;
  while (size > 1) {
    AffineExpr start = expr.getLHS().replace(position, position * size);
    int64_t common =
        std::gcd(divisor.getValue(), start.getLargestKnownDivisor());
    if (common % (lhs.stride * size) == 0)
      break;
    size = common % lhs.stride ? 1 : std::gcd(size, common / lhs.stride);
  }
  bool isRemainder = expr.getKind() == AffineExprKind::Mod;
  return {size, isRemainder ? lhs.stride : 0};
}

Run vitc::kernel::getRun(AffineExpr offset, unsigned dim, int64_t size) {
  if (!offset.isFunctionOfDim(dim))
    return {size, 0};
  if (isa<AffineDimExpr>(offset))
    return {size, 1};
  auto binary = cast<AffineBinaryOpExpr>(offset);
  Run lhs = getRun(binary.getLHS(), dim, size);
  Run rhs = getRun(binary.getRHS(), dim, size);
  switch (offset.getKind()) {
  case AffineExprKind::Add:
    return {std::gcd(lhs.size, rhs.size), lhs.stride + rhs.stride};
  case AffineExprKind::Mul:
    // Affine: the right side is a constant.
    if (auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS()))
      return {lhs.size, lhs.stride * factor.getValue()};
    return {1, 0};
  default:
    return getDivisionRun(binary, dim, lhs);
  }
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value vitc::kernel::loadElements(VectorBuilder &b, Value flat, Value offset,
                                 int64_t stride, int64_t count) {
  if (count == 1 || stride == 0)
    return b.loadScalar(flat, offset);
  Type element = cast<MemRefType>(flat.getType()).getElementType();
  auto type = VectorType::get(count, element);
  if (stride == 1)
    return vector::LoadOp::create(b, type, flat, offset);
  SmallVector<Value> lanes;
  for (int64_t lane = 0; lane < count; ++lane)
    lanes.push_back(b.loadScalar(flat, b.add(offset, lane * stride)));
  return vector::FromElementsOp::create(b, type, lanes);
}

void vitc::kernel::storeElements(VectorBuilder &b, Value value, Value flat,
                                 Value offset, int64_t stride, int64_t count) {
  if (count == 1)
    return b.storeScalar(value, flat, offset);
  if (stride == 1)
    return b.store(value, flat, offset);
  for (int64_t lane = 0; lane < count; ++lane)
    b.storeScalar(vector::ExtractOp::create(b, value, lane), flat,
                  b.add(offset, lane * stride));
}

Value vitc::kernel::broadcastElements(VectorBuilder &b, Value value,
                                      int64_t count) {
  if (count == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(b, VectorType::get(count, value.getType()),
                                     value);
}

int64_t vitc::kernel::getTypeLanes(Type type, const VectorBuilder &b) {
  unsigned bits = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  return std::max<int64_t>(1, b.lanes() * 32 / std::max(bits, 8u));
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

std::string vitc::kernel::getBoxName(StringRef kernel,
                                     ArrayRef<int64_t> sizes) {
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << kernel << '_';
  llvm::interleave(sizes, stream, "x");
  return name;
}

void ElementLoop::joinShortRows() {
  unsigned lane = sizes.size();
  int64_t length = sizes.back();
  for (unsigned dim = lane - 1; dim > 0 && sizes.back() < kShortRow; --dim) {
    int64_t size = sizes[dim - 1];
    if (size == 1)
      continue;
    bool follows = llvm::all_of(accesses, [&](const Access &access) {
      std::optional<int64_t> step = access.getStride(lane);
      std::optional<int64_t> row = access.getStride(dim);
      return step && row && *row == *step * sizes.back();
    });
    if (!follows)
      break;
    // Offsets are linear in both dims: one stands for both.
    sizes.back() *= size;
    sizes[dim - 1] = 1;
  }
  rowsPerTask = llvm::divideCeil(rowsPerTask * length, sizes.back());
}

SmallVector<Value> ElementLoop::getOffsets(VectorBuilder &b,
                                           ArrayRef<Value> dims) const {
  return llvm::map_to_vector(accesses, [&](const Access &access) {
    return b.apply(access.getOffset(), dims);
  });
}

int64_t ElementLoop::countRows() const {
  int64_t rows = 1;
  for (int64_t size : ArrayRef(sizes).drop_back(hasScalarRows ? 0 : 1))
    rows *= size;
  return rows;
}

/// Whether elements are worth a vector, given the strides of all operands.
static bool areVectors(ArrayRef<int64_t> strides, bool gathersLanes) {
  if (gathersLanes)
    return llvm::is_contained(strides, 1);
  return strides.back() == 1 && llvm::all_of(strides, [](int64_t stride) {
           return stride == 0 || stride == 1;
         });
}

ElementLoop::RowRuns ElementLoop::getRowRuns() const {
  RowRuns runs = {sizes.back(), {}};
  for (const Access &access : accesses) {
    Run operand = getRun(access.getOffset(), sizes.size(), runs.size);
    runs.size = std::gcd(runs.size, operand.size);
    runs.strides.push_back(operand.stride);
  }
  if (lanes == 1 || !areVectors(runs.strides, gathersLanes))
    runs.size = 1;
  return runs;
}

/// Elements of a task's piece of a row: whole runs, or of one run whole
/// vectors.
int64_t ElementLoop::getPieceColumns() const {
  int64_t columns = sizes.back();
  if (hasScalarRows || columnsPerTask == 0 || columns <= columnsPerTask)
    return columns;
  int64_t run = getRowRuns().size;
  int64_t unit = run == columns ? lanes * vectors : run;
  return std::max(unit, columnsPerTask / unit * unit);
}

int64_t ElementLoop::countPieces() const {
  return llvm::divideCeil(sizes.back(), getPieceColumns());
}

Value ElementLoop::countTasks(VectorBuilder &b) const {
  return b.mul(b.ceilDiv(b.mul(batch, countRows()), rowsPerTask),
               countPieces());
}

void ElementLoop::emit(KernelBuilder &b, Body body) const {
  int64_t size = sizes.back(), columns = getPieceColumns();
  Value piece = b.rem(b.getTask(), countPieces());
  Value first = b.mul(piece, columns);
  Value last = b.min(b.add(first, columns), b.index(size));
  Value begin = b.mul(b.div(b.getTask(), countPieces()), rowsPerTask);
  if (rowsPerTask == 1)
    return emitRow(b, begin, {first, last, size}, body);
  Value end =
      b.min(b.add(begin, rowsPerTask), b.mul(b.get(batch), countRows()));
  b.forLoop(begin, end, 1,
            [&](Value row) { emitRow(b, row, {first, last, size}, body); });
}

void ElementLoop::emitRow(KernelBuilder &b, Value row, Span piece,
                          Body body) const {
  unsigned lane = sizes.size();
  SmallVector<Value> dims(accesses.front().getNumDims(), b.index(0));
  for (unsigned dim = hasScalarRows ? lane : lane - 1; dim > 0; --dim) {
    dims[dim] = b.rem(row, sizes[dim - 1]);
    row = b.div(row, sizes[dim - 1]);
  }
  dims[0] = row;
  bool isOneElement = hasScalarRows || getPieceColumns() == 1;
  if (isOneElement) {
    if (!hasScalarRows)
      dims[lane] = piece.begin;
    SmallVector<int64_t> strides(accesses.size(), 0);
    return body({dims, getOffsets(b, dims), strides, /*count=*/1,
                 /*vectors=*/1});
  }

  RowRuns runs = getRowRuns();
  if (runs.size == piece.size)
    return emitRun(b, dims, runs.strides, piece, body);
  b.forLoop(piece.begin, piece.end, runs.size, [&](Value element) {
    dims[lane] = element;
    emitRun(b, dims, runs.strides, {b.index(0), b.index(runs.size), runs.size},
            body);
  });
}

void ElementLoop::emitRun(KernelBuilder &b, ArrayRef<Value> dims,
                          ArrayRef<int64_t> strides, Span positions,
                          Body body) const {
  unsigned lane = sizes.size();
  SmallVector<Value> starts = getOffsets(b, dims);
  auto emitElements = [&](Value position, int64_t count, int64_t vectors) {
    Elements elements = {SmallVector<Value>(dims), starts,
                         SmallVector<int64_t>(strides), count, vectors};
    elements.dims[lane] = b.add(elements.dims[lane], position);
    for (auto [offset, stride] : llvm::zip(elements.offsets, strides))
      if (stride != 0)
        offset = b.add(offset, b.mul(position, stride));
    body(elements);
  };
  // A piece begins with the first of the loops: it has whole vectors of these.
  Value begin = positions.begin;
  int64_t position = 0;
  for (int64_t several : {vectors, int64_t(1)}) {
    int64_t step = several * lanes;
    int64_t end = position + (positions.size - position) / step * step;
    if (position == end)
      continue;
    b.forLoop(begin, b.min(b.index(end), positions.end), step,
              [&](Value at) { emitElements(at, lanes, several); });
    position = end;
    begin = b.index(end);
  }
  auto emitTail = [&] {
    while (position < positions.size) {
      auto rest = static_cast<uint64_t>(positions.size - position);
      int64_t count = llvm::bit_floor(rest);
      emitElements(b.index(position), count, 1);
      position += count;
    }
  };
  if (position == positions.size)
    return;
  if (getConstant(positions.end))
    return emitTail();
  b.ifElse(b.equal(positions.end, positions.size), emitTail, nullptr);
}
