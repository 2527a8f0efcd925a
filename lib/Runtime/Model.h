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
#include <string_view>

struct vitc_runtime {
  explicit vitc_runtime(int32_t threads) : pool(threads) {}

  vitc::rt::ThreadPool pool;
};

/// A descriptor that was checked, and the code chosen for this machine.
struct vitc_model {
  vitc_model(vitc_runtime &runtime, const vitc_model_descriptor_t &descriptor,
             const char *isa);

  /// An entry and its code for the chosen level.
  struct Entry {
    const vitc::rt::EntryDescriptor *descriptor = nullptr;
    const vitc::rt::CodeDescriptor *code = nullptr;
  };

  /// The attention entry. Throws Failure(VITC_UNSUPPORTED) when there is none.
  const Entry &requireAttention() const;

  vitc_runtime &runtime;
  const vitc_model_descriptor_t &descriptor;
  Entry forward;
  Entry attention; // null when the model has no maps
  std::shared_ptr<const vitc::rt::OneDnnLibrary> oneDnn; // null unless called
};

namespace vitc::rt {

/// The entry of that name, or null.
const EntryDescriptor *findEntry(const vitc_model_descriptor_t &descriptor,
                                 std::string_view name);

/// Throws Failure(VITC_UNSUPPORTED) unless this runtime can run `descriptor`.
void checkDescriptor(const vitc_model_descriptor_t &descriptor);

/// Throws Failure(VITC_UNSUPPORTED) unless the model takes pictures; `instead`
/// is what it needs then.
void requirePictures(const PreprocessDescriptor &preprocess,
                     const char *instead);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_MODEL_H
