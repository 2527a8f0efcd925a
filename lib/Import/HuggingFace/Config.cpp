//===- Config.cpp - Typed reader of configuration files -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Config.h"

#include "InputFile.h"

#include <cmath>

using namespace mlir;
using namespace vitc::import_;

std::string vitc::import_::formatJson(const llvm::json::Value &value) {
  constexpr size_t limit = 80;
  std::string text = llvm::formatv("{0}", value);
  if (text.size() > limit)
    text = text.substr(0, limit) + "...";
  return text;
}

FailureOr<Config> Config::read(StringRef path, MLIRContext &context) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      openFile(path, context);
  if (mlir::failed(buffer))
    return failure();
  Location loc = getFileLoc(path, context);
  FailureOr<llvm::json::Object> object =
      parseJsonObject((*buffer)->getBuffer(), "content", loc);
  if (mlir::failed(object))
    return failure();
  return Config(std::move(*object), loc);
}

InFlightDiagnostic Config::emitError() {
  hasError = true;
  return mlir::emitError(loc);
}

const llvm::json::Value *Config::lookup(StringRef key) const {
  const llvm::json::Value *value = object.get(key);
  return value && value->kind() != llvm::json::Value::Null ? value : nullptr;
}

/// The value as a size from 1 to `max`, or none.
static std::optional<int64_t> asSize(const llvm::json::Value &value,
                                     int64_t max) {
  std::optional<int64_t> size = value.getAsInteger();
  return size && *size >= 1 && *size <= max ? size : std::nullopt;
}

int64_t Config::getSize(StringRef key, int64_t defaultValue, int64_t max) {
  const llvm::json::Value *value = lookup(key);
  if (!value)
    return defaultValue;
  if (std::optional<int64_t> size = asSize(*value, max))
    return *size;
  emitError() << key << " = " << formatJson(*value)
              << "; it needs an integer from 1 to " << max;
  return defaultValue;
}

std::pair<int64_t, int64_t>
Config::getSizePair(StringRef key, int64_t defaultValue, int64_t max) {
  const llvm::json::Value *value = lookup(key);
  if (!value)
    return {defaultValue, defaultValue};
  if (std::optional<int64_t> size = asSize(*value, max))
    return {*size, *size};
  const llvm::json::Array *list = value->getAsArray();
  if (list && list->size() == 2) {
    std::optional<int64_t> height = asSize((*list)[0], max);
    std::optional<int64_t> width = asSize((*list)[1], max);
    if (height && width)
      return {*height, *width};
  }
  emitError() << key << " = " << formatJson(*value)
              << "; it needs an integer from 1 to " << max
              << " or a list of two, height and width";
  return {defaultValue, defaultValue};
}

double Config::getNumber(StringRef key, double defaultValue) {
  const llvm::json::Value *value = lookup(key);
  if (!value)
    return defaultValue;
  std::optional<double> number = value->getAsNumber();
  if (number && std::isfinite(*number) && *number >= 0)
    return *number;
  emitError() << key << " = " << formatJson(*value)
              << "; it needs a number that is not negative";
  return defaultValue;
}

bool Config::getBool(StringRef key, bool defaultValue) {
  const llvm::json::Value *value = lookup(key);
  if (!value)
    return defaultValue;
  if (std::optional<bool> flag = value->getAsBoolean())
    return *flag;
  emitError() << key << " = " << formatJson(*value)
              << "; it needs true or false";
  return defaultValue;
}

std::string Config::getString(StringRef key, StringRef defaultValue) {
  const llvm::json::Value *value = lookup(key);
  if (!value)
    return defaultValue.str();
  if (std::optional<StringRef> text = value->getAsString())
    return text->str();
  emitError() << key << " = " << formatJson(*value) << "; it needs a string";
  return defaultValue.str();
}
