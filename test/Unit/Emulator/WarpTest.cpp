//===- WarpTest.cpp - What lanes exchange ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace vitc::emulator;

namespace {
class WarpTest : public EmulatorTest {
protected:
  WarpTest() {
    for (uint32_t i = 0; i < input.size(); ++i)
      input[i] = i * 7 % 32;
    numWords = 32;
  }

  /// Runs `%r = call i32 CALL`, where %v is the lane's input, and expects
  /// `expected(lane)` in each lane.
  template <typename Expected>
  void expectLanes(llvm::StringRef call, Expected expected) {
    ASSERT_EQ(run(kLoad + ("  %r = call i32 " + call + kStore).str()), "")
        << call.str();
    for (uint32_t lane = 0; lane < 32; ++lane)
      EXPECT_EQ(words[lane], expected(lane)) << call.str() << " lane " << lane;
  }

  static inline const std::string kLoad = R"(
  %from = getelementptr i32, ptr addrspace(1) %q, i32 %tid
  %to = getelementptr i32, ptr addrspace(1) %p, i32 %tid
  %v = load i32, ptr addrspace(1) %from
)";
  static constexpr const char *kStore =
      "\n  store i32 %r, ptr addrspace(1) %to\n";
};
} // namespace

// Down and up within segments of 8 lanes, which the third operand's upper bits
// say; lanes at a segment's end keep their own value.
TEST_F(WarpTest, shuffle) {
  expectLanes("@llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %v, i32 5, i32 31)",
              [&](uint32_t lane) { return input[lane ^ 5]; });
  expectLanes("@llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %v, i32 3, i32 31)",
              [&](uint32_t) { return input[3]; });
  expectLanes("@llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %v, i32 3, i32 6175)",
              [&](uint32_t lane) { return input[lane / 8 * 8 + 3]; });
  expectLanes(
      "@llvm.nvvm.shfl.sync.down.i32(i32 -1, i32 %v, i32 2, i32 6175)",
      [&](uint32_t lane) { return input[lane % 8 < 6 ? lane + 2 : lane]; });
  expectLanes(
      "@llvm.nvvm.shfl.sync.up.i32(i32 -1, i32 %v, i32 2, i32 6144)",
      [&](uint32_t lane) { return input[lane % 8 >= 2 ? lane - 2 : lane]; });
}

TEST_F(WarpTest, shuffleTellsWhetherTheLaneIsInside) {
  ASSERT_EQ(run(kLoad + R"(
  %s = call { i32, i1 } @llvm.nvvm.shfl.sync.down.i32p(i32 -1, i32 %v, i32 30, i32 31)
  %inside = extractvalue { i32, i1 } %s, 1
  %r = zext i1 %inside to i32)" +
                kStore),
            "");
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(words[lane], lane < 2);
}

TEST_F(WarpTest, sumOfAWarp) {
  std::string text = kLoad + "  %s0 = sitofp i32 %v to float\n";
  for (int i = 0; i < 5; ++i) {
    std::string from = std::to_string(i), to = std::to_string(i + 1);
    text += "  %o" + from +
            " = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %s" +
            from + ", i32 " + std::to_string(1 << i) + ", i32 31)\n  %s" + to +
            " = fadd float %s" + from + ", %o" + from + "\n";
  }
  text += "  %r = fptosi float %s5 to i32";
  for (seed = 0; seed < 4; ++seed) {
    ASSERT_EQ(run(text + kStore), "");
    EXPECT_EQ(words, std::vector<uint32_t>(32, 31 * 32 / 2));
  }
}

TEST_F(WarpTest, reduction) {
  expectLanes("@llvm.nvvm.redux.sync.add(i32 %v, i32 -1)",
              [](uint32_t) { return 31 * 32 / 2; });
  expectLanes("@llvm.nvvm.redux.sync.umax(i32 %v, i32 -1)",
              [](uint32_t) { return 31; });
  expectLanes("@llvm.nvvm.redux.sync.min(i32 %v, i32 -1)",
              [](uint32_t) { return 0; });
  expectLanes("@llvm.nvvm.redux.sync.or(i32 %v, i32 -1)",
              [](uint32_t) { return 31; });
}

TEST_F(WarpTest, vote) {
  ASSERT_EQ(run(kLoad + R"(
  %small = icmp ult i32 %tid, 5
  %r = call i32 @llvm.nvvm.vote.ballot.sync(i32 -1, i1 %small))" +
                kStore),
            "");
  EXPECT_EQ(words, std::vector<uint32_t>(32, 31));
  ASSERT_EQ(run(kLoad + R"(
  %small = icmp ult i32 %tid, 5
  %any = call i1 @llvm.nvvm.vote.any.sync(i32 -1, i1 %small)
  %all = call i1 @llvm.nvvm.vote.all.sync(i32 -1, i1 %small)
  %anyWord = zext i1 %any to i32
  %allWord = zext i1 %all to i32
  %allBit = shl i32 %allWord, 1
  %r = or i32 %anyWord, %allBit)" +
                kStore),
            "");
  EXPECT_EQ(words, std::vector<uint32_t>(32, 1));
}

TEST_F(WarpTest, voteIsUniform) {
  for (auto [limit, expected] : {std::pair(0, 1u), {16, 0u}, {32, 1u}}) {
    ASSERT_EQ(run(kLoad + "  %small = icmp ult i32 %tid, " +
                  std::to_string(limit) + R"(
  %same = call i1 @llvm.nvvm.vote.uni.sync(i32 -1, i1 %small)
  %r = zext i1 %same to i32)" +
                  kStore),
              "");
    EXPECT_EQ(words[0], expected);
    EXPECT_EQ(words[31], expected);
  }
}

TEST_F(WarpTest, oneIsElected) {
  ASSERT_EQ(run(kLoad + R"(
  %e = call { i32, i1 } @llvm.nvvm.elect.sync(i32 -1)
  %is = extractvalue { i32, i1 } %e, 1
  %r = zext i1 %is to i32)" +
                kStore),
            "");
  EXPECT_EQ(words[0], 1u);
  EXPECT_EQ(words[1], 0u);
}

TEST_F(WarpTest, atomics) {
  globals = "@count = internal addrspace(3) global i32 undef\n";
  ASSERT_EQ(run(R"(
  %first = icmp eq i32 %tid, 0
  br i1 %first, label %init, label %count
init:
  store i32 0, ptr addrspace(3) @count
  br label %count
count:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %old = atomicrmw add ptr addrspace(3) @count, i32 1 monotonic
  %oldTotal = atomicrmw fadd ptr addrspace(1) %p, float 1.0 syncscope("device") monotonic
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %all = load i32, ptr addrspace(3) @count
  %to = getelementptr i32, ptr addrspace(1) %p, i32 1
  store i32 %all, ptr addrspace(1) %to)",
                96),
            "");
  EXPECT_EQ(words[0], 0x42c00000u); // 96.0
  EXPECT_EQ(words[1], 96u);
}

TEST_F(WarpTest, laneThatIsNotInItsMask) {
  std::string error = run(kLoad + R"(
  %r = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 65535, i32 %v, i32 1, i32 31))" +
                          kStore);
  EXPECT_NE(error.find(", which is not in the mask 0xffff that it waits for"),
            error.npos)
      << error;
}

TEST_F(WarpTest, readsLaneOutsideOfTheMask) {
  std::string error = run(kLoad + R"(
  %low = icmp ult i32 %tid, 16
  br i1 %low, label %exchange, label %done
exchange:
  %r = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 65535, i32 %v, i32 16, i32 31)
  store i32 %r, ptr addrspace(1) %to
  br label %done
done:)");
  EXPECT_NE(error.find("thread 0 (0, 0, 0) reads lane 16, which is not in the "
                       "mask 0xffff"),
            error.npos)
      << error;
}

TEST_F(WarpTest, lanesThatNeverCome) {
  std::string error = run(kLoad + R"(
  %low = icmp ult i32 %tid, 16
  br i1 %low, label %exchange, label %done
exchange:
  %r = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %v, i32 1, i32 31)
  store i32 %r, ptr addrspace(1) %to
  br label %done
done:)");
  EXPECT_EQ(error,
            "kernel 'kernel', block (0, 0, 0): deadlock, 16 of 32 threads "
            "wait; 0-15 for all lanes of its mask, at '%r = call i32 "
            "@llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %v, i32 1, i32 31)'; "
            "16-31 have returned");
}

TEST_F(WarpTest, warpThatIsNotWhole) {
  std::string error =
      run(kLoad + "  %r = call i32 @llvm.nvvm.redux.sync.add(i32 %v, i32 -1)" +
              kStore,
          20);
  EXPECT_NE(error.find("waits for lanes 0xffffffff, but its warp has 20 "
                       "threads"),
            error.npos)
      << error;
}

static constexpr const char *kMma =
    " = call { float, float, float, float } "
    "@llvm.nvvm.mma.m16n8k8.row.col.tf32(i32 0, i32 0, i32 0, i32 0, i32 0, "
    "i32 0, float 0.0, float 0.0, float 0.0, float 0.0)\n";

TEST_F(WarpTest, lanesAtTwoTensorInstructions) {
  std::string error = run(std::string(R"(
  %low = icmp ult i32 %tid, 16
  br i1 %low, label %left, label %right
left:
  %d)") + kMma + "  br label %done\nright:\n  %e" +
                          kMma + "  br label %done\ndone:");
  EXPECT_NE(error.find("of its warp is, which came first: at '%"), error.npos)
      << error;
}
