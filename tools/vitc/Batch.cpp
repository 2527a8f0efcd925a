//===- Batch.cpp - vitc batch ---------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The work is a compiled program's, with --output-file. A MODEL is compiled and
// run in this process, as vitc run does; a program takes this process's place.
//
//===----------------------------------------------------------------------===//

#include "Verbs.h"

#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <cstring>
#include <unistd.h>

using namespace llvm;

bool vitc::renameBatchOutput(SmallVectorImpl<char *> &arguments) {
  static char option[] = "--output-file";
  bool found = false;
  for (char *&argument : arguments) {
    StringRef word = argument;
    if (word == "-o")
      argument = option;
    found |= word == "-o" || word == "--help";
  }
  if (!found)
    errs() << "error: no output; needs -o FILE, one that ends in .jsonl or "
              ".npy\n";
  return found;
}

bool vitc::isProgram(StringRef path) {
  file_magic magic;
  return !sys::fs::is_directory(path) && !identify_magic(path, magic) &&
         (magic == file_magic::elf_executable ||
          magic == file_magic::elf_shared_object) &&
         sys::fs::can_execute(path);
}

int vitc::runProgramBatch(ArrayRef<char *> arguments,
                          ArrayRef<const char *> programArguments) {
  if (arguments.size() > 1) {
    errs() << "error: '" << arguments[0]
           << "' is compiled already; found the compiler's option '"
           << arguments[1] << "'\n";
    return kUsageError;
  }
  std::string path = arguments[0];
  SmallVector<char *> words = {path.data()};
  for (const char *argument : programArguments.drop_front())
    words.push_back(const_cast<char *>(argument));
  words.push_back(nullptr);
  execv(path.c_str(), words.data());
  errs() << "error: cannot run '" << path << "': " << std::strerror(errno)
         << '\n';
  return kUserError;
}
