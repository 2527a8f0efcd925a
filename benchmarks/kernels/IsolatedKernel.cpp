//===- IsolatedKernel.cpp - One kernel of a model by itself ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IsolatedKernel.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "vitc/Analysis/KernelCost.h"
#include "vitc/Kernel/CostModel.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc::bench;
using namespace vitc::kernel;

/// On buffers, only kernels name what they write.
static bool isKernel(Operation *op) {
  return isa<DestinationStyleOpInterface>(op);
}

static Value getInit(Operation *kernel) {
  return cast<DestinationStyleOpInterface>(kernel).getDpsInits().front();
}

namespace {
/// Clones a kernel and what its operands come from into a module of its own.
class Isolator {
public:
  explicit Isolator(Operation *kernel)
      : source(kernel), builder(kernel->getContext()) {
    // Locations are not part of what makes kernels equal.
    Location loc = builder.getUnknownLoc();
    result.module = ModuleOp::create(loc);
    builder.setInsertionPointToStart(result.module->getBody());
    auto type = builder.getFunctionType(ContextType::get(builder.getContext()),
                                        TypeRange());
    auto function = func::FuncOp::create(builder, loc, "forward", type);
    function->setAttr(KernelDialect::kEntryAttr,
                      EntryAttr::get(builder.getContext(), {}, {},
                                     /*arenaBase=*/0,
                                     /*arenaPerBatch=*/0, /*inPlace=*/{}));
    Block *body = function.addEntryBlock();
    context = body->getArgument(0);
    builder.setInsertionPointToStart(body);
  }

  IsolatedKernel isolate() {
    for (Value operand : source->getOperands())
      cloneValue(operand);
    // Constants that a kernel's body reads.
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(source->getRegions(), captured);
    for (Value value : captured)
      cloneValue(value);
    result.kernel = builder.clone(*source, mapping);
    func::ReturnOp::create(builder, builder.getUnknownLoc());
    result.module->walk(
        [&](Operation *op) { op->setLoc(builder.getUnknownLoc()); });
    return std::move(result);
  }

private:
  void cloneValue(Value value) {
    if (mapping.contains(value))
      return;
    Operation *op = value.getDefiningOp();
    if (auto buffer = dyn_cast_or_null<BufferOp>(op)) {
      mapping.map(value, addBuffer(buffer));
      return;
    }
    if (!op) {
      mapping.map(value, context);
      return;
    }
    for (Value operand : op->getOperands())
      cloneValue(operand);
    builder.clone(*op, mapping);
  }

  Value addBuffer(BufferOp buffer) {
    KernelBuffer info = {cast<MemRefType>(buffer.getType()),
                         buffer.getSpace() == Space::Weights};
    bool isOutput = buffer.getResult() == getInit(source);
    int64_t number = isOutput ? 0 : result.inputs.size();
    if (isOutput)
      result.output = info;
    else
      result.inputs.push_back(info);
    return BufferOp::create(builder, buffer.getLoc(), info.type, context,
                            isOutput ? Space::Output : Space::Input, number,
                            /*perBatch=*/0, FlatSymbolRefAttr());
  }

  Operation *source;
  OpBuilder builder;
  IRMapping mapping;
  Value context;
  IsolatedKernel result;
};
} // namespace

/// The value of a size; 0 where it depends on the run.
static int64_t getConstant(Value value) {
  IntegerAttr attr;
  return matchPattern(value, m_Constant(&attr)) ? attr.getInt() : 0;
}

/// "gemm_m3136_n288_k96_norm".
static std::string getShapeName(Operation *kernel) {
  std::string name = kernel->getName().stripDialect().str();
  auto add = [&](StringRef letter, int64_t value) {
    name += llvm::formatv("_{0}{1}", letter, value);
  };
  if (auto gemm = dyn_cast<GemmOp>(kernel)) {
    add("m", getConstant(gemm.getBatch()) * getConstant(gemm.getRows()));
    add("n", gemm.getN());
    add("k", gemm.getK());
    if (gemm.getNorm())
      name += "_norm";
    else if (getShape(gemm).copiesRows)
      name += "_copied";
    if (gemm.getActivation() != vitc::vit::Activation::None)
      name +=
          ("_" + vitc::vit::stringifyActivation(gemm.getActivation())).str();
    if (gemm.getResidual())
      name += "_residual";
    if (gemm.getStatistics())
      name += "_statistics";
  } else if (auto attention = dyn_cast<AttentionOp>(kernel)) {
    add("b", getConstant(attention.getBatch()));
    add("h", attention.getHeads());
    add("q", getConstant(attention.getQueries()));
    add("k", getConstant(attention.getKeys()));
    add("d", attention.getHeadDim());
    if (attention.getGroups())
      name += "_shifted";
    if (attention.getCausal())
      name += "_causal";
  } else {
    MemRefType type = cast<MemRefType>(getInit(kernel).getType());
    for (int64_t size : type.getShape())
      name += llvm::formatv("_{0}", size);
  }
  return name;
}

static std::string printModule(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  return text;
}

std::vector<IsolatedKernel> vitc::bench::isolateKernels(ModuleOp module) {
  std::vector<IsolatedKernel> kernels;
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  if (!forward) {
    module.emitError("has no @forward; needs a dump of the kernel phase");
    return kernels;
  }
  llvm::StringMap<size_t> known, names;
  WalkResult walk = forward.walk([&](Operation *op) {
    if (!isKernel(op))
      return WalkResult::advance();
    for (Value operand : op->getOperands())
      if (auto type = dyn_cast<MemRefType>(operand.getType()))
        if (!type.hasStaticShape()) {
          op->emitOpError() << "has an operand of type " << type
                            << "; needs a model compiled with --batch=N";
          return WalkResult::interrupt();
        }
    IsolatedKernel kernel = Isolator(op).isolate();
    auto [place, isNew] =
        known.try_emplace(printModule(*kernel.module), kernels.size());
    if (!isNew) {
      ++kernels[place->second].launches;
      return WalkResult::advance();
    }
    kernel.name = kernel.shape = getShapeName(kernel.kernel);
    if (size_t count = names[kernel.shape]++)
      kernel.name += llvm::formatv("_{0}", count);
    if (std::optional<KernelCost> cost = getKernelCost(kernel.kernel)) {
      kernel.flops = cost->flops.at(1);
      kernel.bytes = cost->getBytes().at(1);
    }
    kernels.push_back(std::move(kernel));
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    kernels.clear();
  return kernels;
}
