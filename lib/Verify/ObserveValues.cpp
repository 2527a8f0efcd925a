//===- ObserveValues.cpp - Results for what layers compute ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a loop computes is observed in its last iteration, which is what kernels
// leave behind too:
//   scf.for %i ... { %y = vit.linear %x ... }
// becomes
//   %last = scf.for %i ... iter_args(%0 = tensor.empty) { ... scf.yield %y }
//
//===----------------------------------------------------------------------===//

#include "ObserveValues.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Analysis/MovedInput.h"
#include "vitc/Analysis/SourceName.h"

using namespace mlir;
using namespace vitc;

/// Whether `op` computes elements, rather than move them.
static bool isComputation(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return !getMovedInput(generic);
  return !op->hasTrait<OpTrait::ConstantLike>() &&
         !isa_and_nonnull<tensor::TensorDialect>(op->getDialect()) &&
         !isa<vit::ConstantOp, vit::SplitHeadsOp, vit::MergeHeadsOp,
              vit::WindowPartitionOp, vit::WindowReverseOp, vit::CyclicShiftOp,
              vit::PatchMergingOp, linalg::FillOp, linalg::TransposeOp,
              linalg::BroadcastOp>(op);
}

/// Whether the lowered function can return a value of this type.
static bool isObservable(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() > 0 && tensor.getElementType().isFloat();
}

namespace {
/// A value that an op with a source name computes.
struct NamedValue {
  Value value;
  std::string name;
  StringRef op;
};

/// Finds the named values of a function.
class Observer {
public:
  explicit Observer(func::FuncOp function) : function(function) {}

  /// Those of a block and, of the loops in it, of their last iterations.
  SmallVector<NamedValue> observe(Block &block);

private:
  /// Lets `loop` return what its body computes; it becomes another op.
  SmallVector<NamedValue> observeLast(scf::ForOp loop);
  /// What stands for a value of this shape before the loop; null where its size
  /// is not known there.
  Value createInit(OpBuilder &builder, Value value);

  func::FuncOp function;
};
} // namespace

SmallVector<NamedValue> Observer::observe(Block &block) {
  SmallVector<NamedValue> values;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto loop = dyn_cast<scf::ForOp>(op);
    std::optional<APInt> trips =
        loop ? loop.getStaticTripCount() : std::nullopt;
    if (trips && !trips->isZero()) {
      llvm::append_range(values, observeLast(loop));
      continue;
    }
    SmallVector<StringRef> names = getSourceNames(op.getLoc());
    if (names.empty() || !isComputation(&op))
      continue;
    for (Value result : op.getResults())
      if (isObservable(result.getType()))
        values.push_back(
            {result, names.back().str(), op.getName().getStringRef()});
  }
  return values;
}

Value Observer::createInit(OpBuilder &builder, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<Value> sizes;
  if (!type.hasStaticShape()) {
    std::optional<int64_t> multiple = getBatchMultiple(value);
    auto *argument = llvm::find_if(function.getArguments(), [](Value each) {
      auto tensor = dyn_cast<RankedTensorType>(each.getType());
      return tensor && tensor.getRank() > 0 && tensor.isDynamicDim(0);
    });
    if (!multiple || !type.isDynamicDim(0) || type.getNumDynamicDims() != 1 ||
        argument == function.getArguments().end())
      return nullptr;
    Location loc = value.getLoc();
    Value batch = tensor::DimOp::create(builder, loc, *argument, 0);
    sizes.push_back(arith::MulIOp::create(
        builder, loc, batch,
        arith::ConstantIndexOp::create(builder, loc, *multiple)));
  }
  return tensor::EmptyOp::create(builder, value.getLoc(), type, sizes);
}

SmallVector<NamedValue> Observer::observeLast(scf::ForOp loop) {
  SmallVector<NamedValue> values;
  IRRewriter rewriter(loop);
  SmallVector<Value> inits, yielded;
  SmallVector<unsigned> results;
  unsigned numResults = loop.getNumResults();
  for (NamedValue &value : observe(*loop.getBody())) {
    ValueRange carried = loop.getYieldedValues();
    unsigned result = llvm::find(carried, value.value) - carried.begin();
    if (result == numResults) {
      Value init = createInit(rewriter, value.value);
      if (!init)
        continue;
      result += inits.size();
      inits.push_back(init);
      yielded.push_back(value.value);
    }
    results.push_back(result);
    values.push_back(std::move(value));
  }
  auto yield = [&](OpBuilder &, Location, ArrayRef<BlockArgument>) {
    return yielded;
  };
  FailureOr<LoopLikeOpInterface> extended = loop.replaceWithAdditionalYields(
      rewriter, inits, /*replaceInitOperandUsesInLoop=*/false, yield);
  for (auto [value, result] : llvm::zip(values, results))
    value.value = (*extended)->getResult(result);
  return values;
}

static void replaceConstants(func::FuncOp forward, ConstantSymbols &constants) {
  auto module = forward->getParentOfType<ModuleOp>();
  OpBuilder moduleBuilder = OpBuilder::atBlockBegin(module.getBody());
  forward.walk([&](vit::ConstantOp constant) {
    RankedTensorType type = constant.getType();
    auto buffer = MemRefType::get(type.getShape(), type.getElementType());
    std::string &symbol = constants[constant.getValue()];
    if (symbol.empty()) {
      symbol = "constant" + std::to_string(constants.size() - 1);
      memref::GlobalOp::create(moduleBuilder, constant.getLoc(), symbol,
                               StringAttr(), buffer, Attribute(),
                               /*constant=*/true, IntegerAttr());
    }
    OpBuilder builder(constant);
    Value global =
        memref::GetGlobalOp::create(builder, constant.getLoc(), buffer, symbol);
    Value tensor = bufferization::ToTensorOp::create(
        builder, constant.getLoc(), type, global, /*restrict=*/true);
    constant.replaceAllUsesWith(tensor);
    constant.erase();
  });
}

SmallVector<ObservedValue> vitc::observeValues(func::FuncOp forward,
                                               ConstantSymbols &constants) {
  forward.getContext()
      ->loadDialect<affine::AffineDialect, bufferization::BufferizationDialect,
                    linalg::LinalgDialect, memref::MemRefDialect,
                    scf::SCFDialect>();
  SmallVector<ObservedValue> observed;
  Block &body = forward.getBody().front();
  SmallVector<NamedValue> named = Observer(forward).observe(body);
  SmallVector<Value> values(body.getTerminator()->getOperands());
  for (const NamedValue &each : named) {
    size_t index = llvm::find(values, each.value) - values.begin();
    if (index == values.size())
      values.push_back(each.value);
    observed.push_back({each.name, each.op.str(), index});
  }
  body.getTerminator()->setOperands(values);
  forward.setType(FunctionType::get(forward.getContext(),
                                    forward.getArgumentTypes(),
                                    ValueRange(values).getTypes()));
  replaceConstants(forward, constants);
  return observed;
}
