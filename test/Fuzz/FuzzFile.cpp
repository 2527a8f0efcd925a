//===- FuzzFile.cpp - A file with the bytes of one fuzzing run ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

using namespace vitc::test;
namespace fs = std::filesystem;

/// ASCII's.
static constexpr uint8_t kRecordSeparator = 0x1E;

[[noreturn]] static void fail(const std::string &path) {
  std::perror(path.c_str());
  std::exit(1);
}

static void writeFile(const std::string &path, const uint8_t *data,
                      size_t size) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char *>(data), std::streamsize(size));
  if (!file.flush())
    fail(path);
}

FuzzFile::FuzzFile(const std::string &name, const std::string &beside) {
  std::error_code error;
  folder = fs::temp_directory_path(error) / "vitc-fuzz-XXXXXX";
  if (error || !mkdtemp(folder.data()))
    fail(folder);
  path = fs::path(folder) / name;
  if (beside.empty())
    return;
  fs::copy(beside, folder, error);
  if (error)
    fail(beside);
}

FuzzFile::~FuzzFile() {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

void FuzzFile::write(const uint8_t *data, size_t size) {
  writeFile(path, data, size);
}

void FuzzFile::writePair(const uint8_t *data, size_t size,
                         const std::string &second) {
  const uint8_t *end = data + size;
  const uint8_t *separator = std::find(data, end, kRecordSeparator);
  write(data, separator - data);
  std::string secondPath = fs::path(folder) / second;
  if (separator != end) {
    writeFile(secondPath, separator + 1, end - separator - 1);
    return;
  }
  std::error_code error;
  fs::remove(secondPath, error);
  if (error)
    fail(secondPath);
}
