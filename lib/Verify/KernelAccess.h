//===- KernelAccess.h - What kernels read and write ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_KERNELACCESS_H
#define VITC_LIB_VERIFY_KERNELACCESS_H

#include "HostTensor.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineMap.h"
#include <optional>

namespace vitc {

/// Element x of an iteration space of `extents` is element map(x) of `buffer`.
struct KernelAccess {
  mlir::Value buffer;
  mlir::AffineMap map;
  llvm::SmallVector<int64_t> extents;
};

/// A kernel on buffers, for one batch.
struct KernelAccesses {
  mlir::Operation *kernel;
  KernelAccess result;
  /// Of a gemm that sums what it writes.
  std::optional<KernelAccess> statistics;
  /// The buffers that it reads.
  llvm::SmallVector<mlir::Value> reads;
};

/// The kernels of an entry function in order, those of loops once. Errors are
/// diagnostics.
mlir::FailureOr<std::vector<KernelAccesses>>
getKernelAccesses(mlir::func::FuncOp entry, int64_t batch);

/// Where the arena's buffers lie for one batch, in bytes.
struct BufferPlace {
  int64_t offset, size;
  bool overlaps(const BufferPlace &other) const {
    return offset < other.offset + other.size && other.offset < offset + size;
  }
};
using BufferPlaces = llvm::DenseMap<mlir::Value, BufferPlace>;

/// The shape of a buffer whose dim 0 may depend on the batch: as much as
/// kernels write.
llvm::SmallVector<int64_t>
getBufferShape(mlir::Value buffer, llvm::ArrayRef<KernelAccesses> kernels);

BufferPlaces getBufferPlaces(mlir::func::FuncOp entry, int64_t batch,
                             llvm::ArrayRef<KernelAccesses> kernels);

/// Whether two accesses of one buffer, of `numElements`, have an element in
/// common.
bool haveCommonElement(const KernelAccess &a, const KernelAccess &b,
                       int64_t numElements);

/// Whether an access leads to every element of a buffer of this shape.
bool writesAll(const KernelAccess &access, llvm::ArrayRef<int64_t> shape);

/// The elements that an access leads to, in the order of its iteration space;
/// `data` is the buffer's memory.
HostTensor readAccess(const KernelAccess &access, const char *data);

} // namespace vitc

#endif // VITC_LIB_VERIFY_KERNELACCESS_H
