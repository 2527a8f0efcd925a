//===- DeviceCodeTest.cpp - Kernels to PTX --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/DeviceCode.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "vitc/Target/Ptx.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vitc;

/// A helper, which has no number, between two kernels. What it adds last nobody
/// reads.
static constexpr StringRef kKernels = R"mlir(
gpu.module @kernels {
  llvm.mlir.global external @smem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @store(%p: !llvm.ptr<1>, %n: i64) attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128>, kernel.shared_bytes = 4096 : i64} {
    %smem = llvm.mlir.addressof @smem : !llvm.ptr<3>
    %lane = nvvm.read.ptx.sreg.tid.x : i32
    %i = llvm.sext %lane : i32 to i64
    %to = llvm.getelementptr %smem[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
    %from = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    %x = llvm.load %from : !llvm.ptr<1> -> f32
    %y = llvm.call @twice(%x) : (f32) -> f32
    llvm.store %y, %to : f32, !llvm.ptr<3>
    nvvm.barrier0
    llvm.return
  }
  llvm.func internal @twice(%x: f32) -> f32 {
    %two = llvm.mlir.constant(2.0 : f32) : f32
    %product = llvm.fmul %x, %two : f32
    %sum = llvm.fadd %product, %x : f32
    %unused = llvm.fadd %sum, %x : f32
    llvm.return %sum : f32
  }
  llvm.func @clear(%p: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32>, kernel.shared_bytes = 0 : i64} {
    %zero = llvm.mlir.constant(0 : i64) : i64
    llvm.store %zero, %p : i64, !llvm.ptr<1>
    llvm.return
  }
})mlir";

namespace {
class DeviceCodeTest : public testing::Test {
protected:
  DeviceCodeTest() {
    context.loadDialect<gpu::GPUDialect, kernel::KernelDialect,
                        LLVM::LLVMDialect, NVVM::NVVMDialect>();
    registerDeviceTranslations(context);
    initializeGpuTargets();
  }

  /// What `text` is for an architecture. Where that fails, `messages` says why.
  FailureOr<DeviceCode> generate(StringRef text, StringRef architecture,
                                 unsigned optLevel = 3) {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
      return success();
    });
    auto module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return failure();
    return generateDeviceCode(*module->getOps<gpu::GPUModuleOp>().begin(),
                              *findGpuTarget(architecture), optLevel);
  }

  MLIRContext context;
  std::string messages;
};
} // namespace

// The oldest version of PTX that has the architecture.
TEST_F(DeviceCodeTest, PtxVersion) {
  for (auto [name, version] : {std::pair("sm_80", "7.0"),
                               {"sm_86", "7.1"},
                               {"sm_89", "7.8"},
                               {"sm_90", "7.8"},
                               {"sm_90a", "8.0"},
                               {"sm_100", "8.6"},
                               {"sm_120", "8.7"}}) {
    auto code = generate(kKernels, name);
    ASSERT_TRUE(succeeded(code)) << messages;
    std::string header =
        std::string(".version ") + version + "\n.target " + name + "\n";
    EXPECT_NE(code->ptx.find(header), std::string::npos) << code->ptx;
  }
  EXPECT_EQ(getGpuTargets().size(), 7u);
}

TEST_F(DeviceCodeTest, Kernels) {
  auto code = generate(kKernels, "sm_80");
  ASSERT_TRUE(succeeded(code)) << messages;
  ASSERT_EQ(code->kernels.size(), 2u);
  EXPECT_EQ(code->kernels[0].name, "store");
  EXPECT_EQ(code->kernels[0].threads, 128);
  EXPECT_EQ(code->kernels[0].sharedBytes, 4096);
  EXPECT_EQ(code->kernels[1].name, "clear");
  EXPECT_EQ(code->kernels[1].threads, 32);
  EXPECT_EQ(code->kernels[1].sharedBytes, 0);
  for (StringRef part : {".visible .entry store(", ".reqntid 128",
                         ".extern .shared .align 1024 .b8 smem[];", "bar.sync"})
    EXPECT_NE(code->ptx.find(part), std::string::npos) << part.str() << "\n"
                                                       << code->ptx;
}

// A dump of the IR is enough to prove what a program's PTX was made of.
TEST_F(DeviceCodeTest, PtxFollowsFromDump) {
  auto code = generate(kKernels, "sm_90a");
  ASSERT_TRUE(succeeded(code)) << messages;
  auto ptx = generatePtx(code->llvmIR, *code->target);
  ASSERT_TRUE(static_cast<bool>(ptx));
  EXPECT_EQ(*ptx, code->ptx);
  auto again = generate(kKernels, "sm_90a");
  ASSERT_TRUE(succeeded(again)) << messages;
  EXPECT_EQ(again->llvmIR, code->llvmIR);
  EXPECT_EQ(again->ptx, code->ptx);
}

// Neither LLVM nor ptxas rounds once what the kernels round twice.
TEST_F(DeviceCodeTest, SumsAreNotContracted) {
  auto code = generate(kKernels, "sm_80");
  ASSERT_TRUE(succeeded(code)) << messages;
  EXPECT_NE(code->ptx.find("add.rn.f32"), std::string::npos) << code->ptx;
  EXPECT_EQ(code->ptx.find("fma"), std::string::npos) << code->ptx;
}

// The dump is what NVPTX compiles: cleaned up.
TEST_F(DeviceCodeTest, OptLevel) {
  auto plain = generate(kKernels, "sm_80", 0);
  auto best = generate(kKernels, "sm_80", 3);
  ASSERT_TRUE(succeeded(plain) && succeeded(best)) << messages;
  EXPECT_EQ(StringRef(plain->llvmIR).count("fadd"), 2u);
  EXPECT_EQ(StringRef(best->llvmIR).count("fadd"), 1u);
}

// With whatever effort.
TEST_F(DeviceCodeTest, FunctionsAreInlined) {
  for (unsigned optLevel : {0, 3}) {
    auto code = generate(kKernels, "sm_80", optLevel);
    ASSERT_TRUE(succeeded(code)) << messages;
    EXPECT_FALSE(StringRef(code->ptx).contains("twice")) << code->ptx;
  }
}

// Threads that come to PTX text together stay together.
TEST_F(DeviceCodeTest, TextIsConvergent) {
  auto code = generate(R"mlir(gpu.module @kernels {
    llvm.func @wait() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32>, kernel.shared_bytes = 0 : i64} {
      llvm.inline_asm has_side_effects "bar.sync 1;", "" : () -> ()
      llvm.return
    }
  })mlir",
                       "sm_80");
  ASSERT_TRUE(succeeded(code)) << messages;
  StringRef call = StringRef(code->llvmIR).split("bar.sync 1;").second;
  StringRef number = call.split('#').second.split('\n').first;
  StringRef attributes = StringRef(code->llvmIR)
                             .split(("attributes #" + number + " = ").str())
                             .second;
  EXPECT_TRUE(attributes.split('\n').first.contains("convergent"))
      << code->llvmIR;
}

TEST_F(DeviceCodeTest, UndefinedFunction) {
  auto code = generate(R"mlir(gpu.module @kernels {
    llvm.func @__nv_erff(f32) -> f32
    llvm.func @erf(%p: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32>, kernel.shared_bytes = 0 : i64} {
      %x = llvm.load %p : !llvm.ptr<1> -> f32
      %y = llvm.call @__nv_erff(%x) : (f32) -> f32
      llvm.store %y, %p : f32, !llvm.ptr<1>
      llvm.return
    }
  })mlir",
                       "sm_80");
  EXPECT_TRUE(failed(code));
  EXPECT_EQ(messages, "kernels call '__nv_erff', which no code is there for\n");
}

TEST_F(DeviceCodeTest, KernelWithoutItsSizes) {
  StringRef text = R"mlir(gpu.module @kernels {
    llvm.func @nothing() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32>} {
      llvm.return
    }
  })mlir";
  EXPECT_TRUE(failed(generate(text, "sm_80")));
  EXPECT_EQ(messages, "'llvm.func' op is a kernel without kernel.shared_bytes "
                      "or one number as nvvm.reqntid; needs both\n");
}
