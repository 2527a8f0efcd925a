//===- Weights.h - Evaluation of weight expressions ------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the values that #vit.expr attributes stand for, while the object is
// written. Files are mapped and values stream through buffers of a few MB, so
// that memory does not grow with the model.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_WEIGHTS_H
#define VITC_TARGET_WEIGHTS_H

#include "Vit/VitDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace vitc {

/// Evaluates weight expressions, each in its own element type; an i1 is one
/// byte, 0 or 1. Casts convert to f32, exactly but for f64, which is rounded to
/// nearest even. Const methods may run on several threads at once.
class WeightEvaluator {
public:
  /// Where a vit.weight's values come from: stored bytes, or a generator.
  struct Source {
    vit::WeightOp op;
    const char *data = nullptr;
  };

  /// Maps every vit.weight_file of `module` and compares its BLAKE3 with the
  /// op's; a missing or changed file is a diagnostic at the op.
  static mlir::FailureOr<std::unique_ptr<WeightEvaluator>>
  create(mlir::ModuleOp module);

  /// Knows no weight till they are added.
  explicit WeightEvaluator(mlir::Location loc) : loc(loc) {}

  /// Adds the files and weights of `module` that are not there yet, as create
  /// does, which alone compares hashes.
  mlir::LogicalResult add(mlir::ModuleOp module, bool compareHashes);
  bool contains(llvm::StringRef weight) const {
    return sources.contains(weight);
  }

  /// Elements [begin, begin + count) in row-major order. Not for `pack`.
  mlir::LogicalResult read(vit::WeightExprAttr expr, int64_t begin,
                           int64_t count, char *out) const;

  /// Writes the whole value, row-major and little-endian; `pack`, of f32,
  /// f16 or bf16, in the panel layout that VitAttrs.td describes.
  mlir::LogicalResult write(vit::WeightExprAttr expr,
                            llvm::raw_ostream &os) const;

  mlir::FailureOr<Source> getSource(vit::WeightExprAttr ref) const;
  mlir::Location getLoc() const { return loc; }

private:
  mlir::LogicalResult addFile(vit::WeightFileOp file, bool compareHash);
  mlir::LogicalResult addWeight(vit::WeightOp weight);
  mlir::LogicalResult writePacked(vit::WeightExprAttr matrix,
                                  llvm::raw_ostream &os) const;

  mlir::Location loc;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
  llvm::StringMap<Source> sources;
};

} // namespace vitc

#endif // VITC_TARGET_WEIGHTS_H
