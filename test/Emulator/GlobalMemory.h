//===- GlobalMemory.h - What kernels may touch ---------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_GLOBALMEMORY_H
#define VITC_TEST_EMULATOR_GLOBALMEMORY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace vitc::emulator {

/// The device's global memory: named allocations, each with nothing near it, so
/// that an access past an end meets no other one.
class GlobalMemory {
public:
  struct Allocation {
    std::string name;
    uintptr_t begin;
    size_t size;
    bool writable;
    size_t mappedBytes; ///< 0 where the memory is somebody else's.
  };

  GlobalMemory() = default;
  ~GlobalMemory();
  GlobalMemory(const GlobalMemory &) = delete;
  GlobalMemory &operator=(const GlobalMemory &) = delete;

  /// New memory at a multiple of 256 bytes, as of cudaMalloc. Its bytes are
  /// 0xff, NaN in every float type.
  void *allocate(llvm::StringRef name, size_t size);
  template <typename T> T *allocate(llvm::StringRef name, size_t count) {
    return static_cast<T *>(allocate(name, count * sizeof(T)));
  }
  /// The same, with the values of `values`, for reading only.
  template <typename T>
  const T *copy(llvm::StringRef name, llvm::ArrayRef<T> values) {
    void *memory = allocate(name, values.size() * sizeof(T));
    std::copy(values.begin(), values.end(), static_cast<T *>(memory));
    find(reinterpret_cast<uintptr_t>(memory))->writable = false;
    return static_cast<const T *>(memory);
  }
  /// Ends an allocation. Nothing else will ever lie there.
  void free(const void *memory);
  /// Ends them all.
  void clear();
  /// Whether anybody can touch the allocations at all.
  void setAccessible(bool accessible);
  /// Memory that outlives the launches, as a module's constants.
  void add(llvm::StringRef name, const void *memory, size_t size,
           bool writable);
  /// Takes back what was added.
  void remove(const void *memory);

  /// What findBefore gave stays as long as this number, which no other has.
  uint64_t getVersion() const { return version; }

  /// The last allocation that begins at or before `address`, or null.
  const Allocation *findBefore(uintptr_t address) const;
  /// Where `address` lies in words: "12 bytes past the end of 'a' (64 bytes)".
  std::string describe(uintptr_t address) const;

private:
  Allocation *find(uintptr_t begin) { return &allocations.at(begin); }

  static uint64_t getNewVersion() {
    static std::atomic<uint64_t> last = 0;
    return ++last;
  }
  void seal(Allocation &allocation);

  std::map<uintptr_t, Allocation> allocations, freed;
  mutable const Allocation *last = nullptr;
  uint64_t version = getNewVersion();
};

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_GLOBALMEMORY_H
