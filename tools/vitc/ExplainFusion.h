//===- ExplainFusion.h - What was fused into a kernel --------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_EXPLAINFUSION_H
#define VITC_TOOLS_VITC_EXPLAINFUSION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include <string>
#include <vector>

namespace vitc {

/// Data movement of a fused module, which has no kernels of its own: it becomes
/// the addresses of the kernels beside it.
class Movement {
public:
  using Names = llvm::SmallSetVector<llvm::StringRef, 4>;

  /// Notes what stands between the function's ops that compute.
  void collect(mlir::func::FuncOp function);
  /// Names of the movement ops before and behind the op at `loc`.
  Names getBefore(mlir::Location loc) const;
  Names getBehind(mlir::Location loc) const;

private:
  llvm::DenseMap<mlir::Attribute, Names> before, behind;
};

/// What a kernel op does beside what its name says, in words.
std::vector<std::string> describeFusion(mlir::Operation *kernel,
                                        const Movement &movement);

} // namespace vitc

#endif // VITC_TOOLS_VITC_EXPLAINFUSION_H
