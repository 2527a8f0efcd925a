//===- InputFile.cpp - Reading of untrusted files -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InputFile.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace vitc;

/// Deeper than any configuration or header; llvm::json recurses.
static constexpr int64_t kMaxNesting = 64;

static bool nestsTooDeep(StringRef text) {
  int64_t depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxNesting)
        return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

FailureOr<llvm::json::Value> import_::parseJson(StringRef text, StringRef what,
                                                Location loc) {
  if (nestsTooDeep(text))
    return emitError(loc) << what << " nests deeper than " << kMaxNesting
                          << " levels of JSON";
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (!value)
    return emitError(loc) << what << " is not JSON: "
                          << llvm::toString(value.takeError());
  return std::move(*value);
}

FailureOr<llvm::json::Object>
import_::parseJsonObject(StringRef text, StringRef what, Location loc) {
  FailureOr<llvm::json::Value> value = parseJson(text, what, loc);
  if (failed(value))
    return failure();
  llvm::json::Object *object = value->getAsObject();
  if (!object)
    return emitError(loc) << what << " is not a JSON object";
  return std::move(*object);
}

bool import_::staysInside(StringRef path) {
  if (path.empty() || path.contains('\0') || llvm::sys::path::is_absolute(path))
    return false;
  SmallString<128> plain(path);
  llvm::sys::path::remove_dots(plain, /*remove_dot_dot=*/true);
  return !plain.empty() && *llvm::sys::path::begin(plain) != "..";
}

Location import_::getFileLoc(StringRef path, MLIRContext &context) {
  return FileLineColLoc::get(&context, path, 0, 0);
}

FailureOr<std::unique_ptr<llvm::MemoryBuffer>>
import_::openFile(StringRef path, MLIRContext &context) {
  Location loc = getFileLoc(path, context);
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status))
    return emitError(loc) << "cannot be read: " << error.message();
  if (!llvm::sys::fs::is_regular_file(status))
    return emitError(loc) << "is not a regular file";
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return emitError(loc) << "cannot be read: " << buffer.getError().message();
  return std::move(*buffer);
}

std::vector<const llvm::json::Object::value_type *>
import_::getSortedMembers(const llvm::json::Object &object) {
  std::vector<const llvm::json::Object::value_type *> members;
  for (const auto &member : object)
    members.push_back(&member);
  llvm::sort(members, [](const auto *lhs, const auto *rhs) {
    return StringRef(lhs->first) < StringRef(rhs->first);
  });
  return members;
}

std::string import_::formatShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(shape, os);
  os << "]";
  return text;
}
