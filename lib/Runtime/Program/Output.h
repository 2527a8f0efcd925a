//===- Output.h - What a run writes, all of it or nothing ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_OUTPUT_H
#define VITC_LIB_RUNTIME_PROGRAM_OUTPUT_H

#include "Image/Image.h"

#include <string>
#include <vector>

namespace vitc::rt {

/// Collects a run's files and its text on stdout; `commit` writes them when
/// everything has succeeded. Files get a temporary name first and their own
/// last, so that an error leaves none behind. What is there already and is no
/// regular file (a pipe, a device) is written to, never replaced; a symbolic
/// link stays and what it names is replaced.
class Output {
public:
  Output() = default;
  ~Output();
  Output(const Output &) = delete;
  Output &operator=(const Output &) = delete;

  /// Throws Failure when `path` is there already: two results of one name.
  void addFile(const std::string &path, std::string contents);
  void addPng(const std::string &path, const Image &image);
  void print(const std::string &text) { standardOutput += text; }
  /// Prints at once, whatever becomes of the run. Throws Failure(VITC_IO).
  void printNow(const std::string &text);

  /// Throws Failure(VITC_IO).
  void commit();

private:
  struct File {
    std::string path, contents;
    std::string written; // what to remove after an error: "" for nothing
  };

  void writeTemporary(File &file);
  void writeThrough(const File &file);
  void makeDirectory(const std::string &path);

  std::vector<File> files;
  std::vector<std::string> madeDirectories;
  std::string standardOutput;
};

/// Prints one line to stderr at once.
void printWarning(const std::string &message);

/// directory/name, and name alone in the current directory "".
std::string joinPath(const std::string &directory, const std::string &name);

/// A tensor's name as the name of a file: a slash becomes an underscore.
std::string fileNameOf(std::string name);

/// The file's name without folders and extension.
std::string pathStem(const std::string &path);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_OUTPUT_H
