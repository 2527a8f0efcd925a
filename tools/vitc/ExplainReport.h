//===- ExplainReport.h - What vitc explain says --------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_EXPLAINREPORT_H
#define VITC_TOOLS_VITC_EXPLAINREPORT_H

#include "ExplainFusion.h"
#include "Remarks.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>
#include <string>
#include <vector>

namespace vitc {

/// What a machine can do: FLOPs and bytes a second; 0 where it is not known.
struct Roofline {
  double flops = 0, bytes = 0;

  bool isKnown() const { return flops > 0 && bytes > 0; }
};

struct ExplainReport {
  /// For one run.
  struct Cost {
    int64_t flops = 0, weights = 0, read = 0, written = 0;

    int64_t getBytes() const { return weights + read + written; }
    double getIntensity() const;
    bool operator==(const Cost &other) const;
    Cost &operator+=(const Cost &other);
    Cost operator*(int64_t count) const;
  };
  /// A kernel where the entry launches it.
  struct Kernel {
    /// The function that does, "forward".
    std::string entry;
    /// Names of the source that it computes; the first is the layer's.
    std::vector<std::string> sources;
    /// The op, and the function as profiles name it.
    std::string op, function;
    /// In words, and as the schedule has it.
    std::string tile, tiling;
    /// Why a product is so: what it and the next best should reach.
    std::string reason;
    std::vector<std::string> fused;
    /// In a run of the entry; none in a loop that ends as data says.
    std::optional<int64_t> launches;
    /// Of all launches, of one where their number is not known; none where it
    /// depends on the run.
    std::optional<Cost> cost;

    llvm::StringRef getLayer() const {
      return sources.empty() ? llvm::StringRef() : sources.front();
    }
  };

  std::string model, task, source, isa, backend, precision;
  /// Images of a run; 1 where any number is possible.
  int64_t batch = 1;
  int64_t weightBytes = 0, arenaBase = 0, arenaPerBatch = 0;
  std::vector<Kernel> kernels;
  std::vector<Remark> remarks;

  /// Gathers what a scheduled module says. `movement` has seen the fused one.
  void collect(mlir::ModuleOp module, const Movement &movement);
  /// Takes the functions' names from the same module when it has been lowered.
  void collectFunctions(mlir::ModuleOp module);
  /// The part of collect for one entry.
  void collectEntry(mlir::func::FuncOp function, const Movement &movement);

  /// The kernels of one entry after the other.
  std::vector<llvm::ArrayRef<Kernel>> getEntries() const;
  int64_t countFunctions() const;
  /// A page of text, equal blocks folded; `verbose`: every kernel with the
  /// names of what it computes.
  void print(llvm::raw_ostream &os, bool verbose,
             const Roofline &roofline) const;
  void printJson(llvm::raw_ostream &os, const Roofline &roofline) const;
};

/// The functions that a program runs: all but the one for attention maps, which
/// computes what "forward" does.
llvm::SmallVector<mlir::func::FuncOp>
getExplainedEntries(mlir::ModuleOp module);

ExplainReport::Cost getTotalCost(llvm::ArrayRef<ExplainReport::Kernel> kernels);

/// "compute" or "memory": what ends a kernel first. Empty where one of the two
/// is unknown.
llvm::StringRef getBound(const ExplainReport::Cost &cost,
                         const Roofline &roofline);

/// Kernels of one block of the source, by the names they have in common.
struct ExplainBlock {
  /// "encoder.layer.3"; empty for what stands alone.
  llvm::StringRef name;
  llvm::ArrayRef<ExplainReport::Kernel> kernels;
};

/// Cuts the kernels where the numbered part of their names changes.
std::vector<ExplainBlock>
cutBlocks(llvm::ArrayRef<ExplainReport::Kernel> kernels);

} // namespace vitc

#endif // VITC_TOOLS_VITC_EXPLAINREPORT_H
