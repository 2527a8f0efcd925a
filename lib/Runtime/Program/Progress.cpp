//===- Progress.cpp - How far a long run has come -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Progress.h"

#include "Status.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

using namespace vitc::rt;

static constexpr std::chrono::milliseconds kInterval(200);

Progress::Progress(int64_t total, const char *noun)
    : total(total), noun(noun), isTerminal(::isatty(STDERR_FILENO) != 0),
      begin(Clock::now()) {}

void Progress::update(int64_t done) {
  if (first < 0)
    first = done; // by an earlier run
  Clock::time_point now = Clock::now();
  if (!isTerminal || (isShown && now - shown < kInterval))
    return;
  double seconds = std::chrono::duration<double>(now - begin).count();
  double rate = static_cast<double>(done - first) / std::max(seconds, 1e-3);
  std::string line = fmt::format("\r{}/{} {}", done, total, noun);
  if (rate > 0)
    line += fmt::format(", {:.1f} a second, {:.0f} s left", rate,
                        static_cast<double>(total - done) / rate);
  fmt::print(stderr, "{}\033[K", line);
  std::fflush(stderr);
  isShown = true;
  shown = now;
}

void Progress::clear() {
  if (isShown)
    fmt::print(stderr, "\r\033[K");
  isShown = false;
}

void Progress::print(const std::string &message) {
  clear();
  std::string line = message;
  std::transform(line.begin(), line.end(), line.begin(), toPrintable);
  fmt::print(stderr, "{}\n", line);
}
