//===- ReferenceLoops.cpp - Linalg ops to functions of loops --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   linalg.generic ins(%a, %b) outs(%c)    // c[m, n] += a[m, k] * b[n, k]
// becomes a call of
//   func.func private @loops0(%a, %b, %c) {
//     scf.for %m { scf.for %n {
//       %0 = memref.load %c[%m, %n]
//       %1 = scf.for %k iter_args(%sum = %0) { ... }
//       memref.store %1, %c[%m, %n] } } }
// The sum stays in a register, whatever may alias, and may be split: LLVM makes
// vector code of it. A model has few such functions, which compile fast; those
// without a sum take less time to run than to optimise.
//
//===----------------------------------------------------------------------===//

#include "ReferenceLowering.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace vitc;

namespace {
/// Emits the loops of one op on buffers.
class LoopEmitter {
public:
  LoopEmitter(linalg::GenericOp op, OpBuilder &builder)
      : op(op), builder(builder), loc(op.getLoc()) {}

  void emit();

private:
  /// The element of an operand at the current indices.
  Value load(OpOperand &operand);
  SmallVector<Value> getIndices(OpOperand &operand);
  /// Opens a loop for each dim in `dims`, carrying `values` through.
  SmallVector<Value> openLoops(ArrayRef<unsigned> dims,
                               SmallVector<Value> values,
                               SmallVectorImpl<scf::ForOp> &loops);
  SmallVector<Value> emitBody(ValueRange accumulators);

  linalg::GenericOp op;
  OpBuilder &builder;
  Location loc;
  SmallVector<Range> ranges;
  SmallVector<Value> indices; // by dim
};
} // namespace

SmallVector<Value> LoopEmitter::getIndices(OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<Value> result;
  for (AffineExpr expr : map.getResults())
    result.push_back(affine::AffineApplyOp::create(
        builder, loc, AffineMap::get(map.getNumDims(), 0, expr), indices));
  return result;
}

Value LoopEmitter::load(OpOperand &operand) {
  if (!isa<MemRefType>(operand.get().getType()))
    return operand.get();
  return memref::LoadOp::create(builder, loc, operand.get(),
                                getIndices(operand));
}

SmallVector<Value> LoopEmitter::openLoops(ArrayRef<unsigned> dims,
                                          SmallVector<Value> values,
                                          SmallVectorImpl<scf::ForOp> &loops) {
  for (unsigned dim : dims) {
    auto bound = [&](OpFoldResult value) {
      return getValueOrCreateConstantIndexOp(builder, loc, value);
    };
    auto loop = scf::ForOp::create(builder, loc, bound(ranges[dim].offset),
                                   bound(ranges[dim].size),
                                   bound(ranges[dim].stride), values);
    indices[dim] = loop.getInductionVar();
    values.assign(loop.getRegionIterArgs().begin(),
                  loop.getRegionIterArgs().end());
    builder.setInsertionPointToStart(loop.getBody());
    loops.push_back(loop);
  }
  return values;
}

SmallVector<Value> LoopEmitter::emitBody(ValueRange accumulators) {
  IRMapping mapping;
  for (OpOperand *input : op.getDpsInputOperands())
    mapping.map(op.getMatchingBlockArgument(input), load(*input));
  for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), accumulators))
    mapping.map(op.getMatchingBlockArgument(&init), value);
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      mapping.map(index.getResult(), indices[index.getDim()]);
      continue;
    }
    Operation *clone = builder.clone(inner, mapping);
    auto math = dyn_cast<arith::ArithFastMathInterface>(clone);
    if (math && op.getNumReductionLoops() != 0)
      clone->setAttr(math.getFastMathAttrName(),
                     arith::FastMathFlagsAttr::get(
                         op.getContext(), arith::FastMathFlags::reassoc |
                                              arith::FastMathFlags::contract));
  }
  SmallVector<Value> results;
  for (Value value : op.getBody()->getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(value));
  return results;
}

void LoopEmitter::emit() {
  ranges =
      cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(builder, loc);
  // Operands that are read outside of a loop do not depend on its index.
  indices.assign(ranges.size(),
                 arith::ConstantIndexOp::create(builder, loc, 0));
  SmallVector<unsigned> parallel, reduced;
  op.getParallelDims(parallel);
  op.getReductionDims(reduced);
  SmallVector<scf::ForOp> outer, inner;
  OpBuilder::InsertionGuard guard(builder);
  openLoops(parallel, {}, outer);
  SmallVector<Value> initial;
  for (OpOperand &init : op.getDpsInitsMutable())
    initial.push_back(load(init));
  SmallVector<Value> sums = openLoops(reduced, initial, inner);
  SmallVector<Value> results = emitBody(sums);
  for (scf::ForOp loop : llvm::reverse(inner)) {
    scf::YieldOp::create(builder, loc, results);
    builder.setInsertionPointAfter(loop);
    results.assign(loop.getResults().begin(), loop.getResults().end());
  }
  for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), results))
    memref::StoreOp::create(builder, loc, value, init.get(), getIndices(init));
}

/// Everything that `op` reads: its operands and what its body captures.
static SmallVector<Value> getArguments(linalg::GenericOp op) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  SmallVector<Value> arguments(op->getOperands());
  llvm::append_range(arguments, captured);
  return arguments;
}

/// A function of the loops of `op`, not in a module yet.
static func::FuncOp buildFunction(linalg::GenericOp op,
                                  ArrayRef<Value> arguments) {
  OpBuilder builder(op.getContext());
  auto function = func::FuncOp::create(
      op.getLoc(), "loops",
      builder.getFunctionType(ValueRange(arguments).getTypes(), {}));
  function.setPrivate();
  // A call each: inlined they would be one large function, slow to compile.
  function->setAttr("no_inline", builder.getUnitAttr());
  if (op.getNumReductionLoops() == 0)
    skipOptimisations(function);
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  mapping.map(ArrayRef(arguments), body->getArguments());
  auto clone = cast<linalg::GenericOp>(builder.clone(*op, mapping));
  LoopEmitter(clone, builder).emit();
  builder.setInsertionPointToEnd(body);
  func::ReturnOp::create(builder, op.getLoc());
  clone.erase();
  return function;
}

void vitc::skipOptimisations(func::FuncOp function) {
  Builder builder(function.getContext());
  function->setAttr("passthrough",
                    builder.getStrArrayAttr({"noinline", "optnone"}));
}

LogicalResult vitc::convertLinalgToSharedLoops(ModuleOp module) {
  SymbolTable symbols(module);
  llvm::StringMap<func::FuncOp> functions;
  SmallVector<linalg::GenericOp> ops;
  module.walk([&](linalg::GenericOp op) { ops.push_back(op); });
  for (linalg::GenericOp op : ops) {
    SmallVector<Value> arguments = getArguments(op);
    func::FuncOp function = buildFunction(op, arguments);
    std::string text;
    llvm::raw_string_ostream os(text);
    function.print(os, OpPrintingFlags().useLocalScope());
    func::FuncOp &shared = functions[text];
    if (shared) {
      function.erase();
    } else {
      shared = function;
      symbols.insert(function);
    }
    OpBuilder builder(op);
    func::CallOp::create(builder, op.getLoc(), shared, arguments);
    op.erase();
  }
  return success();
}
