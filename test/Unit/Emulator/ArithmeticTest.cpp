//===- ArithmeticTest.cpp - Arithmetic of PTX -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace vitc::emulator;

namespace {
class ArithmeticTest : public EmulatorTest {
protected:
  static uint32_t getBits(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
  }
  /// The word that `call` makes of the floats %a and %b.
  uint32_t compute(llvm::StringRef call, float a, float b = 0) {
    input[0] = getBits(a);
    input[1] = getBits(b);
    llvm::StringRef type =
        call.take_front(std::min(call.find(" @"), call.find(" asm")));
    EXPECT_EQ(
        run(R"(
  %second = getelementptr float, ptr addrspace(1) %q, i32 1
  %a = load float, ptr addrspace(1) %q
  %b = load float, ptr addrspace(1) %second
  %r = call )" +
                (call + "\n  store " + type + " %r, ptr addrspace(1) %p").str(),
            1),
        "");
    return words[0];
  }
  float computeFloat(llvm::StringRef call, float a, float b = 0) {
    uint32_t bits = compute(call, a, b);
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }

  static constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  static constexpr float kDenormal = 1e-40f;
};
} // namespace

TEST_F(ArithmeticTest, functionsOfOneOperand) {
  EXPECT_EQ(computeFloat("float @llvm.nvvm.ex2.approx.ftz.f32(float %a)", 3),
            8.0f);
  EXPECT_EQ(
      computeFloat(
          R"(float asm "ex2.approx.ftz.f32 $0, $1;", "=f,f"(float %a))", 0.5f),
      std::sqrt(2.0f));
  EXPECT_EQ(computeFloat("float @llvm.nvvm.rcp.approx.ftz.f(float %a)", 3),
            1.0f / 3);
  EXPECT_EQ(computeFloat("float @llvm.nvvm.rsqrt.approx.ftz.f(float %a)", 16),
            0.25f);
  EXPECT_EQ(computeFloat("float @llvm.nvvm.sqrt.approx.ftz.f(float %a)", 2),
            std::sqrt(2.0f));
  EXPECT_EQ(computeFloat("float @llvm.nvvm.lg2.approx.ftz.f(float %a)", 32),
            5.0f);
  EXPECT_EQ(computeFloat(
                R"(float asm "tanh.approx.f32 $0, $1;", "=f,f"(float %a))", 1),
            static_cast<float>(std::tanh(1.0)));
}

TEST_F(ArithmeticTest, denormalsAreFlushedWhereSaid) {
  EXPECT_EQ(computeFloat("float @llvm.nvvm.sqrt.approx.f(float %a)", kDenormal),
            static_cast<float>(std::sqrt(double(kDenormal))));
  EXPECT_EQ(
      computeFloat("float @llvm.nvvm.sqrt.approx.ftz.f(float %a)", kDenormal),
      0.0f);
  EXPECT_EQ(
      computeFloat("float @llvm.nvvm.rcp.approx.ftz.f(float %a)", -kDenormal),
      -std::numeric_limits<float>::infinity());
  EXPECT_EQ(computeFloat(
                "float @llvm.nvvm.fma.rn.ftz.f(float %a, float %b, float %b)",
                kDenormal, 0),
            0.0f);
}

TEST_F(ArithmeticTest, minimaAndMaxima) {
  const char *max = "float @llvm.nvvm.fmax.f(float %a, float %b)";
  const char *maxNaN = "float @llvm.nvvm.fmax.nan.f(float %a, float %b)";
  const char *min = "float @llvm.nvvm.fmin.f(float %a, float %b)";
  const char *minNaN = "float @llvm.nvvm.fmin.ftz.nan.f(float %a, float %b)";
  EXPECT_EQ(computeFloat(max, 1, 2), 2.0f);
  EXPECT_EQ(computeFloat(min, 1, 2), 1.0f);
  EXPECT_EQ(computeFloat(max, kNaN, 2), 2.0f);
  EXPECT_EQ(computeFloat(min, 2, kNaN), 2.0f);
  EXPECT_EQ(compute(max, kNaN, kNaN), 0x7fffffffu);
  EXPECT_EQ(compute(maxNaN, kNaN, 2), 0x7fffffffu);
  EXPECT_EQ(compute(minNaN, 2, kNaN), 0x7fffffffu);
  EXPECT_EQ(compute(max, -0.0f, 0.0f), 0u);
  EXPECT_EQ(compute(min, 0.0f, -0.0f), 0x80000000u);
}

// 1 + 2^-8 and 1 + 3 * 2^-8 lie between two values of bf16.
TEST_F(ArithmeticTest, conversions) {
  EXPECT_EQ(
      compute(
          R"(i32 asm "cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f"(float %a, float %b))",
          1 + 3 / 256.0f, 1 + 1 / 256.0f),
      0x3f823f80u);
  EXPECT_EQ(compute("<2 x bfloat> @llvm.nvvm.ff2bf16x2.rn(float %a, float %b)",
                    -2, kNaN),
            0xc0007fffu);
  EXPECT_EQ(compute("<2 x half> @llvm.nvvm.ff2f16x2.rn(float %a, float %b)", 1,
                    70000),
            0x3c007c00u);
  EXPECT_EQ(compute("i32 @llvm.nvvm.f2tf32.rna(float %a)", 1 + 1 / 2048.0f),
            getBits(1 + 1 / 1024.0f));
  // What LLVM itself converts.
  EXPECT_EQ(compute("bfloat @llvm.nvvm.f2bf16.rn(float %a)", 1.5f), 0x3fc0u);
  ASSERT_EQ(run(R"(
  %f = uitofp i32 %tid to float
  %g = fadd float %f, 1.51171875
  %h = fptrunc float %g to bfloat
  store bfloat %h, ptr addrspace(1) %p)",
                1),
            "");
  EXPECT_EQ(words[0], 0x3fc2u); // To even.
}

// Denormals stay, and each value is rounded once, ties to even.
TEST_F(ArithmeticTest, shortFloats) {
  input = {0x00018000, 0x33c00000, 0x00400000, 0x3ff01000, 0x00000003};
  input.resize(64);
  ASSERT_EQ(run(R"(
  %to1 = getelementptr i32, ptr addrspace(1) %p, i32 1
  %to2 = getelementptr i32, ptr addrspace(1) %p, i32 2
  %to3 = getelementptr i32, ptr addrspace(1) %p, i32 3
  %from1 = getelementptr i32, ptr addrspace(1) %q, i32 1
  %from2 = getelementptr i32, ptr addrspace(1) %q, i32 2
  %from4 = getelementptr i32, ptr addrspace(1) %q, i32 4
  %a = load float, ptr addrspace(1) %q
  %aShort = fptrunc float %a to bfloat
  store bfloat %aShort, ptr addrspace(1) %p
  %b = load float, ptr addrspace(1) %from1
  %bShort = fptrunc float %b to half
  store half %bShort, ptr addrspace(1) %to1
  %c = load double, ptr addrspace(1) %from2
  %cShort = fptrunc double %c to bfloat
  store bfloat %cShort, ptr addrspace(1) %to2
  %d = load half, ptr addrspace(1) %from4
  %dLong = fpext half %d to float
  store float %dLong, ptr addrspace(1) %to3)",
                1),
            "");
  words.resize(4);
  // 1.5 and 1.5 of the smallest, 1 + 2^-8 + 2^-30, and 3 * 2^-24.
  EXPECT_EQ(words, (std::vector<uint32_t>{0x2, 0x2, 0x3f81, 0x34400000}));
}
