//===- MatmulTest.cpp - Tiles in shared memory ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace vitc::emulator;

/// C[m, n] = A[m, k] * B[k, n] in f32: a block computes 16 x 16 elements.
static constexpr const char *kMatmul = R"(
@tileA = internal addrspace(3) global [256 x float] undef, align 16
@tileB = internal addrspace(3) global [256 x float] undef, align 16

define ptx_kernel void @matmul(ptr addrspace(1) %a, ptr addrspace(1) %b,
                               ptr addrspace(1) %c, i32 %n, i32 %k) {
entry:
  %x = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %y = call i32 @llvm.nvvm.read.ptx.sreg.tid.y()
  %blockX = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %blockY = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
  %firstRow = shl i32 %blockY, 4
  %row = add i32 %firstRow, %y
  %firstColumn = shl i32 %blockX, 4
  %column = add i32 %firstColumn, %x
  %rowOfA = mul i32 %row, %k
  %rowOfTile = shl i32 %y, 4
  %own = add i32 %rowOfTile, %x
  %ownA = getelementptr float, ptr addrspace(3) @tileA, i32 %own
  %ownB = getelementptr float, ptr addrspace(3) @tileB, i32 %own
  br label %step
step:
  %k0 = phi i32 [ 0, %entry ], [ %nextK0, %read ]
  %sum = phi float [ 0.0, %entry ], [ %nextS, %read ]
  %kOfA = add i32 %k0, %x
  %indexA = add i32 %rowOfA, %kOfA
  %addressA = getelementptr float, ptr addrspace(1) %a, i32 %indexA
  %elementA = load float, ptr addrspace(1) %addressA
  store float %elementA, ptr addrspace(3) %ownA
  %kOfB = add i32 %k0, %y
  %rowOfB = mul i32 %kOfB, %n
  %indexB = add i32 %rowOfB, %column
  %addressB = getelementptr float, ptr addrspace(1) %b, i32 %indexB
  %elementB = load float, ptr addrspace(1) %addressB
  store float %elementB, ptr addrspace(3) %ownB
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; tiles are written
  br label %inner
inner:
  %i = phi i32 [ 0, %step ], [ %nextI, %inner ]
  %s = phi float [ %sum, %step ], [ %nextS, %inner ]
  %tileIndexA = add i32 %rowOfTile, %i
  %tileAddressA = getelementptr float, ptr addrspace(3) @tileA, i32 %tileIndexA
  %factorA = load float, ptr addrspace(3) %tileAddressA
  %tileRowB = shl i32 %i, 4
  %tileIndexB = add i32 %tileRowB, %x
  %tileAddressB = getelementptr float, ptr addrspace(3) @tileB, i32 %tileIndexB
  %factorB = load float, ptr addrspace(3) %tileAddressB
  %nextS = call float @llvm.fma.f32(float %factorA, float %factorB, float %s)
  %nextI = add i32 %i, 1
  %hasMore = icmp ult i32 %nextI, 16
  br i1 %hasMore, label %inner, label %read
read:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; tiles are read
  %nextK0 = add i32 %k0, 16
  %hasStep = icmp ult i32 %nextK0, %k
  br i1 %hasStep, label %step, label %done
done:
  %rowOfC = mul i32 %row, %n
  %indexC = add i32 %rowOfC, %column
  %addressC = getelementptr float, ptr addrspace(1) %c, i32 %indexC
  store float %nextS, ptr addrspace(1) %addressC
  ret void
}
)";

namespace {
class MatmulTest : public EmulatorTest {
protected:
  static constexpr int m = 48, n = 32, k = 64;

  /// What went wrong, or nothing.
  std::string runMatmul(llvm::StringRef text, uint64_t seed) {
    std::string error = load(text);
    if (!error.empty())
      return error;
    c = memory.allocate<float>("c", m * n);
    LaunchOptions options;
    options.grid = {n / 16, m / 16};
    options.block = {16, 16};
    options.seed = seed;
    return launch("matmul", options, memory.copy<float>("a", a),
                  memory.copy<float>("b", b), c, n, k);
  }
  std::vector<double> getExpected() const {
    std::vector<double> expected(m * n);
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j)
        for (int l = 0; l < k; ++l)
          expected[i * n + j] += double(a[i * k + l]) * b[l * n + j];
    return expected;
  }

  std::vector<float> a = getRandomValues(m * k, 1);
  std::vector<float> b = getRandomValues(k * n, 2);
  float *c = nullptr;
};
} // namespace

TEST_F(MatmulTest, tilesAndBarriers) {
  for (uint64_t seed : {0, 1, 2}) {
    ASSERT_EQ(runMatmul(kMatmul, seed), "");
    EXPECT_LT(getError({c, m * n}, getExpected()), 1e-6);
  }
}

// Whether others happened to be faster does not matter: each order is a race.
TEST_F(MatmulTest, readsBeforeOthersWrote) {
  for (uint64_t seed : {0, 1, 2}) {
    std::string error =
        runMatmul(withoutLine(kMatmul, "tiles are written"), seed);
    EXPECT_TRUE(error.find("with no barrier between") != error.npos ||
                error.find("which nobody wrote") != error.npos)
        << error;
    EXPECT_NE(error.find("kernel 'matmul', block ("), error.npos) << error;
  }
}

TEST_F(MatmulTest, writesBeforeOthersRead) {
  for (uint64_t seed : {0, 1, 2}) {
    std::string error = runMatmul(withoutLine(kMatmul, "tiles are read"), seed);
    EXPECT_NE(error.find("with no barrier between"), error.npos) << error;
  }
}

TEST_F(MatmulTest, matrixIsTooSmall) {
  b.resize(b.size() - 1);
  std::string error = runMatmul(kMatmul, 0);
  EXPECT_NE(error.find("reads 4 bytes of global memory, 0 bytes past the end "
                       "of 'b' (8188 bytes), at '%elementB = load float"),
            error.npos)
      << error;
}
