//===- Tilings.h - Other ways to cut a kernel ---------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_BENCHMARKS_KERNELS_TILINGS_H
#define VITC_BENCHMARKS_KERNELS_TILINGS_H

#include "mlir/IR/Operation.h"
#include "vitc/Kernel/CostModel.h"

namespace vitc::bench {

/// `tiling` with every micro-tile that fits the registers: each width, and each
/// height down to half of the tallest that cuts the rows in another way.
llvm::SmallVector<mlir::Attribute>
getMicroTilings(mlir::Operation *kernel, mlir::Attribute tiling,
                const kernel::Machine &machine);

/// `tiling` with one thing changed: of a product its row block, block of K,
/// unroll factor or panels, of attention its block of queries or of keys.
llvm::SmallVector<mlir::Attribute> getBlockings(mlir::Operation *kernel,
                                                mlir::Attribute tiling);

/// "6x64 rows 256 k 1536 unroll 4 panels 1", "12x32 queries 256 keys 512".
std::string describeTiling(mlir::Attribute tiling);

} // namespace vitc::bench

#endif // VITC_BENCHMARKS_KERNELS_TILINGS_H
