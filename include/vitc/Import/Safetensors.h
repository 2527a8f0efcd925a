//===- Safetensors.h - Reader of .safetensors files ------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format: 8 bytes, little-endian, with the length of a JSON header; the
// header, which maps each tensor's name to its dtype, shape and byte range;
// the tensors, row-major, without holes between them. A file is mapped, never
// read whole, and nothing in it is trusted.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_IMPORT_SAFETENSORS_H
#define VITC_IMPORT_SAFETENSORS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace vitc::import_ {

/// A tensor as the header describes it.
struct SafetensorsEntry {
  std::string dtype; // as spelled in the file, e.g. "BF16"
  llvm::SmallVector<int64_t, 4> shape;
  int64_t offset; // of the data, in bytes from the start of the file
  int64_t bytes;
};

class SafetensorsFile {
public:
  /// Maps the file and checks its header; errors are diagnostics at the path.
  static mlir::FailureOr<std::unique_ptr<SafetensorsFile>>
  open(llvm::StringRef path, mlir::MLIRContext &context);

  llvm::StringRef getPath() const { return path; }
  mlir::Location getLoc() const { return loc; }
  /// Null when the file has no such tensor.
  const SafetensorsEntry *lookup(llvm::StringRef name) const;
  const llvm::StringMap<SafetensorsEntry> &getEntries() const {
    return entries;
  }
  /// The little-endian bytes of a tensor of the file.
  llvm::StringRef getData(const SafetensorsEntry &entry) const {
    return buffer->getBuffer().substr(entry.offset, entry.bytes);
  }
  /// The hex BLAKE3 of the whole file.
  std::string hash() const;

private:
  SafetensorsFile(llvm::StringRef path, mlir::Location loc,
                  std::unique_ptr<llvm::MemoryBuffer> buffer)
      : path(path), loc(loc), buffer(std::move(buffer)) {}
  mlir::LogicalResult parseHeader();
  mlir::LogicalResult parseEntry(llvm::StringRef name,
                                 const llvm::json::Value &value,
                                 int64_t dataBegin);
  mlir::LogicalResult verifyLayout(int64_t dataBegin) const;

  std::string path;
  mlir::Location loc;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  llvm::StringMap<SafetensorsEntry> entries;
};

/// f16, bf16, f32 or f64; null for a dtype that vitc does not compute with.
mlir::FloatType getElementType(llvm::StringRef dtype,
                               mlir::MLIRContext &context);

} // namespace vitc::import_

#endif // VITC_IMPORT_SAFETENSORS_H
