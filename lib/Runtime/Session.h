//===- Session.h - One model at work -------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_SESSION_H
#define VITC_LIB_RUNTIME_SESSION_H

#include "AttentionMaps.h"
#include "Executor.h"
#include "Model.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

struct vitc_session {
  vitc_session(const vitc_model &model, int64_t maxBatch);

  /// Marks a session as in use. Throws Failure where it is already.
  class Use {
  public:
    explicit Use(vitc_session &session);
    ~Use() { session.inUse.store(false); }
    Use(const Use &) = delete;
    Use &operator=(const Use &) = delete;

  private:
    vitc_session &session;
  };

  /// Runs `entry`; `request` is null for "forward". A tensor in a buffer of the
  /// session's executor is used where it lies. Throws Failure. Where other
  /// threads know the session the caller has a Use of it.
  void run(const vitc_model::Entry &entry, const vitc_tensor_t *inputs,
           const vitc_tensor_t *outputs,
           const vitc::rt::AttentionRequest *request);

  /// As of its executor.
  void recordTimes(std::vector<vitc::rt::SiteTime> *times) {
    executor->recordTimes(times);
  }
  int64_t getArenaBytes() const { return executor->getArenaBytes(); }
  const uint8_t *getArenaData() const { return executor->getArenaData(); }

  const vitc_model &getModel() const { return model; }
  int64_t getMaxBatch() const { return maxBatch; }
  vitc::rt::Executor &getExecutor() const { return *executor; }

private:
  int64_t bindTensors(const vitc_model::Entry &entry,
                      const vitc_tensor_t *inputs, const vitc_tensor_t *outputs,
                      const vitc::rt::AttentionRequest *request);
  void bindMaps(const vitc::rt::AttentionRequest &request);
  void markStates(const vitc_model::Entry &entry);

  const vitc_model &model;
  int64_t maxBatch;
  std::unique_ptr<vitc::rt::Executor> executor;
  /// Of the current run.
  std::vector<vitc::rt::RunTensor> inputs, outputs;
  std::atomic<bool> inUse{false};
};

#endif // VITC_LIB_RUNTIME_SESSION_H
