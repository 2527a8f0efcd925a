//===- FuzzFile.h - A file with the bytes of one fuzzing run ----*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// vitc's readers take paths. Each fuzz target keeps one file in a folder of its
// own, and writes the bytes of a run to it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_FUZZ_FUZZFILE_H
#define VITC_TEST_FUZZ_FUZZFILE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace vitc::test {

class FuzzFile {
public:
  /// Ends the process where the machine has no room for the folder.
  explicit FuzzFile(const std::string &name);
  ~FuzzFile();
  FuzzFile(const FuzzFile &) = delete;
  FuzzFile &operator=(const FuzzFile &) = delete;

  /// The file has these bytes until the next call.
  void write(const uint8_t *data, size_t size);
  /// Adds a copy of the file `source` to the folder, under its own name.
  void copyBeside(const std::string &source);

  const std::string &getPath() const { return path; }
  const std::string &getFolder() const { return folder; }

private:
  std::string folder, path;
};

} // namespace vitc::test

#endif // VITC_TEST_FUZZ_FUZZFILE_H
