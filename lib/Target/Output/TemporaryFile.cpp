//===- TemporaryFile.cpp - Files for another program ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/TemporaryFile.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace vitc;

TemporaryFile::TemporaryFile(sys::fs::TempFile file)
    : file(std::move(file)), path(this->file.TmpName) {}

TemporaryFile::~TemporaryFile() { consumeError(file.discard()); }

Expected<TemporaryFile> TemporaryFile::create(StringRef suffix) {
  SmallString<128> model;
  sys::path::system_temp_directory(/*ErasedOnReboot=*/true, model);
  sys::path::append(model, "vitc-%%%%%%%%" + suffix);
  auto file = sys::fs::TempFile::create(model);
  if (!file)
    return createStringError("cannot write '" + model +
                             "': " + toString(file.takeError()));
  return TemporaryFile(std::move(*file));
}

Error TemporaryFile::write(StringRef bytes) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (!code) {
    os << bytes;
    os.close();
    code = os.error();
    os.clear_error(); // else the stream ends the process
  }
  if (code)
    return createStringError("cannot write '" + path + "': " + code.message());
  return Error::success();
}

Expected<std::string> TemporaryFile::read() const {
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError("cannot read '" + path +
                             "': " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}
