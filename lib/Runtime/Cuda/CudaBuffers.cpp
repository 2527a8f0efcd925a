//===- CudaBuffers.cpp - A session's buffers on a GPU ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaBuffers.h"

using namespace vitc::rt;
using namespace vitc::rt::cuda;

class CudaBuffers::Loan final : public Buffer {
public:
  Loan(CudaBuffers &owner, CudaMemory memory)
      : Buffer(toPointer(memory.get())), owner(owner),
        memory(std::move(memory)) {}
  ~Loan() override { owner.takeBack(std::move(memory)); }

private:
  CudaBuffers &owner;
  CudaMemory memory;
};

std::unique_ptr<Buffer> CudaBuffers::reuse(int64_t bytes) {
  auto found = unused.lower_bound({bytes, 0});
  if (found == unused.end() || found->first.first != bytes)
    return nullptr;
  CudaMemory memory = std::move(found->second);
  unused.erase(found);
  return lend(std::move(memory));
}

std::unique_ptr<Buffer> CudaBuffers::lend(CudaMemory memory) {
  lent.insert(toPointer(memory.get()));
  return std::make_unique<Loan>(*this, std::move(memory));
}

void CudaBuffers::takeBack(CudaMemory memory) noexcept {
  lent.erase(toPointer(memory.get()));
  try {
    std::pair key(memory.size(), memory.get());
    unused.emplace(key, std::move(memory));
  } catch (const std::bad_alloc &) {
    // It is freed instead.
  }
}
