//===- Main.cpp - main of a compiled program ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Program.h"

#include <csignal>

int main(int argc, char **argv) {
  // A reader that goes away is an error like any other, cleaned up after.
  std::signal(SIGPIPE, SIG_IGN);
  return vitc::rt::runProgram(vitc_model_descriptor, argc, argv);
}
