//===- Inputs.h - What a model is verified on ----------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_INPUTS_H
#define VITC_LIB_VERIFY_INPUTS_H

#include "HostTensor.h"

#include "Kernel/KernelDialect.h"
#include "vitc/Verify/Verify.h"

struct vitc_model;

namespace vitc {

/// The inputs of a program: read from files where options name them, .npy files
/// or pictures, which are prepared as a program would, else normally
/// distributed floats, as normalised pictures are, and ones and zeros, the same
/// each time. Errors are diagnostics.
mlir::FailureOr<std::vector<HostTensor>>
makeInputs(const vitc_model &model, kernel::EntryAttr entry,
           const VerifyOptions &options, mlir::Location loc);

/// Reports a file for an input that none of the entries has.
mlir::LogicalResult checkInputNames(llvm::ArrayRef<kernel::EntryAttr> entries,
                                    const VerifyOptions &options,
                                    mlir::Location loc);

} // namespace vitc

#endif // VITC_LIB_VERIFY_INPUTS_H
