//===- measure.cpp - Time and memory of one command -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// measure REPORT COMMAND [ARGUMENT...] runs a command to its end, writes
// {"wall_ms": ..., "max_rss_bytes": ...} to REPORT, and ends with the command's
// status. It is a program of its own because Linux counts the memory of the
// process that starts a command towards the command's peak, and Python's is
// larger than a small model's.
//
//===----------------------------------------------------------------------===//

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *subject) {
  std::fprintf(stderr, "measure: error: %s: %s\n", subject,
               std::strerror(errno));
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: measure REPORT COMMAND [ARGUMENT...]\n");
    return 2;
  }
  auto begin = std::chrono::steady_clock::now();
  pid_t child = fork();
  if (child < 0)
    return fail("fork");
  if (child == 0) {
    execvp(argv[2], argv + 2);
    _exit(fail(argv[2]));
  }
  int status = 0;
  rusage usage = {};
  while (wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR)
      return fail("wait4");
  std::chrono::duration<double, std::milli> wall =
      std::chrono::steady_clock::now() - begin;

  std::FILE *report = std::fopen(argv[1], "w");
  if (!report)
    return fail(argv[1]);
  // Linux counts ru_maxrss in KiB.
  std::fprintf(report, "{\"wall_ms\": %.3f, \"max_rss_bytes\": %lld}\n",
               wall.count(), static_cast<long long>(usage.ru_maxrss) * 1024);
  if (std::fclose(report))
    return fail(argv[1]);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
