//===- OneDNNLibrary.cpp - Load libdnnl -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OneDNNLibrary.h"

#include "Status.h"

#include <dlfcn.h>

#include <cstdlib>

using namespace vitc::rt;

static constexpr const char *kSoname = "libdnnl.so.3";
static constexpr const char *kPathVariable = "VITC_ONEDNN_LIBRARY";
static constexpr int kNeededMajor = 3, kNeededMinor = 2;

void *OneDnnLibrary::open(const char *compiledLibrary) {
  auto load = [&](const char *name) {
    path = name;
    return ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  };
  // A library that the user names is the one used, or none.
  if (const char *named = std::getenv(kPathVariable); named && *named) {
    if (void *library = load(named))
      return library;
    throw Failure(VITC_UNSUPPORTED,
                  "{} names '{}', which does not load ({}); the model needs "
                  "oneDNN {}.{} or newer",
                  kPathVariable, named, ::dlerror(), kNeededMajor,
                  kNeededMinor);
  }
  if (void *library = load(kSoname))
    return library;
  bool compiled = compiledLibrary && *compiledLibrary;
  if (compiled)
    if (void *library = load(compiledLibrary))
      return library;
  throw Failure(VITC_UNSUPPORTED,
                "the model needs oneDNN {}.{} or newer and the system has "
                "neither {} nor {}; install it or name it in {}",
                kNeededMajor, kNeededMinor, kSoname,
                compiled ? compiledLibrary : "another", kPathVariable);
}

void *OneDnnLibrary::find(const char *symbol) const {
  if (void *address = ::dlsym(handle, symbol))
    return address;
  throw Failure(VITC_UNSUPPORTED,
                "oneDNN library '{}' lacks {}; needs oneDNN {}.{} or newer",
                path, symbol, kNeededMajor, kNeededMinor);
}

OneDnnLibrary::OneDnnLibrary(const char *compiledLibrary)
    : handle(open(compiledLibrary)) {
#define VITC_ONEDNN_FIND(name)                                                 \
  name = reinterpret_cast<decltype(name)>(find(#name));
  VITC_ONEDNN_FUNCTIONS(VITC_ONEDNN_FIND)
#undef VITC_ONEDNN_FIND

  const dnnl_version_t *version = dnnl_version();
  if (version->major != kNeededMajor || version->minor < kNeededMinor)
    throw Failure(VITC_UNSUPPORTED,
                  "oneDNN library '{}' is version {}.{}; needs {}.{} or newer "
                  "of {}",
                  path, version->major, version->minor, kNeededMajor,
                  kNeededMinor, kNeededMajor);
  if (version->cpu_runtime == DNNL_RUNTIME_SEQ)
    return;
  if (version->cpu_runtime != DNNL_RUNTIME_OMP)
    throw Failure(VITC_UNSUPPORTED,
                  "oneDNN library '{}' has CPU runtime {}; needs OpenMP ({}) "
                  "or sequential ({})",
                  path, version->cpu_runtime, DNNL_RUNTIME_OMP,
                  DNNL_RUNTIME_SEQ);
  // Searched in libdnnl's dependencies too, so these are its own OpenMP's.
  ompSetNumThreads =
      reinterpret_cast<decltype(ompSetNumThreads)>(find("omp_set_num_threads"));
  ompGetMaxThreads =
      reinterpret_cast<decltype(ompGetMaxThreads)>(find("omp_get_max_threads"));
}

void OneDnnLibrary::check(dnnl_status_t status, const char *what) const {
  if (status == dnnl_success)
    return;
  if (status == dnnl_out_of_memory)
    throw std::bad_alloc();
  throw Failure(status == dnnl_unimplemented ? VITC_UNSUPPORTED : VITC_INTERNAL,
                "oneDNN library '{}' returns status {} from {}; needs 0", path,
                static_cast<int>(status), what);
}

std::shared_ptr<const OneDnnLibrary>
vitc::rt::loadOneDnn(const char *compiledLibrary) {
  return std::make_shared<const OneDnnLibrary>(compiledLibrary);
}
