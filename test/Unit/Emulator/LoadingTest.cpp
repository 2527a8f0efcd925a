//===- LoadingTest.cpp - What is refused before a kernel runs -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace vitc::emulator;

namespace {
class LoadingTest : public EmulatorTest {};
} // namespace

TEST_F(LoadingTest, unknownIntrinsic) {
  EXPECT_EQ(run("call void @llvm.nvvm.griddepcontrol.wait()"),
            "function 'kernel': the emulator has no model of "
            "'llvm.nvvm.griddepcontrol.wait'");
}

TEST_F(LoadingTest, unknownAssembly) {
  EXPECT_EQ(run(R"(%r = call i32 asm "popc.b32 $0, $1;", "=r,r"(i32 %tid))"),
            "function 'kernel': inline assembly 'popc.b32 $0, $1;': the "
            "emulator has no model of 'popc.b32'");
}

TEST_F(LoadingTest, assemblyOfTwoInstructions) {
  EXPECT_EQ(run(R"(call void asm "cp.async.commit_group; cp.async.wait_all;",
                                  ""())"),
            "function 'kernel': inline assembly 'cp.async.commit_group; "
            "cp.async.wait_all;' is not one PTX instruction that ends in ';'");
}

TEST_F(LoadingTest, assemblyWithStrangeOperand) {
  EXPECT_EQ(run(R"(%r = call i32 asm "cvt.rna.tf32.f32 $0, %f1;", "=r"())"),
            "function 'kernel': inline assembly 'cvt.rna.tf32.f32 $0, %f1;' "
            "has an operand that is neither $n, [$n] nor a number");
}

TEST_F(LoadingTest, assemblyOfOtherOperands) {
  EXPECT_EQ(run(R"(call void asm "cp.async.wait_group 1, 2;", ""())"),
            "function 'kernel': 'call void asm \"cp.async.wait_group 1, 2;\", "
            "\"\"()' has 2 operands; 1 are needed");
  EXPECT_EQ(
      run(R"(call void asm sideeffect "mbarrier.arrive.shared.b64 _;", ""())"),
      "function 'kernel': 'call void asm sideeffect "
      "\"mbarrier.arrive.shared.b64 _;\", \"\"()' has 0 operands; 1 to 2 "
      "are needed");
  globals = "@s = external addrspace(3) global [0 x i8], align 16\n";
  EXPECT_EQ(
      run(R"(%r = call i32 asm "ldmatrix.sync.aligned.m8n8.x2.shared.b16 {$0}, [$1];", "=r,l"(ptr addrspace(3) @s))"),
      "function 'kernel': '%r = call i32 asm "
      "\"ldmatrix.sync.aligned.m8n8.x2.shared.b16 {$0}, [$1];\", "
      "\"=r,l\"(ptr addrspace(3) @s)' has 1 results; 2 are needed");
}

TEST_F(LoadingTest, memoryThatIsTouchedUnseen) {
  EXPECT_EQ(run("%v = call <4 x i32> @llvm.masked.load.v4i32.p1(ptr "
                "addrspace(1) align 16 %q, <4 x i1> zeroinitializer, <4 x i32> "
                "zeroinitializer)"),
            "function 'kernel': the emulator has no model of "
            "'llvm.masked.load.v4i32.p1'");
}

// As NVPTX aligns a global that does not say.
TEST_F(LoadingTest, sharedGlobalsAlignment) {
  globals = "@byte = internal addrspace(3) global i8 undef\n"
            "@pair = internal addrspace(3) global [2 x double] undef\n";
  EXPECT_EQ(run("store double 1.0, ptr addrspace(3) @pair, align 8", 1), "");
}

TEST_F(LoadingTest, gridsThatAreNone) {
  ASSERT_EQ(load("define ptx_kernel void @empty() {\n  ret void\n}\n"), "");
  auto launchWith = [&](Dim3 grid, Dim3 block) {
    LaunchOptions options;
    options.grid = grid;
    options.block = block;
    return launch("empty", options, llvm::ArrayRef<void *>());
  };
  EXPECT_EQ(launchWith({1, 1, 1}, {1, 1, 64}), "");
  EXPECT_EQ(launchWith({1, 1, 1}, {1, 1, 65}),
            "kernel 'empty' runs with up to 64 threads along z, not 65");
  EXPECT_EQ(launchWith({1, 0, 1}, {1, 1, 1}),
            "kernel 'empty' runs in a grid of 1 to 2147483647 x 65535 x 65535 "
            "blocks, not 1 x 0 x 1");
  EXPECT_EQ(launchWith({1, 65536, 1}, {1, 1, 1}),
            "kernel 'empty' runs in a grid of 1 to 2147483647 x 65535 x 65535 "
            "blocks, not 1 x 65536 x 1");
}

TEST_F(LoadingTest, assemblyWithStrangePredicate) {
  EXPECT_EQ(run(R"(call void asm "@%p1 cp.async.commit_group;", ""())"),
            "function 'kernel': inline assembly '@%p1 cp.async.commit_group;' "
            "has a predicate that is not an operand");
}

TEST_F(LoadingTest, assemblyThatLeavesItsResult) {
  EXPECT_EQ(run(R"(%r = call i32 asm "cp.async.commit_group;", "=r"())"),
            "function 'kernel': '%r = call i32 asm \"cp.async.commit_group;\", "
            "\"=r\"()' leaves a result unwritten");
}

TEST_F(LoadingTest, assemblyThatReadsItsResult) {
  EXPECT_EQ(
      run(R"(%r = call i32 asm "cvt.rna.tf32.f32 $0, $0;", "=r"())"),
      "function 'kernel': '%r = call i32 asm \"cvt.rna.tf32.f32 $0, $0;\", "
      "\"=r\"()' reads $0, which has no value");
}

TEST_F(LoadingTest, assemblyThatWritesWhatIsNoResult) {
  EXPECT_EQ(
      run(R"(call void asm "cvt.rna.tf32.f32 $0, $1;", "r,f"(i32 %tid, float 1.0))"),
      "function 'kernel': 'call void asm \"cvt.rna.tf32.f32 $0, $1;\", "
      "\"r,f\"(i32 %tid, float 1.000000e+00)' does not write a result");
}

TEST_F(LoadingTest, resultUnderAPredicate) {
  EXPECT_EQ(
      run(R"(%r = call i32 asm "@$2 cvt.rna.tf32.f32 $0, $1;", "=r,f,b"(float 1.0, i1 true))"),
      "function 'kernel': '%r = call i32 asm \"@$2 cvt.rna.tf32.f32 $0, "
      "$1;\", \"=r,f,b\"(float 1.000000e+00, i1 true)' writes its result "
      "under a predicate");
}

TEST_F(LoadingTest, wideOperand) {
  EXPECT_EQ(run(R"(call void asm "cp.async.wait_group $0;", "q"(i128 0))"),
            "function 'kernel': 'call void asm \"cp.async.wait_group $0;\", "
            "\"q\"(i128 0)' has an operand of more than 64 bits");
}

// libdevice is not linked: NVPTX would leave such a call in its PTX.
TEST_F(LoadingTest, functionWithoutBody) {
  globals = "declare float @__nv_erff(float)\n";
  EXPECT_EQ(run("%r = call float @__nv_erff(float 1.0)"),
            "function 'kernel': '%r = call float @__nv_erff(float "
            "1.000000e+00)' calls '__nv_erff', which the module does not "
            "define");
}

TEST_F(LoadingTest, callThroughPointer) {
  EXPECT_EQ(run("%f = load ptr, ptr addrspace(1) %p\ncall void %f()"),
            "function 'kernel': 'call void %f()' calls through a pointer");
}

TEST_F(LoadingTest, noKernel) {
  EXPECT_EQ(load("define void @f() {\n  ret void\n}\n"),
            "the module has no ptx_kernel function");
}

// NVPTX prints one as `.shared .b8 dynamic;`, a byte that others follow.
TEST_F(LoadingTest, dynamicSharedMemoryThatIsInternal) {
  globals = "@dynamic = internal addrspace(3) global [0 x i8] undef\n";
  EXPECT_EQ(run("store i32 1, ptr addrspace(3) @dynamic"),
            "shared global 'dynamic' has no size and internal linkage: NVPTX "
            "makes one byte of it, which other globals follow; dynamic shared "
            "memory needs external linkage");
}

TEST_F(LoadingTest, initialValueOfSharedMemory) {
  globals = "@tile = internal addrspace(3) global [4 x i32] zeroinitializer\n";
  EXPECT_EQ(run("store i32 1, ptr addrspace(3) @tile"),
            "shared global 'tile' has an initial value; shared memory has "
            "none");
}

TEST_F(LoadingTest, tooMuchStaticSharedMemory) {
  globals = "@tile = internal addrspace(3) global [49153 x i8] undef\n";
  EXPECT_EQ(run("store i8 1, ptr addrspace(3) @tile"),
            "the module's shared globals take 49153 bytes; beyond 49152 they "
            "must be dynamic");
}

TEST_F(LoadingTest, launchThatTheDriverRefuses) {
  ASSERT_EQ(load("define ptx_kernel void @kernel(ptr byval([128 x i8]) align "
                 "64 %map) #0 {\n  ret void\n}\nattributes #0 = { "
                 "\"nvvm.maxntid\"=\"64,2\" }\n"),
            "");
  alignas(64) char map[192] = {};
  void *aligned[] = {map}, *misaligned[] = {map + 32};
  LaunchOptions options;
  options.block = {64, 2};
  EXPECT_EQ(launch("kernel", options, llvm::ArrayRef<void *>(aligned)), "");
  EXPECT_EQ(launch("kernel", options, llvm::ArrayRef<void *>(misaligned)),
            "kernel 'kernel' has parameter 0, which must lie at a multiple of "
            "64 bytes");
  EXPECT_EQ(launch("kernel", options, llvm::ArrayRef<void *>()),
            "kernel 'kernel' has 1 parameters, not 0");
  EXPECT_EQ(launch("other", options, llvm::ArrayRef<void *>(aligned)),
            "the module has no kernel 'other'");
  options.block = {129};
  EXPECT_EQ(launch("kernel", options, llvm::ArrayRef<void *>(aligned)),
            "kernel 'kernel' runs with up to 128 threads in a block, not 129");
  options.block = {128};
  options.dynamicSharedBytes = 232449;
  EXPECT_EQ(launch("kernel", options, llvm::ArrayRef<void *>(aligned)),
            "kernel 'kernel' needs 232449 bytes of shared memory; a block has "
            "232448");
}
