//===- InternalError.cpp - What vitc says when it is at fault -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A crash and an error that LLVM cannot return from end with one line, which
// says how to reproduce them, and an exit code of their own.
//
//===----------------------------------------------------------------------===//

#include "Verbs.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <unistd.h>

using namespace llvm;

/// "; reproduce with: vitc ..." and a newline.
static std::string &getReproducer() {
  static std::string text;
  return text;
}

static void print(StringRef text) {
  // Nothing else can be done when this fails too.
  [[maybe_unused]] ssize_t written =
      write(STDERR_FILENO, text.data(), text.size());
}

/// Ends the process; safe in a signal handler.
[[noreturn]] static void exitAfter(StringRef reason) {
  print("internal error: ");
  print(reason);
  print(getReproducer());
  _exit(vitc::kInternalError);
}

void vitc::installInternalErrorHandlers(ArrayRef<char *> arguments) {
  raw_string_ostream os(getReproducer());
  os << "; reproduce with: vitc";
  for (StringRef argument : arguments.drop_front()) {
    os << ' ';
    bool quote = argument.find_first_of(" ?*&;|<>()'#~`") != StringRef::npos;
    sys::printArg(os, argument, quote);
  }
  os << '\n';
  sys::AddSignalHandler([](void *) { exitAfter("vitc crashed"); }, nullptr);
  install_fatal_error_handler([](void *, const char *reason, bool) {
    sys::RunInterruptHandlers(); // removes files
    exitAfter(reason);
  });
}
