//===- WeightReader.h - Values of weight expressions -----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All kinds but `transpose`, `product` and `pack` move, add or scale elements
// in row-major order, so that a flat range of the result is one or a few flat
// ranges of the operands, and a range of a stored tensor is a range of bytes. A
// transpose is read by bands of rows, which are kept till another band is
// needed; a vector that scales or multiplies is read once and kept.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TARGET_WEIGHTS_WEIGHTREADER_H
#define VITC_LIB_TARGET_WEIGHTS_WEIGHTREADER_H

#include "vitc/Target/Weights.h"
#include "llvm/ADT/DenseMap.h"

#include <vector>

namespace vitc {

/// Reads ranges of weight expressions; best in rising order.
class WeightReader {
public:
  explicit WeightReader(const WeightEvaluator &evaluator)
      : evaluator(evaluator) {}

  /// Elements [begin, begin + count) in row-major order, as they are stored.
  mlir::LogicalResult read(vit::WeightExprAttr expr, int64_t begin,
                           int64_t count, char *out);

private:
  mlir::LogicalResult readRef(vit::WeightExprAttr expr, int64_t begin,
                              int64_t count, char *out);
  mlir::LogicalResult readCast(vit::WeightExprAttr expr, int64_t begin,
                               int64_t count, char *out);
  mlir::LogicalResult readConcat(vit::WeightExprAttr expr, int64_t begin,
                                 int64_t count, char *out);
  mlir::LogicalResult readAdd(vit::WeightExprAttr expr, int64_t begin,
                              int64_t count, char *out);
  mlir::LogicalResult readTranspose(vit::WeightExprAttr expr, int64_t begin,
                                    int64_t count, char *out);
  mlir::LogicalResult readScale(vit::WeightExprAttr expr, int64_t begin,
                                int64_t count, char *out);
  mlir::LogicalResult readProduct(vit::WeightExprAttr expr, int64_t begin,
                                  int64_t count, char *out);
  /// All values of a vector, which are read once.
  mlir::FailureOr<llvm::ArrayRef<float>> getVector(vit::WeightExprAttr expr);
  /// Rows [begin, begin + rows) of a transpose.
  struct Band {
    int64_t begin = 0, rows = 0;
    std::vector<char> values;
  };
  mlir::LogicalResult fillBand(vit::WeightExprAttr expr, Band &band);

  const WeightEvaluator &evaluator;
  llvm::DenseMap<mlir::Attribute, std::unique_ptr<Band>> bands;
  llvm::DenseMap<mlir::Attribute, std::vector<float>> vectors;
};

} // namespace vitc

#endif // VITC_LIB_TARGET_WEIGHTS_WEIGHTREADER_H
