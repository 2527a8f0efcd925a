//===- AttentionMaps.h - What attention maps should show ------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_ATTENTIONMAPS_H
#define VITC_LIB_VERIFY_ATTENTIONMAPS_H

#include "HostTensor.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace vitc {

/// Returns from `forward`, of the raise phase, behind its own results, the
/// probabilities of all queries of these attention layers. Errors are
/// diagnostics.
mlir::LogicalResult
addAttentionMaps(mlir::func::FuncOp forward,
                 llvm::ArrayRef<vit::AttentionOp> ops,
                 llvm::ArrayRef<vit::AttentionLayerAttr> layers);

/// The mean of an f32 map [..., queries, keys] over its queries, of which one
/// is left.
HostTensor getMeanOverQueries(const HostTensor &map);

} // namespace vitc

#endif // VITC_LIB_VERIFY_ATTENTIONMAPS_H
