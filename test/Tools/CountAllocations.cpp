//===- CountAllocations.cpp - Allocations while a model runs --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// count-allocations MODEL.so THREADS BATCH RUNS
//
// Runs a model on zeros and prints how many times memory was allocated within
// each call of vitc_session_run, by whatever thread: one number a line. malloc
// and its kin are this program's own, which count and call the C library's.
//
//===----------------------------------------------------------------------===//

#include "vitc/Runtime/vitc.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <vector>

static std::atomic<long> numAllocations{0};

extern "C" {
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  ++numAllocations;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  ++numAllocations;
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
  ++numAllocations;
  return __libc_realloc(memory, size);
}
void *memalign(size_t alignment, size_t size) {
  ++numAllocations;
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) {
  *memory = memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
}

namespace {
[[noreturn]] void fail(const char *what, const char *why) {
  std::fprintf(stderr, "count-allocations: error: %s: %s\n", what, why);
  std::exit(1);
}

/// The functions of a model's library.
class Library {
public:
  explicit Library(const char *path) : handle(dlopen(path, RTLD_NOW)) {
    if (!handle)
      fail(path, dlerror());
  }
  template <typename T> T *get(const char *name) const {
    void *symbol = dlsym(handle, name);
    if (!symbol)
      fail(name, dlerror());
    return reinterpret_cast<T *>(symbol);
  }
  /// Calls a function that returns a status and takes an error last.
  template <typename... Params, typename... Args>
  void call(vitc_status_t (*)(Params...), const char *name,
            Args... args) const {
    vitc_error_t error;
    if (get<vitc_status_t(Params...)>(name)(args..., &error) != VITC_OK)
      fail(name, error.message);
  }

private:
  void *handle;
};

/// A tensor of zeros.
struct Zeros {
  Zeros(const vitc_tensor_info_t &info, int64_t batch) {
    tensor.dtype = info.dtype;
    tensor.rank = info.rank;
    size_t size = 8; // bytes of the largest element
    for (int32_t i = 0; i < info.rank; ++i) {
      tensor.dims[i] = info.dims[i] < 0 ? batch : info.dims[i];
      size *= tensor.dims[i];
    }
    values.resize(size);
    tensor.data = values.data();
  }
  std::vector<char> values;
  vitc_tensor_t tensor;
};
} // namespace

#define CALL(name, ...) library.call(&name, #name, __VA_ARGS__)

int main(int argc, char **argv) {
  if (argc != 5)
    fail("usage", "count-allocations MODEL.so THREADS BATCH RUNS");
  Library library(argv[1]);
  int64_t batch = std::atoll(argv[3]);
  vitc_runtime_t *runtime;
  vitc_model_t *model;
  vitc_session_t *session;
  CALL(vitc_runtime_create, std::atoi(argv[2]), &runtime);
  CALL(vitc_model_create, runtime,
       library.get<const vitc_model_descriptor_t>("vitc_model_descriptor"),
       nullptr, &model);
  CALL(vitc_session_create, model, batch, &session);

  std::vector<Zeros> storage;
  std::vector<vitc_tensor_t> inputs, outputs;
  vitc_tensor_info_t info;
  int32_t numInputs = library.get<decltype(vitc_model_num_inputs)>(
      "vitc_model_num_inputs")(model);
  int32_t numOutputs = library.get<decltype(vitc_model_num_outputs)>(
      "vitc_model_num_outputs")(model);
  for (int32_t i = 0; i < numInputs; ++i) {
    CALL(vitc_model_input, model, i, &info);
    inputs.push_back(storage.emplace_back(info, batch).tensor);
  }
  for (int32_t i = 0; i < numOutputs; ++i) {
    CALL(vitc_model_output, model, i, &info);
    outputs.push_back(storage.emplace_back(info, batch).tensor);
  }
  for (int run = 0; run < std::atoi(argv[4]); ++run) {
    long before = numAllocations;
    CALL(vitc_session_run, session, inputs.data(), outputs.data());
    std::printf("%ld\n", numAllocations - before);
  }
}
