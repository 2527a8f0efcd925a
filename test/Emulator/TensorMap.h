//===- TensorMap.h - A matrix and how tiles of it are copied -- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_TENSORMAP_H
#define VITC_TEST_EMULATOR_TENSORMAP_H

#include "llvm/Support/Error.h"
#include <cstdint>

namespace vitc::emulator {

/// What a kernel gets where a GPU's gets a CUtensorMap, by value or by address:
/// a matrix in global memory and the tile of it that one instruction copies.
/// The inner size comes first, as cuTensorMapEncodeTiled has it.
struct alignas(64) TensorMap {
  static constexpr uint64_t kMagic = 0x70616d2063746976;

  uint64_t magic = kMagic;
  uint64_t address;
  uint64_t size[2];  ///< In elements.
  uint64_t rowBytes; ///< From a row to the next.
  uint32_t tile[2];  ///< In elements.
  uint32_t elementBytes;
  uint32_t swizzleBytes; ///< 0, 32, 64 or 128.
  char unused[64];

  /// What is wrong with it by cuTensorMapEncodeTiled's rules. Rows shorter than
  /// what is swizzled are refused, too.
  llvm::Error check() const;

  uint32_t getTileBytes() const { return tile[0] * tile[1] * elementBytes; }
};
static_assert(sizeof(TensorMap) == 128, "as large as a CUtensorMap");

/// Where the byte at `address` of shared memory lies when rows of
/// `swizzleBytes` are swizzled: 16-byte pieces of a row change places, by the
/// row's number.
inline uint64_t swizzle(uint64_t address, uint32_t swizzleBytes) {
  uint64_t pieces = swizzleBytes ? swizzleBytes / 16 - 1 : 0;
  return address ^ ((address >> 7 & pieces) << 4);
}

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_TENSORMAP_H
