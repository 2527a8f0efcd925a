//===- Generic.cpp - Data movement and what has no kernel of its own ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelDialect.h"
#include "Kernel/Verify.h"

using namespace mlir;
using namespace vitc::kernel;

static LogicalResult verifySizes(Operation *op, ArrayRef<int64_t> sizes) {
  if (sizes.empty())
    return op->emitOpError("has no sizes; needs 1 or more");
  for (int64_t size : sizes)
    if (size <= 0)
      return op->emitOpError() << "has size " << size << "; needs 1 or more";
  return success();
}

/// C3
static LogicalResult verifyOffsets(GatherOp op, StringRef name, AffineMap map) {
  for (unsigned dim = 1 + op.getSizes().size(); dim < op.getNumDims(); ++dim)
    for (AffineExpr index : map.getResults()) {
      AffineExpr offset = getAffineDimExpr(dim, op.getContext());
      auto step = dyn_cast<AffineConstantExpr>(
          simplifyAffineExpr(index.replace(offset, offset + 1) - index,
                             op.getNumDims(), /*numSymbols=*/0));
      if (!step || step.getValue() < 0)
        return op.emitOpError()
               << "has " << name << " map " << AffineMapAttr::get(map)
               << " that offset d" << dim
               << " does not move by a constant; needs one, 0 or more";
    }
  return success();
}

LogicalResult GatherOp::verify() {
  unsigned numDims = getNumDims();
  // C1
  if (failed(verifyMap(*this, "input", getInputMap(), numDims, getInput())) ||
      failed(verifyMap(*this, "init", getResultMap(), numDims, getInit())))
    return failure();
  // C2
  if (failed(verifySizes(*this, getSizes())))
    return failure();
  if (failed(verifyOffsets(*this, "input", getInputMap())) ||
      failed(verifyOffsets(*this, "init", getResultMap())))
    return failure();
  return verifyDestination(*this, getInit());
}

void GatherOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getInitMutable(), effects);
}

LogicalResult IndexOp::verify() {
  auto parent = cast<GenericOp>((*this)->getParentOp());
  // C1
  if (getDim() >= parent.getNumDims())
    return emitOpError() << "has dim " << getDim() << "; the kernel has "
                         << parent.getNumDims();
  return success();
}

LogicalResult LoadOp::verify() {
  auto parent = cast<GenericOp>((*this)->getParentOp());
  // C1
  if (getTable() >= parent.getTables().size())
    return emitOpError() << "has table " << getTable() << "; the kernel has "
                         << parent.getTables().size();
  // The parent's own verifier, which runs later, says what is wrong there.
  if (getTable() >= parent.getTableMaps().size())
    return success();
  // C2
  auto map = cast<AffineMapAttr>(parent.getTableMaps()[getTable()]).getValue();
  if (getIndices().size() != map.getNumDims())
    return emitOpError() << "has " << getIndices().size()
                         << " indices; the table's map takes "
                         << map.getNumDims();
  // C3
  Type table = parent.getTables()[getTable()].getType();
  if (getType() != getElementTypeOrSelf(table))
    return emitOpError() << "has type " << getType() << " for table " << table;
  return success();
}

void GenericOp::build(OpBuilder &builder, OperationState &state,
                      TypeRange results, Value batch, DenseI64ArrayAttr sizes,
                      ValueRange inputs, ArrayAttr inputMaps, Value init,
                      AffineMapAttr resultMap, RowTilingAttr tiling) {
  build(builder, state, results, batch, sizes, builder.getDenseI64ArrayAttr({}),
        TypedAttr(), inputs, inputMaps, ValueRange(), builder.getArrayAttr({}),
        init, resultMap, tiling);
}

/// C3
static LogicalResult verifyBody(GenericOp op) {
  Block &body = op.getBody().front();
  size_t numArguments = op.getInputs().size() + !op.getReduce().empty();
  if (body.getNumArguments() != numArguments)
    return op.emitOpError()
           << "has a body of " << body.getNumArguments() << " arguments for "
           << op.getInputs().size() << " inputs"
           << (op.getReduce().empty() ? "" : " and an accumulator");
  for (auto [argument, input] : llvm::zip(body.getArguments(), op.getInputs()))
    if (argument.getType() != getElementTypeOrSelf(input.getType()))
      return op.emitOpError()
             << "has a body argument of type " << argument.getType()
             << " for input " << input.getType();
  Type element = getElementTypeOrSelf(op.getInit().getType());
  if (BlockArgument accumulator = op.getAccumulator())
    if (accumulator.getType() != element)
      return op.emitOpError()
             << "has an accumulator of type " << accumulator.getType()
             << " for init " << op.getInit().getType();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield)
    return op.emitOpError()
           << "has a body that ends in '" << body.getTerminator()->getName()
           << "'; needs kernel.yield";
  if (yield.getValue().getType() != element)
    return op.emitOpError() << "yields " << yield.getValue().getType()
                            << " for init " << op.getInit().getType();
  return success();
}

LogicalResult GenericOp::verify() {
  unsigned numDims = getNumDims();
  // C1
  if (getInputMaps().size() != getInputs().size())
    return emitOpError() << "has " << getInputs().size() << " inputs and "
                         << getInputMaps().size() << " input maps";
  for (auto [input, map] :
       llvm::zip(getInputs(), getInputMaps().getAsValueRange<AffineMapAttr>()))
    if (failed(verifyMap(*this, "input", map, numDims, input)))
      return failure();
  if (failed(verifyMap(*this, "init", getResultMap(), numDims, getInit())))
    return failure();
  for (unsigned dim = 1 + getSizes().size(); dim < numDims; ++dim)
    if (getResultMap().isFunctionOfDim(dim))
      return emitOpError() << "has init map " << getResultMapAttr()
                           << " of the reduced dim " << dim;
  // C2
  if (failed(verifySizes(*this, getSizes())) ||
      (!getReduce().empty() && failed(verifySizes(*this, getReduce()))))
    return failure();
  // C3
  if (failed(verifyBody(*this)))
    return failure();
  // C4
  if (getTableMaps().size() != getTables().size())
    return emitOpError() << "has " << getTables().size() << " tables and "
                         << getTableMaps().size() << " table maps";
  for (auto [table, map] :
       llvm::zip(getTables(), getTableMaps().getAsValueRange<AffineMapAttr>()))
    if (failed(verifyMap(*this, "table", map, map.getNumDims(), table)))
      return failure();
  // C5
  if (TypedAttr identity = getIdentityAttr()) {
    if (getReduce().empty())
      return emitOpError() << "has an identity and reduces nothing";
    if (identity.getType() != getElementTypeOrSelf(getInit().getType()))
      return emitOpError() << "has identity " << identity << " for init "
                           << getInit().getType();
  }
  return verifyDestination(*this, getInit());
}

void GenericOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getInitMutable(), effects);
  if (!getReduce().empty() && !getIdentityAttr() &&
      isa<MemRefType>(getInit().getType()))
    effects.emplace_back(MemoryEffects::Read::get(), &getInitMutable());
}
