//===- SharedKernels.h - Which kernels are one function -------- -*- C++ -*-==//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels that differ in nothing but the values they are passed share a
// function, whatever the target.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_SHAREDKERNELS_H
#define VITC_CONVERSION_KERNELTOVECTOR_SHAREDKERNELS_H

#include "Kernel/KernelDialect.h"
#include <optional>

namespace vitc::kernel {

/// True if one function computes both: they agree in all but which values they
/// are passed.
bool canShareFunction(mlir::Operation *lhs, mlir::Operation *rhs);

/// The constant that a function may be generated for: none for a runtime value,
/// nor for an operand in which the sharers of a function differ.
std::optional<int64_t> getSharedConstant(mlir::OpOperand &operand);

/// The constant that `value` is, if it is one.
std::optional<int64_t> getConstant(mlir::Value value);

/// Operands that a launch passes: each once, constants not at all.
llvm::SmallVector<mlir::Value> getLaunchArguments(mlir::Operation *op);

/// The functions of kernels, each built for the first that needs it.
template <typename Function> class SharedFunctions {
public:
  mlir::FailureOr<Function>
  get(mlir::Operation *op,
      llvm::function_ref<mlir::FailureOr<Function>()> build) {
    for (const auto &[known, function] : functions)
      if (canShareFunction(known, op))
        return function;
    mlir::FailureOr<Function> built = build();
    if (mlir::succeeded(built))
      functions.emplace_back(op, *built);
    return built;
  }

private:
  llvm::SmallVector<std::pair<mlir::Operation *, Function>> functions;
};

/// Whether each item of the batch has weights of its own.
bool hasWeightsPerItem(GemmOp op);
/// What a gemm's function is called.
std::string getGemmName(GemmOp op);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_SHAREDKERNELS_H
