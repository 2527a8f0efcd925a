//===- Kernels.h - A function for each kernel ---------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each kernel op: build<Op> generates the function that computes one task
// of it, and count<Op>Tasks emits the number of tasks where it is launched. Ops
// with equal attributes, operand types and constant operands share the
// function.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_KERNELS_H
#define VITC_CONVERSION_KERNELTOVECTOR_KERNELS_H

#include "SharedKernels.h"
#include "VectorBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include <optional>

namespace vitc::kernel {

/// What code is generated for, and where functions go.
struct KernelContext {
  CpuAttr cpu;
  mlir::SymbolTable symbols; // of the module
};

/// A generated function and what its launches need to know.
struct KernelFunction {
  mlir::func::FuncOp function;
  int64_t scratchBytes = 0;
  /// Whether its last argument is the number of tasks.
  bool takesNumTasks = false;
};

/// Builds the body of a new function `name`, made unique, for `op`: a task's
/// index and that of its range's first, the thread's scratch, then the
/// arguments of a launch and, if the body asks, the number of tasks.
class KernelBuilder : public VectorBuilder {
public:
  KernelBuilder(mlir::Operation *op, llvm::StringRef name,
                KernelContext &context);

  mlir::Value getTask();
  /// The first task of the range that this one runs in: where it is not this
  /// one, scratch memory holds what the task before left.
  mlir::Value getFirstTask();
  /// The number of tasks that a launch makes, an argument of the function once
  /// it is asked for.
  mlir::Value getNumTasks();
  /// What stands for an operand of the op in the function; null for null.
  mlir::Value get(mlir::Value operand);
  /// Flat view of a memref operand of the op; null for null.
  mlir::Value getFlat(mlir::Value operand);
  /// A flat memref of `elements` values, f32 unless `type` is given, in the
  /// thread's scratch, aligned to a cache line; call it outside of loops.
  mlir::Value getScratch(int64_t elements, mlir::Type type = {});
  /// Ends the body.
  KernelFunction finish();

private:
  mlir::func::FuncOp function;
  mlir::IRMapping mapping;
  mlir::Value numTasks; // null until it is asked for
  int64_t scratchBytes = 0;
};

mlir::FailureOr<KernelFunction> buildGemm(GemmOp op, KernelContext &context);
mlir::Value countGemmTasks(GemmOp op, VectorBuilder &builder);

mlir::FailureOr<KernelFunction> buildAttention(AttentionOp op,
                                               KernelContext &context);
mlir::Value countAttentionTasks(AttentionOp op, VectorBuilder &builder);

mlir::FailureOr<KernelFunction> buildAttentionMap(AttentionMapOp op,
                                                  KernelContext &context);
mlir::Value countAttentionMapTasks(AttentionMapOp op, VectorBuilder &builder);

mlir::FailureOr<KernelFunction> buildGroupedConv(GroupedConvOp op,
                                                 KernelContext &context);
mlir::Value countGroupedConvTasks(GroupedConvOp op, VectorBuilder &builder);

mlir::FailureOr<KernelFunction> buildNorm(NormOp op, KernelContext &context);
mlir::Value countNormTasks(NormOp op, VectorBuilder &builder);

mlir::FailureOr<KernelFunction> buildMean(MeanOp op, KernelContext &context);
mlir::Value countMeanTasks(MeanOp op, VectorBuilder &builder);

mlir::FailureOr<KernelFunction> buildGather(GatherOp op,
                                            KernelContext &context);
mlir::Value countGatherTasks(GatherOp op, VectorBuilder &builder);

mlir::FailureOr<KernelFunction> buildGeneric(GenericOp op,
                                             KernelContext &context);
mlir::Value countGenericTasks(GenericOp op, VectorBuilder &builder);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_KERNELS_H
