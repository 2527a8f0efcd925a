//===- Session.h - One model at work -------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_SESSION_H
#define VITC_LIB_RUNTIME_SESSION_H

#include "Arena.h"
#include "AttentionMaps.h"
#include "Model.h"
#include "OneDNN.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace vitc::rt {

/// When one kernel launch ran, for how many items of the batch; nanoseconds of
/// the steady clock.
struct SiteTime {
  int32_t site;
  int64_t batch;
  int64_t begin, end;
};

} // namespace vitc::rt

struct vitc_session {
  vitc_session(const vitc_model &model, int64_t maxBatch);

  /// Runs `entry`; `request` is null for "forward". Throws Failure.
  void run(const vitc_model::Entry &entry, const vitc_tensor_t *inputs,
           const vitc_tensor_t *outputs,
           const vitc::rt::AttentionRequest *request);

  /// While `times` is not null, each kernel launch is added to it.
  void recordTimes(std::vector<vitc::rt::SiteTime> *times) {
    this->times = times;
  }

  const vitc_model &getModel() const { return model; }
  int64_t getMaxBatch() const { return maxBatch; }
  int64_t getArenaBytes() const { return arena.size(); }
  /// What the last run left in the arena.
  const uint8_t *getArenaData() const { return arena.data(); }

private:
  /// Runs the next `count` items of the batch and moves the pointers past them.
  void runItems(const vitc_model::Entry &entry, int64_t count);
  int64_t bindTensors(const vitc_model::Entry &entry,
                      const vitc_tensor_t *inputs, const vitc_tensor_t *outputs,
                      const vitc::rt::AttentionRequest *request);
  template <typename Body>
  void launch(const vitc::rt::Context &context, int32_t site,
              Body body) noexcept;
  static void parallel(vitc::rt::Context *context, int32_t site,
                       vitc::rt::TaskFn fn, const void *args, int64_t tasks);
  static void oneDnnGemm(vitc::rt::Context *context, int32_t site,
                         const vitc::rt::OneDnnGemm *gemm);

  const vitc_model &model;
  int64_t maxBatch;
  vitc::rt::Arena arena;
  /// Where the items that are to be run next begin.
  std::vector<const void *> inputPointers;
  std::vector<void *> outputPointers;
  std::unique_ptr<vitc::rt::OneDnnGemms> gemms;
  std::vector<vitc::rt::SiteTime> *times = nullptr;
  std::atomic<bool> running{false};

  // The first failure of a callback; generated code cannot pass it on.
  std::mutex failureMutex;
  std::atomic<bool> hasFailed{false};
  vitc_error_t failure = {};
};

#endif // VITC_LIB_RUNTIME_SESSION_H
