//===- CudaTransfers.cpp - Tensors of the caller's on their way -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaTransfers.h"

#include "Status.h"

#include <algorithm>
#include <cstring>

using namespace vitc::rt;
using namespace vitc::rt::cuda;

/// Pages that are locked are the system's no more: of pictures of 224 x 224
/// pixels, those of 445.
static constexpr int64_t kMaxBytes = int64_t(256) << 20;
/// Long enough for a call of the driver's not to count, short enough for the
/// first to be under way soon.
static constexpr int64_t kPieceBytes = int64_t(1) << 20;
static constexpr int64_t kAlignment = 256;

CudaTransfers::~CudaTransfers() {
  try {
    CudaContext::Scope scope(*context);
    free();
  } catch (const Failure &) {
    // A context that cannot be made current is gone, and its memory with it.
  }
}

void CudaTransfers::free() noexcept {
  if (memory)
    (void)context->getLibrary().cuMemFreeHost(memory);
  memory = nullptr;
  size = 0;
}

void CudaTransfers::reserve(int64_t bytes) {
  bytes = std::min(bytes, kMaxBytes);
  if (bytes <= size || bytes >= refused)
    return;
  void *address = nullptr;
  if (context->getLibrary().cuMemHostAlloc(&address, bytes, /*flags=*/0) !=
      CUDA_SUCCESS) {
    // What there is serves on.
    refused = bytes;
    return;
  }
  free();
  memory = static_cast<uint8_t *>(address);
  size = bytes;
}

uint8_t *CudaTransfers::take(int64_t bytes) {
  if (bytes > size - used)
    return nullptr;
  uint8_t *taken = memory + used;
  used =
      std::min(size, (used + bytes + kAlignment - 1) / kAlignment * kAlignment);
  return taken;
}

uint8_t *CudaTransfers::find(const void *from, int64_t bytes) const {
  for (const Input &input : inputs)
    if (input.from == from && input.bytes == bytes)
      return input.locked;
  return nullptr;
}

void CudaTransfers::begin() {
  used = 0;
  inputs.clear();
  results.clear();
}

void CudaTransfers::copyToDevice(CUdeviceptr to, const void *from,
                                 int64_t bytes, const CudaStream &stream) {
  uint8_t *locked = take(bytes);
  if (!locked)
    return stream.copyToDevice(to, from, bytes);
  inputs.push_back({from, locked, bytes});
  const auto *source = static_cast<const uint8_t *>(from);
  for (int64_t begin = 0; begin < bytes; begin += kPieceBytes) {
    int64_t piece = std::min(kPieceBytes, bytes - begin);
    std::memcpy(locked + begin, source + begin, piece);
    stream.copyToDevice(to + begin, locked + begin, piece);
  }
}

void CudaTransfers::copyToHost(void *to, CUdeviceptr from, int64_t bytes,
                               const CudaStream &stream) {
  uint8_t *locked = find(to, bytes);
  if (!locked)
    locked = take(bytes);
  if (!locked)
    return stream.copyToHost(to, from, bytes);
  stream.copyToHost(locked, from, bytes);
  results.push_back({to, locked, bytes});
}

void CudaTransfers::finish() {
  for (const Result &result : results)
    std::memcpy(result.to, result.locked, result.bytes);
  results.clear();
}
