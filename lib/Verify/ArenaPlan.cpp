//===- ArenaPlan.cpp - Checks and undoes the arena's plan -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArenaPlan.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "vitc/Runtime/Descriptor.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

LogicalResult vitc::checkPlaces(func::FuncOp entry, const BufferPlaces &places,
                                int64_t batch) {
  auto attr = entry->getAttrOfType<EntryAttr>(KernelDialect::kEntryAttr);
  int64_t bytes = attr.getArenaBase() + attr.getArenaPerBatch() * batch;
  for (auto buffer : entry.getOps<BufferOp>()) {
    auto place = places.find(buffer);
    if (place == places.end())
      continue;
    auto [offset, size] = place->second;
    if (offset < 0 || offset > bytes - size)
      return buffer.emitOpError()
             << "takes " << size << " bytes from " << offset
             << "; needs to lie in the arena, of " << bytes;
  }
  return success();
}

namespace {
/// The buffers that an op reads and writes when it runs.
struct Step {
  Operation *op;
  SmallVector<Value> reads, writes;
};
} // namespace

/// The most ops of a function, those of loops twice for each loop around.
static constexpr int64_t kMaxOps = int64_t(1) << 22;

/// Adds what runs in `block`, in order. False where that is more than
/// `numLeft` ops.
static bool trace(Block &block,
                  const llvm::DenseMap<Operation *, Step> &kernels,
                  std::vector<Step> &steps, int64_t &numLeft) {
  for (Operation &op : block) {
    if (--numLeft < 0)
      return false;
    if (auto kernel = kernels.find(&op); kernel != kernels.end()) {
      steps.push_back(kernel->second);
    } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
      steps.push_back({load, {load.getMemRef()}, {}});
    } else {
      // A loop: what its end leaves its beginning finds.
      for (int iteration = 0; iteration < 2; ++iteration)
        for (Region &region : op.getRegions())
          for (Block &inner : region)
            if (!trace(inner, kernels, steps, numLeft))
              return false;
    }
  }
  return true;
}

FailureOr<std::optional<StaleRead>>
vitc::findStaleRead(func::FuncOp entry, ArrayRef<KernelAccesses> kernels,
                    const BufferPlaces &places) {
  llvm::DenseMap<Operation *, Step> known;
  for (const KernelAccesses &kernel : kernels) {
    Step step{kernel.kernel, kernel.reads, {kernel.result.buffer}};
    if (kernel.statistics)
      step.writes.push_back(kernel.statistics->buffer);
    known[kernel.kernel] = std::move(step);
  }
  std::vector<Step> steps;
  int64_t numLeft = kMaxOps;
  if (!trace(entry.getBody().front(), known, steps, numLeft))
    return entry.emitOpError()
           << "has more than " << kMaxOps
           << " ops to follow, those of loops twice for each loop around; "
              "needs fewer loops in loops to be verified";

  // The step that wrote each buffer last, by its number.
  llvm::MapVector<Value, size_t> writers;
  for (auto [number, step] : llvm::enumerate(steps)) {
    for (Value read : step.reads) {
      auto place = places.find(read);
      auto writer = writers.find(read);
      if (place == places.end() || writer == writers.end())
        continue;
      for (auto [other, otherWriter] : writers)
        if (other != read && otherWriter > writer->second &&
            places.find(other)->second.overlaps(place->second))
          return std::optional(StaleRead{steps[writer->second].op,
                                         steps[otherWriter].op, step.op});
    }
    for (Value written : step.writes)
      if (places.contains(written))
        writers[written] = number;
  }
  return std::optional<StaleRead>();
}

/// Whether a kernel goes on with what its destination holds.
static bool readsDestination(Operation *kernel) {
  auto generic = dyn_cast<GenericOp>(kernel);
  return generic && !generic.getReduce().empty() && !generic.getIdentity();
}

void vitc::separateValues(ArrayRef<KernelAccesses> kernels) {
  llvm::DenseSet<Value> written;
  for (const KernelAccesses &kernel : kernels) {
    Operation *op = kernel.kernel;
    OpOperand &init =
        *cast<DestinationStyleOpInterface>(op).getDpsInitOperand(0);
    auto buffer = init.get().getDefiningOp<BufferOp>();
    bool replaces =
        !written.insert(buffer).second && buffer.getSpace() == Space::Arena &&
        !readsDestination(op) && isa<func::FuncOp>(op->getParentOp()) &&
        writesAll(kernel.result, getBufferShape(kernel.result.buffer, kernels));
    if (!replaces)
      continue;
    OpBuilder builder(op);
    Value separate = builder.clone(*buffer)->getResult(0);
    buffer.getResult().replaceUsesWithIf(separate, [&](OpOperand &use) {
      Operation *around =
          op->getBlock()->findAncestorOpInBlock(*use.getOwner());
      return &use == &init || (around && op->isBeforeInBlock(around));
    });
    written.insert(separate);
  }
}

void vitc::spreadArena(func::FuncOp entry, const BufferPlaces &places) {
  int64_t end = 0;
  for (auto buffer : entry.getOps<BufferOp>()) {
    auto place = places.find(buffer);
    if (place == places.end())
      continue;
    buffer.setOffset(end);
    buffer.setPerBatch(0);
    end += llvm::alignTo(place->second.size, rt::kBufferAlignment);
  }
  auto attr = entry->getAttrOfType<EntryAttr>(KernelDialect::kEntryAttr);
  entry->setAttr(KernelDialect::kEntryAttr,
                 EntryAttr::get(entry.getContext(), attr.getInputs(),
                                attr.getOutputs(), end, 0, attr.getInPlace()));
}
