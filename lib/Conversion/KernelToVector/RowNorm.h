//===- RowNorm.h - Normalising a row of values --------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_ROWNORM_H
#define VITC_CONVERSION_KERNELTOVECTOR_ROWNORM_H

#include "VectorBuilder.h"

namespace vitc::kernel {

/// Emits the normalisation of rows of `channels` contiguous values, the same
/// bits wherever it is used. A row passes three times through L1: for its mean,
/// for the variance of the differences, and to be written; a row of a root mean
/// square norm twice.
class RowNorm {
public:
  RowNorm(VectorBuilder &builder, int64_t channels, bool rms, double epsilon)
      : b(builder), channels(channels), rms(rms), epsilon(epsilon) {}

  /// `element` is a vector of normalised values from `channel` on, of which
  /// `count` are the row's.
  using Store = llvm::function_ref<void(mlir::Value element,
                                        mlir::Value channel, int64_t count)>;
  /// Normalises the row that begins at flat[begin].
  void emit(mlir::Value flat, mlir::Value begin, Store store);

private:
  mlir::Value sum(mlir::Value flat, mlir::Value begin,
                  llvm::function_ref<mlir::Value(mlir::Value)> term);
  mlir::Value centre(mlir::Value element, mlir::Value mean) {
    return rms ? element : b.subf(element, mean);
  }

  VectorBuilder &b;
  int64_t channels;
  bool rms;
  double epsilon;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_ROWNORM_H
