//===- Verify.h - Compare kernels with the reference --------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs a model twice on the same inputs: by the reference lowering, plain and
// unfused, and by the kernels that ship, with an arena that reuses nothing, so
// that what each kernel wrote can be compared with the value of the same name.
// A third run, with the arena as it ships, must give the same bits; so must two
// more that give attention maps, which are compared with the reference's
// probabilities. The outputs of an ONNX file are also compared with ONNX
// Runtime's, where that is installed.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_VERIFY_VERIFY_H
#define VITC_VERIFY_VERIFY_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/Timing.h"
#include "vitc/Target/Program.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vitc {

struct VerifyOptions {
  ProgramOptions program;
  /// For a model that takes any batch.
  int64_t batch = 1;
  /// The largest error, relative to the largest reference value of a layer.
  double tolerance = 1e-4;
  /// .npy files of inputs, by name; the others are random, the same each time.
  std::map<std::string, std::string> inputFiles;
  /// JPEG and PNG files for the input that takes pictures, one an image.
  std::vector<std::string> pictures;
  /// The model, where it is an ONNX file, and .npy files of those of its inputs
  /// that were compiled in, by name.
  std::string onnxFile;
  std::map<std::string, std::string> onnxConstants;
};

/// A layer that was compared, or its attention map.
struct VerifiedLayer {
  std::string name;   // the source's
  std::string kernel; // "kernel.gemm"; empty for an output of the model
  double error;       // relative to the largest reference value
  bool isOutput() const { return kernel.empty(); }
};

/// How the outputs were compared with ONNX Runtime's.
struct OnnxRuntimeReport {
  std::string version;
  /// Why they were not; empty where they were.
  std::string reason;
  double error = 0; // relative to the largest value of an output
};

struct VerifyReport {
  bool agrees = true;
  std::vector<VerifiedLayer> layers; // and the outputs, last
  /// Of all queries of each attention layer, then of the mean over them.
  std::vector<VerifiedLayer> maps;
  /// Kernels that have no value of their shape and name in the source.
  std::vector<std::string> notCompared;
  /// Of an ONNX file that agrees with the reference.
  std::optional<OnnxRuntimeReport> onnxRuntime;
};

/// Compares `kernels`, a module of the kernel phase, with `raised`, the same
/// model in the raise phase. The first difference is a diagnostic, and makes
/// `agrees` false; failure is another error.
mlir::FailureOr<VerifyReport> verifyKernels(mlir::ModuleOp raised,
                                            mlir::ModuleOp kernels,
                                            const VerifyOptions &options,
                                            mlir::TimingScope &timing);

} // namespace vitc

#endif // VITC_VERIFY_VERIFY_H
