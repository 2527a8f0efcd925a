//===- Matrix.cpp - ldmatrix and mma.sync ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Of a warp's lanes, lane = 4 * g + t: g counts rows (of B, columns), t pairs
// or single elements along k, as the PTX manual's pictures of fragments have
// it.
#include "../Block.h"
#include "../ShortFloat.h"

#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

namespace {
enum class Element : uint32_t { F16, BF16, TF32 };

/// The parameter of an ldmatrix model.
struct MatrixLoad {
  unsigned numMatrices;
  bool transposed;
};

constexpr uint32_t encode(MatrixLoad load) {
  return load.numMatrices | load.transposed << 8;
}
constexpr uint32_t encode(Element element, unsigned k) {
  return static_cast<uint32_t>(element) << 8 | k;
}
} // namespace

/// Lanes 8 * i and up name the rows of matrix i, of 8 16-bit elements each.
/// Every lane gets two of a row of each matrix, or of a column.
static void loadMatrices(Group &group) {
  unsigned numMatrices = group.getParameter() & 0xff;
  bool transposed = group.getParameter() >> 8;
  uint16_t rows[32][8];
  for (unsigned lane = 0; lane < 8 * numMatrices; ++lane) {
    Thread &thread = *group.lanes[lane];
    uintptr_t address = thread.in[0];
    if (!thread.block->checkAlignment(thread, address, 16, Access::Read) ||
        !thread.block->checkShared(thread, address, 16, Access::Read))
      return;
    std::memcpy(rows[lane], reinterpret_cast<const void *>(address), 16);
  }
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < numMatrices; ++i) {
      unsigned g = lane / 4, t = lane % 4;
      auto *matrix = rows + 8 * i;
      uint32_t low = transposed ? matrix[2 * t][g] : matrix[g][2 * t];
      uint32_t high = transposed ? matrix[2 * t + 1][g] : matrix[g][2 * t + 1];
      group.lanes[lane]->out[i] = high << 16 | low;
    }
}

/// Calls store(position, value) for the elements that a register holds.
template <typename Store>
static void unpack(Element element, uint32_t word, Store store) {
  if (element == Element::TF32)
    return store(0, truncateToTF32(word));
  for (unsigned half = 0; half < 2; ++half) {
    auto bits = static_cast<uint16_t>(word >> 16 * half);
    store(half, element == Element::BF16 ? fromBF16(bits) : fromF16(bits));
  }
}

/// d = a * b + c for 16 x 8 elements in f32. The products are exact and their
/// sum is rounded once: a kernel is not to depend on the order of the GPU's.
static void multiplyMatrices(Group &group) {
  auto element = static_cast<Element>(group.getParameter() >> 8);
  unsigned k = group.getParameter() & 0xff;
  // A register has one place along t of this many elements.
  unsigned perWord = element == Element::TF32 ? 1 : 2;
  unsigned numB = k / (4 * perWord), numA = 2 * numB;
  double a[16][16], b[16][8], d[16][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    const uint64_t *in = group.lanes[lane]->in;
    for (unsigned i = 0; i < numA; ++i)
      unpack(element, in[i], [&](unsigned half, float value) {
        a[g + 8 * (i % 2)][perWord * (t + 4 * (i / 2)) + half] = value;
      });
    for (unsigned i = 0; i < numB; ++i)
      unpack(element, in[numA + i], [&](unsigned half, float value) {
        b[perWord * (t + 4 * i) + half][g] = value;
      });
  }
  auto forEachResult = [&](auto visit) {
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < 4; ++i)
        visit(*group.lanes[lane], i,
              d[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2]);
  };
  forEachResult([&](Thread &thread, unsigned i, double &element) {
    element = getFloat(thread.in[numA + numB + i]);
  });
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned j = 0; j < k; ++j)
      for (unsigned column = 0; column < 8; ++column)
        d[row][column] += a[row][j] * b[j][column];
  forEachResult([&](Thread &thread, unsigned i, double element) {
    thread.out[i] = getWord(static_cast<float>(element));
  });
}

llvm::ArrayRef<Model> vitc::emulator::getMatrixModels() {
  using E = Element;
  static constexpr Model models[] = {
#define LDMATRIX(COUNT)                                                        \
  warpModel("llvm.nvvm.ldmatrix.sync.aligned.m8n8.x" #COUNT ".b16",            \
            loadMatrices, encode({COUNT, false})),                             \
      warpModel("llvm.nvvm.ldmatrix.sync.aligned.m8n8.x" #COUNT ".trans.b16",  \
                loadMatrices, encode({COUNT, true})),                          \
      warpModel("ldmatrix.sync.aligned.m8n8.x" #COUNT ".shared.b16",           \
                loadMatrices, encode({COUNT, false}))                          \
          .ptx(COUNT, 1),                                                      \
      warpModel("ldmatrix.sync.aligned.m8n8.x" #COUNT ".trans.shared.b16",     \
                loadMatrices, encode({COUNT, true}))                           \
          .ptx(COUNT, 1)
      LDMATRIX(1),
      LDMATRIX(2),
      LDMATRIX(4),
#undef LDMATRIX
      warpModel("llvm.nvvm.mma.m16n8k4.row.col.tf32", multiplyMatrices,
                encode(E::TF32, 4)),
      warpModel("llvm.nvvm.mma.m16n8k8.row.col.tf32", multiplyMatrices,
                encode(E::TF32, 8)),
      warpModel("llvm.nvvm.mma.m16n8k8.row.col.f32.f32", multiplyMatrices,
                encode(E::F16, 8)),
      warpModel("llvm.nvvm.mma.m16n8k8.row.col.bf16", multiplyMatrices,
                encode(E::BF16, 8)),
      warpModel("llvm.nvvm.mma.m16n8k16.row.col.f32.f32", multiplyMatrices,
                encode(E::F16, 16)),
      warpModel("llvm.nvvm.mma.m16n8k16.row.col.bf16", multiplyMatrices,
                encode(E::BF16, 16)),
      warpModel("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32",
                multiplyMatrices, encode(E::TF32, 4))
          .ptx(4, 7),
      warpModel("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
                multiplyMatrices, encode(E::TF32, 8))
          .ptx(4, 10),
      warpModel("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32",
                multiplyMatrices, encode(E::F16, 8))
          .ptx(4, 7),
      warpModel("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32",
                multiplyMatrices, encode(E::BF16, 8))
          .ptx(4, 7),
      warpModel("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32",
                multiplyMatrices, encode(E::F16, 16))
          .ptx(4, 10),
      warpModel("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32",
                multiplyMatrices, encode(E::BF16, 16))
          .ptx(4, 10),
  };
  return models;
}
