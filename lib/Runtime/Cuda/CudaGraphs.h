//===- CudaGraphs.h - Launches that are made once ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel of a small model runs for a few microseconds, about as long as the
// driver takes to start it. What an entry launches for one batch on the same
// addresses is always the same: it is captured once and started as a whole.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDAGRAPHS_H
#define VITC_LIB_RUNTIME_CUDA_CUDAGRAPHS_H

#include "Cuda/CudaLibrary.h"

#include "vitc/Runtime/Descriptor.h"

#include <functional>
#include <map>
#include <tuple>
#include <vector>

namespace vitc::rt::cuda {

/// What decides on the launches of a run.
struct GraphKey {
  const CodeDescriptor *code;
  int64_t batch;
  std::vector<void *> tensors; // where inputs and outputs lie

  bool operator<(const GraphKey &other) const {
    return std::tie(code, batch, tensors) <
           std::tie(other.code, other.batch, other.tensors);
  }
};

/// The graphs of a session. The context is the thread's in all calls.
class CudaGraphs {
public:
  CudaGraphs(const CudaLibrary &library, CUstream stream)
      : library(library), stream(stream) {}
  ~CudaGraphs() { clear(); }
  CudaGraphs(const CudaGraphs &) = delete;
  CudaGraphs &operator=(const CudaGraphs &) = delete;

  /// The graph of `key`, which is what `start` starts on the stream: it is
  /// called when there is none yet. Throws Failure, and what `start` throws.
  CUgraphExec get(const GraphKey &key, const std::function<void()> &start);
  /// Throws Failure.
  void launch(CUgraphExec graph) const;

  /// Forgets all graphs, before memory that they use is freed.
  void clear();

private:
  CUgraphExec capture(const std::function<void()> &start) const;

  const CudaLibrary &library;
  CUstream stream;
  std::map<GraphKey, CUgraphExec> graphs;
};

} // namespace vitc::rt::cuda

#endif // VITC_LIB_RUNTIME_CUDA_CUDAGRAPHS_H
