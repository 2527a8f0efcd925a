//===- NpyFile.cpp - Constants from numpy's .npy files --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format: "\x93NUMPY", two bytes of version, the header's length (2 bytes
// in version 1, 4 in later ones), a header such as
//   {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }
// and the elements.
//
//===----------------------------------------------------------------------===//

#include "NpyFile.h"

#include "InputFile.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

static constexpr StringLiteral kMagic = "\x93NUMPY";

/// The number in TensorProto.DataType, 0 for others.
static int64_t getDataTypeNumber(StringRef descr) {
  using onnx_proto::TensorProto;
  return llvm::StringSwitch<int64_t>(descr)
      .Case("|b1", TensorProto::BOOL)
      .Case("|i1", TensorProto::INT8)
      .Case("|u1", TensorProto::UINT8)
      .Case("<i2", TensorProto::INT16)
      .Case("<u2", TensorProto::UINT16)
      .Case("<i4", TensorProto::INT32)
      .Case("<u4", TensorProto::UINT32)
      .Case("<i8", TensorProto::INT64)
      .Case("<u8", TensorProto::UINT64)
      .Case("<f2", TensorProto::FLOAT16)
      .Case("<f4", TensorProto::FLOAT)
      .Case("<f8", TensorProto::DOUBLE)
      .Default(TensorProto::UNDEFINED);
}

/// What stands behind the key and `begin`, up to one of `end`.
static std::optional<StringRef> getMember(StringRef header, StringRef key,
                                          StringRef begin, StringRef end) {
  std::string start = ("'" + key + "': " + begin).str();
  size_t at = header.find(start);
  if (at == StringRef::npos)
    return std::nullopt;
  return header.drop_front(at + start.size()).take_until([&](char c) {
    return end.contains(c);
  });
}

/// "1, 3" or "4," or "".
static bool parseShape(StringRef text, SmallVectorImpl<int64_t> &shape) {
  for (text = text.trim(); !text.empty(); text = text.ltrim()) {
    int64_t size;
    if (text.consumeInteger(10, size) || size < 0)
      return false;
    shape.push_back(size);
    text = text.ltrim();
    if (!text.empty() && !text.consume_front(","))
      return false;
  }
  return int64_t(shape.size()) <= kMaxRank;
}

LogicalResult onnx::readNpy(StringRef path, MLIRContext &context,
                            TensorData &data) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      import_::openFile(path, context);
  if (failed(buffer))
    return failure();
  Location loc = import_::getFileLoc(path, context);
  StringRef bytes = (*buffer)->getBuffer();
  if (!bytes.consume_front(kMagic) || bytes.size() < 6)
    return emitError(loc) << "is not a .npy file";
  bool longHeader = bytes[0] > 1;
  uint64_t length = longHeader
                        ? llvm::support::endian::read32le(bytes.data() + 2)
                        : llvm::support::endian::read16le(bytes.data() + 2);
  bytes = bytes.drop_front(longHeader ? 6 : 4);
  if (length > bytes.size())
    return emitError(loc) << "is cut off: its header has " << length
                          << " bytes, and " << bytes.size() << " are left";
  StringRef header = bytes.take_front(length);
  StringRef elements = bytes.drop_front(length);

  std::optional<StringRef> descr = getMember(header, "descr", "'", "'"),
                           order = getMember(header, "fortran_order", "", ",}"),
                           sizes = getMember(header, "shape", "(", ")");
  if (!descr || !order || !sizes || !parseShape(*sizes, data.shape))
    return emitError(loc) << "has a header that does not parse; needs descr, "
                             "fortran_order and shape, of at most "
                          << kMaxRank << " sizes";
  std::optional<DataType> type =
      lookupDataType(getDataTypeNumber(*descr), &context);
  if (!type)
    return emitError(loc) << "has elements of type '" << *descr
                          << "'; needs little-endian bools, integers or floats";
  if (order->rtrim() != "False")
    return emitError(loc) << "is in Fortran order; needs C order";
  data.type = *type;
  int64_t wanted = llvm::divideCeil(type->stored.getIntOrFloatBitWidth(), 8);
  data.numElements = 1;
  for (int64_t size : data.shape)
    if (llvm::MulOverflow(data.numElements, size, data.numElements) ||
        data.numElements > std::numeric_limits<int64_t>::max() / wanted)
      return emitError(loc) << "has shape " << import_::formatShape(data.shape)
                            << "; needs sizes whose product has 63 bits";
  wanted *= data.numElements;
  if (uint64_t(wanted) != elements.size())
    return emitError(loc) << "has " << elements.size()
                          << " bytes of elements; shape "
                          << import_::formatShape(data.shape) << " of '"
                          << *descr << "' needs " << wanted;
  data.owned = elements.str();
  data.bytes = data.owned;
  return success();
}
