//===- GlobalMemory.cpp - What kernels may touch --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GlobalMemory.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>
#include <sys/mman.h>

using namespace vitc::emulator;

/// Around each allocation: a tile's row past the end of a matrix lands here.
static constexpr size_t kGuardBytes = size_t(1) << 20;

static void protect(const GlobalMemory::Allocation &allocation, int rights) {
  if (allocation.mappedBytes)
    mprotect(reinterpret_cast<void *>(allocation.begin),
             llvm::alignTo(allocation.size, 4096), rights);
}

GlobalMemory::~GlobalMemory() {
  for (auto *map : {&allocations, &freed})
    for (auto &[begin, allocation] : *map)
      if (allocation.mappedBytes)
        munmap(reinterpret_cast<void *>(begin - kGuardBytes),
               allocation.mappedBytes);
}

void GlobalMemory::seal(Allocation &allocation) {
  protect(allocation, PROT_NONE);
  madvise(reinterpret_cast<void *>(allocation.begin),
          llvm::alignTo(allocation.size, 4096), MADV_DONTNEED);
  freed[allocation.begin] = std::move(allocation);
}

void GlobalMemory::free(const void *memory) {
  auto found = allocations.find(reinterpret_cast<uintptr_t>(memory));
  seal(found->second);
  allocations.erase(found);
  last = nullptr;
  version = getNewVersion();
}

void GlobalMemory::clear() {
  for (auto &[begin, allocation] : allocations)
    if (allocation.mappedBytes)
      seal(allocation);
  allocations.clear();
  last = nullptr;
  version = getNewVersion();
}

void GlobalMemory::setAccessible(bool accessible) {
  for (auto &[begin, allocation] : allocations)
    protect(allocation, accessible ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void *GlobalMemory::allocate(llvm::StringRef name, size_t size) {
  size_t mappedBytes = llvm::alignTo(size, 4096) + 2 * kGuardBytes;
  void *address = mmap(nullptr, mappedBytes, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    llvm::report_fatal_error("no memory for an allocation of a kernel");
  char *begin = static_cast<char *>(address) + kGuardBytes;
  mprotect(begin, llvm::alignTo(size, 4096), PROT_READ | PROT_WRITE);
  std::memset(begin, 0xff, size);
  auto key = reinterpret_cast<uintptr_t>(begin);
  allocations[key] = {name.str(), key, size, /*writable=*/true, mappedBytes};
  return begin;
}

void GlobalMemory::add(llvm::StringRef name, const void *memory, size_t size,
                       bool writable) {
  auto key = reinterpret_cast<uintptr_t>(memory);
  allocations[key] = {name.str(), key, size, writable, /*mappedBytes=*/0};
}

void GlobalMemory::remove(const void *memory) {
  allocations.erase(reinterpret_cast<uintptr_t>(memory));
  last = nullptr;
  version = getNewVersion();
}

const GlobalMemory::Allocation *
GlobalMemory::findBefore(uintptr_t address) const {
  if (last && address - last->begin < last->size)
    return last;
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin())
    return nullptr;
  return last = &std::prev(next)->second;
}

std::string GlobalMemory::describe(uintptr_t address) const {
  auto old = freed.upper_bound(address);
  if (old != freed.begin() &&
      address - std::prev(old)->first < std::prev(old)->second.size)
    return llvm::formatv("{0} bytes into '{1}', which was freed",
                         address - std::prev(old)->first,
                         std::prev(old)->second.name);
  const Allocation *before = findBefore(address);
  auto next = allocations.upper_bound(address);
  bool nextIsNear = next != allocations.end() &&
                    (!before || next->first - address <
                                    address - before->begin - before->size);
  if (before && address - before->begin < before->size)
    return llvm::formatv("{0} bytes into '{1}' ({2} bytes)",
                         address - before->begin, before->name, before->size);
  if (nextIsNear && next->first - address <= kGuardBytes)
    return llvm::formatv("{0} bytes before the begin of '{1}' ({2} bytes)",
                         next->first - address, next->second.name,
                         next->second.size);
  if (before && address - before->begin - before->size < kGuardBytes)
    return llvm::formatv("{0} bytes past the end of '{1}' ({2} bytes)",
                         address - before->begin - before->size, before->name,
                         before->size);
  return "far from every allocation";
}
