//===- Npy.cpp - numpy's .npy files ---------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format is numpy.lib.format's: "\x93NUMPY", version, length of the header,
// the header, a Python dict literal such as
//   {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 224, 224), }
// padded with spaces to a multiple of 64 bytes, and the elements.
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include "Status.h"
#include "Tensor.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

using namespace vitc::rt;

static constexpr std::string_view kMagic("\x93NUMPY", 6);
/// numpy's own limit is 10,000; no shape of VITC_MAX_RANK comes near it.
static constexpr uint32_t kMaxHeaderBytes = 1 << 16;
static constexpr size_t kHeaderAlignment = 64;

namespace {
struct NpyType {
  const char *code; // without the byte order
  vitc_dtype_t dtype;
};

using FileHandle = std::unique_ptr<std::FILE, int (*)(std::FILE *)>;

/// Parses the dict literal of a header.
class HeaderParser {
public:
  HeaderParser(const std::string &path, std::string_view header)
      : path(path), header(header), rest(header) {}

  NpyArray parse();

private:
  [[noreturn]] void fail(std::string_view needed) const;
  void skipSpace();
  bool accept(std::string_view token);
  void expect(std::string_view token);
  std::string_view parseString();
  void parseShape(NpyArray &array);
  vitc_dtype_t parseDtype();

  const std::string &path;
  std::string_view header, rest;
};
} // namespace

static constexpr NpyType kNpyTypes[] = {
    {"f4", VITC_F32}, {"f8", VITC_F64}, {"f2", VITC_F16}, {"i1", VITC_I8},
    {"u1", VITC_U8},  {"i2", VITC_I16}, {"u2", VITC_U16}, {"i4", VITC_I32},
    {"u4", VITC_U32}, {"i8", VITC_I64}, {"u8", VITC_U64}, {"b1", VITC_BOOL}};

vitc_tensor_t NpyArray::tensor() {
  vitc_tensor_t tensor = {};
  tensor.data = bytes.data();
  tensor.dtype = dtype;
  tensor.rank = static_cast<int32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), tensor.dims);
  return tensor;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

void HeaderParser::fail(std::string_view needed) const {
  size_t offset = header.size() - rest.size();
  throw Failure(VITC_IO, "{}: .npy header has '{}' at byte {}; needs {}", path,
                rest.substr(0, 16), offset, needed);
}

void HeaderParser::skipSpace() {
  size_t length = rest.find_first_not_of(" \n\t");
  rest.remove_prefix(std::min(length, rest.size()));
}

bool HeaderParser::accept(std::string_view token) {
  skipSpace();
  if (rest.substr(0, token.size()) != token)
    return false;
  rest.remove_prefix(token.size());
  return true;
}

void HeaderParser::expect(std::string_view token) {
  if (!accept(token))
    fail(fmt::format("'{}'", token));
}

std::string_view HeaderParser::parseString() {
  skipSpace();
  if (rest.empty() || (rest.front() != '\'' && rest.front() != '"'))
    fail("a string");
  size_t end = rest.find(rest.front(), 1);
  if (end == std::string_view::npos)
    fail("a string that ends");
  std::string_view text = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  return text;
}

vitc_dtype_t HeaderParser::parseDtype() {
  skipSpace();
  if (!rest.empty() && rest.front() == '[')
    throw Failure(VITC_IO, "{}: .npy file holds records; needs plain elements",
                  path);
  std::string_view descr = parseString();
  if (!descr.empty() && descr.front() == '>')
    throw Failure(VITC_IO,
                  "{}: .npy file is big-endian ('{}'); needs little-endian",
                  path, descr);
  std::string_view code = descr;
  if (!code.empty() && std::strchr("<|=", code.front()))
    code.remove_prefix(1);
  auto type = std::find_if(std::begin(kNpyTypes), std::end(kNpyTypes),
                           [&](const NpyType &t) { return t.code == code; });
  if (type == std::end(kNpyTypes))
    throw Failure(VITC_IO,
                  "{}: .npy file has elements of type '{}'; needs bool, an "
                  "integer type, f2, f4 or f8",
                  path, descr);
  return type->dtype;
}

void HeaderParser::parseShape(NpyArray &array) {
  expect("(");
  while (!accept(")")) {
    skipSpace();
    int64_t dim = 0;
    auto [end, code] =
        std::from_chars(rest.data(), rest.data() + rest.size(), dim);
    if (code != std::errc() || dim < 0)
      fail("a dimension of 0 to 2^63 - 1");
    rest.remove_prefix(end - rest.data());
    array.dims.push_back(dim);
    if (array.dims.size() > VITC_MAX_RANK)
      throw Failure(VITC_IO, "{}: .npy file has more than {} dimensions", path,
                    int(VITC_MAX_RANK));
    if (accept(","))
      continue;
    expect(")");
    break;
  }
}

NpyArray HeaderParser::parse() {
  NpyArray array;
  bool hasDtype = false, hasOrder = false, hasShape = false;
  expect("{");
  while (!accept("}")) {
    std::string_view name = parseString();
    expect(":");
    if (name == "descr" && !hasDtype) {
      array.dtype = parseDtype();
      hasDtype = true;
    } else if (name == "fortran_order" && !hasOrder) {
      if (accept("True"))
        throw Failure(VITC_IO,
                      "{}: .npy file is in Fortran order; needs C order "
                      "(numpy.ascontiguousarray)",
                      path);
      expect("False");
      hasOrder = true;
    } else if (name == "shape" && !hasShape) {
      parseShape(array);
      hasShape = true;
    } else {
      throw Failure(VITC_IO,
                    "{}: .npy header has key '{}'; needs descr, fortran_order "
                    "and shape, once each",
                    path, name);
    }
    if (!accept(",")) {
      expect("}");
      break;
    }
  }
  skipSpace();
  if (!rest.empty())
    fail("its end");
  if (!hasDtype || !hasOrder || !hasShape)
    throw Failure(VITC_IO, "{}: .npy header lacks '{}'", path,
                  !hasDtype   ? "descr"
                  : !hasOrder ? "fortran_order"
                              : "shape");
  return array;
}

static FileHandle openFile(const std::string &path, int64_t &size) {
  FileHandle file(std::fopen(path.c_str(), "rb"), std::fclose);
  struct stat info;
  if (!file || ::fstat(::fileno(file.get()), &info) != 0)
    throw Failure(VITC_IO, "{}: cannot be read: {}", path,
                  std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    throw Failure(VITC_IO, "{}: is not a regular file; needs a .npy file",
                  path);
  size = info.st_size;
  return file;
}

static std::string readHeader(const std::string &path, std::FILE *file,
                              int64_t &headerEnd) {
  uint8_t prefix[12] = {};
  if (std::fread(prefix, 1, 8, file) != 8 ||
      std::memcmp(prefix, kMagic.data(), kMagic.size()) != 0)
    throw Failure(VITC_IO, "{}: does not start as a .npy file does", path);
  uint8_t version = prefix[6];
  if (version < 1 || version > 3)
    throw Failure(VITC_IO, "{}: .npy file has version {}; needs 1, 2 or 3",
                  path, version);
  size_t lengthBytes = version == 1 ? 2 : 4;
  if (std::fread(prefix + 8, 1, lengthBytes, file) != lengthBytes)
    throw Failure(VITC_IO, "{}: .npy file ends within its header", path);
  uint32_t length = 0;
  for (size_t i = lengthBytes; i-- > 0;)
    length = length << 8 | prefix[8 + i];
  if (length > kMaxHeaderBytes)
    throw Failure(VITC_IO, "{}: .npy header has {} bytes; needs at most {}",
                  path, length, kMaxHeaderBytes);
  std::string header(length, '\0');
  if (std::fread(header.data(), 1, length, file) != length)
    throw Failure(VITC_IO, "{}: .npy file ends within its header", path);
  headerEnd = static_cast<int64_t>(8 + lengthBytes + length);
  return header;
}

NpyArray vitc::rt::readNpy(const std::string &path) {
  int64_t fileBytes = 0, headerEnd = 0;
  FileHandle file = openFile(path, fileBytes);
  std::string header = readHeader(path, file.get(), headerEnd);
  NpyArray array = HeaderParser(path, header).parse();

  // Compared before any memory is taken: a header may claim any shape.
  int64_t bytes = dtypeBytes(array.dtype);
  bool overflow = false, empty = false;
  for (int64_t dim : array.dims)
    empty |= dim == 0;
  for (int64_t dim : array.dims)
    overflow |= !empty && __builtin_mul_overflow(bytes, dim, &bytes);
  bytes = empty ? 0 : bytes;
  if (overflow || bytes != fileBytes - headerEnd)
    throw Failure(
        VITC_IO,
        "{}: .npy file has {} bytes of elements; shape {} of {} needs "
        "{}",
        path, fileBytes - headerEnd,
        formatShape(array.dims.data(), array.dims.size()),
        formatDtype(array.dtype),
        overflow ? "more than memory can hold" : fmt::format("{}", bytes));
  array.bytes.resize(bytes);
  if (std::fread(array.bytes.data(), 1, bytes, file.get()) !=
      static_cast<size_t>(bytes))
    throw Failure(VITC_IO, "{}: .npy file ends within its elements", path);
  // Any other byte would be undefined as a bool.
  if (array.dtype == VITC_BOOL)
    for (uint8_t &byte : array.bytes)
      byte = byte != 0;
  return array;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string vitc::rt::formatNpy(const NpyArray &array) {
  if (array.dtype == VITC_BF16)
    return formatNpy(convertNpy(array, VITC_F32, "array"));
  const NpyType *type =
      std::find_if(std::begin(kNpyTypes), std::end(kNpyTypes),
                   [&](const NpyType &t) { return t.dtype == array.dtype; });
  std::string shape;
  for (int64_t dim : array.dims)
    shape += fmt::format("{}, ", dim);
  if (array.dims.size() > 1)
    shape.resize(shape.size() - 2);
  else if (!shape.empty())
    shape.pop_back(); // "(3,)"
  std::string header = fmt::format(
      "{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
      dtypeBytes(array.dtype) == 1 ? '|' : '<', type->code, shape);
  // Magic, two bytes of version, two of length and a final line break.
  size_t unpadded = kMagic.size() + 4 + header.size() + 1;
  header.append(-unpadded % kHeaderAlignment, ' ').push_back('\n');

  std::string file(kMagic);
  file.append({'\1', '\0', static_cast<char>(header.size() & 0xFF),
               static_cast<char>(header.size() >> 8)});
  file += header;
  file.append(array.bytes.begin(), array.bytes.end());
  return file;
}
