//===- KernelToLLVM.cpp - Lower launches and buffers to LLVM --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Entry functions find their memory and the thread pool through the context:
//   kernel.launch %ctx @f tasks(%n) args(%a) scratch 64
// becomes
//   store the arguments in a block of the entry's frame
//   context->parallel(context, site, @f.tasks, block, n)
// where @f.tasks loads the arguments and calls @f for each task of its range.
// Memrefs cross by unrealized casts to their descriptors, which the conversions
// of func and memref then resolve. Loops of an entry that reads from a GPU
// become branches, as each of its reads may end it.
//
//===----------------------------------------------------------------------===//

#include "../KernelToOneDNN/KernelToOneDNN.h"
#include "ContextBuilder.h"
#include "DeviceCalls.h"
#include "Kernel/KernelDialect.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "vitc/Analysis/KernelCost.h"
#include "vitc/Analysis/SourceName.h"
#include "vitc/Conversion/Passes.h"

namespace vitc {
#define GEN_PASS_DEF_CONVERTKERNELTOLLVMPASS
#include "vitc/Conversion/Passes.h.inc"
} // namespace vitc

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

namespace {
/// Lowers the entry functions of one module.
class EntryLowering {
public:
  explicit EntryLowering(MLIRContext *context)
      : context(context), types(context, LowerToLLVMOptions(context)) {
    types.addConversion(
        [](FloatTF32Type type) { return Float32Type::get(type.getContext()); });
  }

  LogicalResult convertEntry(func::FuncOp entry);

private:
  void convertBuffer(BufferOp buffer, ContextBuilder &builder);
  void convertLaunch(LaunchOp launch, ContextBuilder &builder, int32_t site);
  /// The function that runs a range of tasks of `launch`'s callee.
  func::FuncOp getTaskFunction(LaunchOp launch, LLVM::LLVMStructType block);

  MLIRContext *context;
  LLVMTypeConverter types;
  llvm::DenseMap<StringRef, func::FuncOp> taskFunctions;
};

struct ConvertKernelToLLVMPass final
    : vitc::impl::ConvertKernelToLLVMPassBase<ConvertKernelToLLVMPass> {
  using Base::Base;
  void runOnOperation() override {
    EntryLowering lowering(&getContext());
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (function->hasAttr(KernelDialect::kEntryAttr) &&
          failed(lowering.convertEntry(function)))
        return signalPassFailure();
  }
};
} // namespace

void EntryLowering::convertBuffer(BufferOp buffer, ContextBuilder &builder) {
  auto type = cast<MemRefType>(buffer.getType());
  Value batch = builder.load(ContextField::Batch);
  int64_t offset = buffer.getOffset();
  Value pointer;
  switch (buffer.getSpace()) {
  case Space::Input:
  case Space::Output: {
    Value table =
        builder.load(buffer.getSpace() == Space::Input ? ContextField::Inputs
                                                       : ContextField::Outputs);
    Value slot = builder.advance(table, builder.integer(8 * offset));
    pointer = LLVM::LoadOp::create(builder, builder.pointerType(), slot);
    break;
  }
  case Space::Arena: {
    Value scaled = LLVM::MulOp::create(builder, batch,
                                       builder.integer(buffer.getPerBatch()));
    Value bytes = LLVM::AddOp::create(builder, scaled, builder.integer(offset));
    pointer = builder.advance(builder.load(ContextField::Arena), bytes);
    break;
  }
  case Space::Weights: {
    auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(
        buffer, buffer.getWeightAttr());
    pointer = builder.advance(builder.load(ContextField::Weights),
                              builder.integer(weight.getOffset() + offset));
    break;
  }
  }
  buffer.replaceAllUsesWith(builder.memref(type, pointer, batch));
  buffer.erase();
}

func::FuncOp EntryLowering::getTaskFunction(LaunchOp launch,
                                            LLVM::LLVMStructType block) {
  func::FuncOp &function = taskFunctions[launch.getCallee()];
  if (function)
    return function;
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      launch, launch.getCalleeAttr());
  OpBuilder moduleBuilder(callee);
  moduleBuilder.setInsertionPointAfter(callee);
  Type pointer = LLVM::LLVMPointerType::get(context);
  Type index = moduleBuilder.getIndexType();
  function = func::FuncOp::create(
      moduleBuilder, callee.getLoc(), (launch.getCallee() + ".tasks").str(),
      moduleBuilder.getFunctionType({pointer, index, index, pointer}, {}));
  function.setPrivate();

  Block *body = function.addEntryBlock();
  OpBuilder bodyBuilder = OpBuilder::atBlockBegin(body);
  ContextBuilder builder(bodyBuilder, callee.getLoc(), Value(), types);
  ArrayRef<Type> argumentTypes = callee.getArgumentTypes();
  auto scratchType = cast<MemRefType>(argumentTypes[2]);
  SmallVector<Value> arguments = {
      Value(), body->getArgument(1),
      builder.memref(scratchType, body->getArgument(3),
                     builder.integer(launch.getScratchBytes()))};
  for (auto [i, type] : llvm::enumerate(argumentTypes.drop_front(3))) {
    Value address =
        LLVM::GEPOp::create(builder, pointer, block, body->getArgument(0),
                            ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
    Value value = LLVM::LoadOp::create(builder, block.getBody()[i], address);
    arguments.push_back(builder.raise(type, value));
  }
  Value one = arith::ConstantIndexOp::create(builder, 1);
  auto loop = scf::ForOp::create(builder, body->getArgument(1),
                                 body->getArgument(2), one);
  func::ReturnOp::create(builder);
  builder.setInsertionPointToStart(loop.getBody());
  arguments[0] = loop.getInductionVar();
  func::CallOp::create(builder, callee, arguments);
  return function;
}

void EntryLowering::convertLaunch(LaunchOp launch, ContextBuilder &builder,
                                  int32_t site) {
  SmallVector<Value> values;
  SmallVector<Type> fields;
  for (Value argument : launch.getArgs()) {
    values.push_back(builder.lower(argument));
    fields.push_back(values.back().getType());
  }
  auto block = LLVM::LLVMStructType::getLiteral(context, fields);
  Value arguments = builder.frameSlot(block);
  for (auto [i, value] : llvm::enumerate(values))
    builder.storeField(block, arguments, i, value);

  func::FuncOp tasks = getTaskFunction(launch, block);
  Value function =
      builder.raise(builder.pointerType(),
                    func::ConstantOp::create(builder, tasks.getFunctionType(),
                                             tasks.getSymName()));
  Type pointer = builder.pointerType();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                  {pointer, builder.integerType(32), pointer,
                                   pointer, builder.integerType(64)});
  LLVM::CallOp::create(builder, type,
                       ValueRange{builder.load(ContextField::Parallel),
                                  builder.context, builder.integer(site, 32),
                                  function, arguments,
                                  builder.toInteger(launch.getTasks())});
  launch.erase();
}

/// Where an entry reads from a GPU, turns its loops into branches.
static LogicalResult convertLoopsThatRead(func::FuncOp entry) {
  if (!entry.walk([](ReadOp) { return WalkResult::interrupt(); })
           .wasInterrupted())
    return success();
  RewritePatternSet patterns(entry.getContext());
  populateSCFToControlFlowConversionPatterns(patterns);
  ConversionTarget target(*entry.getContext());
  target.addIllegalDialect<scf::SCFDialect>();
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  return applyPartialConversion(entry, target, std::move(patterns));
}

LogicalResult EntryLowering::convertEntry(func::FuncOp entry) {
  Type contextType = ContextType::get(context);
  if (!entry->getAttrOfType<EntryAttr>(KernelDialect::kEntryAttr) ||
      entry.isExternal() || entry.getNumResults() != 0 ||
      entry.getArgumentTypes() != ArrayRef<Type>(contextType))
    return entry.emitOpError()
           << "has type " << entry.getFunctionType() << " and "
           << KernelDialect::kEntryAttr << " "
           << entry->getAttr(KernelDialect::kEntryAttr)
           << "; needs one !kernel.context and #kernel.entry";
  if (failed(convertLoopsThatRead(entry)))
    return failure();
  Value runContext = entry.getArgument(0);
  runContext.setType(LLVM::LLVMPointerType::get(context));
  OpBuilder opBuilder(entry);
  entry.setFunctionType(opBuilder.getFunctionType({runContext.getType()}, {}));

  int64_t scratchBytes = 0;
  bool usesOneDNN = false, readsDevice = false;
  SmallVector<SiteAttr> sites;
  auto addSite = [&](Operation *op, StringRef kernel, DenseI64ArrayAttr work) {
    StringAttr source = opBuilder.getStringAttr(getSourceName(op->getLoc()));
    sites.push_back(
        SiteAttr::get(context, source, opBuilder.getStringAttr(kernel), work));
    return static_cast<int32_t>(sites.size() - 1);
  };
  SmallVector<Operation *> ops;
  // Counted while buffers and the batch are those of the kernel dialect.
  llvm::DenseMap<Operation *, DenseI64ArrayAttr> gemmWork;
  entry.walk([&](Operation *op) {
    if (isa_and_nonnull<KernelDialect>(op->getDialect()))
      ops.push_back(op);
    if (isa<GemmOp>(op))
      gemmWork[op] = getWork(op);
  });
  for (Operation *op : ops) {
    opBuilder.setInsertionPoint(op);
    ContextBuilder builder(opBuilder, op->getLoc(), runContext, types);
    if (auto batch = dyn_cast<BatchOp>(op)) {
      batch.replaceAllUsesWith(builder.raise(
          builder.getIndexType(), builder.load(ContextField::Batch)));
      batch.erase();
    } else if (auto threads = dyn_cast<ThreadsOp>(op)) {
      threads.replaceAllUsesWith(builder.raise(
          builder.getIndexType(), builder.load(ContextField::Threads)));
      threads.erase();
    } else if (auto buffer = dyn_cast<BufferOp>(op)) {
      convertBuffer(buffer, builder);
    } else if (auto launch = dyn_cast<LaunchOp>(op)) {
      scratchBytes = std::max<int64_t>(scratchBytes, launch.getScratchBytes());
      int32_t site = addSite(op, launch.getCallee(), launch.getWorkAttr());
      convertLaunch(launch, builder, site);
    } else if (auto launch = dyn_cast<GridLaunchOp>(op)) {
      StringRef kernel = launch.getCallee().getLeafReference();
      int32_t site = addSite(op, kernel, launch.getWorkAttr());
      convertGridLaunch(launch, builder, site);
    } else if (auto read = dyn_cast<ReadOp>(op)) {
      readsDevice = true;
      convertRead(read, builder);
    } else if (auto gemm = dyn_cast<GemmOp>(op)) {
      usesOneDNN = true;
      std::string name =
          ("onednn_gemm_n" + Twine(gemm.getN()) + "_k" + Twine(gemm.getK()))
              .str();
      int32_t site = addSite(op, name, gemmWork[op]);
      if (failed(convertGemmToOneDNN(gemm, builder, site)))
        return failure();
    } else {
      return op->emitOpError("is left; convert-kernel-to-vector must come "
                             "before convert-kernel-to-llvm");
    }
  }
  entry->setAttr(
      KernelDialect::kCodeAttr,
      CodeAttr::get(context, scratchBytes, usesOneDNN, sites, readsDevice));
  return success();
}
