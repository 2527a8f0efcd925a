//===- ArenaPlan.cpp - Checks and undoes the arena's plan -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArenaPlan.h"

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

std::optional<StaleRead> vitc::findStaleRead(ArrayRef<KernelAccesses> kernels,
                                             const BufferPlaces &places) {
  // The kernel that wrote each buffer last, by its number.
  llvm::MapVector<Value, size_t> writers;
  for (auto [number, kernel] : llvm::enumerate(kernels)) {
    for (Value read : kernel.reads) {
      auto place = places.find(read);
      auto writer = writers.find(read);
      if (place == places.end() || writer == writers.end())
        continue;
      for (auto [other, otherWriter] : writers)
        if (other != read && otherWriter > writer->second &&
            places.find(other)->second.overlaps(place->second))
          return StaleRead{kernels[writer->second].kernel,
                           kernels[otherWriter].kernel, kernel.kernel};
    }
    if (places.contains(kernel.result.buffer))
      writers[kernel.result.buffer] = number;
    if (kernel.statistics && places.contains(kernel.statistics->buffer))
      writers[kernel.statistics->buffer] = number;
  }
  return std::nullopt;
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
        !readsDestination(op) &&
        writesAll(kernel.result, getBufferShape(kernel.result.buffer, kernels));
    if (!replaces)
      continue;
    OpBuilder builder(op);
    Value separate = builder.clone(*buffer)->getResult(0);
    buffer.getResult().replaceUsesWithIf(separate, [&](OpOperand &use) {
      return &use == &init || op->isBeforeInBlock(use.getOwner());
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
                                attr.getOutputs(), end, 0));
}
