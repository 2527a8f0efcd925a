//===- ConstantTensor.h - Values that the evaluator works on ---*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_ANALYSIS_EVALUATE_CONSTANTTENSOR_H
#define VITC_LIB_ANALYSIS_EVALUATE_CONSTANTTENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <memory>
#include <optional>
#include <vector>

namespace vitc {

/// A dense row-major tensor; copies share its elements. An i1 is one byte, 0 or
/// 1, an index eight.
class ConstantTensor {
public:
  /// Elements are 0.
  explicit ConstantTensor(mlir::RankedTensorType type);
  /// None where the element type is not one that is evaluated.
  static std::optional<ConstantTensor> get(mlir::DenseElementsAttr values);
  mlir::DenseElementsAttr toAttr() const;

  mlir::RankedTensorType getType() const { return type; }
  llvm::ArrayRef<int64_t> getShape() const { return type.getShape(); }
  mlir::Type getElementType() const { return type.getElementType(); }
  int64_t size() const { return type.getNumElements(); }
  const char *data() const { return bytes->data(); }
  /// Only while there are no copies.
  char *data() { return bytes->data(); }
  /// The same elements in row-major order.
  ConstantTensor reshape(mlir::RankedTensorType to) const;

private:
  mlir::RankedTensorType type;
  std::shared_ptr<std::vector<char>> bytes;
};

/// Bytes of an element; none if it is not f16, bf16, f32, f64, index or an
/// integer of 1, 8, 16, 32 or 64 bits.
std::optional<int64_t> getElementBytes(mlir::Type type);

/// The tensor type of a value: a scalar's has rank 0. Null if the shape is not
/// static or the element type is not one that is evaluated.
mlir::RankedTensorType getConstantType(mlir::Type type);

/// Bytes of a tensor of a type that getConstantType gives; saturates.
int64_t getConstantBytes(mlir::RankedTensorType type);

} // namespace vitc

#endif // VITC_LIB_ANALYSIS_EVALUATE_CONSTANTTENSOR_H
