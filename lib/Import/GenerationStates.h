//===- GenerationStates.h - What a step keeps and looks at ------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_GENERATIONSTATES_H
#define VITC_LIB_IMPORT_GENERATIONSTATES_H

#include "HuggingFace/Config.h"
#include "Onnx/Onnx.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace vitc::import_ {

/// The inputs of the step that vitc.json lists: `states`, which the step gives
/// their next values, `memory`, which the encoder gives, `masks` of the tokens
/// that there are, and `position`.
class GenerationStates {
public:
  explicit GenerationStates(Config &manifest) : config(manifest) {}

  /// Reads the manifest's entries.
  mlir::LogicalResult read();
  /// How the graph of the step is imported, for outputs of so many tokens. The
  /// importer's answer to it goes to this object.
  mlir::FailureOr<OnnxPart> getPart(llvm::StringRef path,
                                    mlir::func::FuncOp encode, int64_t length);
  /// Gives outputs the names by which the two graphs, or a step and the next,
  /// know each other.
  mlir::LogicalResult connect(mlir::func::FuncOp encode,
                              mlir::func::FuncOp step);
  /// Whether a state has something of each token.
  bool grow() const { return !growing.empty(); }
  /// The step's input of the position, or "".
  std::string getPosition() const;

private:
  using Pairs = std::map<std::string, std::string>;
  mlir::LogicalResult readPairs(llvm::StringRef key, Pairs &pairs);
  mlir::LogicalResult readMasks();
  mlir::LogicalResult verifyInputs(const OnnxNames &names);
  /// Errors where an output is not there or has two roles.
  mlir::LogicalResult verifyOutputs(const OnnxNames &names);
  mlir::LogicalResult verifyInput(llvm::StringRef key, mlir::func::FuncOp step,
                                  llvm::StringRef name);
  /// Gives outputs the names of the inputs that they are for.
  mlir::LogicalResult rename(llvm::StringRef key, mlir::func::FuncOp function,
                             const Pairs &pairs);
  mlir::LogicalResult connectStates(mlir::func::FuncOp step);

  Config &config;
  Pairs states, memory;
  std::map<std::string, double> masks;
  std::string position;         // the graph's, or ""
  std::string computedPosition; // what a step whose states grow calls it
  std::set<std::string> growing;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_GENERATIONSTATES_H
