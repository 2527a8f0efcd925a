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
#include <vector>

using namespace vitc::rt;

static constexpr const char *kSoname = "libdnnl.so.3";
static constexpr const char *kPathVariable = "VITC_ONEDNN_LIBRARY";
static constexpr int kNeededMajor = 3, kNeededMinor = 2;

void *OneDnnLibrary::open() const {
  if (void *library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
    return library;
  const char *reason = ::dlerror();
  throw Failure(VITC_UNSUPPORTED,
                "oneDNN library '{}' does not load ({}); needs oneDNN {}.{} or "
                "newer",
                path, reason ? reason : "no reason given", kNeededMajor,
                kNeededMinor);
}

void *OneDnnLibrary::find(const char *symbol) const {
  if (void *address = ::dlsym(handle, symbol))
    return address;
  throw Failure(VITC_UNSUPPORTED,
                "oneDNN library '{}' lacks {}; needs oneDNN {}.{} or newer",
                path, symbol, kNeededMajor, kNeededMinor);
}

OneDnnLibrary::OneDnnLibrary(const char *path) : path(path), handle(open()) {
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
  // A library that the user names is the one used, or none.
  if (const char *named = std::getenv(kPathVariable); named && *named)
    return std::make_shared<const OneDnnLibrary>(named);
  std::vector<const char *> candidates = {kSoname};
  if (compiledLibrary && *compiledLibrary)
    candidates.push_back(compiledLibrary);
  std::string reasons;
  for (const char *candidate : candidates) {
    try {
      return std::make_shared<const OneDnnLibrary>(candidate);
    } catch (const Failure &failure) {
      reasons.append(reasons.empty() ? "" : "; ").append(failure.what());
    }
  }
  throw Failure(VITC_UNSUPPORTED, "{}; install it or name it in {}", reasons,
                kPathVariable);
}
