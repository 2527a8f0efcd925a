//===- SharedBytesTest.cpp - Parts of words in shared memory --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Races are of bytes, also where words are mostly touched as a whole.
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace vitc::emulator;

namespace {
class SharedBytesTest : public EmulatorTest {
protected:
  /// Runs what lane 0 of each of two warps does: first each writes the half of
  /// a word that it has the number of, then comes `body`.
  std::string runWarps(llvm::StringRef body) {
    globals = "@s = external addrspace(3) global [0 x i8], align 16\n";
    return run(R"(
  %lane = and i32 %tid, 31
  %warp = lshr i32 %tid, 5
  %isFirst = icmp eq i32 %warp, 0
  %half = getelementptr i16, ptr addrspace(3) @s, i32 %warp
  %otherWarp = xor i32 %warp, 1
  %other = getelementptr i16, ptr addrspace(3) @s, i32 %otherWarp
  %isLane0 = icmp eq i32 %lane, 0
  br i1 %isLane0, label %write, label %written
write:
  %number = trunc i32 %warp to i16
  %value = add i16 %number, 1
  store i16 %value, ptr addrspace(3) %half
  br label %written
written:
)" + body.str() + "\nbr label %done\ndone:",
               64, 16);
  }

  static constexpr const char *kBarrier =
      "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n";
};
} // namespace

TEST_F(SharedBytesTest, halvesOfTwoWarps) {
  EXPECT_EQ(runWarps(std::string(kBarrier) + R"(
  %word = load i32, ptr addrspace(3) @s
  store i32 %word, ptr addrspace(1) %p)"),
            "");
  EXPECT_EQ(words[0], 0x20001u);
}

TEST_F(SharedBytesTest, halfOfAnotherWarp) {
  for (seed = 0; seed < 4; ++seed) {
    std::string error = runWarps(R"(
  br i1 %isLane0, label %read, label %done
read:
  %v = load i16, ptr addrspace(3) %other)");
    EXPECT_TRUE(error.find("with no barrier between") != error.npos ||
                error.find("which nobody wrote") != error.npos)
        << error;
  }
}

// A word that was whole again, read by halves.
TEST_F(SharedBytesTest, halfOfAWordThatAnotherWarpWrites) {
  for (seed = 0; seed < 4; ++seed) {
    std::string error = runWarps(std::string(kBarrier) + R"(
  br i1 %isLane0, label %go, label %done
go:
  br i1 %isFirst, label %writeWord, label %readHalf
writeWord:
  store i32 7, ptr addrspace(3) @s
  br label %done
readHalf:
  %v = load i16, ptr addrspace(3) %half)");
    EXPECT_NE(error.find("with no barrier between"), error.npos) << error;
  }
}

// Reads before a write that they are known to precede are forgotten with it;
// those since are not.
TEST_F(SharedBytesTest, writeAfterReadsOfOthers) {
  std::string body = std::string(kBarrier) + R"(
  %first = load i32, ptr addrspace(3) @s
)" + kBarrier + R"(
  br i1 %isFirst, label %writeWord, label %wait
writeWord:
  store i32 %first, ptr addrspace(3) @s
  br label %wait
wait:
)" + kBarrier;
  EXPECT_EQ(runWarps(body), "");
  for (seed = 0; seed < 4; ++seed) {
    std::string error = runWarps(body + R"(
  br i1 %isFirst, label %readAgain, label %writeHalf
readAgain:
  %again = load i32, ptr addrspace(3) @s
  br label %done
writeHalf:
  store i16 3, ptr addrspace(3) @s)");
    EXPECT_NE(error.find("with no barrier between"), error.npos) << error;
  }
}
