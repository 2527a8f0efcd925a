//===- InputFile.h - Reading of untrusted files ----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_INPUTFILE_H
#define VITC_LIB_IMPORT_INPUTFILE_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <vector>

namespace vitc::import_ {

/// Parses JSON; an error names `what` was parsed, at `loc`. Text that nests
/// deeper than any model file is refused before the recursive parser sees it.
mlir::FailureOr<llvm::json::Value>
parseJson(llvm::StringRef text, llvm::StringRef what, mlir::Location loc);
/// The same for a JSON object.
mlir::FailureOr<llvm::json::Object>
parseJsonObject(llvm::StringRef text, llvm::StringRef what, mlir::Location loc);

/// The path of `file` in `folder`.
inline std::string joinPath(llvm::StringRef folder, llvm::StringRef file) {
  llvm::SmallString<256> path(folder);
  llvm::sys::path::append(path, file);
  return path.str().str();
}

/// Whether a path stays below the folder that it is relative to.
bool staysInside(llvm::StringRef path);

/// The location that stands for a whole file in diagnostics.
mlir::Location getFileLoc(llvm::StringRef path, mlir::MLIRContext &context);

/// Maps a regular file; errors are diagnostics at the path.
mlir::FailureOr<std::unique_ptr<llvm::MemoryBuffer>>
openFile(llvm::StringRef path, mlir::MLIRContext &context);

/// The members of an object by key, so that the first error of several is the
/// same one in every build.
std::vector<const llvm::json::Object::value_type *>
getSortedMembers(const llvm::json::Object &object);

/// "[2304, 768]".
std::string formatShape(llvm::ArrayRef<int64_t> shape);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_INPUTFILE_H
