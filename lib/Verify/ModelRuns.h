//===- ModelRuns.h - Runs of an entry and its reference ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_MODELRUNS_H
#define VITC_LIB_VERIFY_MODELRUNS_H

#include "Candidate.h"
#include "OnnxRuntime.h"
#include "Reference.h"
#include "vitc/Verify/Verify.h"

#include <functional>

namespace vitc {

/// What an entry is run on, and what the reference makes of it: the outputs as
/// a candidate returns them.
struct Sample {
  std::vector<HostTensor> inputs;
  ReferenceRun reference;
  /// "step 2"; empty where there is one sample.
  std::string name;
};

/// Runs the reference on inputs and gives the sample of it.
using ReferenceFn = std::function<Sample(std::vector<HostTensor> inputs)>;
/// Makes the samples of an entry. Errors are diagnostics.
using SamplesFn = std::function<mlir::FailureOr<std::vector<Sample>>(
    const Candidate &, const ReferenceFn &)>;

/// Runs of an entry, "forward" of both modules: of the reference once for each
/// sample, of the kernels for each level.
class ModelRuns {
public:
  ModelRuns(mlir::ModuleOp raised, const VerifyOptions &options,
            mlir::TimingScope &timing, SamplesFn makeSamples)
      : raised(raised), options(options), timing(timing),
        makeSamples(std::move(makeSamples)) {}

  mlir::FailureOr<VerifyReport> verifyLevel(mlir::ModuleOp kernels,
                                            llvm::StringRef isa);
  llvm::ArrayRef<Sample> getSamples() const { return samples; }

private:
  /// Makes the samples, unless that is done.
  mlir::LogicalResult runReference(const Candidate &candidate);
  /// Runs the ONNX file, unless that is done.
  mlir::LogicalResult runOnnxFile(const Candidate &candidate);
  mlir::FailureOr<VerifyReport> verifySample(Candidate &candidate,
                                             const Sample &sample);

  mlir::ModuleOp raised;
  const VerifyOptions &options;
  mlir::TimingScope &timing;
  SamplesFn makeSamples;
  std::vector<Sample> samples;
  std::optional<OnnxRuntimeRun> onnxRuntime;
};

} // namespace vitc

#endif // VITC_LIB_VERIFY_MODELRUNS_H
