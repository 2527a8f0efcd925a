//===- GenericBody.h - A scalar body on several elements ------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_GENERICBODY_H
#define VITC_CONVERSION_KERNELTOVECTOR_GENERICBODY_H

#include "Access.h"
#include "Kernels.h"

namespace vitc::kernel {

/// `value`, scalar or vector, as it was in memory, where an i1 is a byte, as
/// `type`.
mlir::Value readElement(VectorBuilder &builder, mlir::Value value,
                        mlir::Type type);
/// `value` as memory of `flat` holds it.
mlir::Value writeElement(VectorBuilder &builder, mlir::Value value,
                         mlir::Value flat);

/// Whether LLVM computes with values of a type: not with tf32, nor with floats
/// of 8 bits.
bool isComputable(mlir::Type type);
inline constexpr llvm::StringLiteral kComputable =
    "integers, f16, bf16, f32 or f64";

/// Neighbours along dim `lane` for which a body is computed at once; `dims` are
/// the indices of the first.
struct BodyElements {
  llvm::ArrayRef<mlir::Value> dims;
  unsigned lane;
  int64_t count;
};

/// The body of a kernel.generic, ready to be cloned into its function. What is
/// the same for all elements stays scalar; an index that grows by a constant is
/// known by its first value, so that tables are read by whole vectors.
class GenericBody {
public:
  GenericBody(GenericOp op, KernelBuilder &builder);

  /// Checks that the body can be cloned on vectors.
  static mlir::LogicalResult verify(GenericOp op);
  /// Elements in a vector register of the widest type among the values that
  /// differ along dim `lane`.
  static int64_t getLanes(GenericOp op, unsigned lane,
                          const VectorBuilder &builder);

  /// The result for elements whose inputs and accumulator are `arguments`,
  /// scalars where all are equal. A vector unless the count is 1.
  mlir::Value emit(const BodyElements &elements, mlir::ValueRange arguments);

private:
  /// Element k is `value` + k * `stride`, unless `value` is a vector of them.
  struct LaneValue {
    mlir::Value value;
    int64_t stride = 0;

    bool isVector() const;
    bool isUniform() const { return !isVector() && stride == 0; }
  };
  struct Table {
    mlir::Value flat;
    Access access;
  };
  using Values = llvm::DenseMap<mlir::Value, LaneValue>;

  LaneValue get(mlir::Value value, Values &values);
  mlir::Value getVector(LaneValue value, int64_t count);
  LaneValue emitOp(mlir::Operation &op, const BodyElements &elements,
                   Values &values);
  LaneValue emitLoad(LoadOp op, const BodyElements &elements,
                     llvm::ArrayRef<LaneValue> indices);
  /// a * b + accumulator in one operation, or null.
  mlir::Value emitMultiplyAdd(mlir::Operation &op, const BodyElements &elements,
                              Values &values);

  GenericOp op;
  KernelBuilder &b;
  llvm::SmallVector<Table> tables;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_GENERICBODY_H
