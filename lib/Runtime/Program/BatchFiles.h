//===- BatchFiles.h - Files with the results of many items ---- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_BATCHFILES_H
#define VITC_LIB_RUNTIME_PROGRAM_BATCHFILES_H

#include "Status.h"

#include <cstdio>
#include <string>
#include <string_view>

namespace vitc::rt {

/// A file that gets its name when it is whole.
class NewFile {
public:
  explicit NewFile(const std::string &path);
  ~NewFile();
  NewFile(const NewFile &) = delete;
  NewFile &operator=(const NewFile &) = delete;

  void write(std::string_view bytes);
  void commit();

private:
  [[noreturn]] void fail() const;

  std::string path, temporary;
  std::FILE *file;
};

bool endsWith(const std::string &text, std::string_view end);

/// Whether a failure is a picture's or a text's own, which is then left out.
bool isOfItem(const Failure &failure);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_BATCHFILES_H
