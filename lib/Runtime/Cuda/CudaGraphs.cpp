//===- CudaGraphs.cpp - Launches that are made once -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaGraphs.h"

#include "Status.h"

using namespace vitc::rt;
using namespace vitc::rt::cuda;

/// A caller with ever other batches does not fill the memory: a graph has some
/// kilobytes for each kernel, and takes milliseconds to make.
static constexpr size_t kMaxGraphs = 64;

CUgraphExec CudaGraphs::get(const GraphKey &key,
                            const std::function<void()> &start) {
  auto found = graphs.find(key);
  if (found == graphs.end()) {
    if (graphs.size() >= kMaxGraphs)
      clear();
    found = graphs.emplace(key, capture(start)).first;
  }
  return found->second;
}

void CudaGraphs::launch(CUgraphExec graph) const {
  library.check(library.cuGraphLaunch(graph, stream), "cuGraphLaunch");
}

void CudaGraphs::clear() {
  for (const auto &[key, graph] : graphs)
    (void)library.cuGraphExecDestroy(graph);
  graphs.clear();
}

CUgraphExec CudaGraphs::capture(const std::function<void()> &start) const {
  CUgraph graph = nullptr;
  CUgraphExec executable = nullptr;
  library.check(
      library.cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
      "cuStreamBeginCapture");
  try {
    start();
  } catch (...) {
    (void)library.cuStreamEndCapture(stream, &graph);
    if (graph)
      (void)library.cuGraphDestroy(graph);
    throw;
  }
  library.check(library.cuStreamEndCapture(stream, &graph),
                "cuStreamEndCapture");
  CUresult result = library.cuGraphInstantiateWithFlags(&executable, graph, 0);
  (void)library.cuGraphDestroy(graph);
  library.check(result, "cuGraphInstantiateWithFlags");
  return executable;
}
