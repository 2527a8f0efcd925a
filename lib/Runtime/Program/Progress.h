//===- Progress.h - How far a long run has come --------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_PROGRESS_H
#define VITC_LIB_RUNTIME_PROGRAM_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <string>

namespace vitc::rt {

/// A line on standard error, where that is a terminal, that tells how many of
/// `total` pictures, or what `noun` says, are done.
class Progress {
public:
  explicit Progress(int64_t total, const char *noun = "pictures");
  ~Progress() { clear(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// `done` of them are; shown a few times a second.
  void update(int64_t done);
  /// Prints a line of its own, anywhere.
  void print(const std::string &message);

private:
  using Clock = std::chrono::steady_clock;

  void clear();

  int64_t total, first = -1;
  const char *noun;
  bool isTerminal, isShown = false;
  Clock::time_point begin, shown;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_PROGRESS_H
