//===- BatchItem.h - What all items of a batch share ---------*- C++ -*----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_BATCHITEM_H
#define VITC_LIB_TRANSFORMS_BATCHITEM_H

#include "mlir/IR/Builders.h"

namespace vitc::vit {

/// `value` with a batch of one, where what computes it gives each item the
/// same; null where that is not known. Its ops are copied to where the builder
/// is.
mlir::Value buildBatchItem(mlir::OpBuilder &builder, mlir::Value value);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_BATCHITEM_H
