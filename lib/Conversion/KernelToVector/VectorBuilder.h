//===- VectorBuilder.h - Building vector code for kernels ---- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_VECTORBUILDER_H
#define VITC_CONVERSION_KERNELTOVECTOR_VECTORBUILDER_H

#include "Kernel/KernelDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc::kernel {

/// True if `expr` cannot be negative where no dim is.
bool isNonNegative(mlir::AffineExpr expr);

/// Vectors of sums of a single row: enough to hide the latency of
/// multiply-adds, and half of 16 registers.
inline constexpr int64_t kOneRowVectors = 8;

/// Emits the scf, memref, vector and arith ops that kernels are made of, for
/// one instruction set. Index arithmetic folds constants as it goes; indices
/// are never negative but inside `apply`. A "flat" memref is 1-D with unit
/// stride.
class VectorBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// `place` is what ImplicitLocOpBuilder takes: an op to stand before, a
  /// builder, or a context.
  template <typename Place>
  VectorBuilder(mlir::Location loc, Place &&place, CpuAttr cpu)
      : ImplicitLocOpBuilder(loc, std::forward<Place>(place)), cpu(cpu) {}

  int64_t lanes() const { return cpu.getLanes(); }
  bool hasFma() const { return cpu.getFma(); }
  /// vector<width x f32>; width 0: lanes.
  mlir::VectorType vectorType(int64_t width = 0);

  // Index arithmetic.

  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value add(mlir::Value lhs, int64_t rhs);
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mul(mlir::Value lhs, int64_t rhs);
  mlir::Value div(mlir::Value lhs, mlir::Value rhs);
  mlir::Value div(mlir::Value lhs, int64_t rhs);
  mlir::Value rem(mlir::Value lhs, mlir::Value rhs);
  mlir::Value rem(mlir::Value lhs, int64_t rhs);
  mlir::Value min(mlir::Value lhs, mlir::Value rhs);
  mlir::Value max(mlir::Value lhs, mlir::Value rhs);
  mlir::Value ceilDiv(mlir::Value lhs, mlir::Value rhs);
  mlir::Value ceilDiv(mlir::Value lhs, int64_t rhs);
  mlir::Value equal(mlir::Value lhs, mlir::Value rhs);
  mlir::Value equal(mlir::Value lhs, int64_t rhs);
  mlir::Value less(mlir::Value lhs, mlir::Value rhs);
  mlir::Value select(mlir::Value condition, mlir::Value then,
                     mlir::Value otherwise);
  /// Value of `expr` at `dims`, simplified first.
  mlir::Value apply(mlir::AffineExpr expr, mlir::ValueRange dims);

  // Control flow.

  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value, mlir::ValueRange)>;
  void forLoop(mlir::Value begin, mlir::Value end, int64_t step,
               llvm::function_ref<void(mlir::Value)> body);
  llvm::SmallVector<mlir::Value> forLoop(mlir::Value begin, mlir::Value end,
                                         int64_t step, mlir::ValueRange inits,
                                         LoopBody body);
  /// `otherwise` may be null.
  void ifElse(mlir::Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise);
  llvm::SmallVector<mlir::Value>
  ifElse(mlir::Value condition, mlir::TypeRange types,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> then,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> otherwise);

  // Memory.

  /// Flat view of a memref with identity layout.
  mlir::Value flatten(mlir::Value memref);
  mlir::Value loadScalar(mlir::Value flat, mlir::Value index);
  void storeScalar(mlir::Value value, mlir::Value flat, mlir::Value index);
  /// `width` elements (0: lanes) at `index`. Only the first `count` are read
  /// from memory, in pieces of powers of two; the others are `fill`.
  mlir::Value load(mlir::Value flat, mlir::Value index, int64_t width = 0);
  mlir::Value load(mlir::Value flat, mlir::Value index, int64_t width,
                   int64_t count, double fill = 0.0);
  /// Stores `value`, or its first `count` elements; those of f32 are rounded to
  /// nearest even where `flat` holds floats of 16 bits.
  void store(mlir::Value value, mlir::Value flat, mlir::Value index);
  void store(mlir::Value value, mlir::Value flat, mlir::Value index,
             int64_t count);
  /// `vector` with `fill` in the lanes from `count` on.
  mlir::Value keepLanes(mlir::Value vector, int64_t count, double fill);
  /// Asks for the cache line of flat[index], into L1 or else L2.
  void prefetch(mlir::Value flat, mlir::Value index, bool intoL1);

  // Arithmetic on scalars and vectors.

  mlir::Value scalar(double value);
  mlir::Value splat(double value, int64_t width = 0);
  mlir::Value broadcast(mlir::Value scalar, int64_t width = 0);
  /// `value` in the type of `like`, f32 or a vector of it.
  mlir::Value constantLike(double value, mlir::Value like);
  /// Floats of 16 bits as f32; f32 as it is.
  mlir::Value extend(mlir::Value value);
  mlir::Value addf(mlir::Value a, mlir::Value b);
  mlir::Value subf(mlir::Value a, mlir::Value b);
  mlir::Value mulf(mlir::Value a, mlir::Value b);
  mlir::Value divf(mlir::Value a, mlir::Value b);
  /// a * b + c: fused where the instruction set has it.
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  /// Maximum and minimum of a and b, b where either is NaN: one instruction.
  mlir::Value maxf(mlir::Value a, mlir::Value b);
  mlir::Value minf(mlir::Value a, mlir::Value b);
  /// sum of coefficients[i] * x^i.
  mlir::Value polynomial(llvm::ArrayRef<double> coefficients, mlir::Value x);
  /// 2^x for x <= 127: 0 for x <= -127, relative error below 4e-7; NaN stays.
  mlir::Value exp2(mlir::Value x);
  /// The activation, NaN stays. gelu has absolute error below 4e-7.
  mlir::Value activation(vit::Activation kind, mlir::Value x);
  /// Sum or maximum of the elements of a vector, in a fixed order of halves.
  mlir::Value reduceAdd(mlir::Value vector);
  mlir::Value reduceMax(mlir::Value vector);

private:
  /// exp2 for -127 <= x <= 127.
  mlir::Value boundedExp2(mlir::Value x);
  mlir::Value gelu(mlir::Value x);
  mlir::Value geluTanh(mlir::Value x);
  /// numerator / (1 + e^(-factor * x)).
  mlir::Value sigmoid(mlir::Value numerator, double factor, mlir::Value x);
  mlir::Value reduce(mlir::Value vector,
                     mlir::Value (VectorBuilder::*combine)(mlir::Value,
                                                           mlir::Value));

  CpuAttr cpu;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_VECTORBUILDER_H
