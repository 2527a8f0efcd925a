//===- Main.cpp - main of a compiled program ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Program.h"

int main(int argc, char **argv) {
  return vitc::rt::runProgram(vitc_model_descriptor, argc, argv);
}
