//===- ImportRun.h - Importing the file of a fuzzing run --------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_FUZZ_IMPORTRUN_H
#define VITC_TEST_FUZZ_IMPORTRUN_H

#include <string>

namespace vitc::test {

/// Imports the model at `path`. Aborts unless it is either imported and valid
/// or refused with an error; a file with several faults may have several.
void importOrRefuse(const std::string &path);

} // namespace vitc::test

#endif // VITC_TEST_FUZZ_IMPORTRUN_H
