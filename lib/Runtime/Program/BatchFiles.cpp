//===- BatchFiles.cpp - Files with the results of many items --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/BatchFiles.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>

using namespace vitc::rt;

NewFile::NewFile(const std::string &path)
    : path(path), temporary(fmt::format("{}.{}.new", path, ::getpid())),
      file(std::fopen(temporary.c_str(), "wb")) {
  if (!file)
    fail();
}

NewFile::~NewFile() {
  if (file)
    std::fclose(file);
  ::unlink(temporary.c_str());
}

void NewFile::fail() const {
  throw Failure(VITC_IO, "{}: cannot be written: {}", path,
                std::strerror(errno));
}

void NewFile::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size())
    fail();
}

void NewFile::commit() {
  std::FILE *closed = std::exchange(file, nullptr);
  if (std::fclose(closed) != 0 ||
      std::rename(temporary.c_str(), path.c_str()) != 0)
    fail();
}

bool vitc::rt::endsWith(const std::string &text, std::string_view end) {
  return text.size() > end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool vitc::rt::isOfItem(const Failure &failure) {
  return failure.getStatus() == VITC_IO ||
         failure.getStatus() == VITC_INVALID_ARGUMENT ||
         failure.getStatus() == VITC_OUT_OF_MEMORY;
}
