//===- Onnx.h - Importer of ONNX files -------------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_ONNX_H
#define VITC_LIB_IMPORT_ONNX_ONNX_H

#include "mlir/IR/BuiltinTypes.h"
#include "vitc/Import/Import.h"

#include <set>

namespace vitc::import_ {

/// What becomes of a graph that computes one token of a decoder: its function
/// has an input `position` of one i64, the tokens before this one, and the
/// inputs that have as many positions become caches.
struct OnnxStep {
  std::string position; // what the new input is called
  int64_t length = 0;   // the tokens that caches have room for
  /// The inputs that have something of the tokens before, such as keys, and
  /// the output that has this one's, too. Under the input's name they are
  /// caches [B, length, columns] of the function, inputs and results; those of
  /// parts of a state have the name and the part's place. Without any, the
  /// graph computes all tokens so far, [B, tokens]: the function keeps them in
  /// `tokens` and gives what the graph gives for the last.
  std::map<std::string, std::string> states;
  std::string tokens;
  /// The graph's own input of the position, "" or absent if it has none.
  std::string graphPosition;
  /// Other inputs that grow with the tokens, and what they hold for each; the
  /// number of those that are not listed.
  std::map<std::string, double> masks;
  std::optional<double> otherMasks;
  /// Where it is set, a state may have fixed sizes, and the graph is as any
  /// other if all have. It becomes the states that grow.
  std::set<std::string> *growing = nullptr;
  /// Names that no part of a state gets: those of what the encoder gives.
  std::set<std::string> taken = {};
};

/// A text of one item that the graph reads as long as it is: where its input
/// has a size without a number, the function takes up to `length` tokens and a
/// mask, ones and then zeros, that says how many there are.
struct OnnxText {
  std::string ids;  // the input [1, tokens]
  std::string mask; // what the new input [1, length] is called
  int64_t length = 0;
  bool *isUnpadded = nullptr; // becomes true where there is a mask
};

/// How a graph of several of a model is imported.
struct OnnxPart {
  /// Values of inputs of one bool.
  std::map<std::string, bool> flags;
  /// Names of outputs; none: all.
  std::vector<std::string> outputs;
  /// The input [B, tokens] of a decoder; tokens is 1 but for a graph that has
  /// no inputs of tokens before.
  std::string token;
  /// Named sizes, and what all others are but for the batch.
  std::map<std::string, int64_t> sizes;
  std::optional<int64_t> otherSize;
  /// Inputs whose sizes without a number, but for the batch, are these.
  std::map<std::string, mlir::RankedTensorType> inputTypes;
  std::optional<OnnxStep> step;
  std::optional<OnnxText> text;
};

struct OnnxNames {
  std::vector<std::string> inputs, outputs;
};
/// What a model's graph gets and gives.
mlir::FailureOr<OnnxNames> readOnnxNames(llvm::StringRef path,
                                         mlir::MLIRContext &context);

/// Imports an ONNX model of opset 7 to 28.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path,
                                             mlir::MLIRContext &context,
                                             const ImportOptions &options,
                                             const OnnxPart &part = {});

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ONNX_ONNX_H
