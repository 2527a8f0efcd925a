//===- Compute.cpp - Gemm, attention and norms ----------------------------===//
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

LogicalResult vitc::kernel::verifyMap(Operation *op, StringRef name,
                                      AffineMap map, unsigned numDims,
                                      Value operand) {
  auto type = cast<ShapedType>(operand.getType());
  if (map.getNumDims() != numDims || map.getNumSymbols() != 0 ||
      map.getNumResults() != static_cast<unsigned>(type.getRank()))
    return op->emitOpError()
           << "has " << name << " map " << AffineMapAttr::get(map) << " for "
           << type << "; needs " << numDims << " dims, no symbols and "
           << type.getRank() << " results";
  return success();
}

LogicalResult vitc::kernel::verifyDestination(Operation *op, ValueRange inits) {
  auto isTensor = [](Value init) {
    return isa<RankedTensorType>(init.getType());
  };
  if (llvm::any_of(inits, isTensor) ? TypeRange(inits) == op->getResultTypes()
                                    : op->getNumResults() == 0)
    return success();
  InFlightDiagnostic error = op->emitOpError("has init ");
  llvm::interleaveComma(inits.getTypes(), error);
  return error << " and " << op->getNumResults()
               << " results; a tensor init needs one result of "
                  "its type, a memref none";
}

void vitc::kernel::getKernelEffects(
    Operation *op, MutableOperandRange inits,
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (llvm::any_of(inits, [&](OpOperand &init) { return &init == &operand; }))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

LogicalResult vitc::kernel::verifyVector(Operation *op, StringRef name,
                                         Value operand, int64_t size) {
  if (!operand)
    return success();
  auto type = cast<ShapedType>(operand.getType());
  if (type.getRank() != 1 || type.getDimSize(0) != size)
    return op->emitOpError() << "has " << name << " of type " << type
                             << "; needs " << size << " elements";
  return success();
}

LogicalResult vitc::kernel::verifyPair(Operation *op, StringRef name,
                                       Value operand,
                                       std::optional<AffineMap> map,
                                       unsigned numDims) {
  if (static_cast<bool>(operand) != map.has_value())
    return op->emitOpError()
           << "has " << name
           << (operand ? " without its map" : " map without its operand");
  return operand ? verifyMap(op, name, *map, numDims, operand) : success();
}

/// Checks that each of the named sizes is positive.
static LogicalResult
verifyPositive(Operation *op,
               ArrayRef<std::pair<StringRef, int64_t>> namedSizes) {
  for (auto [name, size] : namedSizes)
    if (size <= 0)
      return op->emitOpError()
             << "has " << name << " " << size << "; needs 1 or more";
  return success();
}

/// The type of an optional operand, for messages.
static Type getTypeOf(Value operand) {
  return operand ? operand.getType() : Type();
}

//===----------------------------------------------------------------------===//
// GemmOp
//===----------------------------------------------------------------------===//

LogicalResult GemmOp::verify() {
  // C4
  if (failed(verifyPositive(*this, {{"n", getN()}, {"k", getK()}})))
    return failure();
  // C1
  auto weights = cast<ShapedType>(getWeights().getType());
  int64_t packedSize = vit::WeightExprAttr::packedSize(getN(), getK());
  if ((weights.getRank() != 1 && weights.getRank() != 2) ||
      weights.getShape().back() != packedSize)
    return emitOpError() << "has weights of type " << weights << "; needs "
                         << packedSize << " elements"
                         << (weights.getRank() == 2 ? " for each batch" : "");
  if (failed(verifyVector(*this, "bias", getBias(), getN())))
    return failure();
  // C2, C3
  if (failed(verifyMap(*this, "lhs", getLhsMap(), 3, getLhs())) ||
      failed(
          verifyPair(*this, "residual", getResidual(), getResidualMap(), 3)) ||
      failed(verifyMap(*this, "init", getResultMap(), 3, getInit())))
    return failure();
  // C5
  if (failed(verifyPair(*this, "lhs_scale", getLhsScale(), getChannelMap(), 2)))
    return failure();
  if (!getLhsScale() != !getLhsShift() ||
      (getLhsScale() && getLhsScale().getType() != getLhsShift().getType()))
    return emitOpError() << "has lhs_scale of type " << getTypeOf(getLhsScale())
                         << " and lhs_shift of type "
                         << getTypeOf(getLhsShift())
                         << "; needs both of one type, or neither";
  // C6
  if (getStatistics()) {
    auto type = cast<ShapedType>(getStatistics().getType());
    if (type.getRank() != 4 || type.isDynamicDim(1) || type.getDimSize(1) < 1 ||
        type.getDimSize(2) != 2 ||
        type.getDimSize(3) != static_cast<int64_t>(getN()) ||
        !type.getElementType().isF32())
      return emitOpError() << "has statistics of type " << type
                           << "; needs [batch, chunks, 2, " << getN()
                           << "] of f32 with 1 chunk or more";
    if (Type init = getInit().getType(); !getElementTypeOrSelf(init).isF32())
      return emitOpError() << "has statistics and init of type " << init
                           << "; needs one of f32";
  }
  return verifyDestination(*this, getDpsInits());
}

void GemmOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getDpsInitsMutable(), effects);
}

void GemmOp::build(OpBuilder &builder, OperationState &state, TypeRange results,
                   Value batch, Value rows, IntegerAttr n, IntegerAttr k,
                   Value lhs, AffineMapAttr lhsMap, Value weights, Value bias,
                   Value residual, AffineMapAttr residualMap, Value init,
                   AffineMapAttr resultMap, vit::ActivationAttr activation,
                   vit::NormAttr norm, GemmTilingAttr tiling) {
  build(builder, state, results, batch, rows, n, k, lhs, lhsMap,
        /*zeroOutside=*/UnitAttr(), /*lhsScale=*/Value(),
        /*channelMap=*/AffineMapAttr(), /*lhsShift=*/Value(),
        vit::ActivationAttr::get(builder.getContext(), vit::Activation::None),
        weights, bias, residual, residualMap, init, resultMap,
        /*statistics=*/Value(), activation, norm, tiling);
}

std::optional<int64_t> GemmOp::getNumChunks() {
  if (!getStatistics())
    return std::nullopt;
  return cast<ShapedType>(getStatistics().getType()).getDimSize(1);
}

bool GemmOp::transformsElements() {
  return getLhsScale() || getLhsActivation() != vit::Activation::None ||
         !getElementTypeOrSelf(getLhs()).isF32();
}

bool GemmOp::transformsRows() {
  return transformsElements() || getZeroOutside() || getNorm();
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

/// Checks what is added to the scores of attention or attention_map, and what
/// limits them.
template <typename OpTy> static LogicalResult verifyScoreOperands(OpTy op) {
  if (failed(verifyPair(op, "bias", op.getBias(), op.getBiasMap(), 4)) ||
      failed(verifyPair(op, "mask", op.getMask(), op.getMaskMap(), 4)) ||
      failed(verifyPair(op, "key_length", op.getKeyLength(),
                        op.getKeyLengthMap(), 1)))
    return failure();
  std::optional<AffineMap> groups = op.getGroups();
  if (groups.has_value() != op.getGroupBias().has_value())
    return op->emitOpError("has groups without group_bias, or group_bias "
                           "without groups; needs both or neither");
  if (groups && (groups->getNumDims() != 2 || groups->getNumSymbols() != 0 ||
                 groups->getNumResults() != 1))
    return op->emitOpError() << "has groups " << AffineMapAttr::get(*groups)
                             << "; needs 2 dims, no symbols and 1 result";
  std::optional<APFloat> softcap = op.getSoftcap();
  if (softcap &&
      (!softcap->isFinite() || softcap->isNegative() || softcap->isZero()))
    return op->emitOpError() << "has softcap " << softcap->convertToDouble()
                             << "; needs a positive finite number";
  if (!op.getKeyLength())
    return success();
  Type length = getElementTypeOrSelf(op.getKeyLength());
  if (!length.isInteger(32) && !length.isInteger(64))
    return op->emitOpError()
           << "has key_length of " << length << "; needs i32 or i64";
  return success();
}

LogicalResult AttentionOp::verify() {
  // C1, C2
  if (failed(verifyPair(*this, "query", getQuery(), getQueryMap(), 4)) ||
      failed(verifyPair(*this, "key", getKey(), getKeyMap(), 4)) ||
      failed(verifyMap(*this, "value", getValueMap(), 4, getValue())) ||
      failed(verifyMap(*this, "init", getResultMap(), 4, getInit())) ||
      failed(verifyScoreOperands(*this)))
    return failure();
  // C3
  if (failed(verifyPositive(
          *this, {{"heads", getHeads()}, {"value_dim", getValueDim()}})))
    return failure();
  int64_t headDim = getHeadDim();
  if (getQuery() ? headDim <= 0 : headDim != 0)
    return emitOpError() << "has head_dim " << headDim
                         << (getQuery() ? "; needs 1 or more"
                                        : " but no query; needs 0");
  // C4
  if (!getQuery() != !getKey())
    return emitOpError() << "has a " << (getQuery() ? "query" : "key")
                         << " alone; needs query and key, or neither";
  if (!getQuery() && !getBias())
    return emitOpError("has neither query and key nor bias; needs scores");
  return verifyDestination(*this, getInit());
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getInitMutable(), effects);
}

//===----------------------------------------------------------------------===//
// AttentionMapOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionMapOp::verify() {
  // C1, C2, C5, C6
  if (failed(verifyMap(*this, "query", getQueryMap(), 4, getQuery())) ||
      failed(verifyMap(*this, "key", getKeyMap(), 4, getKey())) ||
      failed(verifyScoreOperands(*this)))
    return failure();
  // C3
  if (failed(verifyPositive(
          *this, {{"heads", getHeads()}, {"head_dim", getHeadDim()}})))
    return failure();
  // C4
  auto selection = cast<ShapedType>(getSelection().getType());
  if (selection.getRank() != 2 || selection.getDimSize(1) != 2 ||
      !selection.getElementType().isInteger(64))
    return emitOpError() << "has selection of type " << selection
                         << "; needs 2 numbers of i64 for each layer";
  return verifyDestination(*this, getInit());
}

void AttentionMapOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getInitMutable(), effects);
}

//===----------------------------------------------------------------------===//
// NormOp, MeanOp
//===----------------------------------------------------------------------===//

LogicalResult NormOp::verify() {
  // C1
  if (failed(verifyMap(*this, "input", getInputMap(), 3, getInput())) ||
      failed(verifyMap(*this, "init", getResultMap(), 3, getInit())))
    return failure();
  // C2
  if (failed(verifyVector(*this, "scale", getScale(), getChannels())) ||
      failed(verifyVector(*this, "shift", getShift(), getChannels())))
    return failure();
  // C3
  if (failed(verifyPositive(*this, {{"channels", getChannels()}})))
    return failure();
  return verifyDestination(*this, getInit());
}

void NormOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getInitMutable(), effects);
}

LogicalResult MeanOp::verify() {
  // C1
  if (failed(verifyMap(*this, "input", getInputMap(), 3, getInput())) ||
      failed(verifyMap(*this, "init", getResultMap(), 2, getInit())))
    return failure();
  // C2
  if (failed(verifyPositive(*this, {{"channels", getChannels()}})))
    return failure();
  return verifyDestination(*this, getInit());
}

void MeanOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getInitMutable(), effects);
}
