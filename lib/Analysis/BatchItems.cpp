//===- BatchItems.cpp - Whether items of a batch are alone ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Item i of a buffer is positions [i * e, (i + 1) * e) of its first dim: its
// part. Items are independent if every kernel, computing item i, stays within
// part i of each buffer, and every reader of a buffer has parts of the size
// that its writer had.
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/BatchItems.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "vitc/Analysis/IndexRange.h"
#include "vitc/Analysis/KernelCost.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

/// e of the parts of the first dim that an access stays within, if there is
/// one.
static std::optional<int64_t> getPartSize(const OperandAccess &access) {
  if (!access.map || !access.isPerItem)
    return std::nullopt;
  MLIRContext *context = access.operand.getContext();
  unsigned numDims = access.map.getNumDims();
  AffineExpr index = getAffineDimExpr(0, context);
  AffineExpr item = getAffineDimExpr(numDims, context);
  AffineExpr zero = getAffineConstantExpr(0, context);
  auto simplify = [&](AffineExpr expr) {
    return simplifyAffineExpr(expr, numDims + 1, 0);
  };
  // The index of the kernel's batch is that of the item's first, and `index`.
  AffineExpr position =
      access.map.getResult(0).replace(index, item * access.sizes[0] + index);
  AffineExpr within = position.replace(item, zero);
  auto size = dyn_cast<AffineConstantExpr>(simplify(
      position.replace(item, getAffineConstantExpr(1, context)) - within));
  if (!size || simplify(position - within - item * size.getValue()) != zero)
    return std::nullopt;

  if (!staysBelow(within, access.sizes, size.getValue()))
    return std::nullopt;
  return size.getValue();
}

static bool hasBatch(Value operand) {
  auto type = dyn_cast<MemRefType>(operand.getType());
  return type && type.getRank() != 0 && type.isDynamicDim(0);
}

namespace {
/// Follows the parts of buffers from kernel to kernel.
class PartChecker {
public:
  /// Whether `kernel` computes item by item.
  bool check(Operation *kernel);

private:
  bool check(const OperandAccess &access);

  /// Elements of an item, by offset and perBatch of the buffer it is stored in.
  llvm::DenseMap<std::pair<int64_t, int64_t>, int64_t> stored;
};
} // namespace

bool PartChecker::check(const OperandAccess &access) {
  auto buffer = access.operand.getDefiningOp<BufferOp>();
  std::optional<int64_t> size = getPartSize(access);
  if (!buffer || !size)
    return false;
  if (buffer.getSpace() != Space::Arena)
    return *size == 1;
  for (int64_t extent :
       cast<MemRefType>(access.operand.getType()).getShape().drop_front())
    *size *= extent;
  std::pair<int64_t, int64_t> place(buffer.getOffset(), buffer.getPerBatch());
  if (access.isWrite) {
    stored[place] = *size;
    return true;
  }
  auto found = stored.find(place);
  return found != stored.end() && found->second == *size;
}

bool PartChecker::check(Operation *kernel) {
  std::optional<KernelCost> cost = getKernelCost(kernel);
  if (!cost)
    return false;
  llvm::SmallPtrSet<Value, 8> checked;
  for (const OperandAccess &access : cost->accesses) {
    checked.insert(access.operand);
    if (hasBatch(access.operand) && !check(access))
      return false;
  }
  return llvm::all_of(kernel->getOperands(), [&](Value operand) {
    return !hasBatch(operand) || checked.contains(operand);
  });
}

bool vitc::areItemsIndependent(func::FuncOp entry) {
  PartChecker checker;
  return llvm::all_of(entry.getBody().front(), [&](Operation &op) {
    if (isa<DestinationStyleOpInterface>(op))
      return checker.check(&op);
    return isMemoryEffectFree(&op) || op.hasTrait<OpTrait::IsTerminator>();
  });
}
