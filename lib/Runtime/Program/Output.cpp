//===- Output.cpp - What a run writes, all of it or nothing ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Output.h"

#include "Status.h"

#include <sys/stat.h>
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

/// As many as Linux follows.
static constexpr int kMaxLinks = 40;

static Failure writeFailure(const std::string &path, int error) {
  return Failure(VITC_IO, "{}: cannot be written: {}", path,
                 std::strerror(error));
}

/// Writes all of `bytes`; false with errno set on failure.
static bool writeBytes(std::FILE *file, const std::string &bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() &&
         std::fflush(file) == 0;
}

static void writeFile(const std::string &path, const char *mode,
                      const std::string &contents) {
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(
      std::fopen(path.c_str(), mode), std::fclose);
  if (!file || !writeBytes(file.get(), contents) ||
      std::fclose(file.release()) != 0)
    throw writeFailure(path, errno);
}

Output::~Output() {
  std::error_code ignored; // nothing more can be done about leftovers
  for (const File &file : files)
    if (!file.written.empty())
      fs::remove(file.written, ignored);
  for (auto path = madeDirectories.rbegin(); path != madeDirectories.rend();
       ++path)
    fs::remove(*path, ignored); // only if it is empty
}

void Output::addFile(const std::string &path, std::string contents) {
  for (const File &file : files)
    if (file.path == path)
      throw Failure(VITC_INVALID_ARGUMENT,
                    "two results would be written to '{}'; needs pictures with "
                    "different names",
                    path);
  files.push_back({path, std::move(contents), ""});
}

void Output::addPng(const std::string &path, const Image &image) {
  std::string png, message;
  if (!encodePng(image, png, message))
    throw Failure(VITC_IO, "{}: {}", path, message);
  addFile(path, std::move(png));
}

void Output::printNow(const std::string &text) {
  if (!writeBytes(stdout, text))
    throw writeFailure("standard output", errno);
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
  if (fs::create_directory(path, error))
    madeDirectories.push_back(path);
  else if (!isDirectory(path)) // another process may have made it meanwhile
    throw writeFailure(path, error == std::errc::file_exists ? ENOTDIR
                                                             : error.value());
}

/// Whether `path` is what standard output goes to, e.g. /dev/stdout.
static bool isStandardOutput(const std::string &path) {
  struct stat named, output;
  return ::stat(path.c_str(), &named) == 0 &&
         ::fstat(STDOUT_FILENO, &output) == 0 &&
         named.st_dev == output.st_dev && named.st_ino == output.st_ino;
}

/// Whether `path` is there and can only be written to, not replaced.
static bool isDevice(const std::string &path) {
  std::error_code unreadable;
  return fs::is_other(path, unreadable) || isStandardOutput(path);
}

/// The path that `path` names once its last component is no symbolic link.
static std::string resolveLinks(const std::string &path) {
  fs::path target = path;
  std::error_code error;
  for (int i = 0; fs::is_symlink(target, error); ++i) {
    if (i == kMaxLinks)
      throw writeFailure(path, ELOOP);
    fs::path next = fs::read_symlink(target, error);
    if (error)
      throw writeFailure(path, error.value());
    target = target.parent_path() / next;
  }
  return target;
}

void Output::writeTemporary(File &file) {
  file.path = resolveLinks(file.path);
  makeDirectory(fs::path(file.path).parent_path());
  file.written = fmt::format("{}.{}.partial", file.path, ::getpid());
  writeFile(file.written, "wb", file.contents);
}

void Output::writeThrough(const File &file) {
  if (isStandardOutput(file.path))
    standardOutput += file.contents;
  else
    writeFile(file.path, "wb", file.contents);
}

void Output::commit() {
  std::vector<File *> renamed;
  std::vector<const File *> devices;
  for (File &file : files) {
    if (isDirectory(file.path))
      throw writeFailure(file.path, EISDIR);
    if (isDevice(file.path)) {
      devices.push_back(&file);
      continue;
    }
    writeTemporary(file);
    renamed.push_back(&file);
  }
  // What has gone to a device stays there; the files can still be withdrawn.
  for (const File *file : devices)
    writeThrough(*file);
  if (!writeBytes(stdout, standardOutput))
    throw writeFailure("standard output", errno);
  for (File *file : renamed) {
    if (std::rename(file->written.c_str(), file->path.c_str()) != 0)
      throw writeFailure(file->path, errno);
    file->written = file->path;
  }
  files.clear();
  madeDirectories.clear();
}

void vitc::rt::printWarning(const std::string &message) {
  std::string line = "warning: " + message;
  std::transform(line.begin(), line.end(), line.begin(), toPrintable);
  line += '\n';
  // Where stderr cannot be written there is nobody left to tell.
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
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
