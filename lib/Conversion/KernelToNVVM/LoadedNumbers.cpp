//===- LoadedNumbers.cpp - Numbers that kernels load ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry function that computes a kernel's argument from an input would wait
// for the GPU to know it, and could not be captured in a graph. The kernel
// computes it:
//   %p = memref.load %position[%c0]
//   %row = arith.minsi %p, %c19
//   kernel.grid_launch %context @kernels::@gather args(%x, %row : ...)
// becomes
//   kernel.grid_launch %context @kernels::@gather_at args(%x, %position : ...)
// An input that no kernel writes is the same throughout a run.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "../KernelToVector/SharedKernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace vitc::kernel;

namespace {

/// What computes an argument, in the order of its ops.
struct Computation {
  unsigned argument;
  llvm::SetVector<Operation *> ops;

  /// The buffers that it loads from, one for each load.
  SmallVector<Value> getBuffers() const {
    SmallVector<Value> buffers;
    for (Operation *op : ops)
      if (auto load = dyn_cast<memref::LoadOp>(op))
        buffers.push_back(load.getMemRef());
    return buffers;
  }
};

/// A kernel that computes arguments itself.
struct LoadingKernel {
  SymbolRefAttr callee; // what it was made from
  SmallVector<Computation> computations;
  LLVM::LLVMFuncOp function;
};

class NumberLoader {
public:
  NumberLoader(gpu::GPUModuleOp module, const InputSet &written)
      : module(module), symbols(module), written(written) {}

  void load(GridLaunchOp launch);

private:
  bool collect(Value value, llvm::SetVector<Operation *> &ops) const;
  LLVM::LLVMFuncOp getKernel(GridLaunchOp launch,
                             ArrayRef<Computation> computations);
  LLVM::LLVMFuncOp buildKernel(LLVM::LLVMFuncOp function,
                               ArrayRef<Computation> computations);

  gpu::GPUModuleOp module;
  SymbolTable symbols;
  const InputSet &written;
  SmallVector<LoadingKernel> kernels;
};

} // namespace

/// Where a load at constant indices finds its element.
static std::optional<int32_t> getElement(memref::LoadOp load) {
  ArrayRef<int64_t> shape = load.getMemRefType().getShape();
  if (load.getType().getIntOrFloatBitWidth() % 8 != 0)
    return std::nullopt;
  int64_t element = 0;
  for (auto [dim, index] : llvm::enumerate(load.getIndices())) {
    std::optional<int64_t> constant = getConstant(index);
    if (!constant)
      return std::nullopt;
    element = dim == 0 ? *constant : element * shape[dim] + *constant;
  }
  if (element < 0 || element > std::numeric_limits<int32_t>::max())
    return std::nullopt;
  return static_cast<int32_t>(element);
}

/// Whether `value` is arithmetic on inputs and constants alone, whose ops are
/// added behind those that they need.
bool NumberLoader::collect(Value value,
                           llvm::SetVector<Operation *> &ops) const {
  Operation *op = value.getDefiningOp();
  if (!op || ops.contains(op))
    return op != nullptr;
  if (auto load = dyn_cast<memref::LoadOp>(op)) {
    auto buffer = load.getMemRef().getDefiningOp<BufferOp>();
    if (!buffer || buffer.getSpace() != Space::Input ||
        written.contains({load->getParentOfType<func::FuncOp>(),
                          static_cast<int64_t>(buffer.getOffset())}) ||
        !getElement(load))
      return false;
  } else {
    if (!isa_and_nonnull<arith::ArithDialect>(op->getDialect()) || !isPure(op))
      return false;
    for (Value operand : op->getOperands())
      if (!collect(operand, ops))
        return false;
  }
  ops.insert(op);
  return true;
}

/// Whether two computations differ in nothing but the buffers they load from.
static bool isEquivalent(const Computation &lhs, const Computation &rhs) {
  if (lhs.argument != rhs.argument || lhs.ops.size() != rhs.ops.size())
    return false;
  DenseMap<Value, Value> equal;
  return llvm::all_of_zip(lhs.ops, rhs.ops, [&](Operation *l, Operation *r) {
    auto loadL = dyn_cast<memref::LoadOp>(l),
         loadR = dyn_cast<memref::LoadOp>(r);
    bool same;
    if (loadL && loadR)
      same = loadL.getMemRefType() == loadR.getMemRefType() &&
             getElement(loadL) == getElement(loadR);
    else
      same = OperationEquivalence::isEquivalentTo(
          l, r, [&](Value a, Value b) { return success(equal.lookup(a) == b); },
          /*markEquivalent=*/nullptr, OperationEquivalence::IgnoreLocations);
    if (same)
      equal[l->getResult(0)] = r->getResult(0);
    return same;
  });
}

LLVM::LLVMFuncOp NumberLoader::buildKernel(LLVM::LLVMFuncOp function,
                                           ArrayRef<Computation> computations) {
  auto kernel = function.clone();
  kernel.setSymName((function.getSymName() + "_at").str());
  symbols.insert(kernel, std::next(Block::iterator(function)));
  auto builder = OpBuilder::atBlockBegin(&kernel.getBody().front());
  Location loc = kernel.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext(), kGlobalSpace);
  llvm::BitVector computed(kernel.getNumArguments());
  for (const Computation &computation : computations) {
    IRMapping mapping;
    for (Operation *op : computation.ops) {
      auto load = dyn_cast<memref::LoadOp>(op);
      if (!load) {
        builder.clone(*op, mapping);
        continue;
      }
      Value address = kernel.getBody().addArgument(pointer, loc);
      Value element =
          LLVM::GEPOp::create(builder, loc, pointer, load.getType(), address,
                              ArrayRef<LLVM::GEPArg>{*getElement(load)});
      unsigned bytes = load.getType().getIntOrFloatBitWidth() / 8;
      auto loaded =
          LLVM::LoadOp::create(builder, loc, load.getType(), element, bytes);
      mapping.map(load.getResult(), loaded.getResult());
    }
    Value number = mapping.lookup(computation.ops.back()->getResult(0));
    kernel.getArgument(computation.argument)
        .replaceAllUsesWith(arith::IndexCastOp::create(
            builder, loc, builder.getI64Type(), number));
    computed.set(computation.argument);
  }
  computed.resize(kernel.getBody().getNumArguments());
  kernel.getBody().front().eraseArguments(computed);
  kernel.setFunctionType(LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(builder.getContext()),
      llvm::to_vector(kernel.getBody().getArgumentTypes())));
  return kernel;
}

LLVM::LLVMFuncOp NumberLoader::getKernel(GridLaunchOp launch,
                                         ArrayRef<Computation> computations) {
  for (const LoadingKernel &kernel : kernels)
    if (kernel.callee == launch.getCallee() &&
        llvm::equal(kernel.computations, computations, isEquivalent))
      return kernel.function;
  auto function =
      symbols.lookup<LLVM::LLVMFuncOp>(launch.getCallee().getLeafReference());
  LLVM::LLVMFuncOp kernel = buildKernel(function, computations);
  kernels.push_back(
      {launch.getCallee(), llvm::to_vector(computations), kernel});
  return kernel;
}

void NumberLoader::load(GridLaunchOp launch) {
  SmallVector<Computation> computations;
  SmallVector<Value> passed, buffers;
  for (auto [i, argument] : llvm::enumerate(launch.getArgs())) {
    Computation computation{static_cast<unsigned>(i), {}};
    if (argument.getType().isIndex() && collect(argument, computation.ops))
      llvm::append_range(buffers, computation.getBuffers());
    else
      computation.ops.clear();
    if (computation.getBuffers().empty())
      passed.push_back(argument);
    else
      computations.push_back(std::move(computation));
  }
  if (computations.empty())
    return;
  LLVM::LLVMFuncOp kernel = getKernel(launch, computations);
  llvm::append_range(passed, buffers);
  launch.setCalleeAttr(
      SymbolRefAttr::get(module.getSymNameAttr(),
                         FlatSymbolRefAttr::get(kernel.getSymNameAttr())));
  launch.getArgsMutable().assign(passed);
}

void vitc::kernel::loadNumbersInKernels(ModuleOp module,
                                        gpu::GPUModuleOp kernels,
                                        const InputSet &writtenInputs) {
  NumberLoader loader(kernels, writtenInputs);
  SmallVector<GridLaunchOp> launches;
  llvm::DenseSet<StringAttr> before, after;
  module.walk([&](GridLaunchOp launch) { launches.push_back(launch); });
  for (GridLaunchOp launch : launches) {
    before.insert(launch.getCallee().getLeafReference());
    loader.load(launch);
  }
  for (GridLaunchOp launch : launches)
    after.insert(launch.getCallee().getLeafReference());
  // What only launches used that now load a number.
  for (StringAttr name : before)
    if (!after.contains(name))
      kernels.lookupSymbol(name)->erase();
}
