//===- ModelFile.h - An ONNX model and the files of its tensors -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The model's file and its external data are mapped, never read whole, and
// nothing in them is trusted.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_MODELFILE_H
#define VITC_LIB_IMPORT_ONNX_MODELFILE_H

#include "Node.h"
#include "onnx.pb.h"
#include "llvm/Support/MemoryBuffer.h"

#include <map>
#include <memory>

namespace vitc::onnx {

/// A file that holds tensors.
struct DataFile {
  std::string symbol; // the file's name, for vit.weight_file
  std::string path;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  /// The hex BLAKE3, computed when first asked for.
  llvm::StringRef getHash();

private:
  std::string hash;
};

/// The content of a TensorProto.
struct TensorData {
  DataType type;
  llvm::SmallVector<int64_t> shape;
  int64_t numElements = 0;
  /// Row-major and little-endian, in a file or in `owned`.
  llvm::StringRef bytes;
  DataFile *file = nullptr;
  uint64_t offset = 0;
  std::string owned;

  /// The value as it is computed with: f32 for f16 and bf16.
  mlir::DenseElementsAttr getAttr() const;
};

/// What messages say about the others.
constexpr llvm::StringLiteral kComputedTypes =
    "vitc computes with floats of 16, 32 and 64 bits, integers of 8 to 64 and "
    "bool";
/// None for a type that vitc does not compute with.
std::optional<DataType> lookupDataType(int64_t number,
                                       mlir::MLIRContext *context);
/// "FLOAT16", or the number when the format has no such type.
std::string getDataTypeName(int64_t number);

class ModelFile {
public:
  /// Maps and parses the model; errors are diagnostics at the path.
  static mlir::FailureOr<std::unique_ptr<ModelFile>>
  open(llvm::StringRef path, mlir::MLIRContext &context);

  const onnx_proto::ModelProto &getModel() const { return model; }
  /// Makes these values of the graph its outputs. Errors are at the path.
  mlir::LogicalResult setOutputs(llvm::ArrayRef<std::string> names);
  mlir::Location getLoc() const { return loc; }
  /// Finds and checks a tensor's data. An error calls the tensor `name`.
  mlir::LogicalResult readTensor(const onnx_proto::TensorProto &tensor,
                                 llvm::StringRef name, TensorData &data);
  /// The hex BLAKE3 of the model's file, or of those of all files that were
  /// read.
  std::string getHash();

private:
  ModelFile(llvm::StringRef path, mlir::Location loc) : path(path), loc(loc) {}
  mlir::FailureOr<DataFile *> openDataFile(llvm::StringRef location,
                                           llvm::StringRef tensor);
  mlir::LogicalResult readExternal(const onnx_proto::TensorProto &tensor,
                                   llvm::StringRef name, uint64_t wantedBytes,
                                   TensorData &data);

  std::string path;
  mlir::Location loc;
  onnx_proto::ModelProto model;
  /// By location; the model's own is "".
  std::map<std::string, DataFile> files;
};

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_MODELFILE_H
