//===- Convert.h - Stored and generated elements to f32 --------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TARGET_WEIGHTS_CONVERT_H
#define VITC_LIB_TARGET_WEIGHTS_CONVERT_H

#include "mlir/IR/BuiltinTypes.h"

namespace vitc {

/// Converts `count` elements of f16, bf16, tf32, f32 or f64 at `data`, which
/// need not be aligned, to f32.
void convertToFloat(const char *data, mlir::Type elementType, int64_t count,
                    float *out);

/// Rounds `count` values of f32 to the nearest f16 or bf16, ties to even, or
/// tf32, ties away from zero as GPUs round what they multiply it with, and
/// writes them to `out`, which need not be aligned. Beyond the largest number
/// of the type lies infinity.
void convertFromFloat(const float *values, mlir::Type elementType,
                      int64_t count, char *out);

/// Elements [begin, begin + count) of a generated vit.weight; Weights.td has
/// the formula.
void generateUniform(uint64_t seed, float mean, float scale, int64_t begin,
                     int64_t count, float *out);

/// Transposes a matrix of `rows` x `cols`, both multiples of 4, row-major with
/// `stride` elements a row, to `cols` rows of `rows` elements. Their bits stay
/// what they are, whatever they mean.
void transpose(const float *in, int64_t rows, int64_t cols, int64_t stride,
               float *out);

} // namespace vitc

#endif // VITC_LIB_TARGET_WEIGHTS_CONVERT_H
