//===- Warpgroup.cpp - wgmma: products of a warpgroup ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// D[64, N] += A[64, 16] * B[16, N], of f16 or bf16 in f32; A in registers or,
// as B, in shared memory, where a descriptor says how. The result is there at
// once, but operands are read until wgmma.wait_group: nobody may write them
// till then, and CheckProducts.cpp refuses who uses the result before. Each
// group begins with a wgmma.fence, also where registers did not change.
#include "../Block.h"
#include "../ShortFloat.h"
#include "../TensorMap.h"

#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

namespace {
/// An operand of 16 along k in shared memory.
struct Descriptor {
  uint64_t start, leadingBytes, strideBytes;
  uint32_t swizzleBytes; ///< 0: none.
  bool isOutermostK;     ///< MN-major: rows lie along m or n.

  Descriptor(uint64_t word, bool transposed)
      : start((word & 0x3fff) << 4), leadingBytes((word >> 16 & 0x3fff) << 4),
        strideBytes((word >> 32 & 0x3fff) << 4), isOutermostK(transposed) {
    static constexpr uint32_t kSwizzles[] = {0, 128, 64, 32};
    swizzleBytes = kSwizzles[word >> 62];
  }

  /// The byte of shared memory, modulo its size, where element (mn, k) begins.
  uint64_t getOffset(unsigned mn, unsigned k) const {
    uint64_t address;
    if (isOutermostK) {
      unsigned perRow = swizzleBytes / 2;
      address = start + mn / perRow * leadingBytes + k / 8 * strideBytes +
                k % 8 * swizzleBytes + mn % perRow * 2;
    } else if (swizzleBytes) {
      address = start + mn / 8 * strideBytes + mn % 8 * swizzleBytes + k * 2;
    } else {
      address = start + mn / 8 * strideBytes + k / 8 * leadingBytes +
                mn % 8 * 16 + k % 8 * 2;
    }
    return swizzle(address, swizzleBytes) % SharedMemory::kBytes;
  }
};

constexpr unsigned kK = 16, kM = 64, kMaxN = 256;
} // namespace

static float toFloat(uint16_t half, bool isBF16) {
  return isBF16 ? fromBF16(half) : fromF16(half);
}

/// Reads `size` x 16 elements and remembers that they are read. False: a thread
/// is at fault.
static bool readOperand(Warpgroup &group, uint64_t word, bool transposed,
                        unsigned size, bool isBF16, float (*values)[kK]) {
  Thread &thread = *group.threads[0];
  Block &block = *thread.block;
  if (word >> 49 & 7) {
    thread.fault("uses a descriptor with a base offset, of which there is no "
                 "model");
    return false;
  }
  Descriptor descriptor(word, transposed);
  if (transposed && descriptor.swizzleBytes == 0) {
    thread.fault("uses an MN-major descriptor without swizzle, of which there "
                 "is no model");
    return false;
  }
  SharedMemory &shared = block.getShared();
  auto &reads = block.getWarpgroup(thread).reads;
  // Eight elements along a row are 16 bytes in one piece.
  unsigned numPieces = size * kK / 8;
  for (unsigned piece = 0; piece < numPieces; ++piece) {
    unsigned mn = transposed ? piece % (size / 8) * 8 : piece / 2;
    unsigned k = transposed ? piece / (size / 8) : piece % 2 * 8;
    uint64_t offset = descriptor.getOffset(mn, k);
    if (!fits(offset, 16, shared.getSize())) {
      thread.fault(llvm::formatv("reads 16 bytes at byte {0} of shared memory, "
                                 "which has {1}",
                                 offset, shared.getSize()));
      return false;
    }
    if (auto wrong = shared.startRead(thread.index, offset, 16)) {
      thread.fault(*wrong);
      return false;
    }
    reads.add({offset, 16});
    uint16_t halves[8];
    std::memcpy(halves, SharedMemory::getBase() + offset, 16);
    for (unsigned i = 0; i < 8; ++i)
      values[transposed ? mn + i : mn][transposed ? k : k + i] =
          toFloat(halves[i], isBF16);
  }
  return true;
}

/// Row and column of accumulator `i` of a thread, which lies in four registers
/// for each 16 x 8 elements of its warp's 16 rows.
static unsigned getRow(unsigned thread, unsigned i) {
  return thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
}
static unsigned getColumn(unsigned thread, unsigned i) {
  return i / 4 * 8 + thread % 4 * 2 + i % 2;
}

/// D, A's descriptor or four registers, B's descriptor, scale-d, imm-scale-a,
/// imm-scale-b, A's transposition if it has a descriptor, B's.
static void multiply(Warpgroup &group) {
  Thread &first = *group.threads[0];
  unsigned n = first.getParameter() & 0xffff;
  bool isBF16 = first.getParameter() >> 16;
  unsigned numResults = n / 2;
  unsigned numOperands = first.site->numOperands;
  bool hasRegisters = numOperands == numResults + 9;
  if (!hasRegisters && numOperands != numResults + 7)
    return first.fault(llvm::formatv("has {0} operands; {1} or {2} are needed",
                                     numOperands, numResults + 7,
                                     numResults + 9));
  Block &block = *first.block;
  if (!block.getWarpgroup(first).isFenced)
    return first.fault("multiplies with no wgmma.fence before it in its group");
  unsigned b = numResults + (hasRegisters ? 4 : 1);
  for (Thread *thread : group.threads) {
    bool same =
        thread->in[b] == first.in[b] &&
        (hasRegisters || thread->in[numResults] == first.in[numResults]);
    if (!same)
      return thread->fault(llvm::formatv(
          "has another descriptor than thread {0} of its warpgroup: {1:x}, not "
          "{2:x}",
          first.index, thread->in[b], first.in[b]));
  }
  const uint64_t *options = first.in + b + 1;
  bool accumulates = options[0] & 1;
  auto scale = static_cast<float>(static_cast<int64_t>(options[1]) *
                                  static_cast<int64_t>(options[2]));
  bool transposesA = !hasRegisters && options[3] & 1;
  bool transposesB = options[hasRegisters ? 3 : 4] & 1;

  static thread_local float left[kM][kK], right[kMaxN][kK];
  if (hasRegisters) {
    for (unsigned t = 0; t < 128; ++t)
      for (unsigned i = 0; i < 8; ++i) {
        uint64_t word = group.threads[t]->in[numResults + i / 2];
        left[getRow(t, i)][getColumn(t, i)] =
            toFloat(static_cast<uint16_t>(word >> 16 * (i % 2)), isBF16);
      }
  } else if (!readOperand(group, first.in[numResults], transposesA, kM, isBF16,
                          left)) {
    return;
  }
  if (!readOperand(group, first.in[b], transposesB, n, isBF16, right))
    return;
  for (unsigned t = 0; t < 128; ++t) {
    Thread &thread = *group.threads[t];
    for (unsigned i = 0; i < numResults; ++i) {
      const float *row = left[getRow(t, i)], *column = right[getColumn(t, i)];
      float sum = 0;
      for (unsigned k = 0; k < kK; ++k)
        sum += row[k] * column[k];
      sum *= scale;
      thread.out[i] = getWord(accumulates ? getFloat(thread.in[i]) + sum : sum);
    }
  }
}

static void fence(Warpgroup &group) {
  Thread &first = *group.threads[0];
  first.block->getWarpgroup(first).isFenced = true;
}
static void commitGroup(Warpgroup &group) {
  Thread &first = *group.threads[0];
  Block::WarpgroupState &state = first.block->getWarpgroup(first);
  state.reads.commit();
  // Registers may change between groups.
  state.isFenced = false;
}
/// Leaves as many of the newest groups as the operand says.
static void waitForGroups(Warpgroup &group) {
  Thread &first = *group.threads[0];
  Block &block = *first.block;
  Groups<AsyncRead> &reads = block.getWarpgroup(first).reads;
  while (reads.getNumCommitted() > first.in[0])
    reads.finishOldest([&](const AsyncRead &read) {
      block.getShared().finishProductRead(first.index, read.offset, read.bytes);
    });
  block.getShared().acquireProducts(first.index);
}

/// setmaxnreg: how many registers there are changes no result.
static void setRegisters(Warpgroup &group) {
  Thread &first = *group.threads[0];
  if (first.in[0] < 24 || first.in[0] > 256 || first.in[0] % 8 != 0)
    first.fault(llvm::formatv("asks for {0} registers; a multiple of 8 from 24 "
                              "to 256 is needed",
                              first.in[0]));
}

llvm::ArrayRef<Model> vitc::emulator::getWarpgroupModels() {
  static const std::vector<Model> models = [] {
    static std::deque<std::string> names;
    std::vector<Model> all = {
        warpgroupModel("llvm.nvvm.wgmma.fence.sync.aligned", fence),
        warpgroupModel("llvm.nvvm.wgmma.commit_group.sync.aligned",
                       commitGroup),
        warpgroupModel("llvm.nvvm.wgmma.wait_group.sync.aligned",
                       waitForGroups),
        warpgroupModel("llvm.nvvm.setmaxnreg.inc.sync.aligned.u32",
                       setRegisters),
        warpgroupModel("llvm.nvvm.setmaxnreg.dec.sync.aligned.u32",
                       setRegisters),
    };
    for (bool isBF16 : {false, true})
      for (unsigned n = 8; n <= kMaxN; n += 8) {
        names.push_back(
            llvm::formatv("wgmma.mma_async.sync.aligned.m64n{0}k16.f32.{1}.{1}",
                          n, isBF16 ? "bf16" : "f16"));
        Model &model =
            all.emplace_back(warpgroupModel(names.back().c_str(), multiply,
                                            n | uint32_t(isBF16) << 16)
                                 .ptx(n / 2, n / 2 + 7, n / 2 + 9));
        model.readsResult = true;
      }
    return all;
  }();
  return models;
}
