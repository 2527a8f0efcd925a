//===- ExplainFusion.cpp - What was fused into a kernel -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExplainFusion.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "vitc/Analysis/Footprint.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

static bool isTensor(Value value) {
  return isa<RankedTensorType>(value.getType());
}

/// Whether the op changes where elements are: constants and reshapes do not.
static bool isMovement(Operation *op) {
  return isDataMovement(op) && !op->hasTrait<OpTrait::ConstantLike>() &&
         !op->getName().getStringRef().contains("shape") &&
         llvm::any_of(op->getOperands(), isTensor);
}

/// The movement ops that `next` reaches from `op` without passing another op.
template <typename Next>
static Movement::Names collectNames(Operation *op, Next next) {
  Movement::Names names;
  SmallVector<Operation *> worklist = next(op);
  llvm::SmallPtrSet<Operation *, 8> visited;
  while (!worklist.empty()) {
    Operation *current = worklist.pop_back_val();
    if (!current || !isDataMovement(current) || !visited.insert(current).second)
      continue;
    if (isMovement(current))
      names.insert(current->getName().stripDialect());
    llvm::append_range(worklist, next(current));
  }
  return names;
}

void Movement::collect(func::FuncOp function) {
  auto getProducers = [](Operation *op) {
    SmallVector<Operation *> producers;
    for (Value operand : op->getOperands())
      if (isTensor(operand))
        producers.push_back(operand.getDefiningOp());
    return producers;
  };
  auto getUsers = [](Operation *op) {
    return SmallVector<Operation *>(op->user_begin(), op->user_end());
  };
  for (Operation &op : function.getBody().front()) {
    if (isDataMovement(&op) || !llvm::any_of(op.getResults(), isTensor))
      continue;
    before[op.getLoc()].insert_range(collectNames(&op, getProducers));
    if (isa<vit::PatchEmbedOp, vit::Conv2dOp>(op))
      before[op.getLoc()].insert("patches");
    behind[op.getLoc()].insert_range(collectNames(&op, getUsers));
  }
}

Movement::Names Movement::getBefore(Location loc) const {
  return before.lookup(loc);
}

Movement::Names Movement::getBehind(Location loc) const {
  return behind.lookup(loc);
}

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

/// The address of an element, simplified: a reshape leaves strides alone.
static AffineExpr getAddress(Value operand, AffineMap map) {
  auto type = cast<ShapedType>(operand.getType());
  AffineExpr address = getAffineConstantExpr(0, map.getContext());
  int64_t size = 1;
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    address = address + map.getResult(dim) * size;
    // Only the first size may be dynamic.
    size *= type.getDimSize(dim);
  }
  return simplifyAffineExpr(address, map.getNumDims(), 0);
}

/// Whether elements lie elsewhere than at constant strides.
static bool isComposed(Value operand, AffineMap map) {
  bool composed = false;
  getAddress(operand, map).walk([&](AffineExpr expr) {
    composed |= expr.getKind() == AffineExprKind::Mod ||
                expr.getKind() == AffineExprKind::FloorDiv ||
                expr.getKind() == AffineExprKind::CeilDiv;
  });
  return composed;
}

/// Whether heads lie side by side in rows, as a linear layer writes them.
static bool hasHeadsInRows(AffineMap map) {
  return llvm::any_of(map.getResults(), [](AffineExpr result) {
    return result.isFunctionOfDim(1) && result.isFunctionOfDim(3);
  });
}

/// "reads through window partition, cyclic shift".
static std::string describeAddresses(StringRef verb,
                                     const Movement::Names &names) {
  if (names.empty())
    return (verb + " through an index map").str();
  std::string text = (verb + " through " + llvm::join(names, ", ")).str();
  llvm::replace(text, '_', ' ');
  return text;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static bool isWeight(Value operand) {
  auto buffer = operand.getDefiningOp<BufferOp>();
  return buffer && buffer.getSpace() == Space::Weights;
}

/// What follows the sums of a product or convolution.
template <typename OpTy>
static void describeEpilogue(OpTy op, std::vector<std::string> &fused) {
  if (op.getBias())
    fused.push_back("bias");
  if (op.getActivation() != vit::Activation::None)
    fused.push_back(vit::stringifyActivation(op.getActivation()).str());
  if (op.getResidual())
    fused.push_back(isWeight(op.getResidual()) ? "constant addend"
                                               : "residual");
}

static void describe(GemmOp op, std::vector<std::string> &fused) {
  if (op.getZeroOutside())
    fused.push_back("padding");
  if (op.getLhsScale())
    fused.push_back("scale and shift of input channels");
  if (op.getLhsActivation() != vit::Activation::None)
    fused.push_back(
        (vit::stringifyActivation(op.getLhsActivation()) + " of input").str());
  if (vit::NormAttr norm = op.getNormAttr())
    fused.push_back(norm.getRms() ? "rms norm" : "layer norm");
  describeEpilogue(op, fused);
  if (op.getStatistics())
    fused.push_back("statistics of output channels");
}

static void describe(GroupedConvOp op, std::vector<std::string> &fused) {
  if (llvm::any_of(op.getPad(), [](int64_t size) { return size != 0; }))
    fused.push_back("padding");
  describeEpilogue(op, fused);
}

static void describe(AttentionOp op, std::vector<std::string> &fused) {
  if (hasHeadsInRows(op.getValueMap()) ||
      (op.getQueryMap() && hasHeadsInRows(*op.getQueryMap())))
    fused.push_back("head split");
  fused.push_back("softmax");
  if (op.getSoftcap())
    fused.push_back("softcap");
  if (op.getBias())
    fused.push_back(isWeight(op.getBias()) ? "constant bias" : "bias");
  if (op.getMask())
    fused.push_back(isWeight(op.getMask()) ? "constant mask" : "mask");
  if (op.getGroups())
    fused.push_back("shift mask from indices");
  if (op.getCausal())
    fused.push_back("causal mask from indices");
  if (op.getKeyLength())
    fused.push_back("key length");
  if (hasHeadsInRows(op.getResultMap()))
    fused.push_back("head merge");
}

/// The ops of the body, each once.
static void describe(GenericOp op, std::vector<std::string> &fused) {
  for (Operation &inner : op.getBody().front()) {
    if (!isa<math::MathDialect, arith::ArithDialect>(inner.getDialect()) ||
        inner.hasTrait<OpTrait::ConstantLike>())
      continue;
    std::string name = inner.getName().stripDialect().str();
    if (!llvm::is_contained(fused, name))
      fused.push_back(std::move(name));
  }
}

/// Whether an operand that the kernel reads lies elsewhere than at constant
/// strides; `init` has its own answer.
static bool readsThroughMap(Operation *op) {
  auto isRead = [](Value operand, std::optional<AffineMap> map) {
    return operand && map && isComposed(operand, *map);
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](GemmOp op) {
        return isRead(op.getLhs(), op.getLhsMap()) ||
               isRead(op.getResidual(), op.getResidualMap());
      })
      .Case([&](AttentionOp op) {
        return isRead(op.getQuery(), op.getQueryMap()) ||
               isRead(op.getKey(), op.getKeyMap()) ||
               isRead(op.getValue(), op.getValueMap());
      })
      .Case([&](GroupedConvOp op) {
        return isRead(op.getInput(), op.getInputMap()) ||
               isRead(op.getResidual(), op.getResidualMap());
      })
      .Case<NormOp, MeanOp, GatherOp>(
          [&](auto op) { return isRead(op.getInput(), op.getInputMap()); })
      .Case([&](GenericOp op) {
        return llvm::any_of(
            llvm::zip(op.getInputs(),
                      op.getInputMaps().getAsValueRange<AffineMapAttr>()),
            [&](auto input) {
              return isRead(std::get<0>(input), std::get<1>(input));
            });
      })
      .Default(false);
}

static bool writesThroughMap(Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<GemmOp, AttentionOp, GroupedConvOp, NormOp, MeanOp, GatherOp,
            GenericOp>(
          [](auto op) { return isComposed(op.getInit(), op.getResultMap()); })
      .Default(false);
}

std::vector<std::string> vitc::describeFusion(Operation *kernel,
                                              const Movement &movement) {
  std::vector<std::string> fused;
  if (readsThroughMap(kernel))
    fused.push_back(
        describeAddresses("reads", movement.getBefore(kernel->getLoc())));
  llvm::TypeSwitch<Operation *>(kernel)
      .Case<GemmOp, AttentionOp, GroupedConvOp, GenericOp>(
          [&](auto op) { describe(op, fused); });
  if (writesThroughMap(kernel))
    fused.push_back(
        describeAddresses("writes", movement.getBehind(kernel->getLoc())));
  return fused;
}
