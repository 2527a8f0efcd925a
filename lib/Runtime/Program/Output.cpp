//===- Output.cpp - What a run writes, all of it or nothing ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Output.h"

#include "Status.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

using namespace vitc::rt;
namespace fs = std::filesystem;

static Failure writeFailure(const std::string &path, int error) {
  return Failure(VITC_IO, "{}: cannot be written: {}", path,
                 std::strerror(error));
}

Output::~Output() {
  std::error_code ignored; // nothing more can be done about leftovers
  for (const File &file : files)
    if (!file.temporary.empty())
      fs::remove(file.temporary, ignored);
  for (auto path = madeDirectories.rbegin(); path != madeDirectories.rend();
       ++path)
    fs::remove(*path, ignored); // only if it is empty
}

void Output::add(const std::string &path,
                 std::function<void(const std::string &path)> write) {
  for (const File &file : files)
    if (file.path == path)
      throw Failure(VITC_INVALID_ARGUMENT,
                    "two results would be written to '{}'; needs pictures with "
                    "different names",
                    path);
  files.push_back({path, std::move(write), ""});
}

void Output::addFile(const std::string &path, std::string contents) {
  add(path, [contents = std::move(contents)](const std::string &path) {
    std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(
        std::fopen(path.c_str(), "wb"), std::fclose);
    if (!file ||
        std::fwrite(contents.data(), 1, contents.size(), file.get()) !=
            contents.size() ||
        std::fclose(file.release()) != 0)
      throw writeFailure(path, errno);
  });
}

void Output::addPng(const std::string &path, Image image) {
  add(path, [image = std::move(image)](const std::string &path) {
    std::string message;
    if (!writePng(path.c_str(), image, message))
      throw Failure(VITC_IO, message);
  });
}

static bool isDirectory(const std::string &path) {
  std::error_code unreadable;
  return fs::is_directory(path, unreadable);
}

void Output::makeDirectory(const std::string &path) {
  if (path.empty() || isDirectory(path))
    return;
  makeDirectory(fs::path(path).parent_path());
  std::error_code error;
  if (fs::exists(path, error))
    throw writeFailure(path, ENOTDIR);
  if (!fs::create_directory(path, error))
    throw writeFailure(path, error.value());
  madeDirectories.push_back(path);
}

void Output::commit() {
  for (File &file : files) {
    if (isDirectory(file.path))
      throw writeFailure(file.path, EISDIR);
    makeDirectory(fs::path(file.path).parent_path());
    file.temporary = fmt::format("{}.{}.partial", file.path, ::getpid());
    file.write(file.temporary);
  }
  for (File &file : files) {
    if (std::rename(file.temporary.c_str(), file.path.c_str()) != 0)
      throw writeFailure(file.path, errno);
    file.temporary.clear();
  }
  madeDirectories.clear();
  if (std::fwrite(standardOutput.data(), 1, standardOutput.size(), stdout) !=
          standardOutput.size() ||
      std::fflush(stdout) != 0)
    throw writeFailure("standard output", errno);
}

std::string vitc::rt::joinPath(const std::string &directory,
                               const std::string &name) {
  return (fs::path(directory) / name).string();
}

std::string vitc::rt::fileNameOf(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

std::string vitc::rt::pathStem(const std::string &path) {
  return fs::path(path).stem().string();
}
