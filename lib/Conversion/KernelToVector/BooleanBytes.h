//===- BooleanBytes.h - In memory, an i1 is a byte ------------- -*- C++ -*-==//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_BOOLEANBYTES_H
#define VITC_CONVERSION_KERNELTOVECTOR_BOOLEANBYTES_H

#include "mlir/IR/BuiltinOps.h"

namespace vitc::kernel {

/// Makes buffers of i1 buffers of i8; what the entry functions themselves load
/// from them is narrowed.
void storeBooleansAsBytes(mlir::ModuleOp module);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_BOOLEANBYTES_H
