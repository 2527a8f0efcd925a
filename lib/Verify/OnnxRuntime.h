//===- OnnxRuntime.h - What ONNX Runtime computes ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_ONNXRUNTIME_H
#define VITC_LIB_VERIFY_ONNXRUNTIME_H

#include "HostTensor.h"

#include "Kernel/KernelDialect.h"
#include "vitc/Verify/Verify.h"

struct vitc_model;

namespace vitc {

/// A model as ONNX Runtime ran it.
struct OnnxRuntimeRun {
  std::string version;
  /// Why there is no run; empty where there is one.
  std::string reason;
  std::vector<HostTensor> outputs;
};

/// Runs options.onnxFile on `inputs`, of the program `model` with interface
/// `entry`, by ONNX Runtime's Python package. A machine without it, or one
/// whose version cannot run the model, is no error.
mlir::FailureOr<OnnxRuntimeRun>
runOnnxRuntime(const vitc_model &model, kernel::EntryAttr entry,
               llvm::ArrayRef<HostTensor> inputs, const VerifyOptions &options,
               mlir::Location loc);

} // namespace vitc

#endif // VITC_LIB_VERIFY_ONNXRUNTIME_H
