//===- WireFormat.cpp - ONNX models of any size ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WireFormat.h"

#include "mlir/IR/Location.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// Graphs in attributes of nodes of graphs; each is three messages deep.
static constexpr int kMaxDepth = 60;
/// More than any graph has without its tensors.
static constexpr uint64_t kMaxBytes = uint64_t(256) << 20;
static constexpr uint64_t kMaxMessages = uint64_t(1) << 22;

namespace {

enum class Message { Model, Graph, Function, Node, Attribute, Tensor };

/// What becomes of a field.
enum class Use { Copy, Drop, Descend };

struct FieldRule {
  Message parent;
  uint32_t field;
  Use use;
  Message child = Message::Model;
};

} // namespace

/// Fields of onnx.proto that are not copied as they are.
static constexpr FieldRule kRules[] = {
    {Message::Model, 6, Use::Drop},  // doc_string
    {Message::Model, 20, Use::Drop}, // training_info
    {Message::Model, 7, Use::Descend, Message::Graph},
    {Message::Model, 25, Use::Descend, Message::Function},
    {Message::Graph, 1, Use::Descend, Message::Node},
    {Message::Graph, 5, Use::Descend, Message::Tensor},
    {Message::Graph, 10, Use::Drop}, // doc_string
    {Message::Graph, 13, Use::Drop}, // value_info
    {Message::Graph, 16, Use::Drop}, // metadata_props
    {Message::Function, 7, Use::Descend, Message::Node},
    {Message::Function, 8, Use::Drop}, // doc_string
    {Message::Function, 11, Use::Descend, Message::Attribute},
    {Message::Function, 12, Use::Drop}, // value_info
    {Message::Node, 5, Use::Descend, Message::Attribute},
    {Message::Node, 6, Use::Drop}, // doc_string
    {Message::Node, 9, Use::Drop}, // metadata_props
    {Message::Attribute, 5, Use::Descend, Message::Tensor},
    {Message::Attribute, 6, Use::Descend, Message::Graph},
    {Message::Attribute, 10, Use::Descend, Message::Tensor},
    {Message::Attribute, 11, Use::Descend, Message::Graph},
    {Message::Attribute, 13, Use::Drop}, // doc_string
    {Message::Tensor, 12, Use::Drop},    // doc_string
    {Message::Tensor, 16, Use::Drop},    // metadata_props
};

/// TensorProto's fields of raw, float and double data, and of references.
static constexpr uint32_t kDataType = 2, kFloatData = 4, kRawData = 9,
                          kDoubleData = 10, kExternalData = 13,
                          kDataLocation = 14;
/// TensorProto.DataType's FLOAT and DOUBLE.
static constexpr uint64_t kFloat = 1, kDouble = 11;

namespace {

/// A field of an encoded message: a number, or a range of the file.
struct Field {
  uint32_t number;
  uint32_t wireType;
  uint64_t begin;     // of the field with its tag
  uint64_t dataBegin; // of the content
  uint64_t end;
};

constexpr uint32_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

class Rewriter {
public:
  Rewriter(StringRef file, Location loc) : file(file), loc(loc) {}

  LogicalResult rewrite(Message kind, uint64_t begin, uint64_t end, int depth,
                        std::string &out);

private:
  std::optional<uint64_t> readVarint(uint64_t &at, uint64_t end) const;
  FailureOr<Field> readField(uint64_t at, uint64_t end) const;
  LogicalResult copy(const Field &field, std::string &out);
  LogicalResult findDetachedData(uint64_t begin, uint64_t end,
                                 std::optional<Field> &data) const;

  StringRef file;
  Location loc;
  uint64_t numMessages = 0, numBytes = 0;
};

} // namespace

static void writeVarint(uint64_t value, std::string &out) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(char(value | 0x80));
  out.push_back(char(value));
}

static void writeBytes(uint32_t field, StringRef content, std::string &out) {
  writeVarint(field << 3 | kBytes, out);
  writeVarint(content.size(), out);
  out.append(content.data(), content.size());
}

static void writeReference(StringRef key, const Twine &value,
                           std::string &out) {
  std::string entry;
  writeBytes(1, key, entry);
  writeBytes(2, value.str(), entry);
  writeBytes(kExternalData, entry, out);
}

std::optional<uint64_t> Rewriter::readVarint(uint64_t &at, uint64_t end) const {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
    uint8_t byte = file[at++];
    value |= uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80)
      return value;
  }
  return std::nullopt;
}

FailureOr<Field> Rewriter::readField(uint64_t at, uint64_t end) const {
  Field field;
  field.begin = at;
  std::optional<uint64_t> tag = readVarint(at, end);
  std::optional<uint64_t> length = 0;
  if (tag) {
    field.number = uint32_t(*tag >> 3);
    field.wireType = *tag & 7;
    field.dataBegin = at;
    switch (field.wireType) {
    case kVarint:
      if (!readVarint(at, end))
        length = std::nullopt;
      field.end = at;
      break;
    case kFixed64:
      length = 8;
      break;
    case kFixed32:
      length = 4;
      break;
    case kBytes:
      length = readVarint(at, end);
      field.dataBegin = at;
      break;
    default:
      length = std::nullopt;
    }
  }
  if (!tag || !length || field.number == 0 || *length > end - at)
    return emitError(loc) << "is not an ONNX model, or is cut off: byte "
                          << field.begin << " of " << file.size()
                          << " starts no field of a protobuf message that ends "
                             "at byte "
                          << end;
  if (field.wireType != kVarint)
    field.end = at + *length;
  return field;
}

LogicalResult Rewriter::copy(const Field &field, std::string &out) {
  StringRef bytes = file.slice(field.begin, field.end);
  if ((numBytes += bytes.size()) > kMaxBytes)
    return emitError(loc) << "has more than " << kMaxBytes
                          << " bytes beside the data of its tensors";
  out.append(bytes.data(), bytes.size());
  return success();
}

/// The one field that holds a tensor's data as they lie in memory, if it does
/// and is large.
LogicalResult Rewriter::findDetachedData(uint64_t begin, uint64_t end,
                                         std::optional<Field> &data) const {
  unsigned count = 0;
  uint64_t type = 0;
  for (uint64_t at = begin; at < end;) {
    FailureOr<Field> field = readField(at, end);
    if (failed(field))
      return failure();
    at = field->end;
    if (field->number == kDataType && field->wireType == kVarint) {
      uint64_t content = field->dataBegin;
      type = *readVarint(content, end);
    }
    if (field->number != kRawData && field->number != kFloatData &&
        field->number != kDoubleData)
      continue;
    ++count;
    if (field->wireType == kBytes &&
        field->end - field->dataBegin > kInlineBytes)
      data = *field;
  }
  // A list of floats is the data of a tensor of floats alone.
  if (count != 1 ||
      (data && ((data->number == kFloatData && type != kFloat) ||
                (data->number == kDoubleData && type != kDouble))))
    data = std::nullopt;
  return success();
}

LogicalResult Rewriter::rewrite(Message kind, uint64_t begin, uint64_t end,
                                int depth, std::string &out) {
  if (depth > kMaxDepth)
    return emitError(loc) << "nests graphs deeper than " << kMaxDepth / 3
                          << " levels";
  if (++numMessages > kMaxMessages)
    return emitError(loc) << "has more than " << kMaxMessages
                          << " nodes, attributes and tensors";
  std::optional<Field> data;
  if (kind == Message::Tensor && failed(findDetachedData(begin, end, data)))
    return failure();

  for (uint64_t at = begin; at < end;) {
    FailureOr<Field> field = readField(at, end);
    if (failed(field))
      return failure();
    at = field->end;
    if (data && field->begin == data->begin) {
      writeReference("location", "", out);
      writeReference("offset", Twine(data->dataBegin), out);
      writeReference("length", Twine(data->end - data->dataBegin), out);
      continue;
    }
    const FieldRule *rule = llvm::find_if(kRules, [&](const FieldRule &rule) {
      return rule.parent == kind && rule.field == field->number;
    });
    Use use = rule == std::end(kRules) || field->wireType != kBytes ? Use::Copy
                                                                    : rule->use;
    if (use == Use::Copy) {
      if (failed(copy(*field, out)))
        return failure();
    } else if (use == Use::Descend) {
      std::string child;
      if (failed(rewrite(rule->child, field->dataBegin, field->end, depth + 1,
                         child)))
        return failure();
      writeBytes(field->number, child, out);
    }
  }
  // Behind all fields, as the last value counts and the file may say DEFAULT.
  if (data) {
    writeVarint(kDataLocation << 3 | kVarint, out);
    writeVarint(1, out);
  }
  return success();
}

FailureOr<std::string> onnx::detachTensors(StringRef model, Location loc) {
  std::string out;
  if (failed(Rewriter(model, loc)
                 .rewrite(Message::Model, 0, model.size(), /*depth=*/0, out)))
    return failure();
  return out;
}
