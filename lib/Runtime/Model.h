//===- Model.h - Runtime and model objects -------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_MODEL_H
#define VITC_LIB_RUNTIME_MODEL_H

#include "OneDNN.h"
#include "ThreadPool.h"

#include "vitc/Runtime/Descriptor.h"
#include "vitc/Runtime/vitc.h"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace vitc::rt::cuda {
class CudaDevice;
struct CudaModel;
} // namespace vitc::rt::cuda

struct vitc_runtime {
  explicit vitc_runtime(int32_t threads) : pool(threads) {}

  vitc::rt::ThreadPool pool;
};

/// A descriptor that was checked, and the code chosen for this machine.
struct vitc_model {
  /// `device` is the number of a GPU, for a model that was compiled for one; 0
  /// unless it is given.
  vitc_model(vitc_runtime &runtime, const vitc_model_descriptor_t &descriptor,
             const char *isa, std::optional<int32_t> device = {});
  vitc_model(const vitc_model &) = delete;
  vitc_model &operator=(const vitc_model &) = delete;

  /// An entry and its code for the chosen level.
  struct Entry {
    const vitc::rt::EntryDescriptor *descriptor = nullptr;
    const vitc::rt::CodeDescriptor *code = nullptr;
  };

  /// The one of that name, or null.
  const Entry *findEntry(std::string_view name) const;
  /// The same. Throws Failure(VITC_INVALID_ARGUMENT), which lists all names.
  const Entry &requireEntry(std::string_view name) const;

  /// The attention entry. Throws Failure(VITC_UNSUPPORTED) when there is none.
  const Entry &requireAttention() const;

  vitc_runtime &runtime;
  const vitc_model_descriptor_t &descriptor;
  /// The entry that takes what the user gives: "forward" or, of a model that
  /// generates tokens, "encode", or "step" where there is nothing to encode.
  Entry main;
  Entry attention; // null when the model has no maps
  Entry text;      // null unless the model ranks texts by their embeddings
  Entry step;      // null unless the model generates tokens
  /// Those that a caller may run, the main one first.
  std::vector<const Entry *> entries;
  std::shared_ptr<const vitc::rt::OneDnnLibrary> oneDnn; // null unless called
  std::shared_ptr<const vitc::rt::cuda::CudaModel> cuda; // null on a CPU

private:
  void chooseEntries(const char *isa, const vitc::rt::cuda::CudaDevice *gpu);
};

namespace vitc::rt {

/// The entry of that name, or null.
const EntryDescriptor *findEntry(const vitc_model_descriptor_t &descriptor,
                                 std::string_view name);

/// The entry that takes what the user gives, or null.
const EntryDescriptor *findMainEntry(const vitc_model_descriptor_t &descriptor);

/// Throws Failure(VITC_UNSUPPORTED) unless this runtime can run `descriptor`.
void checkDescriptor(const vitc_model_descriptor_t &descriptor);

/// Throws Failure(VITC_UNSUPPORTED) unless the model takes pictures; `instead`
/// is what it needs then.
void requirePictures(const PreprocessDescriptor &preprocess,
                     const char *instead);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_MODEL_H
