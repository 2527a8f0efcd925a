//===- WeightSource.h - Where a builder's weights come from ----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_WEIGHTSOURCE_H
#define VITC_LIB_IMPORT_WEIGHTSOURCE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <string>

namespace vitc::import_ {

/// What a weight is for; a generator chooses its distribution by it.
enum class WeightRole {
  Matrix,           // [outputs, inputs...]
  TransposedMatrix, // [inputs, outputs]
  Bias,
  NormScale,
  NormShift,
  Token
};

class WeightSource {
public:
  virtual ~WeightSource() = default;

  virtual bool contains(llvm::StringRef name) const = 0;

  /// Builds the vit.weight `name`, unless an earlier call has, and returns its
  /// type. The model needs `shape`, `because` of these values of its
  /// configuration ("hidden_size = 384"). A weight that is missing or has
  /// another shape is noted for `verify`, and the type is the one that was
  /// asked for.
  virtual mlir::RankedTensorType define(mlir::OpBuilder &builder,
                                        llvm::StringRef name,
                                        llvm::ArrayRef<int64_t> shape,
                                        const llvm::Twine &because,
                                        WeightRole role) = 0;

  /// Reports what went wrong in all calls of `define`, each cause once.
  virtual mlir::LogicalResult verify() = 0;

  /// Hex BLAKE3 that tells one set of weights from another.
  virtual std::string hash() const = 0;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_WEIGHTSOURCE_H
