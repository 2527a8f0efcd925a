//===- ModelFile.cpp - An ONNX model and the files of its tensors ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelFile.h"

#include "InputFile.h"
#include "WireFormat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

static std::string hashBytes(StringRef bytes) {
  llvm::BLAKE3 hasher;
  hasher.update(bytes);
  return llvm::toHex(hasher.final(), /*LowerCase=*/true);
}

StringRef DataFile::getHash() {
  if (hash.empty())
    hash = hashBytes(buffer->getBuffer());
  return hash;
}

FailureOr<std::unique_ptr<ModelFile>> ModelFile::open(StringRef path,
                                                      MLIRContext &context) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      import_::openFile(path, context);
  if (failed(buffer))
    return failure();
  std::unique_ptr<ModelFile> file(
      new ModelFile(path, import_::getFileLoc(path, context)));
  FailureOr<std::string> graph =
      detachTensors((*buffer)->getBuffer(), file->loc);
  if (failed(graph))
    return failure();
  DataFile &own = file->files[""];
  own.symbol = llvm::sys::path::filename(path).str();
  own.path = path.str();
  own.buffer = std::move(*buffer);

  if (!file->model.ParseFromString(*graph))
    return emitError(file->loc)
           << "is not an ONNX model: its messages do not decode";
  if (!file->model.has_graph())
    return emitError(file->loc) << "is not an ONNX model: it has no graph";
  return file;
}

std::string ModelFile::getHash() {
  if (files.size() == 1)
    return files[""].getHash().str();
  std::string hashes;
  for (auto &[location, file] : files)
    hashes += file.getHash();
  return hashBytes(hashes);
}

FailureOr<DataFile *> ModelFile::openDataFile(StringRef location,
                                              StringRef tensor) {
  if (auto it = files.find(location.str()); it != files.end())
    return &it->second;
  if (!import_::staysInside(location))
    return emitError(loc) << "tensor '" << tensor << "' has its data in '"
                          << location
                          << "'; needs a path inside of the model's folder";
  std::string dataPath =
      import_::joinPath(llvm::sys::path::parent_path(path), location);
  if (!llvm::sys::fs::exists(dataPath))
    return emitError(loc) << "tensor '" << tensor << "' has its data in '"
                          << location
                          << "', which is not in the model's folder";
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      import_::openFile(dataPath, *loc.getContext());
  if (failed(buffer))
    return failure();
  DataFile &file = files[location.str()];
  file.symbol = location.str();
  file.path = std::move(dataPath);
  file.buffer = std::move(*buffer);
  return &file;
}

LogicalResult ModelFile::readExternal(const onnx_proto::TensorProto &tensor,
                                      StringRef name, uint64_t wantedBytes,
                                      TensorData &data) {
  StringRef location;
  uint64_t offset = 0, length = wantedBytes;
  for (const onnx_proto::StringStringEntryProto &entry :
       tensor.external_data()) {
    StringRef key = entry.key(), value = entry.value();
    if (key == "location")
      location = value;
    else if ((key == "offset" && value.getAsInteger(10, offset)) ||
             (key == "length" && value.getAsInteger(10, length)))
      return emitError(loc) << "tensor '" << name << "' has external " << key
                            << " '" << value << "'; needs a number of bytes";
  }
  FailureOr<DataFile *> file = openDataFile(location, name);
  if (failed(file))
    return failure();
  StringRef content = (*file)->buffer->getBuffer();
  if (offset > content.size() || length > content.size() - offset)
    return emitError(loc) << "tensor '" << name << "' has " << length
                          << " bytes at offset " << offset << " of '"
                          << (*file)->symbol << "', which has "
                          << content.size() << " bytes";
  data.bytes = content.substr(offset, length);
  data.file = *file;
  data.offset = offset;
  return success();
}

template <typename T, typename Field>
static void append(const Field &elements, std::string &bytes) {
  bytes.reserve(elements.size() * sizeof(T));
  for (auto element : elements) {
    T value = static_cast<T>(element);
    bytes.append(reinterpret_cast<const char *>(&value), sizeof(T));
  }
}

/// The elements of a tensor that are not in raw_data, as raw_data has them.
static std::string encodeElements(const onnx_proto::TensorProto &tensor,
                                  const DataType &type) {
  using onnx_proto::TensorProto;
  std::string bytes;
  unsigned width = type.stored.getIntOrFloatBitWidth();
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    append<float>(tensor.float_data(), bytes);
    break;
  case TensorProto::DOUBLE:
    append<double>(tensor.double_data(), bytes);
    break;
  case TensorProto::INT64:
    append<int64_t>(tensor.int64_data(), bytes);
    break;
  case TensorProto::UINT32:
    append<uint32_t>(tensor.uint64_data(), bytes);
    break;
  case TensorProto::UINT64:
    append<uint64_t>(tensor.uint64_data(), bytes);
    break;
  default:
    if (width == 32)
      append<int32_t>(tensor.int32_data(), bytes);
    else if (width == 16)
      append<int16_t>(tensor.int32_data(), bytes);
    else
      append<int8_t>(tensor.int32_data(), bytes);
  }
  return bytes;
}

LogicalResult ModelFile::readTensor(const onnx_proto::TensorProto &tensor,
                                    StringRef name, TensorData &data) {
  std::optional<DataType> type =
      lookupDataType(tensor.data_type(), loc.getContext());
  if (!type)
    return emitError(loc) << "tensor '" << name << "' has type "
                          << getDataTypeName(tensor.data_type()) << "; "
                          << kComputedTypes;
  data.type = *type;
  if (tensor.dims_size() > kMaxRank)
    return emitError(loc) << "tensor '" << name << "' has rank "
                          << tensor.dims_size() << "; needs at most "
                          << kMaxRank;
  data.shape.assign(tensor.dims().begin(), tensor.dims().end());
  data.numElements = 1;
  // A bool takes a byte.
  int64_t width = llvm::divideCeil(type->stored.getIntOrFloatBitWidth(), 8);
  int64_t wanted = 0;
  bool fits = llvm::all_of(data.shape, [&](int64_t size) {
    return size >= 0 &&
           !llvm::MulOverflow(data.numElements, size, data.numElements);
  });
  if (!fits || llvm::MulOverflow(data.numElements, width, wanted))
    return emitError(loc) << "tensor '" << name << "' has shape "
                          << import_::formatShape(data.shape)
                          << "; needs sizes whose product has 63 bits";

  bool isExternal = tensor.data_location() == onnx_proto::TensorProto::EXTERNAL;
  bool hasList = tensor.float_data_size() + tensor.double_data_size() +
                     tensor.int32_data_size() + tensor.int64_data_size() +
                     tensor.uint64_data_size() >
                 0;
  if (isExternal + !tensor.raw_data().empty() + hasList > 1)
    return emitError(loc) << "tensor '" << name
                          << "' has its data in two places; needs raw data, a "
                             "list of elements or external data";
  if (isExternal) {
    if (failed(readExternal(tensor, name, wanted, data)))
      return failure();
  } else if (tensor.has_raw_data()) {
    data.bytes = tensor.raw_data();
  } else {
    data.owned = encodeElements(tensor, *type);
    data.bytes = data.owned;
  }
  if (int64_t(data.bytes.size()) != wanted)
    return emitError(loc) << "tensor '" << name << "' has " << data.bytes.size()
                          << " bytes; " << getDataTypeName(tensor.data_type())
                          << " of shape " << import_::formatShape(data.shape)
                          << " needs " << wanted;
  return success();
}
