//===- KernelCostTest.cpp - Costs of kernels against hand formulas --------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/KernelCost.h"
#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace vitc;

namespace {

class KernelCostTest : public ::testing::Test {
protected:
  KernelCostTest() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        math::MathDialect, kernel::KernelDialect>();
  }

  /// The cost of the only kernel in a function with %b, the batch of the run.
  std::optional<KernelCost> cost(const std::string &body) {
    std::string text =
        "kernel.weight @w at 0 value #vit.expr<data, [dense<0.0> : "
        "tensor<64xf32>]> : "
        "tensor<64xf32>\nfunc.func @f(%context: !kernel.context, %n: index) {\n"
        "%b = kernel.batch %context\n" +
        body + "\nreturn\n}";
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return std::nullopt;
    std::optional<KernelCost> result;
    module->walk([&](Operation *op) {
      if (isa<DestinationStyleOpInterface>(op))
        result = getKernelCost(op);
    });
    return result;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

} // namespace

TEST_F(KernelCostTest, Gemm) {
  std::optional<KernelCost> result = cost(R"(
    %m = arith.constant 5 : index
    %x = kernel.buffer %context input : memref<?x5x8xf32>
    %w = kernel.buffer %context weights @w : memref<256xf32>
    %c = kernel.buffer %context weights @w : memref<16xf32>
    %y = kernel.buffer %context output : memref<?x5x16xf32>
    kernel.gemm batch(%b) rows(%m) n 16 k 8
        lhs(%x at affine_map<(b, i, l) -> (b, i, l)> : memref<?x5x8xf32>)
        weights(%w : memref<256xf32>) bias(%c : memref<16xf32>)
        residual(%x at affine_map<(b, i, j) -> (b, i, j mod 8)> : memref<?x5x8xf32>)
        init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x5x16xf32>)
        activation gelu norm <epsilon = 1.000000e-05 : f64>)");
  ASSERT_TRUE(result);
  // Products, bias, residual, GELU; then the norm of each value read.
  EXPECT_EQ(result->flops.perBatch, 5 * 16 * (2 * 8 + 1 + 1 + 5) + 5 * 8 * 6);
  EXPECT_EQ(result->flops.base, 0);
  EXPECT_EQ(result->weights.base, 4 * (256 + 16));
  EXPECT_EQ(result->weights.perBatch, 0);
  // Each through a map of its own; 16 columns of the residual are 8 elements.
  EXPECT_EQ(result->read.perBatch, 4 * 2 * 5 * 8);
  EXPECT_EQ(result->written.perBatch, 4 * 5 * 16);
  EXPECT_EQ(result->getBytes().at(3),
            4 * (256 + 16) + 3 * 4 * (2 * 5 * 8 + 5 * 16));
}

TEST_F(KernelCostTest, ScaledGemmWithStatistics) {
  // A filter of 3 x 3 that leaves a map of 4 x 4 reads all of the map.
  std::optional<KernelCost> result = cost(R"(
    %m = arith.constant 16 : index
    %x = kernel.buffer %context input : memref<?x4x4x8xf32>
    %w = kernel.buffer %context weights @w : memref<1280xf32>
    %s = kernel.buffer %context input at 1 : memref<?x8xf32>
    %y = kernel.buffer %context output : memref<?x16x16xf32>
    %z = kernel.buffer %context output at 1 : memref<?x2x2x16xf32>
    kernel.gemm batch(%b) rows(%m) n 16 k 72
        lhs(%x at affine_map<(b, i, l) -> (b, i floordiv 4 + l floordiv 24 - 1,
            i mod 4 + (l floordiv 8) mod 3 - 1, l mod 8)> : memref<?x4x4x8xf32>)
        zero_outside
        lhs_scale(%s at affine_map<(b, l) -> (b, l mod 8)> : memref<?x8xf32>)
        lhs_shift(%s : memref<?x8xf32>) lhs_activation relu
        weights(%w : memref<1280xf32>)
        init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x16x16xf32>)
        statistics(%z : memref<?x2x2x16xf32>))");
  ASSERT_TRUE(result);
  // Products and statistics; then scale, shift and ReLU of each value read.
  EXPECT_EQ(result->flops.perBatch, 16 * 16 * (2 * 72 + 4) + 16 * 72 * (2 + 1));
  EXPECT_EQ(result->read.perBatch, 4 * (4 * 4 * 8 + 2 * 8));
  EXPECT_EQ(result->written.perBatch, 4 * (16 * 16 + 2 * 2 * 16));
}

TEST_F(KernelCostTest, WindowsOfTheBatch) {
  // 4 windows an image: what each needs counts four times for an image.
  std::optional<KernelCost> result = cost(R"(
    %four = arith.constant 4 : index
    %windows = arith.muli %b, %four : index
    %m = arith.constant 9 : index
    %x = kernel.buffer %context input : memref<?x6x6x8xf32>
    %y = kernel.buffer %context arena : memref<?x9x8xf32>
    kernel.norm batch(%windows) rows(%m) channels 8 epsilon 1.000000e-05
        input(%x at affine_map<(w, i, c) -> (w floordiv 4, ((w floordiv 2) mod 2) * 3 + i floordiv 3, (w mod 2) * 3 + i mod 3, c)>
              : memref<?x6x6x8xf32>)
        init(%y at affine_map<(w, i, c) -> (w, i, c)> : memref<?x9x8xf32>))");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->flops.perBatch, 36 * 8 * 6);
  EXPECT_EQ(result->read.perBatch, 4 * 36 * 8);
  EXPECT_EQ(result->written.perBatch, 4 * 36 * 8);
}

TEST_F(KernelCostTest, AttentionReadsSharedHeadsOnce) {
  std::optional<KernelCost> result = cost(R"(
    %one = arith.constant 1 : index
    %q = arith.constant 3 : index
    %k = arith.constant 5 : index
    %x = kernel.buffer %context input : memref<1x3x8xf32>
    %y = kernel.buffer %context input at 1 : memref<1x5x4xf32>
    %p = kernel.buffer %context weights @w : memref<3x5xf32>
    %z = kernel.buffer %context output : memref<1x3x8xf32>
    kernel.attention batch(%one) queries(%q) keys(%k) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
        query(%x at affine_map<(b, h, i, d) -> (b, i, h * 4 + d)> : memref<1x3x8xf32>)
        key(%y at affine_map<(b, h, j, d) -> (b, j, d)> : memref<1x5x4xf32>)
        value(%y at affine_map<(b, h, j, d) -> (b, j, d)> : memref<1x5x4xf32>)
        bias(%p at affine_map<(b, h, i, j) -> (i, j)> : memref<3x5xf32>)
        init(%z at affine_map<(b, h, i, e) -> (b, i, h * 4 + e)> : memref<1x3x8xf32>))");
  ASSERT_TRUE(result);
  // Two products, softmax and the bias on each score.
  EXPECT_EQ(result->flops.base, 2 * 3 * 5 * (2 * 8 + 6 + 1));
  EXPECT_EQ(result->read.base, 4 * (3 * 8 + 5 * 4));
  EXPECT_EQ(result->weights.base, 4 * 15);
  EXPECT_EQ(result->written.base, 4 * 24);
}

TEST_F(KernelCostTest, OverlappingPatchesAreReadOnce) {
  // 3 x 3 patches of stride 1 over 4 x 4 pixels.
  std::optional<KernelCost> result = cost(R"(
    %x = kernel.buffer %context input : memref<?x4x4xf32>
    %y = kernel.buffer %context arena : memref<?x4x9xf32>
    kernel.gather batch(%b) sizes [4, 9]
        input(%x at affine_map<(b, i, l) -> (b, i floordiv 2 + l floordiv 3, i mod 2 + l mod 3)> : memref<?x4x4xf32>)
        init(%y at affine_map<(b, i, l) -> (b, i, l)> : memref<?x4x9xf32>))");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->flops.perBatch, 0);
  EXPECT_EQ(result->read.perBatch, 4 * 16);
  EXPECT_EQ(result->written.perBatch, 4 * 36);
}

TEST_F(KernelCostTest, GenericCountsItsBody) {
  std::optional<KernelCost> result = cost(R"(
    %x = kernel.buffer %context input : memref<?x8x3xf32>
    %t = kernel.buffer %context weights @w : memref<64xf32>
    %y = kernel.buffer %context output : memref<?x8xf32>
    kernel.generic batch(%b) sizes [8] reduce [3] identity 0.000000e+00 : f32
        inputs(%x : memref<?x8x3xf32>) at [affine_map<(b, c, r) -> (b, c, r)>]
        tables(%t : memref<64xf32>) through [affine_map<(i) -> (i)>]
        init(%y at affine_map<(b, c, r) -> (b, c)> : memref<?x8xf32>) {
    ^bb0(%e: f32, %sum: f32):
      %i = kernel.index 1
      %0 = kernel.load 0[%i] : f32
      %1 = arith.mulf %0, %e : f32
      %2 = arith.addf %sum, %1 : f32
      kernel.yield %2 : f32
    })");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->flops.perBatch, 8 * 3 * 2);
  EXPECT_EQ(result->read.perBatch, 4 * 24);
  // Of a table which elements are read is not known: 24 loads read that many.
  EXPECT_EQ(result->weights.base, 4 * 24);
  EXPECT_EQ(result->written.perBatch, 4 * 8);
}

TEST_F(KernelCostTest, RowsAtRunTimeAreUnknown) {
  EXPECT_FALSE(cost(R"(
    %x = kernel.buffer %context input : memref<?x5x8xf32>
    %y = kernel.buffer %context output : memref<?x5x8xf32>
    kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-05
        input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x5x8xf32>)
        init(%y at affine_map<(b, i, c) -> (b, i, c)> : memref<?x5x8xf32>))"));
  ASSERT_TRUE(module);
}
