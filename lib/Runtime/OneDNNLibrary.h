//===- OneDNNLibrary.h - The functions of a loaded libdnnl ---- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_ONEDNNLIBRARY_H
#define VITC_LIB_RUNTIME_ONEDNNLIBRARY_H

#include "OneDNN.h"

#include <oneapi/dnnl/dnnl.h>

#include <memory>
#include <string>
#include <type_traits>

/// What vitc calls of oneDNN's C API.
#define VITC_ONEDNN_FUNCTIONS(F)                                               \
  F(dnnl_version)                                                              \
  F(dnnl_engine_create)                                                        \
  F(dnnl_engine_destroy)                                                       \
  F(dnnl_stream_create)                                                        \
  F(dnnl_stream_destroy)                                                       \
  F(dnnl_memory_desc_create_with_tag)                                          \
  F(dnnl_memory_desc_get_size)                                                 \
  F(dnnl_memory_desc_destroy)                                                  \
  F(dnnl_memory_create)                                                        \
  F(dnnl_memory_set_data_handle)                                               \
  F(dnnl_memory_destroy)                                                       \
  F(dnnl_primitive_attr_create)                                                \
  F(dnnl_primitive_attr_set_post_ops)                                          \
  F(dnnl_primitive_attr_set_scratchpad_mode)                                   \
  F(dnnl_primitive_attr_destroy)                                               \
  F(dnnl_post_ops_create)                                                      \
  F(dnnl_post_ops_append_eltwise)                                              \
  F(dnnl_post_ops_destroy)                                                     \
  F(dnnl_matmul_primitive_desc_create)                                         \
  F(dnnl_primitive_desc_query)                                                 \
  F(dnnl_primitive_desc_query_md)                                              \
  F(dnnl_primitive_desc_destroy)                                               \
  F(dnnl_primitive_create)                                                     \
  F(dnnl_primitive_execute)                                                    \
  F(dnnl_primitive_destroy)

namespace vitc::rt {

struct OneDnnLibrary {
  /// Throws Failure(VITC_UNSUPPORTED) unless `path` is a library of a version
  /// that vitc can use.
  explicit OneDnnLibrary(const char *path);
  OneDnnLibrary(const OneDnnLibrary &) = delete;
  OneDnnLibrary &operator=(const OneDnnLibrary &) = delete;

  /// Throws Failure unless `status` is success; `what` names the call.
  void check(dnnl_status_t status, const char *what) const;

#define VITC_ONEDNN_MEMBER(name) decltype(&::name) name = nullptr;
  VITC_ONEDNN_FUNCTIONS(VITC_ONEDNN_MEMBER)
#undef VITC_ONEDNN_MEMBER

  // The OpenMP that libdnnl uses; null when it was built sequential.
  void (*ompSetNumThreads)(int) = nullptr;
  int (*ompGetMaxThreads)() = nullptr;

  std::string path;

private:
  void *open() const;
  void *find(const char *symbol) const;

  void *handle; // never closed: OpenMP's threads cannot survive an unload
};

/// While it lives, oneDNN uses one OpenMP thread when called from this thread.
class OneOpenMPThread {
public:
  explicit OneOpenMPThread(const OneDnnLibrary &library) : library(library) {
    if (library.ompSetNumThreads) {
      saved = library.ompGetMaxThreads();
      library.ompSetNumThreads(1);
    }
  }
  ~OneOpenMPThread() {
    if (library.ompSetNumThreads)
      library.ompSetNumThreads(saved);
  }
  OneOpenMPThread(const OneOpenMPThread &) = delete;
  OneOpenMPThread &operator=(const OneOpenMPThread &) = delete;

private:
  const OneDnnLibrary &library;
  int saved = 0;
};

/// Owns a handle of oneDNN's, e.g. OneDnnHandle<dnnl_memory_t>.
template <typename Handle>
using OneDnnHandle =
    std::unique_ptr<std::remove_pointer_t<Handle>, dnnl_status_t (*)(Handle)>;

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_ONEDNNLIBRARY_H
