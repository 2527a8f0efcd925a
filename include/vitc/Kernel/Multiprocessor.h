//===- Multiprocessor.h - What GPUs of NVIDIA's have in common - *- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_MULTIPROCESSOR_H
#define VITC_KERNEL_MULTIPROCESSOR_H

#include <cstdint>

namespace vitc::kernel {

inline constexpr int64_t kWarpThreads = 32;
/// Threads that multiply together on sm_90a, and the rows that they have.
inline constexpr int64_t kWarpgroupThreads = 128, kWarpgroupRows = 64;
/// What a thread reads or writes at once, at most.
inline constexpr int64_t kVectorBytes = 16;
/// The most of a block.
inline constexpr int64_t kMaxBlockThreads = 1024;
/// Of a multiprocessor, of 32 bits.
inline constexpr int64_t kMultiprocessorRegisters = 65536;
/// Of an H100 or H200 on a board of its own, which sm_90a is scheduled for.
inline constexpr int64_t kHopperMultiprocessors = 132;

} // namespace vitc::kernel

#endif // VITC_KERNEL_MULTIPROCESSOR_H
