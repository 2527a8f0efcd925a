//===- Output.h - Files that appear whole or not at all ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_OUTPUT_H
#define VITC_TARGET_OUTPUT_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace vitc {

/// Writes `bytes` to `path`; "-" is standard output. Errors are diagnostics.
mlir::LogicalResult writeFile(llvm::StringRef path, llvm::StringRef bytes,
                              mlir::Location loc);

/// An output that is made of other files. They stand beside it under a name of
/// their own, so that the finished one is renamed into place, and go away at
/// the end of this object and on signals that end the process.
///
/// A symbolic link keeps pointing where it points. What is not a regular file
/// (standard output, a device, a pipe) is written through.
class Output {
public:
  explicit Output(llvm::StringRef path);
  ~Output();
  Output(const Output &) = delete;
  Output &operator=(const Output &) = delete;

  /// Says early when there can be no such output.
  mlir::LogicalResult check(mlir::Location loc) const;
  /// The path of a file to make the output of.
  std::string addPart(llvm::StringRef name);
  /// Makes the finished `part` the output.
  mlir::LogicalResult install(llvm::StringRef part, mlir::Location loc);

private:
  bool isWrittenThrough = false;
  std::string path, prefix;
  llvm::SmallVector<std::string> parts;
};

/// Makes `bytes` the output `path`.
mlir::LogicalResult writeOutput(llvm::StringRef path, llvm::StringRef bytes,
                                mlir::Location loc);

} // namespace vitc

#endif // VITC_TARGET_OUTPUT_H
