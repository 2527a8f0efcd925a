//===- Weights.h - Evaluation of weight expressions ------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the values that #vit.expr attributes stand for, while the object is
// written. Files are mapped and values stream through a buffer of less than
// 1 MB, so that memory does not grow with the model.
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

/// Evaluates weight expressions in f32: every stored type is converted to f32
/// as it is read, exactly but for f64, which is rounded to nearest even. Const
/// methods may run on several threads at once.
class WeightEvaluator {
public:
  /// Maps every vit.weight_file of `module` and compares its BLAKE3 with the
  /// op's; a missing or changed file is a diagnostic at the op.
  static mlir::FailureOr<std::unique_ptr<WeightEvaluator>>
  create(mlir::ModuleOp module);

  /// Rows [rowBegin, rowEnd) and columns [colBegin, colEnd) of the value seen
  /// as a matrix [dim 0, product of the others], dense in `out`. Not for
  /// `pack`, which has no rows.
  mlir::LogicalResult readTile(vit::WeightExprAttr expr, int64_t rowBegin,
                               int64_t rowEnd, int64_t colBegin, int64_t colEnd,
                               float *out) const;

  /// Writes the whole value, row-major little-endian f32; `pack` in the panel
  /// layout that VitAttrs.td describes.
  mlir::LogicalResult write(vit::WeightExprAttr expr,
                            llvm::raw_ostream &os) const;

private:
  /// Where a vit.weight's values come from: stored bytes, or a generator.
  struct Source {
    vit::WeightOp op;
    const char *data = nullptr;
  };

  explicit WeightEvaluator(mlir::Location loc) : loc(loc) {}
  mlir::LogicalResult addFile(vit::WeightFileOp file);
  mlir::LogicalResult addWeight(vit::WeightOp weight);
  mlir::FailureOr<Source> getSource(vit::WeightExprAttr ref) const;
  /// Elements [begin, begin + count) in row-major order.
  mlir::LogicalResult readFlat(vit::WeightExprAttr expr, int64_t begin,
                               int64_t count, float *out) const;
  mlir::LogicalResult readConcat(vit::WeightExprAttr expr, int64_t begin,
                                 int64_t count, float *out) const;
  mlir::LogicalResult writePacked(vit::WeightExprAttr matrix,
                                  llvm::raw_ostream &os) const;

  mlir::Location loc;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
  llvm::StringMap<Source> sources;
};

} // namespace vitc

#endif // VITC_TARGET_WEIGHTS_H
