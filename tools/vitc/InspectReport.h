//===- InspectReport.h - What vitc inspect says --------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_INSPECTREPORT_H
#define VITC_TOOLS_VITC_INSPECTREPORT_H

#include "Remarks.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "vitc/Analysis/AttentionCost.h"
#include "vitc/Analysis/Footprint.h"
#include <map>
#include <string>
#include <vector>

namespace vitc {

struct InspectReport {
  struct Tensor {
    std::string name, type;
  };
  /// Ops of one kind, or of one layer.
  struct Ops {
    int64_t count = 0;
    Footprint footprint;
  };
  struct Layer {
    std::string name, op, shape;
    Footprint footprint;
  };
  /// For one image.
  struct Attention {
    std::string layer;
    AttentionCost cost;
  };

  std::string model, task, source;
  std::vector<Tensor> inputs, outputs;
  int64_t parameters = 0;
  /// Images of a run; 1 where any number is possible.
  int64_t batch = 1;
  /// Bytes of the weights that are used, by element type.
  std::map<std::string, int64_t> weightBytes;
  std::map<std::string, Ops> ops;
  std::vector<Layer> layers;
  std::vector<Attention> attentions;
  std::vector<Remark> remarks;
  Footprint total;

  /// Gathers what a raised module says, for a run of `batch` images.
  void collect(mlir::ModuleOp module);
  /// A page of text; `verbose`: with every layer.
  void print(llvm::raw_ostream &os, bool verbose) const;
  void printJson(llvm::raw_ostream &os) const;

private:
  void collect(mlir::func::FuncOp entry);
  void collect(mlir::Operation *op);
  void printOps(llvm::raw_ostream &os) const;
  void printAttentions(llvm::raw_ostream &os) const;
  void printLayers(llvm::raw_ostream &os) const;
};

} // namespace vitc

#endif // VITC_TOOLS_VITC_INSPECTREPORT_H
