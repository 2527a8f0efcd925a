//===- IsolatedKernel.h - One kernel of a model by itself ---- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_BENCHMARKS_KERNELS_ISOLATEDKERNEL_H
#define VITC_BENCHMARKS_KERNELS_ISOLATEDKERNEL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"
#include <string>
#include <vector>

namespace vitc::bench {

/// A buffer that a kernel reads or writes.
struct KernelBuffer {
  mlir::MemRefType type;
  bool isWeights;
};

/// A module whose @forward runs one kernel, with the maps, sizes and epilogues
/// that a model has there. Inputs are numbered as `inputs` are; the output is
/// what the kernel writes, and reads too where the model computes in place.
struct IsolatedKernel {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::Operation *kernel; // in the module
  std::string shape;       // as profiles name it, with its rows
  std::string name;        // the same, numbered if there are several
  std::vector<KernelBuffer> inputs;
  KernelBuffer output;
  int64_t launches = 1; // of the model
  int64_t flops = 0, bytes = 0;
};

/// Each kernel of @forward of a module of the kernel phase, equal ones once.
/// A diagnostic and nothing where buffers have no static size.
std::vector<IsolatedKernel> isolateKernels(mlir::ModuleOp module);

} // namespace vitc::bench

#endif // VITC_BENCHMARKS_KERNELS_ISOLATEDKERNEL_H
