//===- GraphApi.cpp - Captures and graphs ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Api.h"
#include "Operations.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace vitc::emulator::cuda;

CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
  Driver &driver = Driver::get();
  return driver.call(
      "cuStreamBeginCapture", NeedsContext | NeedsNoCapture, [&] {
        if (!handle)
          return driver.misuse(kCaptureUnsupported,
                               "the default stream cannot be captured");
        if (mode != CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
          return driver.misuse(
              CUDA_ERROR_INVALID_VALUE,
              formatv("its mode is {0}; captures are to be of one thread",
                      static_cast<int>(mode)));
        CUresult result = CUDA_SUCCESS;
        auto stream = driver.findStream(handle, result);
        if (!stream)
          return result;
        if (stream->capture)
          return driver.misuse(kIllegalState, "its stream is captured already");
        stream->capture.emplace();
        stream->capture->thread = std::this_thread::get_id();
        return CUDA_SUCCESS;
      });
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph *graph) {
  Driver &driver = Driver::get();
  return driver.call("cuStreamEndCapture", NeedsContext, [&] {
    *graph = nullptr;
    CUresult result = CUDA_SUCCESS;
    auto stream = driver.findStream(handle, result);
    if (!stream)
      return result;
    if (!stream->capture)
      return driver.misuse(kIllegalState, "its stream is not captured");
    if (stream->capture->thread != std::this_thread::get_id())
      return driver.misuse(kCaptureWrongThread,
                           "another thread captures its stream");
    auto captured = std::make_shared<Graph>();
    captured->operations = std::move(stream->capture->operations);
    bool isInvalid = stream->capture->isInvalid;
    stream->capture.reset();
    if (isInvalid)
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    *graph = driver.graphs.add(std::move(captured));
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph handle,
                                     unsigned long long flags) {
  Driver &driver = Driver::get();
  return driver.call("cuGraphInstantiateWithFlags", NeedsContext, [&] {
    if (flags != 0)
      return driver.misuse(CUDA_ERROR_INVALID_VALUE,
                           formatv("its flags are {0}, not 0", flags));
    CUresult result = CUDA_SUCCESS;
    auto graph = driver.find(driver.graphs, handle, "graph", result);
    if (!graph)
      return result;
    *executable = driver.executables.add(std::make_shared<Graph>(*graph));
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphDestroy(CUgraph handle) {
  Driver &driver = Driver::get();
  return driver.call("cuGraphDestroy", NeedsInit, [&] {
    CUresult result = CUDA_SUCCESS;
    if (driver.find(driver.graphs, handle, "graph", result))
      driver.graphs.remove(handle);
    return result;
  });
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
  Driver &driver = Driver::get();
  return driver.call("cuGraphExecDestroy", NeedsInit, [&] {
    CUresult result = CUDA_SUCCESS;
    if (driver.find(driver.executables, handle, "executable graph", result))
      driver.executables.remove(handle);
    return result;
  });
}

CUresult cuGraphLaunch(CUgraphExec handle, CUstream streamHandle) {
  Driver &driver = Driver::get();
  return driver.call("cuGraphLaunch", NeedsContext | NeedsNoCapture, [&] {
    CUresult result = CUDA_SUCCESS;
    auto graph =
        driver.find(driver.executables, handle, "executable graph", result);
    if (!graph)
      return result;
    auto stream = driver.findStream(streamHandle, result);
    if (!stream)
      return result;
    // All of it or nothing.
    for (const auto &operation : graph->operations)
      if ((result = operation->capture(driver.getDevice())) != CUDA_SUCCESS)
        return result;
    for (const auto &operation : graph->operations)
      if ((result = driver.issue(*stream, *operation)) != CUDA_SUCCESS)
        return result;
    return CUDA_SUCCESS;
  });
}
