//===- Arithmetic.cpp - Arithmetic that LLVM has no own name for ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The `approx` instructions are exact here, rounded once: a kernel is not to
// depend on how a GPU approximates. `ftz` flushes operands and results.
#include "../Block.h"
#include "../ShortFloat.h"

#include <cmath>

using namespace vitc::emulator;

static float flush(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value)
                                                : value;
}

template <double (*function)(double), bool ftz>
static void applyUnary(Thread &, const uint64_t *in, uint64_t *out) {
  float operand = getFloat(in[0]);
  auto result = static_cast<float>(function(ftz ? flush(operand) : operand));
  *out = getWord(ftz ? flush(result) : result);
}

static double exp2Of(double x) { return std::exp2(x); }
static double log2Of(double x) { return std::log2(x); }
static double sqrtOf(double x) { return std::sqrt(x); }
static double tanhOf(double x) { return std::tanh(x); }
static double reciprocalOf(double x) { return 1 / x; }
static double reciprocalSqrtOf(double x) { return 1 / std::sqrt(x); }

template <bool ftz>
static void fma(Thread &, const uint64_t *in, uint64_t *out) {
  float a = getFloat(in[0]), b = getFloat(in[1]), c = getFloat(in[2]);
  float result =
      ftz ? flush(std::fma(flush(a), flush(b), flush(c))) : std::fma(a, b, c);
  *out = getWord(result);
}

/// max, or min: -0 lies below 0, and a NaN loses, or wins where `nan`.
template <bool isMax, bool ftz, bool nan>
static void choose(Thread &, const uint64_t *in, uint64_t *out) {
  float a = getFloat(in[0]), b = getFloat(in[1]);
  if (ftz) {
    a = flush(a);
    b = flush(b);
  }
  if (std::isnan(a) || std::isnan(b)) {
    bool isNaN = nan || (std::isnan(a) && std::isnan(b));
    *out = isNaN ? 0x7fffffff : getWord(std::isnan(a) ? b : a);
    return;
  }
  bool aIsLess = a < b || (a == b && std::signbit(a));
  *out = getWord(aIsLess == isMax ? b : a);
}

static void convertToTF32(Thread &, const uint64_t *in, uint64_t *out) {
  *out = toTF32(getFloat(in[0]));
}

template <uint16_t (*convert)(float)>
static void convertOne(Thread &, const uint64_t *in, uint64_t *out) {
  *out = convert(getFloat(in[0]));
}
/// The first operand becomes the upper half.
template <uint16_t (*convert)(float)>
static void convertPair(Thread &, const uint64_t *in, uint64_t *out) {
  *out = uint32_t(convert(getFloat(in[0]))) << 16 | convert(getFloat(in[1]));
}

llvm::ArrayRef<Model> vitc::emulator::getArithmeticModels() {
  static constexpr Model models[] = {
      threadModel("llvm.nvvm.ex2.approx.f32", applyUnary<exp2Of, false>),
      threadModel("llvm.nvvm.ex2.approx.ftz.f32", applyUnary<exp2Of, true>),
      threadModel("ex2.approx.f32", applyUnary<exp2Of, false>).ptx(1, 1),
      threadModel("ex2.approx.ftz.f32", applyUnary<exp2Of, true>).ptx(1, 1),
      threadModel("llvm.nvvm.lg2.approx.f", applyUnary<log2Of, false>),
      threadModel("llvm.nvvm.lg2.approx.ftz.f", applyUnary<log2Of, true>),
      threadModel("lg2.approx.f32", applyUnary<log2Of, false>).ptx(1, 1),
      threadModel("lg2.approx.ftz.f32", applyUnary<log2Of, true>).ptx(1, 1),
      threadModel("llvm.nvvm.rcp.rn.f", applyUnary<reciprocalOf, false>),
      threadModel("llvm.nvvm.rcp.approx.ftz.f", applyUnary<reciprocalOf, true>),
      threadModel("rcp.approx.f32", applyUnary<reciprocalOf, false>).ptx(1, 1),
      threadModel("rcp.approx.ftz.f32", applyUnary<reciprocalOf, true>)
          .ptx(1, 1),
      threadModel("llvm.nvvm.rsqrt.approx.f",
                  applyUnary<reciprocalSqrtOf, false>),
      threadModel("llvm.nvvm.rsqrt.approx.ftz.f",
                  applyUnary<reciprocalSqrtOf, true>),
      threadModel("rsqrt.approx.f32", applyUnary<reciprocalSqrtOf, false>)
          .ptx(1, 1),
      threadModel("rsqrt.approx.ftz.f32", applyUnary<reciprocalSqrtOf, true>)
          .ptx(1, 1),
      threadModel("llvm.nvvm.sqrt.rn.f", applyUnary<sqrtOf, false>),
      threadModel("llvm.nvvm.sqrt.approx.f", applyUnary<sqrtOf, false>),
      threadModel("llvm.nvvm.sqrt.approx.ftz.f", applyUnary<sqrtOf, true>),
      threadModel("sqrt.approx.f32", applyUnary<sqrtOf, false>).ptx(1, 1),
      threadModel("sqrt.approx.ftz.f32", applyUnary<sqrtOf, true>).ptx(1, 1),
      threadModel("tanh.approx.f32", applyUnary<tanhOf, false>).ptx(1, 1),
      threadModel("llvm.nvvm.fma.rn.f", fma<false>),
      threadModel("llvm.nvvm.fma.rn.ftz.f", fma<true>),
      threadModel("llvm.nvvm.fmax.f", choose<true, false, false>),
      threadModel("llvm.nvvm.fmax.ftz.f", choose<true, true, false>),
      threadModel("llvm.nvvm.fmax.nan.f", choose<true, false, true>),
      threadModel("llvm.nvvm.fmax.ftz.nan.f", choose<true, true, true>),
      threadModel("llvm.nvvm.fmin.f", choose<false, false, false>),
      threadModel("llvm.nvvm.fmin.ftz.f", choose<false, true, false>),
      threadModel("llvm.nvvm.fmin.nan.f", choose<false, false, true>),
      threadModel("llvm.nvvm.fmin.ftz.nan.f", choose<false, true, true>),
      threadModel("llvm.nvvm.f2tf32.rna", convertToTF32),
      threadModel("cvt.rna.tf32.f32", convertToTF32).ptx(1, 1),
      threadModel("llvm.nvvm.f2bf16.rn", convertOne<toBF16>),
      threadModel("cvt.rn.bf16.f32", convertOne<toBF16>).ptx(1, 1),
      threadModel("cvt.rn.f16.f32", convertOne<toF16>).ptx(1, 1),
      threadModel("llvm.nvvm.ff2bf16x2.rn", convertPair<toBF16>),
      threadModel("cvt.rn.bf16x2.f32", convertPair<toBF16>).ptx(1, 2),
      threadModel("llvm.nvvm.ff2f16x2.rn", convertPair<toF16>),
      threadModel("cvt.rn.f16x2.f32", convertPair<toF16>).ptx(1, 2),
  };
  return models;
}
