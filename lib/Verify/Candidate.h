//===- Candidate.h - The kernels that ship, at work ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_CANDIDATE_H
#define VITC_LIB_VERIFY_CANDIDATE_H

#include "ArenaPlan.h"
#include "HostTensor.h"

#include "Vit/VitDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "vitc/Verify/LoadProgram.h"

struct vitc_runtime;
struct vitc_model;
struct vitc_session;

namespace vitc {

/// What the entry that gives attention maps returned.
struct MapRun {
  std::vector<HostTensor> outputs;
  /// One a layer, [batch, windows, heads, count, keys].
  std::vector<HostTensor> maps;
};

/// A module of the kernel phase, compiled as it ships but with one more entry,
/// @forward with an arena that reuses nothing.
class Candidate {
public:
  static mlir::FailureOr<std::unique_ptr<Candidate>>
  create(mlir::ModuleOp module, const ProgramOptions &options, int64_t batch);
  ~Candidate();

  /// Runs @forward as it ships; returns its outputs, then the states that it
  /// updates where they lie.
  mlir::FailureOr<std::vector<HostTensor>>
  runShipped(llvm::ArrayRef<HostTensor> inputs);
  /// Runs the other; its memory can be read till the next call.
  mlir::FailureOr<std::vector<HostTensor>>
  runSpread(llvm::ArrayRef<HostTensor> inputs);
  /// The layers whose attention maps are compiled in.
  llvm::ArrayRef<vit::AttentionLayerAttr> getMapLayers() const {
    return mapLayers;
  }
  /// Runs @attention for all their queries, or for the mean over them.
  mlir::FailureOr<MapRun> runMaps(llvm::ArrayRef<HostTensor> inputs, bool mean);

  const vitc_model &getModel() const;
  kernel::EntryAttr getInterface() const;
  /// The names of what a run returns.
  llvm::SmallVector<llvm::StringRef> getResultNames() const;
  llvm::ArrayRef<KernelAccesses> getKernels() const { return kernels; }
  /// What a kernel wrote in runSpread, in the order of its iteration space.
  HostTensor readResult(const KernelAccesses &kernel) const;
  int64_t getNumElements(mlir::Value buffer) const;
  /// All of a buffer that kernels write, as runSpread left it.
  HostTensor readBuffer(mlir::Value buffer) const;
  std::optional<StaleRead> getStaleRead() const { return stale; }

private:
  Candidate() = default;
  mlir::LogicalResult prepare(mlir::ModuleOp source, int64_t batch);
  mlir::LogicalResult prepareMaps(mlir::func::FuncOp attention);
  mlir::LogicalResult load(const ProgramOptions &options);
  struct Arguments;
  mlir::FailureOr<Arguments> bind(std::vector<HostTensor> &inputs,
                                  std::vector<HostTensor> &outputs) const;
  mlir::FailureOr<std::vector<HostTensor>>
  run(vitc_session *session, llvm::ArrayRef<HostTensor> inputs);
  const char *getMemory(mlir::Value buffer) const;

  mlir::OwningOpRef<mlir::ModuleOp> module;
  int64_t batch = 1;
  /// Of the entry whose arena reuses nothing.
  mlir::func::FuncOp spread;
  std::vector<KernelAccesses> kernels;
  std::optional<StaleRead> stale;
  llvm::SmallVector<vit::AttentionLayerAttr> mapLayers;

  std::unique_ptr<llvm::orc::LLJIT> jit;
  struct Sessions;
  std::unique_ptr<Sessions> sessions;
  std::vector<HostTensor> lastInputs, lastOutputs;
};

} // namespace vitc

#endif // VITC_LIB_VERIFY_CANDIDATE_H
