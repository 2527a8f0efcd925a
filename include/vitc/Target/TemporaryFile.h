//===- TemporaryFile.h - Files for another program ------------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_TEMPORARYFILE_H
#define VITC_TARGET_TEMPORARYFILE_H

#include "llvm/Support/FileSystem.h"

namespace vitc {

/// A file that goes away with this object, and on signals that end the process.
class TemporaryFile {
public:
  static llvm::Expected<TemporaryFile> create(llvm::StringRef suffix);
  TemporaryFile(TemporaryFile &&) = default;
  ~TemporaryFile();

  const std::string &getPath() const { return path; }
  /// Replaces what is in it.
  llvm::Error write(llvm::StringRef bytes);
  /// What is in it.
  llvm::Expected<std::string> read() const;

private:
  explicit TemporaryFile(llvm::sys::fs::TempFile file);

  llvm::sys::fs::TempFile file;
  std::string path; // empty once moved from
};

} // namespace vitc

#endif // VITC_TARGET_TEMPORARYFILE_H
