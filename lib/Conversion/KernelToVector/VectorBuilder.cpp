//===- VectorBuilder.cpp - Index arithmetic, loops and memory -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace vitc::kernel;

VectorType VectorBuilder::vectorType(int64_t width) {
  return VectorType::get(width ? width : lanes(), getF32Type());
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

static constexpr auto kNoWrap = arith::IntegerOverflowFlags::nsw;

Value VectorBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value VectorBuilder::add(Value lhs, Value rhs) {
  return createOrFold<arith::AddIOp>(lhs, rhs, kNoWrap);
}
Value VectorBuilder::add(Value lhs, int64_t rhs) {
  return rhs == 0 ? lhs : add(lhs, index(rhs));
}

Value VectorBuilder::sub(Value lhs, Value rhs) {
  return createOrFold<arith::SubIOp>(lhs, rhs, kNoWrap);
}

Value VectorBuilder::mul(Value lhs, Value rhs) {
  return createOrFold<arith::MulIOp>(lhs, rhs, kNoWrap);
}
Value VectorBuilder::mul(Value lhs, int64_t rhs) {
  return rhs == 1 ? lhs : mul(lhs, index(rhs));
}

Value VectorBuilder::div(Value lhs, Value rhs) {
  return createOrFold<arith::DivUIOp>(lhs, rhs);
}
Value VectorBuilder::div(Value lhs, int64_t rhs) {
  return rhs == 1 ? lhs : div(lhs, index(rhs));
}

Value VectorBuilder::rem(Value lhs, Value rhs) {
  return createOrFold<arith::RemUIOp>(lhs, rhs);
}
Value VectorBuilder::rem(Value lhs, int64_t rhs) {
  return rhs == 1 ? index(0) : rem(lhs, index(rhs));
}

Value VectorBuilder::min(Value lhs, Value rhs) {
  return createOrFold<arith::MinUIOp>(lhs, rhs);
}

Value VectorBuilder::max(Value lhs, Value rhs) {
  return createOrFold<arith::MaxUIOp>(lhs, rhs);
}

Value VectorBuilder::ceilDiv(Value lhs, Value rhs) {
  return div(add(lhs, sub(rhs, index(1))), rhs);
}
Value VectorBuilder::ceilDiv(Value lhs, int64_t rhs) {
  return rhs == 1 ? lhs : ceilDiv(lhs, index(rhs));
}

Value VectorBuilder::equal(Value lhs, Value rhs) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, lhs, rhs);
}
Value VectorBuilder::equal(Value lhs, int64_t rhs) {
  return equal(lhs, index(rhs));
}

Value VectorBuilder::less(Value lhs, Value rhs) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, lhs, rhs);
}

Value VectorBuilder::select(Value condition, Value then, Value otherwise) {
  return createOrFold<arith::SelectOp>(condition, then, otherwise);
}

bool vitc::kernel::isNonNegative(AffineExpr expr) {
  switch (expr.getKind()) {
  case AffineExprKind::DimId:
  case AffineExprKind::SymbolId:
  case AffineExprKind::Mod:
    return true;
  case AffineExprKind::Constant:
    return cast<AffineConstantExpr>(expr).getValue() >= 0;
  default: {
    auto binary = cast<AffineBinaryOpExpr>(expr);
    return isNonNegative(binary.getLHS()) && isNonNegative(binary.getRHS());
  }
  }
}

Value VectorBuilder::apply(AffineExpr expr, ValueRange dims) {
  expr = simplifyAffineExpr(expr, dims.size(), /*numSymbols=*/0);
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return index(constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = apply(binary.getLHS(), dims);
  Value rhs = apply(binary.getRHS(), dims);
  if (expr.getKind() == AffineExprKind::Add)
    return add(lhs, rhs);
  if (expr.getKind() == AffineExprKind::Mul)
    return mul(lhs, rhs);
  bool wantsRemainder = expr.getKind() == AffineExprKind::Mod;
  if (expr.getKind() == AffineExprKind::CeilDiv)
    lhs = add(lhs, sub(rhs, index(1)));
  if (isNonNegative(binary.getLHS()))
    return wantsRemainder ? rem(lhs, rhs) : div(lhs, rhs);
  // arith.remsi has the sign of lhs; the remainder of an affine mod has rhs's.
  Value remainder = createOrFold<arith::RemSIOp>(lhs, rhs);
  Value isNegative = createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt,
                                                 remainder, index(0));
  remainder = select(isNegative, add(remainder, rhs), remainder);
  if (wantsRemainder)
    return remainder;
  return createOrFold<arith::DivSIOp>(sub(lhs, remainder), rhs);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void VectorBuilder::forLoop(Value begin, Value end, int64_t step,
                            function_ref<void(Value)> body) {
  forLoop(begin, end, step, ValueRange(), [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
}

SmallVector<Value> VectorBuilder::forLoop(Value begin, Value end, int64_t step,
                                          ValueRange inits, LoopBody body) {
  // Without inits, create() ends the body itself.
  auto loop = scf::ForOp::create(*this, begin, end, index(step), inits);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  SmallVector<Value> yielded =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!inits.empty())
    scf::YieldOp::create(*this, yielded);
  return SmallVector<Value>(loop.getResults());
}

void VectorBuilder::ifElse(Value condition, function_ref<void()> then,
                           function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(*this, condition,
                              /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  then();
  if (!otherwise)
    return;
  setInsertionPointToStart(op.elseBlock());
  otherwise();
}

SmallVector<Value>
VectorBuilder::ifElse(Value condition, TypeRange types,
                      function_ref<SmallVector<Value>()> then,
                      function_ref<SmallVector<Value>()> otherwise) {
  auto op = scf::IfOp::create(*this, types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(*this, then());
  setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(*this, otherwise());
  return SmallVector<Value>(op.getResults());
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value VectorBuilder::flatten(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (type.getRank() == 1)
    return memref;
  // A view of all elements; a collapse would leave more to lower.
  int64_t elements = 1;
  for (int64_t dim : type.getShape())
    elements = ShapedType::isDynamic(dim) ? elements : elements * dim;
  OpFoldResult size = getIndexAttr(elements);
  if (!type.hasStaticShape()) {
    Value batch = memref::DimOp::create(*this, memref, 0);
    size = arith::MulIOp::create(*this, batch, index(elements)).getResult();
    elements = ShapedType::kDynamic;
  }
  return memref::ReinterpretCastOp::create(
      *this, MemRefType::get(elements, type.getElementType()), memref,
      getIndexAttr(0), size, OpFoldResult(getIndexAttr(1)));
}

Value VectorBuilder::loadScalar(Value flat, Value index) {
  return memref::LoadOp::create(*this, flat, index);
}

void VectorBuilder::storeScalar(Value value, Value flat, Value index) {
  memref::StoreOp::create(*this, value, flat, index);
}

Value VectorBuilder::load(Value flat, Value index, int64_t width) {
  return vector::LoadOp::create(*this, vectorType(width), flat, index);
}

/// Calls `piece(offset, size)` for powers of two that sum up to `count`.
static void
forEachPiece(int64_t count,
             llvm::function_ref<void(int64_t offset, int64_t size)> piece) {
  for (int64_t offset = 0; offset < count;) {
    int64_t size = llvm::bit_floor(static_cast<uint64_t>(count - offset));
    piece(offset, size);
    offset += size;
  }
}

Value VectorBuilder::load(Value flat, Value index, int64_t width, int64_t count,
                          double fill) {
  width = width ? width : lanes();
  if (count == width)
    return load(flat, index, width);
  Value result = splat(fill, width);
  forEachPiece(count, [&](int64_t offset, int64_t size) {
    Value piece = load(flat, add(index, offset), size);
    result = vector::InsertStridedSliceOp::create(*this, piece, result, offset,
                                                  /*strides=*/1);
  });
  return result;
}

void VectorBuilder::store(Value value, Value flat, Value index) {
  auto type = cast<VectorType>(value.getType())
                  .clone(cast<MemRefType>(flat.getType()).getElementType());
  if (type != value.getType())
    value = arith::TruncFOp::create(*this, type, value);
  vector::StoreOp::create(*this, value, flat, index);
}

void VectorBuilder::store(Value value, Value flat, Value index, int64_t count) {
  if (count == cast<VectorType>(value.getType()).getDimSize(0))
    return store(value, flat, index);
  forEachPiece(count, [&](int64_t offset, int64_t size) {
    Value piece = vector::ExtractStridedSliceOp::create(*this, value, offset,
                                                        size, /*strides=*/1);
    store(piece, flat, add(index, offset));
  });
}

Value VectorBuilder::keepLanes(Value vector, int64_t count, double fill) {
  int64_t width = cast<VectorType>(vector.getType()).getDimSize(0);
  if (count == width)
    return vector;
  SmallVector<bool> isKept;
  for (int64_t lane = 0; lane < width; ++lane)
    isKept.push_back(lane < count);
  Value mask = arith::ConstantOp::create(
      *this,
      DenseIntElementsAttr::get(VectorType::get(width, getI1Type()), isKept));
  return select(mask, vector, splat(fill, width));
}

void VectorBuilder::prefetch(Value flat, Value index, bool intoL1) {
  memref::PrefetchOp::create(*this, flat, index, /*isWrite=*/false,
                             /*localityHint=*/intoL1 ? 3 : 2,
                             /*isDataCache=*/true);
}
