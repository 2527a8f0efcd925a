//===- CallbackFailure.h - What fails below generated code ---- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CALLBACKFAILURE_H
#define VITC_LIB_RUNTIME_CALLBACKFAILURE_H

#include "Status.h"

#include <atomic>
#include <mutex>

namespace vitc::rt {

/// The first failure of a callback in a run; generated code cannot pass it on.
class CallbackFailure {
public:
  void reset() { failed.store(false); }

  /// Runs `body` unless an earlier one failed; whether it came to its end.
  template <typename Body> bool guard(Body &&body) noexcept {
    if (failed.load(std::memory_order_relaxed))
      return false;
    vitc_error_t thrown;
    if (rt::guard(&thrown, body) == VITC_OK)
      return true;
    std::lock_guard lock(mutex);
    if (!failed.exchange(true))
      error = thrown;
    return false;
  }

  /// Throws the failure, if there was one.
  void rethrow() const {
    if (failed.load())
      throw Failure(error.status, std::string(error.message));
  }

private:
  std::mutex mutex;
  std::atomic<bool> failed{false};
  vitc_error_t error = {};
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_CALLBACKFAILURE_H
