//===- ElementLoop.cpp - Loops over the elements of a box -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementLoop.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/raw_ostream.h"
#include <numeric>

using namespace mlir;
using namespace vitc::kernel;

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// The run of a division or its remainder, where `lhs` is the run of what is
/// divided. If at the start of each run that is a multiple of what it grows by
/// in a run, and so is the divisor, then no quotient changes within a run.
static Run getDivisionRun(AffineBinaryOpExpr expr, unsigned numDims, Run lhs) {
  auto divisor = dyn_cast<AffineConstantExpr>(expr.getRHS());
  if (lhs.stride == 0 && divisor)
    return lhs;
  if (!divisor || lhs.stride < 0 || expr.getKind() == AffineExprKind::CeilDiv)
    return {1, 0};
  AffineExpr position = getAffineDimExpr(numDims - 1, expr.getContext());
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

Run vitc::kernel::getRun(AffineExpr offset, unsigned numDims, int64_t size) {
  if (!offset.isFunctionOfDim(numDims - 1))
    return {size, 0};
  if (isa<AffineDimExpr>(offset))
    return {size, 1};
  auto binary = cast<AffineBinaryOpExpr>(offset);
  Run lhs = getRun(binary.getLHS(), numDims, size);
  Run rhs = getRun(binary.getRHS(), numDims, size);
  switch (offset.getKind()) {
  case AffineExprKind::Add:
    return {std::gcd(lhs.size, rhs.size), lhs.stride + rhs.stride};
  case AffineExprKind::Mul:
    // Affine: the right side is a constant.
    if (auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS()))
      return {lhs.size, lhs.stride * factor.getValue()};
    return {1, 0};
  default:
    return getDivisionRun(binary, numDims, lhs);
  }
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

Value Elements::load(VectorBuilder &b, Value flat, unsigned operand) const {
  if (count != 1 && strides[operand] == 1)
    return b.load(flat, offsets[operand], count);
  Value scalar = b.loadScalar(flat, offsets[operand]);
  return count == 1 ? scalar : b.broadcast(scalar, count);
}

void Elements::store(VectorBuilder &b, Value value, Value flat) const {
  if (count == 1)
    b.storeScalar(value, flat, offsets.back());
  else
    b.store(value, flat, offsets.back());
}

/// Rows of the box in an image, all but the last dim.
static int64_t countRows(ArrayRef<int64_t> sizes) {
  int64_t rows = 1;
  for (int64_t size : sizes.drop_back())
    rows *= size;
  return rows;
}

Value ElementLoop::countTasks(VectorBuilder &b) const {
  return b.ceilDiv(b.mul(batch, countRows(sizes)), rowsPerTask);
}

void ElementLoop::emit(KernelBuilder &b,
                       function_ref<void(const Elements &)> body) const {
  Value begin = b.mul(b.getTask(), rowsPerTask);
  Value end =
      b.min(b.add(begin, rowsPerTask), b.mul(b.get(batch), countRows(sizes)));
  b.forLoop(begin, end, 1, [&](Value row) { emitRow(b, row, body); });
}

void ElementLoop::emitRow(KernelBuilder &b, Value row,
                          function_ref<void(const Elements &)> body) const {
  unsigned numDims = sizes.size() + 1;
  SmallVector<Value> dims(numDims);
  for (unsigned dim = numDims - 2; dim > 0; --dim) {
    dims[dim] = b.rem(row, sizes[dim - 1]);
    row = b.div(row, sizes[dim - 1]);
  }
  dims[0] = row;

  int64_t run = sizes.back();
  SmallVector<int64_t> strides;
  for (const Access &access : accesses) {
    Run operand = getRun(access.getOffset(), numDims, run);
    run = std::gcd(run, operand.size);
    strides.push_back(operand.stride);
  }
  bool isContiguous =
      strides.back() == 1 && llvm::all_of(strides, [](int64_t stride) {
        return stride == 0 || stride == 1;
      });
  if (!isContiguous)
    run = 1;

  b.forLoop(b.index(0), b.index(sizes.back()), run, [&](Value element) {
    dims.back() = element;
    SmallVector<Value> starts;
    for (const Access &access : accesses)
      starts.push_back(b.apply(access.getOffset(), dims));
    auto emitElements = [&](Value position, int64_t count) {
      Elements elements = {starts, strides, count};
      for (auto [offset, stride] : llvm::zip(elements.offsets, strides))
        if (stride == 1)
          offset = b.add(offset, position);
      body(elements);
    };
    int64_t whole = run / b.lanes() * b.lanes();
    b.forLoop(b.index(0), b.index(whole), b.lanes(),
              [&](Value position) { emitElements(position, b.lanes()); });
    for (int64_t position = whole; position < run;) {
      int64_t count = llvm::bit_floor(static_cast<uint64_t>(run - position));
      emitElements(b.index(position), count);
      position += count;
    }
  });
}
