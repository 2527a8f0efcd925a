//===- StreamApi.cpp - Streams and events ---------------------------------===//
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

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  Driver &driver = Driver::get();
  return driver.call("cuStreamCreate", NeedsContext, [&] {
    // Others wait for the default stream and it for them, which nobody needs.
    if (flags != CU_STREAM_NON_BLOCKING)
      return driver.misuse(CUDA_ERROR_INVALID_VALUE,
                           formatv("its flags are {0}; streams are to be "
                                   "CU_STREAM_NON_BLOCKING",
                                   flags));
    *stream = driver.streams.add(
        std::make_shared<Stream>(Stream{&driver.getDevice(), {}, {}}));
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamDestroy_v2(CUstream handle) {
  Driver &driver = Driver::get();
  return driver.call("cuStreamDestroy", NeedsContext, [&] {
    CUresult result = CUDA_SUCCESS;
    auto stream = driver.find(driver.streams, handle, "stream", result);
    if (!stream)
      return result;
    if (stream->capture)
      result = driver.misuse(kCaptureUnsupported, "its stream is captured");
    else
      result = driver.finish(*stream);
    driver.streams.remove(handle);
    return result;
  });
}

CUresult cuStreamSynchronize(CUstream handle) {
  Driver &driver = Driver::get();
  return driver.call("cuStreamSynchronize", NeedsContext | NeedsNoCapture, [&] {
    CUresult result = CUDA_SUCCESS;
    auto stream = driver.findStream(handle, result);
    if (!stream)
      return result;
    if (stream->capture) {
      stream->capture->isInvalid = true;
      return driver.misuse(kCaptureUnsupported, "its stream is captured");
    }
    return driver.finish(*stream);
  });
}

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  Driver &driver = Driver::get();
  return driver.call("cuEventCreate", NeedsContext, [&] {
    if (flags != CU_EVENT_DEFAULT)
      return driver.misuse(CUDA_ERROR_INVALID_VALUE,
                           formatv("its flags are {0}, not 0", flags));
    auto made = std::make_shared<Event>();
    made->device = &driver.getDevice();
    *event = driver.events.add(std::move(made));
    return CUDA_SUCCESS;
  });
}

CUresult cuEventDestroy_v2(CUevent handle) {
  Driver &driver = Driver::get();
  return driver.call("cuEventDestroy", NeedsContext, [&] {
    CUresult result = CUDA_SUCCESS;
    if (driver.find(driver.events, handle, "event", result))
      driver.events.remove(handle);
    return result;
  });
}

CUresult cuEventRecord(CUevent handle, CUstream stream) {
  Driver &driver = Driver::get();
  return driver.call("cuEventRecord", NeedsContext, [&] {
    CUresult result = CUDA_SUCCESS;
    auto event = driver.find(driver.events, handle, "event", result);
    return event ? driver.issue(stream, std::make_shared<Record>(event))
                 : result;
  });
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent begin, CUevent end) {
  Driver &driver = Driver::get();
  return driver.call("cuEventElapsedTime", NeedsContext | NeedsNoCapture, [&] {
    CUresult result = CUDA_SUCCESS;
    auto first = driver.find(driver.events, begin, "first event", result);
    if (!first)
      return result;
    auto last = driver.find(driver.events, end, "second event", result);
    if (!last)
      return result;
    for (const Event *event : {first.get(), last.get()}) {
      if (!event->isRecorded)
        return driver.misuse(CUDA_ERROR_INVALID_HANDLE,
                             "an event was not recorded");
      if (!event->isDone)
        return driver.misuse(kNotReady, "nobody waited for an event");
    }
    *milliseconds =
        std::chrono::duration<float, std::milli>(last->time - first->time)
            .count();
    return CUDA_SUCCESS;
  });
}
