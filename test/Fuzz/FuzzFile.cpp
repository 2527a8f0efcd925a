//===- FuzzFile.cpp - A file with the bytes of one fuzzing run ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

using namespace vitc::test;
namespace fs = std::filesystem;

[[noreturn]] static void fail(const std::string &path) {
  std::perror(path.c_str());
  std::exit(1);
}

FuzzFile::FuzzFile(const std::string &name) {
  std::error_code error;
  folder = fs::temp_directory_path(error) / "vitc-fuzz-XXXXXX";
  if (error || !mkdtemp(folder.data()))
    fail(folder);
  path = fs::path(folder) / name;
}

FuzzFile::~FuzzFile() {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

void FuzzFile::write(const uint8_t *data, size_t size) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char *>(data), std::streamsize(size));
  if (!file.flush())
    fail(path);
}

void FuzzFile::copyBeside(const std::string &source) {
  std::error_code error;
  fs::copy_file(source, fs::path(folder) / fs::path(source).filename(), error);
  if (error)
    fail(source);
}
