//===- Safetensors.cpp - Reader of .safetensors files ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Import/Safetensors.h"

#include "InputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Bytes of the length that starts a file, and the format's limit for it.
static constexpr uint64_t kLengthBytes = 8;
static constexpr uint64_t kMaxHeaderBytes = 100'000'000;

/// Bits of an element; 0 for a dtype that the format does not know.
static int64_t getDtypeBits(StringRef dtype) {
  return llvm::StringSwitch<int64_t>(dtype)
      .Case("F4", 4)
      .Cases({"F6_E2M3", "F6_E3M2"}, 6)
      .Cases({"BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"}, 8)
      .Cases({"I16", "U16", "F16", "BF16"}, 16)
      .Cases({"I32", "U32", "F32"}, 32)
      .Cases({"I64", "U64", "F64", "C64"}, 64)
      .Default(0);
}

FloatType import_::getElementType(StringRef dtype, MLIRContext &context) {
  return llvm::StringSwitch<FloatType>(dtype)
      .Case("F16", Float16Type::get(&context))
      .Case("BF16", BFloat16Type::get(&context))
      .Case("F32", Float32Type::get(&context))
      .Case("F64", Float64Type::get(&context))
      .Default(FloatType());
}

FailureOr<std::unique_ptr<SafetensorsFile>>
SafetensorsFile::open(StringRef path, MLIRContext &context) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      openFile(path, context);
  if (failed(buffer))
    return failure();
  std::unique_ptr<SafetensorsFile> file(
      new SafetensorsFile(path, getFileLoc(path, context), std::move(*buffer)));
  if (failed(file->parseHeader()))
    return failure();
  return file;
}

const SafetensorsEntry *SafetensorsFile::lookup(StringRef name) const {
  auto it = entries.find(name);
  return it == entries.end() ? nullptr : &it->second;
}

std::string SafetensorsFile::hash() const {
  llvm::BLAKE3 hasher;
  hasher.update(buffer->getBuffer());
  return llvm::toHex(hasher.final(), /*LowerCase=*/true);
}

LogicalResult SafetensorsFile::parseHeader() {
  StringRef bytes = buffer->getBuffer();
  if (bytes.size() < kLengthBytes)
    return emitError(loc) << "file has " << bytes.size()
                          << " bytes; a .safetensors file starts with "
                          << kLengthBytes << " bytes of header length";
  uint64_t length = llvm::support::endian::read64le(bytes.data());
  uint64_t limit = std::min(bytes.size() - kLengthBytes, kMaxHeaderBytes);
  if (length > limit)
    return emitError(loc) << "header length is " << length
                          << "; this file allows at most " << limit;
  FailureOr<llvm::json::Object> header =
      parseJsonObject(bytes.substr(kLengthBytes, length), "header", loc);
  if (failed(header))
    return failure();
  int64_t dataBegin = kLengthBytes + length;
  for (const auto *member : getSortedMembers(*header))
    if (StringRef(member->first) != "__metadata__" &&
        failed(parseEntry(member->first, member->second, dataBegin)))
      return failure();
  return verifyLayout(dataBegin);
}

LogicalResult SafetensorsFile::parseEntry(StringRef name,
                                          const llvm::json::Value &value,
                                          int64_t dataBegin) {
  const llvm::json::Object *object = value.getAsObject();
  const llvm::json::Array *shape = object ? object->getArray("shape") : nullptr;
  const llvm::json::Array *range =
      object ? object->getArray("data_offsets") : nullptr;
  std::optional<StringRef> dtype =
      object ? object->getString("dtype") : std::nullopt;
  if (!shape || !range || !dtype || range->size() != 2)
    return emitError(loc) << "tensor '" << name
                          << "' needs dtype, shape and two data_offsets";
  int64_t bits = getDtypeBits(*dtype);
  if (bits == 0)
    return emitError(loc) << "tensor '" << name << "' has dtype '" << *dtype
                          << "', which the format does not know";

  SafetensorsEntry entry;
  entry.dtype = dtype->str();
  int64_t elements = 1;
  for (const llvm::json::Value &dim : *shape) {
    std::optional<int64_t> size = dim.getAsInteger();
    if (!size || *size < 0 || llvm::MulOverflow(elements, *size, elements))
      return emitError(loc) << "tensor '" << name
                            << "' has a shape that is not a list of sizes "
                               "whose product has 63 bits";
    entry.shape.push_back(*size);
  }
  int64_t totalBits = 0;
  if (llvm::MulOverflow(elements, bits, totalBits))
    return emitError(loc) << "tensor '" << name << "' has shape "
                          << formatShape(entry.shape)
                          << "; its size needs more than 63 bits";

  std::optional<int64_t> begin = (*range)[0].getAsInteger();
  std::optional<int64_t> end = (*range)[1].getAsInteger();
  int64_t dataBytes = buffer->getBufferSize() - dataBegin;
  if (!begin || !end || *begin < 0 || *end < *begin || *end > dataBytes)
    return emitError(loc) << "tensor '" << name
                          << "' has data_offsets outside of the file, which "
                             "has "
                          << dataBytes << " bytes of data";
  entry.offset = dataBegin + *begin;
  entry.bytes = *end - *begin;
  if (totalBits % 8 != 0 || entry.bytes != totalBits / 8)
    return emitError(loc) << "tensor '" << name << "' has " << entry.bytes
                          << " bytes; " << *dtype << " of shape "
                          << formatShape(entry.shape) << " needs "
                          << llvm::divideCeil(totalBits, 8);
  entries[name] = std::move(entry);
  return success();
}

LogicalResult SafetensorsFile::verifyLayout(int64_t dataBegin) const {
  using Named = const llvm::StringMapEntry<SafetensorsEntry> *;
  SmallVector<Named> order;
  for (const auto &entry : entries)
    order.push_back(&entry);
  llvm::sort(order, [](Named lhs, Named rhs) {
    const SafetensorsEntry &l = lhs->second, &r = rhs->second;
    return std::tuple(l.offset, l.bytes, lhs->getKey()) <
           std::tuple(r.offset, r.bytes, rhs->getKey());
  });
  int64_t end = dataBegin;
  for (Named named : order) {
    const SafetensorsEntry &entry = named->second;
    if (entry.offset != end)
      return emitError(loc)
             << "tensor '" << named->getKey() << "' begins at data offset "
             << entry.offset - dataBegin << "; the tensor before it ends at "
             << end - dataBegin;
    end += entry.bytes;
  }
  int64_t size = buffer->getBufferSize();
  if (end != size)
    return emitError(loc) << "tensors end at byte " << end << " of " << size;
  return success();
}
