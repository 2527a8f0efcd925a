//===- GemmTest.cpp - Tensor cores ----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

#include "ShortFloat.h"

using namespace vitc::emulator;

/// C[m, n] = A[m, k] * W[n, k]^T, of bf16 in f32: a block of 4 warps computes
/// 32 x 16 elements, each warp 16 x 8, and copies the next 32 of k meanwhile.
/// n is a multiple of 16, k of 32.
static constexpr const char *kGemm = R"(
; Of each of 2 stages: 32 rows of A, then 16 of W, of 64 bytes.
@smem = external addrspace(3) global [0 x i8], align 16

; Copies 16 bytes of A, and of W where the thread has a row there.
define internal void @copyTiles(ptr addrspace(3) %stage, i32 %tid,
                                ptr addrspace(1) %a, i32 %bytesOfA,
                                ptr addrspace(1) %w, i32 %step) {
  %offset = shl i32 %tid, 4
  %bytesOfStep = shl i32 %step, 6
  %fromA = getelementptr i8, ptr addrspace(1) %a, i32 %bytesOfStep
  %toA = getelementptr i8, ptr addrspace(3) %stage, i32 %offset
  call void @llvm.nvvm.cp.async.cg.shared.global.16.s(ptr addrspace(3) %toA, ptr addrspace(1) %fromA, i32 %bytesOfA)
  %copiesW = icmp ult i32 %tid, 64
  br i1 %copiesW, label %copyW, label %done
copyW:
  %fromW = getelementptr i8, ptr addrspace(1) %w, i32 %bytesOfStep
  %toW = getelementptr i8, ptr addrspace(3) %toA, i32 2048
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %toW, ptr addrspace(1) %fromW)
  br label %done
done:
  ret void
}

define ptx_kernel void @gemm(ptr addrspace(1) %a, ptr addrspace(1) %w,
                             ptr addrspace(1) %c, i32 %m, i32 %n, i32 %k) #0 {
entry:
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %blockN = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %blockM = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
  %lane = call i32 @llvm.nvvm.read.ptx.sreg.laneid()
  %warp = lshr i32 %tid, 5
  %m0 = shl i32 %blockM, 5
  %n0 = shl i32 %blockN, 4
  ; What this thread copies: a quarter of a row's 64 bytes. Rows past m are 0.
  %copyRow = lshr i32 %tid, 2
  %quarter = and i32 %tid, 3
  %copyK = shl i32 %quarter, 3
  %rowA = add i32 %m0, %copyRow
  %inside = icmp ult i32 %rowA, %m
  %bytesOfA = select i1 %inside, i32 16, i32 0
  %beginA = mul i32 %rowA, %k
  %indexA = add i32 %beginA, %copyK
  %fromA = getelementptr bfloat, ptr addrspace(1) %a, i32 %indexA
  %rowW = add i32 %n0, %copyRow
  %beginW = mul i32 %rowW, %k
  %indexW = add i32 %beginW, %copyK
  %fromW = getelementptr bfloat, ptr addrspace(1) %w, i32 %indexW
  ; What this lane names for ldmatrix: of A rows 0-15 at k, then at k + 8; of W
  ; rows 0-7 at k, then at k + 8.
  %warpM = lshr i32 %warp, 1
  %warpN = and i32 %warp, 1
  %warpRowA = shl i32 %warpM, 4
  %laneRowA = and i32 %lane, 15
  %tileRowA = add i32 %warpRowA, %laneRowA
  %tileBeginA = shl i32 %tileRowA, 6
  %laneK = and i32 %lane, 16
  %tileA = add i32 %tileBeginA, %laneK
  %warpRowW = shl i32 %warpN, 3
  %laneRowW = and i32 %lane, 7
  %tileRowW = add i32 %warpRowW, %laneRowW
  %tileBeginW = shl i32 %tileRowW, 6
  %laneBit = and i32 %lane, 8
  %laneKOfW = shl i32 %laneBit, 1
  %tileIndexW = add i32 %tileBeginW, %laneKOfW
  %tileW = add i32 %tileIndexW, 2048
  %numSteps = lshr i32 %k, 5
  call void @copyTiles(ptr addrspace(3) @smem, i32 %tid, ptr addrspace(1) %fromA, i32 %bytesOfA, ptr addrspace(1) %fromW, i32 0)
  call void @llvm.nvvm.cp.async.commit.group()
  br label %step
step:
  %i = phi i32 [ 0, %entry ], [ %next, %read ]
  %c0 = phi float [ 0.0, %entry ], [ %d0, %read ]
  %c1 = phi float [ 0.0, %entry ], [ %d1, %read ]
  %c2 = phi float [ 0.0, %entry ], [ %d2, %read ]
  %c3 = phi float [ 0.0, %entry ], [ %d3, %read ]
  %next = add i32 %i, 1
  %hasNext = icmp ult i32 %next, %numSteps
  br i1 %hasNext, label %prefetch, label %copied
prefetch:
  %parityOfNext = and i32 %next, 1
  %offsetOfNext = mul i32 %parityOfNext, 3072
  %stageOfNext = getelementptr i8, ptr addrspace(3) @smem, i32 %offsetOfNext
  call void @copyTiles(ptr addrspace(3) %stageOfNext, i32 %tid, ptr addrspace(1) %fromA, i32 %bytesOfA, ptr addrspace(1) %fromW, i32 %next)
  br label %copied
copied:
  call void @llvm.nvvm.cp.async.commit.group()
  call void @llvm.nvvm.cp.async.wait.group(i32 1) ; this stage is here
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; for all threads
  %parity = and i32 %i, 1
  %offset = mul i32 %parity, 3072
  %stage = getelementptr i8, ptr addrspace(3) @smem, i32 %offset
  %fragmentA = getelementptr i8, ptr addrspace(3) %stage, i32 %tileA
  %fragmentW = getelementptr i8, ptr addrspace(3) %stage, i32 %tileW
  br label %multiply
multiply:
  %j = phi i32 [ 0, %copied ], [ %nextJ, %multiply ]
  %x0 = phi float [ %c0, %copied ], [ %d0, %multiply ]
  %x1 = phi float [ %c1, %copied ], [ %d1, %multiply ]
  %x2 = phi float [ %c2, %copied ], [ %d2, %multiply ]
  %x3 = phi float [ %c3, %copied ], [ %d3, %multiply ]
  %bytesOfK = shl i32 %j, 5
  %loadA = getelementptr i8, ptr addrspace(3) %fragmentA, i32 %bytesOfK
  %loadW = getelementptr i8, ptr addrspace(3) %fragmentW, i32 %bytesOfK
  %as = call { i32, i32, i32, i32 } @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3) %loadA)
  %ws = call { i32, i32 } @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x2.b16.p3(ptr addrspace(3) %loadW)
  %a0 = extractvalue { i32, i32, i32, i32 } %as, 0
  %a1 = extractvalue { i32, i32, i32, i32 } %as, 1
  %a2 = extractvalue { i32, i32, i32, i32 } %as, 2
  %a3 = extractvalue { i32, i32, i32, i32 } %as, 3
  %w0 = extractvalue { i32, i32 } %ws, 0
  %w1 = extractvalue { i32, i32 } %ws, 1
  %ds = call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.bf16(i32 %a0, i32 %a1, i32 %a2, i32 %a3, i32 %w0, i32 %w1, float %x0, float %x1, float %x2, float %x3)
  %d0 = extractvalue { float, float, float, float } %ds, 0
  %d1 = extractvalue { float, float, float, float } %ds, 1
  %d2 = extractvalue { float, float, float, float } %ds, 2
  %d3 = extractvalue { float, float, float, float } %ds, 3
  %nextJ = add i32 %j, 1
  %hasHalf = icmp ult i32 %nextJ, 2
  br i1 %hasHalf, label %multiply, label %read
read:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; all have read
  br i1 %hasNext, label %step, label %store
store:
  %g = lshr i32 %lane, 2
  %t = and i32 %lane, 3
  %column0 = shl i32 %t, 1
  %column1 = add i32 %column0, %warpRowW
  %column = add i32 %n0, %column1
  %row0 = add i32 %m0, %warpRowA
  %upper = add i32 %row0, %g
  %lower = add i32 %upper, 8
  %upperPair0 = insertelement <2 x float> poison, float %d0, i32 0
  %upperPair = insertelement <2 x float> %upperPair0, float %d1, i32 1
  %lowerPair0 = insertelement <2 x float> poison, float %d2, i32 0
  %lowerPair = insertelement <2 x float> %lowerPair0, float %d3, i32 1
  %hasUpper = icmp ult i32 %upper, %m
  br i1 %hasUpper, label %storeUpper, label %done
storeUpper:
  %upperBegin = mul i32 %upper, %n
  %upperIndex = add i32 %upperBegin, %column
  %upperAddress = getelementptr float, ptr addrspace(1) %c, i32 %upperIndex
  store <2 x float> %upperPair, ptr addrspace(1) %upperAddress, align 8
  %hasLower = icmp ult i32 %lower, %m
  br i1 %hasLower, label %storeLower, label %done
storeLower:
  %lowerBegin = mul i32 %lower, %n
  %lowerIndex = add i32 %lowerBegin, %column
  %lowerAddress = getelementptr float, ptr addrspace(1) %c, i32 %lowerIndex
  store <2 x float> %lowerPair, ptr addrspace(1) %lowerAddress, align 8
  br label %done
done:
  ret void
}

attributes #0 = { "nvvm.maxntid"="128" "target-cpu"="sm_80" }
)";

namespace {
class GemmTest : public EmulatorTest {
protected:
  std::string runGemm(llvm::StringRef text, uint32_t m, uint64_t seed) {
    std::string error = load(text);
    if (!error.empty())
      return error;
    a = getRandomValues(m * k, m);
    w = getRandomValues(n * k, m + 1);
    c = memory.allocate<float>("c", m * n);
    LaunchOptions options;
    options.grid = {n / 16, (m + 31) / 32};
    options.block = {128};
    options.dynamicSharedBytes = 2 * 3072;
    options.seed = seed;
    return launch("gemm", options, copyBF16("a", a), copyBF16("w", w), c, m, n,
                  k);
  }
  const uint16_t *copyBF16(llvm::StringRef name,
                           const std::vector<float> &values) {
    std::vector<uint16_t> halves;
    for (float value : values)
      halves.push_back(toBF16(value));
    return memory.copy<uint16_t>(name, halves);
  }
  std::vector<double> getExpected(uint32_t m) const {
    std::vector<double> expected(m * n);
    for (uint32_t i = 0; i < m; ++i)
      for (uint32_t j = 0; j < n; ++j)
        for (uint32_t l = 0; l < k; ++l)
          expected[i * n + j] += double(a[i * k + l]) * w[j * k + l];
    return expected;
  }

  const uint32_t n = 48, k = 96;
  std::vector<float> a, w;
  float *c = nullptr;
};
} // namespace

TEST_F(GemmTest, rowsThatNoTileDivides) {
  for (uint32_t m : {1, 197, 577}) {
    ASSERT_EQ(runGemm(kGemm, m, /*seed=*/m), "");
    EXPECT_LT(getError({c, m * n}, getExpected(m)), 1e-6) << m;
  }
}

TEST_F(GemmTest, readsBeforeItsCopiesAreHere) {
  std::string error = runGemm(withoutLine(kGemm, "this stage is here"), 64, 0);
  EXPECT_NE(error.find("to which a cp.async of thread "), error.npos) << error;
  EXPECT_NE(error.find("at '%as = call { i32, i32, i32, i32 } "
                       "@llvm.nvvm.ldmatrix"),
            error.npos)
      << error;
}

TEST_F(GemmTest, readsBeforeOthersCopiesAreHere) {
  std::string error = runGemm(withoutLine(kGemm, "for all threads"), 64, 0);
  EXPECT_TRUE(error.find("with no barrier between") != error.npos ||
              error.find("to which a cp.async of thread ") != error.npos ||
              error.find("which nobody wrote") != error.npos)
      << error;
}

TEST_F(GemmTest, copiesOverWhatOthersRead) {
  std::string error = runGemm(withoutLine(kGemm, "all have read"), 64, 0);
  EXPECT_TRUE(error.find("with no barrier between") != error.npos ||
              error.find("to which a cp.async of thread ") != error.npos)
      << error;
}

/// One warp: D[16, 8] = A * B + C, of fragments that lie in global memory by
/// lane and register, as the PTX manual draws them.
static std::string getFragmentKernel(llvm::StringRef call, unsigned numA,
                                     unsigned numB, llvm::StringRef type) {
  std::string text =
      "define ptx_kernel void @multiply(ptr addrspace(1) %a, ptr "
      "addrspace(1) %b, ptr addrspace(1) %c) {\n"
      "  %lane = call i32 @llvm.nvvm.read.ptx.sreg.laneid()\n";
  auto loadAll = [&](const std::string &name, unsigned count,
                     const std::string &element) {
    text +=
        "  %" + name + "Begin = mul i32 %lane, " + std::to_string(count) + "\n";
    for (unsigned i = 0; i < count; ++i) {
      std::string number = name + std::to_string(i);
      text += "  %" + number + "Index = add i32 %" + name + "Begin, " +
              std::to_string(i) + "\n  %" + number +
              "Address = getelementptr i32, ptr addrspace(1) %" + name +
              ", i32 %" + number + "Index\n  %" + number + " = load " +
              element + ", ptr addrspace(1) %" + number + "Address\n";
    }
  };
  loadAll("a", numA, type.str());
  loadAll("b", numB, type.str());
  loadAll("c", 4, "float");
  text += "  %d = call { float, float, float, float } " + call.str() + "\n";
  for (int i = 0; i < 4; ++i) {
    std::string number = std::to_string(i);
    text += "  %d" + number +
            " = extractvalue { float, float, float, float } %d, " + number +
            "\n  store float %d" + number + ", ptr addrspace(1) %c" + number +
            "Address\n";
  }
  return text + "  ret void\n}\n";
}

TEST_F(GemmTest, fragmentsOfTF32) {
  ASSERT_EQ(
      load(getFragmentKernel(
          "@llvm.nvvm.mma.m16n8k8.row.col.tf32(i32 %a0, i32 %a1, i32 %a2, i32 "
          "%a3, i32 %b0, i32 %b1, float %c0, float %c1, float %c2, float %c3)",
          4, 2, "i32")),
      "");
  std::vector<float> left = getRandomValues(16 * 8, 3),
                     right = getRandomValues(8 * 8, 4),
                     added = getRandomValues(16 * 8, 5);
  std::vector<float> aWords, bWords;
  auto *cWords = memory.allocate<float>("c", 128);
  std::vector<double> expected(128);
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    aWords.insert(aWords.end(),
                  {left[g * 8 + t], left[(g + 8) * 8 + t], left[g * 8 + t + 4],
                   left[(g + 8) * 8 + t + 4]});
    bWords.insert(bWords.end(), {right[t * 8 + g], right[(t + 4) * 8 + g]});
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = g + (i < 2 ? 0 : 8), column = 2 * t + i % 2;
      cWords[lane * 4 + i] = added[row * 8 + column];
      expected[lane * 4 + i] = added[row * 8 + column];
      for (unsigned l = 0; l < 8; ++l)
        expected[lane * 4 + i] +=
            double(left[row * 8 + l]) * right[l * 8 + column];
    }
  }
  LaunchOptions options;
  options.block.x = 32;
  ASSERT_EQ(launch("multiply", options, memory.copy<float>("a", aWords),
                   memory.copy<float>("b", bWords), cWords),
            "");
  EXPECT_LT(getError({cWords, 128}, expected), 1e-6);
}

// The same by inline assembly whose accumulators are read and written.
TEST_F(GemmTest, fragmentsOfF16InAssembly) {
  ASSERT_EQ(
      load(getFragmentKernel(
          "asm sideeffect \"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
          "{$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};\", "
          "\"=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3\"(i32 %a0, i32 %a1, i32 %a2, i32 "
          "%a3, i32 %b0, i32 %b1, float %c0, float %c1, float %c2, float %c3)",
          4, 2, "i32")),
      "");
  std::vector<float> left = getRandomValues(16 * 16, 3),
                     right = getRandomValues(16 * 8, 4);
  auto pack = [](float low, float high) {
    return uint32_t(toF16(high)) << 16 | toF16(low);
  };
  std::vector<uint32_t> aWords, bWords;
  auto *cWords = memory.allocate<float>("c", 128);
  std::vector<double> expected(128);
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned k0 : {0, 8})
      for (unsigned row : {g, g + 8})
        aWords.push_back(
            pack(left[row * 16 + k0 + 2 * t], left[row * 16 + k0 + 2 * t + 1]));
    for (unsigned k0 : {0, 8})
      bWords.push_back(
          pack(right[(k0 + 2 * t) * 8 + g], right[(k0 + 2 * t + 1) * 8 + g]));
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = g + (i < 2 ? 0 : 8), column = 2 * t + i % 2;
      cWords[lane * 4 + i] = 1;
      expected[lane * 4 + i] = 1;
      for (unsigned l = 0; l < 16; ++l)
        expected[lane * 4 + i] +=
            double(left[row * 16 + l]) * right[l * 8 + column];
    }
  }
  LaunchOptions options;
  options.block.x = 32;
  ASSERT_EQ(launch("multiply", options, memory.copy<uint32_t>("a", aWords),
                   memory.copy<uint32_t>("b", bWords), cWords),
            "");
  EXPECT_LT(getError({cWords, 128}, expected), 1e-6);
}

// Matrix i is of the numbers 64 * i + 8 * row + column.
TEST_F(GemmTest, matricesByLane) {
  struct Case {
    unsigned numMatrices;
    bool transposed;
  };
  for (Case each :
       {Case{1, false}, Case{2, true}, Case{4, false}, Case{4, true}}) {
    unsigned count = each.numMatrices;
    std::string type = count == 1   ? "i32"
                       : count == 2 ? "{ i32, i32 }"
                                    : "{ i32, i32, i32, i32 }";
    globals = "@tile = external addrspace(3) global [0 x i8], align 16\n";
    std::string body = R"(
  %byte = shl i32 %tid, 4
  %from = getelementptr i8, ptr addrspace(1) %q, i32 %byte
  %row = getelementptr i8, ptr addrspace(3) @tile, i32 %byte
  %v = load <4 x i32>, ptr addrspace(1) %from, align 16
  store <4 x i32> %v, ptr addrspace(3) %row, align 16
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %r = call )" + type + " @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x" +
                       std::to_string(count) +
                       (each.transposed ? ".trans" : "") +
                       ".b16.p3(ptr addrspace(3) %row)\n  %first = mul i32 "
                       "%tid, " +
                       std::to_string(count) + "\n";
    for (unsigned i = 0; i < count; ++i) {
      std::string n = std::to_string(i);
      std::string value = count == 1 ? "%r" : "%v" + n;
      if (count > 1)
        body += "  %v" + n + " = extractvalue " + type + " %r, " + n + "\n";
      body += "  %i" + n + " = add i32 %first, " + n + "\n  %to" + n +
              " = getelementptr i32, ptr addrspace(1) %p, i32 %i" + n +
              "\n  store i32 " + value + ", ptr addrspace(1) %to" + n + "\n";
    }
    input.clear();
    for (uint32_t i = 0; i < 256; i += 2)
      input.push_back((i + 1) << 16 | i);
    numWords = 128;
    ASSERT_EQ(run(body, 32, 512), "");
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < count; ++i)
        for (unsigned half = 0; half < 2; ++half) {
          unsigned row = lane / 4, column = 2 * (lane % 4) + half;
          if (each.transposed)
            std::swap(row, column);
          EXPECT_EQ(words[lane * count + i] >> 16 * half & 0xffff,
                    64 * i + 8 * row + column);
        }
  }
}
