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
#include <string_view>

namespace vitc::test {

class FuzzFile {
public:
  /// With copies of the files in the folder `beside`, if one is given. Ends the
  /// process where the machine has no room for them.
  explicit FuzzFile(const std::string &name, const std::string &beside = "");
  ~FuzzFile();
  FuzzFile(const FuzzFile &) = delete;
  FuzzFile &operator=(const FuzzFile &) = delete;

  /// The file has these bytes until the next call.
  void write(const uint8_t *data, size_t size);
  /// The same of those before the first record separator, which no JSON has.
  /// The file `second` beside it has those behind; without a separator there is
  /// none.
  void writePair(const uint8_t *data, size_t size, const std::string &second);

  const std::string &getPath() const { return path; }
  const std::string &getFolder() const { return folder; }

private:
  std::string folder, path;
};

/// Whether the bytes have `text` among them.
inline bool hasText(const uint8_t *data, size_t size, std::string_view text) {
  std::string_view bytes(reinterpret_cast<const char *>(data), size);
  return bytes.find(text) != bytes.npos;
}

} // namespace vitc::test

#endif // VITC_TEST_FUZZ_FUZZFILE_H
