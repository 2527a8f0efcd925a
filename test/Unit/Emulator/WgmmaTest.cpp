//===- WgmmaTest.cpp - Products of a warpgroup ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

#include "ShortFloat.h"
#include "TensorMap.h"

using namespace vitc::emulator;

namespace {
class WgmmaTest : public EmulatorTest {
protected:
  /// D[64, n] = A[64, 64] * B, of bf16 in f32, where B is [n, 64] or, outermost
  /// along k, [64, n].
  struct Shape {
    unsigned n = 64;
    bool isOutermostK = false, inRegisters = false;
  };
  static std::string getKernel(const Shape &shape);

  std::string multiply(llvm::StringRef text, const Shape &shape,
                       uint32_t numThreads = 128);
  /// Of the kernel in which `from` is `to` everywhere, that D is the product,
  /// from `firstK` on, times `factor`.
  void expectProduct(const Shape &shape, llvm::StringRef from = "",
                     llvm::StringRef to = "", double factor = 1,
                     unsigned firstK = 0);
  void expectError(llvm::StringRef expected, llvm::StringRef text) {
    std::string error = multiply(text, Shape());
    EXPECT_NE(error.find(expected.str()), error.npos)
        << "has: " << error << "\nnot: " << expected.str();
  }
  TensorMap getMap(llvm::StringRef name, const std::vector<float> &values,
                   unsigned rows, unsigned columns);

  std::vector<float> a = getRandomValues(64 * 64, 1), b;
  float *d = nullptr;
  uint16_t (*toHalf)(float) = toBF16;
};
} // namespace

/// A's tile lies at byte 0, B's at 8192, the mbarrier behind it; of both tiles
/// rows have 128 bytes, swizzled.
std::string WgmmaTest::getKernel(const Shape &shape) {
  std::string text = R"(
@smem = external addrspace(3) global [0 x i8], align 1024

define ptx_kernel void @multiply(ptr byval([128 x i8]) align 64 %mapA,
                                 ptr byval([128 x i8]) align 64 %mapB,
                                 ptr addrspace(1) %fragments,
                                 ptr addrspace(1) %d, i32 %bytes) {
entry:
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %tileB = getelementptr i8, ptr addrspace(3) @smem, i32 8192
  %barrier = getelementptr i8, ptr addrspace(3) @smem, i32 16384
  %isFirst = icmp eq i32 %tid, 0
  br i1 %isFirst, label %load, label %loaded
load:
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) %barrier, i32 1)
  call void @llvm.nvvm.fence.mbarrier_init.release.cluster()
  %state = call i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3) %barrier, i32 %bytes)
  call void asm sideeffect "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$2, $3}], [$4];", "l,l,r,r,l"(ptr addrspace(3) @smem, ptr %mapA, i32 0, i32 0, ptr addrspace(3) %barrier)
  call void asm sideeffect "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$2, $3}], [$4];", "l,l,r,r,l"(ptr addrspace(3) %tileB, ptr %mapB, i32 0, i32 0, ptr addrspace(3) %barrier)
  br label %loaded
loaded:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %is = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) %barrier, i32 0) ; tiles are here
  %address = ptrtoint ptr addrspace(3) @smem to i64
  %low = and i64 %address, 262143
  %units = lshr i64 %low, 4
  %descriptorA = or i64 %units, 4611686293305294848
  %descriptorB = add i64 %descriptorA, 512
  call void @llvm.nvvm.wgmma.fence.sync.aligned() ; fence
)";
  unsigned numResults = shape.n / 2;
  std::string types, registers;
  for (unsigned i = 0; i < numResults; ++i) {
    types += i == 0 ? "float" : ", float";
    registers += (i == 0 ? "$" : ", $") + std::to_string(i);
  }
  types = "{ " + types + " }";
  if (shape.inRegisters)
    text += "  %begin = shl i32 %tid, 4\n";
  for (unsigned step = 0; step < 4; ++step) {
    std::string s = std::to_string(step), operands, constraints, values;
    for (unsigned i = 0; i < numResults; ++i) {
      std::string number = std::to_string(i);
      constraints += i == 0 ? "=f" : ",=f";
      values += step == 0 ? "float 0.0, "
                          : "float %d" + std::to_string(step - 1) + "_" +
                                number + ", ";
    }
    for (unsigned i = 0; i < numResults; ++i)
      constraints += "," + std::to_string(i);
    unsigned next = 2 * numResults;
    if (shape.inRegisters) {
      for (unsigned i = 0; i < 4; ++i) {
        std::string name = s + "_" + std::to_string(i);
        text += "  %i" + name + " = add i32 %begin, " +
                std::to_string(4 * step + i) + "\n  %at" + name +
                " = getelementptr i32, ptr addrspace(1) %fragments, i32 %i" +
                name + "\n  %a" + name + " = load i32, ptr addrspace(1) %at" +
                name + "\n";
        operands += (i == 0 ? "{$" : ", $") + std::to_string(next++);
        values += "i32 %a" + name + ", ";
        constraints += ",r";
      }
      operands += "}";
    } else {
      text += "  %a" + s + " = add i64 %descriptorA, " +
              std::to_string(2 * step) + "\n";
      operands += "$" + std::to_string(next++);
      values += "i64 %a" + s + ", ";
      constraints += ",l";
    }
    // 16 along k are 32 bytes of a row, or 16 rows.
    text += "  %b" + s + " = add i64 %descriptorB, " +
            std::to_string((shape.isOutermostK ? 128 : 2) * step) + "\n";
    text += "  %d" + s + " = call " + types +
            " asm sideeffect \"wgmma.mma_async.sync.aligned.m64n" +
            std::to_string(shape.n) + "k16.f32.bf16.bf16 {" + registers +
            "}, " + operands + ", $" + std::to_string(next) + ", 1, 1, 1" +
            (shape.inRegisters ? "" : ", 0") +
            (shape.isOutermostK ? ", 1;\", \"" : ", 0;\", \"") + constraints +
            ",l\"(" + values + "i64 %b" + s + ")\n";
    for (unsigned i = 0; i < numResults; ++i)
      text += "  %d" + s + "_" + std::to_string(i) + " = extractvalue " +
              types + " %d" + s + ", " + std::to_string(i) + "\n";
  }
  text += R"(
  call void @llvm.nvvm.wgmma.commit_group.sync.aligned()
  call void @llvm.nvvm.wgmma.wait_group.sync.aligned(i64 0) ; wait
)";
  text += "  %first = mul i32 %tid, " + std::to_string(numResults) + "\n";
  for (unsigned i = 0; i < numResults; ++i) {
    std::string n = std::to_string(i);
    text += "  %index" + n + " = add i32 %first, " + n + "\n  %to" + n +
            " = getelementptr float, ptr addrspace(1) %d, i32 %index" + n +
            "\n  store float %d3_" + n + ", ptr addrspace(1) %to" + n + "\n";
  }
  return text + "  ret void\n}\n";
}

TensorMap WgmmaTest::getMap(llvm::StringRef name,
                            const std::vector<float> &values, unsigned rows,
                            unsigned columns) {
  std::vector<uint16_t> halves;
  for (float value : values)
    halves.push_back(toHalf(value));
  TensorMap map{};
  map.address =
      reinterpret_cast<uintptr_t>(memory.copy<uint16_t>(name, halves));
  map.size[0] = map.tile[0] = columns;
  map.size[1] = map.tile[1] = rows;
  map.rowBytes = columns * 2;
  map.elementBytes = 2;
  map.swizzleBytes = 128;
  return map;
}

std::string WgmmaTest::multiply(llvm::StringRef text, const Shape &shape,
                                uint32_t numThreads) {
  std::string error = load(text);
  if (!error.empty())
    return error;
  b = getRandomValues(shape.n * 64, 2);
  unsigned rows = shape.isOutermostK ? 64 : shape.n;
  unsigned columns = shape.isOutermostK ? shape.n : 64;
  // A's registers: pairs along k, of rows g and g + 8, of 4 steps along k.
  std::vector<uint32_t> fragments;
  for (unsigned t = 0; t < 128; ++t)
    for (unsigned step = 0; step < 4; ++step)
      for (unsigned k0 : {0, 8})
        for (unsigned row : {0, 8}) {
          const float *pair = a.data() + (t / 32 * 16 + t % 32 / 4 + row) * 64 +
                              step * 16 + k0 + t % 4 * 2;
          fragments.push_back(uint32_t(toHalf(pair[1])) << 16 |
                              toHalf(pair[0]));
        }
  d = memory.allocate<float>("d", 64 * shape.n);
  LaunchOptions options;
  options.block = {numThreads};
  options.dynamicSharedBytes = 16392;
  return launch("multiply", options, getMap("a", a, 64, 64),
                getMap("b", b, rows, columns),
                memory.copy<uint32_t>("fragments", fragments), d,
                8192 + shape.n * 128);
}

void WgmmaTest::expectProduct(const Shape &shape, llvm::StringRef from,
                              llvm::StringRef to, double factor,
                              unsigned firstK) {
  std::string text = getKernel(shape);
  for (size_t at = 0; !from.empty() && (at = text.find(from, at)) != text.npos;
       at += to.size())
    text.replace(at, from.size(), to.str());
  ASSERT_EQ(multiply(text, shape), "");
  std::vector<double> expected;
  for (unsigned t = 0; t < 128; ++t)
    for (unsigned i = 0; i < shape.n / 2; ++i) {
      unsigned row = t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8;
      unsigned column = i / 4 * 8 + t % 4 * 2 + i % 2;
      double sum = 0;
      for (unsigned k = firstK; k < 64; ++k)
        sum += factor * double(a[row * 64 + k]) *
               b[shape.isOutermostK ? k * shape.n + column : column * 64 + k];
      expected.push_back(sum);
    }
  EXPECT_LT(getError({d, expected.size()}, expected), 1e-6);
}

TEST_F(WgmmaTest, operandsInSharedMemory) {
  expectProduct({/*n=*/64});
  expectProduct({/*n=*/24});
}

TEST_F(WgmmaTest, operandOutermostAlongK) {
  expectProduct({/*n=*/64, /*isOutermostK=*/true});
}

TEST_F(WgmmaTest, operandInRegisters) {
  expectProduct({/*n=*/64, /*isOutermostK=*/false, /*inRegisters=*/true});
  expectProduct({/*n=*/64, /*isOutermostK=*/true, /*inRegisters=*/true});
}

// scale-d, imm-scale-a and imm-scale-b.
TEST_F(WgmmaTest, scales) {
  Shape shape;
  expectProduct(shape, ", 1, 1, 1, 0, 0;", ", 1, -1, 1, 0, 0;", /*factor=*/-1);
  expectProduct(shape, ", 1, 1, 1, 0, 0;", ", 1, 1, -1, 0, 0;", /*factor=*/-1);
  expectProduct(shape, ", 1, 1, 1, 0, 0;", ", 0, 1, 1, 0, 0;", /*factor=*/1,
                /*firstK=*/48);
}

TEST_F(WgmmaTest, operandsInF16) {
  toHalf = toF16;
  expectProduct({}, "bf16.bf16", "f16.f16");
  expectProduct({/*n=*/64, /*isOutermostK=*/false, /*inRegisters=*/true},
                "bf16.bf16", "f16.f16");
}

TEST_F(WgmmaTest, tilesThatAreNotHere) {
  expectError("to which a TMA load copies with no wait since",
              withoutLine(getKernel({}), "; tiles are here"));
}

TEST_F(WgmmaTest, stageThatIsReleasedEarly) {
  std::string text = getKernel({}), wait = "  call void "
                                           "@llvm.nvvm.wgmma.wait_group";
  std::string load = text.substr(text.find("  call void asm sideeffect"));
  load = load.substr(0, load.find('\n') + 1);
  text.insert(text.find(wait), load);
  expectError("which a wgmma or TMA store that nobody waited for still reads",
              text);
}

TEST_F(WgmmaTest, tileThatNobodyWaitsFor) {
  std::string text = getKernel({});
  std::string load = text.substr(text.find("  call void asm sideeffect"));
  load = load.substr(0, load.find('\n') + 1);
  text.insert(text.rfind("  ret void"), "  call void "
                                        "@llvm.nvvm.barrier.cta.sync.aligned."
                                        "all(i32 0)\n  br i1 %isFirst, label "
                                        "%again, label %done\nagain:\n" +
                                            load + "  br label %done\ndone:\n");
  expectError(
      "block (0, 0, 0): all threads have returned while 1 TMA loads are "
      "under way",
      text);
}

TEST_F(WgmmaTest, noFence) {
  expectError("multiplies with no wgmma.fence before it in its group",
              withoutLine(getKernel({}), "; fence"));
}

TEST_F(WgmmaTest, noFenceInTheSecondGroup) {
  std::string text = getKernel({});
  text.insert(text.find("  %d1 = call"),
              "  call void @llvm.nvvm.wgmma.commit_group.sync.aligned()\n");
  expectError("multiplies with no wgmma.fence before it in its group, at '%d1",
              text);
}

TEST_F(WgmmaTest, accumulatorsThatNobodyWaitedFor) {
  std::string text = withoutLine(getKernel({}), "; wait");
  expectError("function 'multiply': 'store float %d3_0, ptr addrspace(1) %to0, "
              "align 4' uses what a wgmma computes with no wgmma.wait_group "
              "between",
              text);
  expectError(
      "returns while a wgmma of its warpgroup, for which nobody waited, "
      "still reads shared memory",
      withoutLine(text, "store float"));
}

// The wait of the last iteration is one; without it the use at the loop's
// begin is found through the phi.
TEST_F(WgmmaTest, accumulatorsOfALoop) {
  const std::string kernel = R"(
  br label %loop
loop:
  %sum = phi float [ 0.0, %0 ], [ %d0, %loop ]
  %twice = fmul float %sum, 2.0
  %d = call { float, float, float, float } asm sideeffect "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, $3}, $8, $9, 1, 1, 1, 0, 0;", "=f,=f,=f,=f,0,1,2,3,l,l"(float %twice, float 0.0, float 0.0, float 0.0, i64 0, i64 0)
  %d0 = extractvalue { float, float, float, float } %d, 0
  call void @llvm.nvvm.wgmma.commit_group.sync.aligned()
  call void @llvm.nvvm.wgmma.wait_group.sync.aligned(i64 0) ; wait
  %isLast = icmp eq i32 %tid, 0
  br i1 %isLast, label %done, label %loop
done:)";
  EXPECT_NE(run(kernel, 128).find("multiplies with no wgmma.fence"),
            std::string::npos);
  EXPECT_EQ(run(withoutLine(kernel, "; wait"), 128),
            "function 'kernel': '%twice = fmul float %sum, 2.000000e+00' uses "
            "what a wgmma computes with no wgmma.wait_group between");
}

TEST_F(WgmmaTest, descriptorsThatDiffer) {
  std::string text = getKernel({});
  std::string line = "  %low = and i64 %address, 262143\n";
  size_t place = text.find(line);
  text.replace(place, line.size(),
               "  %wide = zext i32 %tid to i64\n  %lane = and i64 %wide, 16\n"
               "  %moved = add i64 %address, %lane\n"
               "  %low = and i64 %moved, 262143\n");
  expectError("thread 16 (16, 0, 0) has another descriptor than thread 0 of "
              "its warpgroup",
              text);
}

// What threads store is not seen by the tensor cores without a fence.
TEST_F(WgmmaTest, operandThatThreadsWrote) {
  std::string text = getKernel({}), marker = "  %address = ptrtoint";
  std::string stores =
      "  %own = getelementptr i32, ptr addrspace(3) @smem, i32 %tid\n"
      "  store i32 0, ptr addrspace(3) %own\n"
      "  call void @llvm.nvvm.fence.proxy.async.shared_cta() ; proxy\n"
      "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n";
  text.insert(text.find(marker), stores);
  EXPECT_EQ(multiply(text, {}), "");
  expectError("through the async proxy, which thread ",
              withoutLine(text, "; proxy"));
}

TEST_F(WgmmaTest, warpgroupThatIsNotWhole) {
  std::string error = multiply(getKernel({}), {}, /*numThreads=*/96);
  EXPECT_NE(error.find("takes part in a warpgroup of 96 threads; it must have "
                       "128"),
            error.npos)
      << error;
}

TEST_F(WgmmaTest, registersThatAreAskedFor) {
  EXPECT_EQ(
      run("call void @llvm.nvvm.setmaxnreg.inc.sync.aligned.u32(i32 240)", 128),
      "");
  std::string error =
      run("call void @llvm.nvvm.setmaxnreg.dec.sync.aligned.u32(i32 20)", 128);
  EXPECT_NE(error.find("asks for 20 registers; a multiple of 8 from 24 to 256 "
                       "is needed"),
            error.npos)
      << error;
}

// Bits 49 to 51 are a base offset, 62 and 63 the swizzle.
TEST_F(WgmmaTest, descriptorsWithoutModel) {
  auto withDescriptorB = [&](const Shape &shape, const char *instruction) {
    std::string text = getKernel(shape), line = "  %descriptorB = add i64 ";
    text.replace(text.find(line), line.size(),
                 std::string("  %descriptorB = ") + instruction +
                     "\n  %unused = add i64 ");
    std::string error = multiply(text, shape);
    EXPECT_NE(error.find("kernel 'multiply', block (0, 0, 0), thread 0"),
              error.npos);
    return error;
  };
  EXPECT_NE(withDescriptorB({}, "or i64 %descriptorA, 562949953421312")
                .find("uses a descriptor with a base offset, of which there is "
                      "no model"),
            std::string::npos);
  EXPECT_NE(withDescriptorB({/*n=*/64, /*isOutermostK=*/true},
                            "and i64 %descriptorA, 4611686018427387903")
                .find("uses an MN-major descriptor without swizzle, of which "
                      "there is no model"),
            std::string::npos);
  EXPECT_NE(withDescriptorB({}, "or i64 %descriptorA, 8192")
                .find("of shared memory, which has 16392"),
            std::string::npos);
}

TEST_F(WgmmaTest, operandsThatLack) {
  std::string text = getKernel({});
  size_t place;
  while ((place = text.find(", 1, 1, 1, 0, 0;")) != text.npos)
    text.replace(place, 16, ", 1, 1, 1;");
  expectError("has 37 operands; 39 to 41 are needed", text);
}

TEST_F(WgmmaTest, warpsAtTwoInstructions) {
  std::string error = run(R"(
  %isLow = icmp ult i32 %tid, 64
  br i1 %isLow, label %low, label %high
low:
  call void @llvm.nvvm.wgmma.fence.sync.aligned()
  br label %done
high:
  call void @llvm.nvvm.wgmma.commit_group.sync.aligned()
  br label %done
done:)",
                          128);
  EXPECT_NE(error.find("of its warpgroup is, which came first: at 'call void "
                       "@llvm.nvvm.wgmma."),
            error.npos)
      << error;
}
