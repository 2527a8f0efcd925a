//===- StrictnessTest.cpp - Bugs that are found ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace vitc::emulator;

namespace {
class StrictnessTest : public EmulatorTest {
protected:
  void expectError(llvm::StringRef expected, llvm::StringRef body,
                   uint32_t numThreads = 32, uint32_t sharedBytes = 0) {
    std::string error = run(body, numThreads, sharedBytes);
    EXPECT_NE(error.find(expected.str()), error.npos)
        << "has: " << error << "\nnot: " << expected.str();
  }

  static constexpr const char *kShared =
      "@s = external addrspace(3) global [0 x i8], align 16\n";
};
} // namespace

TEST_F(StrictnessTest, unwrittenSharedMemory) {
  globals = kShared;
  const char *body = R"(
  %from = getelementptr i32, ptr addrspace(3) @s, i32 5
  %v = load float, ptr addrspace(3) %from
  store float %v, ptr addrspace(1) %p)";
  expectError("kernel 'kernel', block (0, 0, 0), thread 0 (0, 0, 0) reads byte "
              "20 of shared memory, which nobody wrote, at '%v = load float, "
              "ptr addrspace(3) %from, align 4'",
              body, 1, 64);
  allowUninitialized = true;
  ASSERT_EQ(run(body, 1, 64), "");
  EXPECT_EQ(words[0], 0xffffffffu); // A NaN.
}

TEST_F(StrictnessTest, warpThatSkipsABarrier) {
  std::string error = run(R"(
  %low = icmp ult i32 %tid, 32
  br i1 %low, label %wait, label %done
wait:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %done
done:)",
                          96);
  EXPECT_EQ(error,
            "kernel 'kernel', block (0, 0, 0): deadlock, 32 of 96 threads "
            "wait; 0-31 for 96 threads at barrier 0, at 'call void "
            "@llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)'; 32-95 have "
            "returned");
}

TEST_F(StrictnessTest, barriersOfTwoCounts) {
  expectError("threads at barrier 1, but thread ", R"(
  %low = icmp ult i32 %tid, 32
  %count = select i1 %low, i32 64, i32 96
  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 %count))",
              96);
}

TEST_F(StrictnessTest, barrierThatDoesNotExist) {
  expectError("uses barrier 16; a block has 16",
              "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 16)");
  expectError("waits for 48 threads; a barrier counts whole warps of 32",
              "call void @llvm.nvvm.barrier.cta.sync.count(i32 1, i32 48)", 64);
  expectError("waits for 128 threads; the block has 64",
              "call void @llvm.nvvm.barrier.cta.sync.count(i32 1, i32 128)",
              64);
  expectError("waits for 0 threads at a barrier",
              "call void @llvm.nvvm.barrier.cta.sync.count(i32 1, i32 0)", 64);
}

TEST_F(StrictnessTest, halfOfAWarpAtAnAlignedBarrier) {
  expectError("completes barrier 1 with 16 lanes of warp ", R"(
  %bit = and i32 %tid, 16
  %low = icmp eq i32 %bit, 0
  br i1 %low, label %wait, label %done
wait:
  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 32)
  br label %done
done:)",
              64);
}

TEST_F(StrictnessTest, lanesAtTwoAlignedBarriers) {
  expectError("of its warp is, which came first: at 'call void "
              "@llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)'",
              R"(
  %low = icmp ult i32 %tid, 16
  br i1 %low, label %left, label %right
left:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %done
right:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %done
done:)");
}

// A producer arrives without waiting; the consumers wait for it.
TEST_F(StrictnessTest, barrierBetweenProducerAndConsumer) {
  globals = kShared;
  const std::string kernel = R"(
  %low = icmp ult i32 %tid, 32
  %slot = and i32 %tid, 31
  %word = getelementptr i32, ptr addrspace(3) @s, i32 %slot
  br i1 %low, label %produce, label %consume
produce:
  store i32 %tid, ptr addrspace(3) %word
  call void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32 1, i32 64)
  br label %done
consume:
  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 64) ; waits
  %v = load i32, ptr addrspace(3) %word
  %to = getelementptr i32, ptr addrspace(1) %p, i32 %slot
  store i32 %v, ptr addrspace(1) %to
  br label %done
done:)";
  ASSERT_EQ(run(kernel, 64, 128), "");
  EXPECT_EQ(words[31], 31u);
  for (seed = 0; seed < 4; ++seed) {
    std::string error = run(withoutLine(kernel, "; waits"), 64, 128);
    EXPECT_TRUE(error.find("with no barrier between") != error.npos ||
                error.find("which nobody wrote") != error.npos)
        << error;
  }
}

// What a producer does after it has arrived, nobody has waited for; and it does
// not know what others have read who wait.
TEST_F(StrictnessTest, producerThatDoesNotWait) {
  globals = kShared;
  const char *storesLate = R"(
  %low = icmp ult i32 %tid, 32
  %slot = and i32 %tid, 31
  %word = getelementptr i32, ptr addrspace(3) @s, i32 %slot
  br i1 %low, label %produce, label %consume
produce:
  store i32 1, ptr addrspace(3) %word
  call void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32 1, i32 64)
  store i32 2, ptr addrspace(3) %word
  br label %done
consume:
  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 64)
  %v = load i32, ptr addrspace(3) %word
  br label %done
done:)";
  const char *overwrites = R"(
  %low = icmp ult i32 %tid, 32
  %slot = and i32 %tid, 31
  %word = getelementptr i32, ptr addrspace(3) @s, i32 %slot
  br i1 %low, label %fill, label %filled
fill:
  store i32 1, ptr addrspace(3) %word
  br label %filled
filled:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br i1 %low, label %produce, label %consume
consume:
  %v = load i32, ptr addrspace(3) %word
  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 64)
  br label %done
produce:
  call void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32 1, i32 64)
  store i32 2, ptr addrspace(3) %word
  br label %done
done:)";
  for (seed = 0; seed < 8; ++seed) {
    expectError("with no barrier between", storesLate, 64, 128);
    expectError("with no barrier between", overwrites, 64, 128);
  }
}

// Offsets and lengths that wrap around are outside, too.
TEST_F(StrictnessTest, negativeOffsetsAndLengths) {
  globals = kShared;
  expectError("writes 4 bytes at byte -4 of shared memory, which has 64", R"(
  %to = getelementptr i32, ptr addrspace(3) @s, i32 -1
  store i32 1, ptr addrspace(3) %to)",
              1, 64);
  for (const char *to :
       {"@s", "getelementptr (i8, ptr addrspace(3) @s, i32 16)"})
    expectError(
        "writes 18446744073709551608 bytes at byte ",
        std::string("  call void @llvm.memset.p3.i64(ptr addrspace(3) ") + to +
            ", i8 0, i64 -8, i1 false)",
        1, 64);
  expectError("writes 18446744073709551608 bytes of global memory", R"(
  %to = getelementptr i8, ptr addrspace(1) %p, i32 16
  call void @llvm.memset.p1.i64(ptr addrspace(1) %to, i8 0, i64 -8, i1 false))",
              1);
  expectError("writes 18446744073709551615 bytes of global memory", R"(
  %local = alloca i64
  call void @llvm.memcpy.p0.p1.i64(ptr %local, ptr addrspace(1) %q, i64 -1, i1 false))",
              1);
}

TEST_F(StrictnessTest, outsideOfTheStack) {
  expectError("reads 4 bytes of global memory, ", R"(
  %local = alloca [4 x i32]
  %from = getelementptr i32, ptr %local, i64 1048576
  %v = load i32, ptr %from)",
              1);
}

TEST_F(StrictnessTest, misalignedVector) {
  expectError("which must be a multiple of 16, at '%v = load <4 x i32>", R"(
  %from = getelementptr i32, ptr addrspace(1) %q, i32 %tid
  %v = load <4 x i32>, ptr addrspace(1) %from, align 16)");
}

TEST_F(StrictnessTest, outsideOfGlobalMemory) {
  expectError("block (0, 0, 0), thread ", R"(
  %to = getelementptr i32, ptr addrspace(1) %p, i32 60
  %own = getelementptr i32, ptr addrspace(1) %to, i32 %tid
  store i32 1, ptr addrspace(1) %own)");
  expectError("thread 0 (0, 0, 0) writes 4 bytes of global memory, 0 bytes "
              "past the end of 'p' (256 bytes), at 'store i32 1, ptr "
              "addrspace(1) %to, align 4'",
              R"(
  %to = getelementptr i32, ptr addrspace(1) %p, i32 64
  store i32 1, ptr addrspace(1) %to)",
              1);
  expectError("writes 8 bytes of global memory, 252 bytes into 'p' (256 bytes)",
              R"(
  %to = getelementptr i32, ptr addrspace(1) %p, i32 63
  store i64 1, ptr addrspace(1) %to, align 4)",
              1);
  expectError("reads 4 bytes of global memory, 4 bytes before the begin of 'p'",
              R"(
  %from = getelementptr i32, ptr addrspace(1) %p, i32 -1
  %v = load i32, ptr addrspace(1) %from)",
              1);
  expectError("reads 4 bytes of global memory, far from every allocation", R"(
  %from = inttoptr i64 64 to ptr
  %v = load i32, ptr %from)",
              1);
}

TEST_F(StrictnessTest, writesWhatIsReadOnly) {
  expectError("writes 4 bytes of global memory, 0 bytes into 'q' (256 bytes), "
              "which is read only",
              "store i32 1, ptr addrspace(1) %q", 1);
  globals =
      "@table = internal addrspace(4) constant [2 x i32] [i32 3, i32 4]\n";
  ASSERT_EQ(run(R"(
  %from = getelementptr i32, ptr addrspace(4) @table, i32 1
  %v = load i32, ptr addrspace(4) %from
  store i32 %v, ptr addrspace(1) %p)",
                1),
            "");
  EXPECT_EQ(words[0], 4u);
}

TEST_F(StrictnessTest, outsideOfSharedMemory) {
  globals = kShared;
  expectError("writes 4 bytes at byte 64 of shared memory, which has 64", R"(
  %to = getelementptr i32, ptr addrspace(3) @s, i32 16
  store i32 1, ptr addrspace(3) %to)",
              1, 64);
}

// Through a generic address the same memory is found.
TEST_F(StrictnessTest, genericAddresses) {
  globals = kShared;
  expectError("writes 4 bytes at byte 64 of shared memory, which has 64", R"(
  %g = addrspacecast ptr addrspace(3) @s to ptr
  %to = getelementptr i32, ptr %g, i32 16
  store i32 1, ptr %to)",
              1, 64);
  ASSERT_EQ(run(R"(
  %local = alloca i32
  store i32 7, ptr %local
  %g = addrspacecast ptr addrspace(1) %p to ptr
  %v = load i32, ptr %local
  store i32 %v, ptr %g)",
                1),
            "");
  EXPECT_EQ(words[0], 7u);
}

TEST_F(StrictnessTest, copiesThatAreNotWaitedFor) {
  globals = kShared;
  const std::string kernel = R"(
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) @s, ptr addrspace(1) %q)
  call void @llvm.nvvm.cp.async.wait.all() ; waits
  %v = load i32, ptr addrspace(3) @s
  store i32 %v, ptr addrspace(1) %p)";
  input[0] = 9;
  ASSERT_EQ(run(kernel, 1, 64), "");
  EXPECT_EQ(words[0], 9u);
  expectError("thread 0 (0, 0, 0) reads byte 0 of shared memory, to which a "
              "cp.async of thread 0 copies with no wait since",
              withoutLine(kernel, "; waits"), 1, 64);
}

// Groups are done oldest first; the rest of a copy is zeros.
TEST_F(StrictnessTest, groupsOfCopies) {
  globals = kShared;
  input = {1, 2, 3, 4, 5, 6, 7, 8};
  input.resize(64);
  const std::string kernel = R"(
  %target = getelementptr i8, ptr addrspace(3) @s, i32 16
  %source = getelementptr i8, ptr addrspace(1) %q, i32 16
  call void asm sideeffect "cp.async.cg.shared.global [$0], [$1], 16;", "l,l"(ptr addrspace(3) @s, ptr addrspace(1) %q)
  call void asm sideeffect "cp.async.commit_group;", ""()
  %second = icmp eq i32 %tid, 0
  call void asm sideeffect "@$3 cp.async.cg.shared.global [$0], [$1], 16, $2;", "l,l,r,b"(ptr addrspace(3) %target, ptr addrspace(1) %source, i32 8, i1 %second)
  call void asm sideeffect "@!$2 cp.async.ca.shared.global [$0], [$1], 4;", "l,l,b"(ptr addrspace(3) %target, ptr addrspace(1) %source, i1 %second)
  call void asm sideeffect "cp.async.commit_group;", ""()
  call void asm sideeffect "cp.async.wait_group 1;", ""()
  %a = load <4 x i32>, ptr addrspace(3) @s, align 16
  store <4 x i32> %a, ptr addrspace(1) %p, align 16
  call void asm sideeffect "cp.async.wait_group 0;", ""() ; the second
  %b = load <4 x i32>, ptr addrspace(3) %target, align 16
  %to = getelementptr i32, ptr addrspace(1) %p, i32 4
  store <4 x i32> %b, ptr addrspace(1) %to, align 16)";
  ASSERT_EQ(run(kernel, 1, 64), "");
  words.resize(8);
  EXPECT_EQ(words, (std::vector<uint32_t>{1, 2, 3, 4, 5, 6, 0, 0}));
  expectError("reads byte 16 of shared memory, to which a cp.async of thread 0 "
              "copies with no wait since",
              withoutLine(kernel, "; the second"), 1, 64);
}

TEST_F(StrictnessTest, copiesThatAreWrong) {
  globals = kShared;
  expectError("writes at address ", R"(
  %to = getelementptr i8, ptr addrspace(3) @s, i32 8
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %to, ptr addrspace(1) %q))",
              1, 64);
  expectError("reads 16 bytes of global memory, 0 bytes past the end of 'q'",
              R"(
  %from = getelementptr i8, ptr addrspace(1) %q, i32 256
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) @s, ptr addrspace(1) %from))",
              1, 64);
  expectError("copies 5 bytes of 4", R"(
  call void @llvm.nvvm.cp.async.ca.shared.global.4.s(ptr addrspace(3) @s, ptr addrspace(1) %q, i32 5))",
              1, 64);
  expectError("copies 8 bytes at once", R"(
  call void asm sideeffect "cp.async.cg.shared.global [$0], [$1], 8;", "l,l"(ptr addrspace(3) @s, ptr addrspace(1) %q))",
              1, 64);
}

TEST_F(StrictnessTest, misalignedRowOfAMatrix) {
  allowUninitialized = true;
  globals = kShared;
  expectError("which must be a multiple of 16, at '%v = call i32 "
              "@llvm.nvvm.ldmatrix",
              R"(
  %row = getelementptr i32, ptr addrspace(3) @s, i32 %tid
  %v = call i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.b16.p3(ptr addrspace(3) %row))",
              32, 256);
}

TEST_F(StrictnessTest, trap) {
  expectError("thread 0 (0, 0, 0) reaches a trap, at 'call void @llvm.trap()'",
              "call void @llvm.trap()", 1);
}

TEST_F(StrictnessTest, threadThatNeverWaits) {
  maxCalls = 1000;
  expectError("runs without end while others wait to run, at '%v = load "
              "volatile i32",
              R"(
  br label %spin
spin:
  %v = load volatile i32, ptr addrspace(1) %p
  %isZero = icmp eq i32 %v, 0
  br i1 %isZero, label %spin, label %done
done:)");
}
