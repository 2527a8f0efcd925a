//===- BatchItems.h - Whether items of a batch are alone ----- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A run may compute a large batch in parts if no item of it depends on another.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_BATCHITEMS_H
#define VITC_ANALYSIS_BATCHITEMS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace vitc {

/// Whether the index maps of the kernels of `entry`, whose buffers are planned,
/// show that item i of its outputs depends on item i of its inputs alone.
bool areItemsIndependent(mlir::func::FuncOp entry);

} // namespace vitc

#endif // VITC_ANALYSIS_BATCHITEMS_H
