//===- BulkCopyTest.cpp - Copies in bulk without a tensor map -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace vitc::emulator;

/// Copies 256 bytes of %q behind 256 others in shared memory, by two copies of
/// one mbarrier, and from there to %p.
static constexpr const char *kCopy = R"(
  %isFirst = icmp eq i32 %tid, 0
  %barrier = getelementptr i8, ptr addrspace(3) @smem, i32 512
  %upper = getelementptr i8, ptr addrspace(3) @smem, i32 384
  %lower = getelementptr i8, ptr addrspace(3) @smem, i32 256
  %upperFrom = getelementptr i8, ptr addrspace(1) %q, i32 128
  br i1 %isFirst, label %load, label %loaded
load:
  call void asm sideeffect "mbarrier.init.shared.b64 [$0], $1;", "l,r"(ptr addrspace(3) %barrier, i32 1)
  call void asm sideeffect "mbarrier.arrive.expect_tx.shared.b64 _, [$0], $1;", "l,r"(ptr addrspace(3) %barrier, i32 256)
  call void asm sideeffect "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1], $2, [$3];", "l,l,r,l"(ptr addrspace(3) %upper, ptr addrspace(1) %upperFrom, i32 128, ptr addrspace(3) %barrier)
  call void asm sideeffect "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1], $2, [$3];", "l,l,r,l"(ptr addrspace(3) %lower, ptr addrspace(1) %q, i32 128, ptr addrspace(3) %barrier)
  br label %loaded
loaded:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  call void asm sideeffect "{\0A\09.reg .pred P1;\0A\09LAB_WAIT:\0A\09mbarrier.try_wait.parity.shared.b64 P1, [$0], $1;\0A\09@P1 bra DONE;\0A\09bra LAB_WAIT;\0A\09DONE:\0A\09}", "l,r"(ptr addrspace(3) %barrier, i32 0) ; all is here
  %word = getelementptr i32, ptr addrspace(3) %lower, i32 %tid
  %value = load i32, ptr addrspace(3) %word
  %to = getelementptr i32, ptr addrspace(1) %p, i32 %tid
  store i32 %value, ptr addrspace(1) %to
)";

namespace {
class BulkCopyTest : public EmulatorTest {
protected:
  void SetUp() override {
    globals = "@smem = external addrspace(3) global [0 x i8], align 128\n";
    for (uint32_t i = 0; i < input.size(); ++i)
      input[i] = i + 1;
  }
  std::string copy(llvm::StringRef text) { return run(text, 64, 520); }
  /// Of the kernel in which `from` is `to`.
  void expectError(llvm::StringRef expected, llvm::StringRef from,
                   llvm::StringRef to) {
    std::string text = kCopy;
    size_t at = text.find(from);
    ASSERT_NE(at, text.npos);
    std::string error = copy(text.replace(at, from.size(), to.str()));
    EXPECT_NE(error.find(expected.str()), error.npos)
        << "has: " << error << "\nnot: " << expected.str();
  }
};
} // namespace

TEST_F(BulkCopyTest, twoOfOneBarrier) {
  for (seed = 0; seed < 4; ++seed) {
    ASSERT_EQ(copy(kCopy), "");
    EXPECT_EQ(words, input);
  }
}

TEST_F(BulkCopyTest, readsBeforeItIsHere) {
  std::string error = copy(withoutLine(kCopy, "all is here"));
  EXPECT_NE(error.find("with no wait since"), error.npos) << error;
}

TEST_F(BulkCopyTest, bytesThatNoUnitCopies) {
  expectError("copies 120 bytes in bulk; a multiple of 16 is needed",
              "i32 128, ptr", "i32 120, ptr");
  expectError("copies 0 bytes in bulk; a multiple of 16 is needed",
              "i32 128, ptr", "i32 0, ptr");
}

TEST_F(BulkCopyTest, misaligned) {
  expectError("which must be a multiple of 16",
              "ptr addrspace(1) %q, i32 128\n", "ptr addrspace(1) %q, i32 8\n");
  expectError("which must be a multiple of 16",
              "ptr addrspace(3) @smem, i32 384",
              "ptr addrspace(3) @smem, i32 392");
}

TEST_F(BulkCopyTest, outsideOfMemory) {
  expectError("of global memory", "ptr addrspace(1) %q, i32 128\n",
              "ptr addrspace(1) %q, i32 144\n");
  expectError("copies 128 bytes at byte 448 of shared memory, which has 520",
              "ptr addrspace(3) @smem, i32 384",
              "ptr addrspace(3) @smem, i32 448");
}

TEST_F(BulkCopyTest, expectsMore) {
  expectError("lacks 0 of 1 arrivals and 16 bytes", "i32 256)", "i32 272)");
}
