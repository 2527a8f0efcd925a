//===- Verifier.h - One comparison of a model ----------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_VERIFIER_H
#define VITC_LIB_VERIFY_VERIFIER_H

#include "Candidate.h"
#include "Compare.h"
#include "OnnxRuntime.h"
#include "Reference.h"
#include "vitc/Verify/Verify.h"
#include "llvm/ADT/StringMap.h"

namespace vitc {

/// Compares what the kernels of one level computed with the reference. The
/// first difference is a diagnostic.
class Verifier {
public:
  /// `where` says which of several runs these are; empty for the only one.
  Verifier(const ReferenceRun &reference, const Candidate &candidate,
           const VerifyOptions &options, llvm::StringRef where)
      : reference(reference), candidate(candidate), options(options),
        where(where) {
    for (const ReferenceValue &value : reference.values)
      values[value.name].push_back(&value);
  }

  void compareKernels();
  void compareOutputs(llvm::ArrayRef<HostTensor> shipped,
                      llvm::ArrayRef<HostTensor> spread);
  void compareWithOnnxRuntime(llvm::ArrayRef<HostTensor> shipped,
                              const OnnxRuntimeRun &run);
  /// Compares maps of all queries, or of the mean over them; the outputs of
  /// that run must be those of one without maps. (AttentionMaps.cpp)
  void compareMaps(const MapRun &run, bool mean,
                   llvm::ArrayRef<HostTensor> shipped);
  void reportStaleRead();
  bool agrees() const { return report.agrees; }
  VerifyReport takeReport() { return std::move(report); }

private:
  /// A reference of what a kernel wrote, and what it wrote.
  struct Match {
    llvm::StringRef op;
    HostTensor found, expected;
    Comparison comparison;
  };
  void consider(std::optional<Match> &best, llvm::StringRef op,
                HostTensor found, llvm::ArrayRef<HostTensor> aligned);
  std::optional<Match> findMatch(const KernelAccesses &kernel,
                                 llvm::ArrayRef<llvm::StringRef> names);
  /// The names of what a kernel computes: not of a norm of a product's rows.
  llvm::SmallVector<llvm::StringRef> getNames(mlir::Operation *kernel);
  /// Whether a later kernel writes where this one did.
  bool isOverwritten(const KernelAccesses &kernel);
  bool isPart(const KernelAccesses &kernel, llvm::StringRef name);
  mlir::InFlightDiagnostic emitDifference(mlir::Location loc);
  void describe(mlir::InFlightDiagnostic &error, const Comparison &comparison,
                double tolerance);
  mlir::Location nameLoc(llvm::StringRef name) {
    mlir::MLIRContext *context = candidate.getInterface().getContext();
    return mlir::NameLoc::get(mlir::StringAttr::get(context, name));
  }

  const ReferenceRun &reference;
  const Candidate &candidate;
  const VerifyOptions &options;
  llvm::StringRef where;
  llvm::StringMap<llvm::SmallVector<const ReferenceValue *>> values;
  VerifyReport report;
};

} // namespace vitc

#endif // VITC_LIB_VERIFY_VERIFIER_H
