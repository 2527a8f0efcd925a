//===- Output.cpp - Files that appear whole or not at all -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/Output.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;
using namespace llvm::sys;

static LogicalResult reportWrite(StringRef path, std::error_code code,
                                 Location loc) {
  if (!code)
    return success();
  return emitError(loc) << "cannot write '" << path << "': " << code.message();
}

LogicalResult vitc::writeFile(StringRef path, StringRef bytes, Location loc) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (!code) {
    os << bytes;
    if (path == "-")
      os.flush();
    else
      os.close();
    code = os.error();
    os.clear_error(); // else the stream ends the process
  }
  return reportWrite(path, code, loc);
}

Output::Output(StringRef path) : path(path == "/dev/stdout" ? "-" : path) {
  fs::file_status status;
  bool exists = !fs::status(path, status);
  llvm::SmallString<128> target(path);
  if (this->path == "-")
    isWrittenThrough = true;
  else if (exists && status.type() == fs::file_type::regular_file)
    isWrittenThrough = static_cast<bool>(fs::real_path(path, target));
  else
    isWrittenThrough = exists || fs::is_symlink_file(path);

  if (isWrittenThrough) {
    path::system_temp_directory(/*ErasedOnReboot=*/true, target);
    path::append(target, "vitc");
  } else {
    this->path = target.str().str();
  }
  llvm::SmallString<128> unique;
  fs::createUniquePath(target + "-%%%%%%%%%%%%%%%%", unique,
                       /*MakeAbsolute=*/false);
  prefix = unique.str().str();
}

Output::~Output() {
  for (const std::string &part : parts) {
    fs::remove(part);
    DontRemoveFileOnSignal(part);
  }
}

LogicalResult Output::check(Location loc) const {
  if (path != "-" && fs::is_directory(path))
    return reportWrite(path, std::make_error_code(std::errc::is_a_directory),
                       loc);
  if (isWrittenThrough)
    return success();
  StringRef folder = path::parent_path(path);
  return reportWrite(
      path, fs::access(folder.empty() ? "." : folder, fs::AccessMode::Write),
      loc);
}

std::string Output::addPart(StringRef name) {
  parts.push_back(prefix + "." + name.str());
  RemoveFileOnSignal(parts.back());
  return parts.back();
}

LogicalResult Output::install(StringRef part, Location loc) {
  if (!isWrittenThrough)
    return reportWrite(path, fs::rename(part, path), loc);
  auto file = llvm::MemoryBuffer::getFile(part);
  if (!file)
    return emitError(loc) << "cannot read '" << part
                          << "': " << file.getError().message();
  return writeFile(path, (*file)->getBuffer(), loc);
}

LogicalResult vitc::writeOutput(StringRef path, StringRef bytes, Location loc) {
  Output output(path);
  if (failed(output.check(loc)))
    return failure();
  std::string part = output.addPart("part");
  return success(succeeded(writeFile(part, bytes, loc)) &&
                 succeeded(output.install(part, loc)));
}
