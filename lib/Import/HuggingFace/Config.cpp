//===- Config.cpp - Typed reader of configuration files -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Config.h"

#include "InputFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

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

bool Config::isNull(StringRef key) const {
  const llvm::json::Value *value = object.get(key);
  return value && value->kind() == llvm::json::Value::Null;
}

/// The value as a size from `min` to `max`, or none.
static std::optional<int64_t> asSize(const llvm::json::Value &value,
                                     int64_t max, int64_t min = 1) {
  std::optional<int64_t> size = value.getAsInteger();
  return size && *size >= min && *size <= max ? size : std::nullopt;
}

int64_t Config::getSize(StringRef key, int64_t defaultValue, int64_t max,
                        int64_t min) {
  const llvm::json::Value *value = lookup(key);
  if (!value)
    return defaultValue;
  if (std::optional<int64_t> size = asSize(*value, max, min))
    return *size;
  emitError() << key << " = " << formatJson(*value)
              << "; it needs an integer from " << min << " to " << max;
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

SmallVector<int64_t, 4> Config::getSizes(StringRef key,
                                         ArrayRef<int64_t> defaultValue,
                                         int64_t max, int64_t min) {
  const llvm::json::Value *value = lookup(key);
  if (!value)
    return SmallVector<int64_t, 4>(defaultValue);
  SmallVector<int64_t, 4> sizes;
  const llvm::json::Array *list = value->getAsArray();
  if (list)
    for (const llvm::json::Value &item : *list)
      if (std::optional<int64_t> size = asSize(item, max, min))
        sizes.push_back(*size);
  if (list && !list->empty() && sizes.size() == list->size())
    return sizes;
  emitError() << key << " = " << formatJson(*value)
              << "; it needs a list of integers from " << min << " to " << max;
  return SmallVector<int64_t, 4>(defaultValue);
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

std::vector<double> Config::getNumbers(StringRef key) {
  const llvm::json::Value *value = lookup(key);
  if (!value)
    return {};
  std::vector<double> numbers;
  const llvm::json::Array *list = value->getAsArray();
  for (const llvm::json::Value &item : list ? *list : llvm::json::Array())
    if (std::optional<double> number = item.getAsNumber();
        number && std::isfinite(*number))
      numbers.push_back(*number);
  if (!list || numbers.size() != list->size())
    emitError() << key << " = " << formatJson(*value)
                << "; it needs a list of numbers";
  return numbers;
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

std::string Config::getFileName(StringRef key) {
  std::string name = getString(key, "");
  if (name.empty() || staysInside(name))
    return name;
  emitError() << key << " = '" << name
              << "'; it needs a path inside of the model's folder";
  return "";
}

Config Config::getObject(StringRef key) {
  const llvm::json::Value *value = lookup(key);
  const llvm::json::Object *nested = value ? value->getAsObject() : nullptr;
  if (value && !nested)
    emitError() << key << " = " << formatJson(*value) << "; it needs an object";
  return Config(nested ? *nested : llvm::json::Object(), loc);
}

void Config::rejectOthers(ArrayRef<StringLiteral> known, StringRef owner) {
  for (const auto *member : getSortedMembers(object)) {
    StringRef key = member->first;
    if (contains(key) && !llvm::is_contained(known, key))
      emitError() << owner << "has " << key << " = "
                  << formatJson(member->second) << "; vitc reads "
                  << llvm::join(known, ", ");
  }
}

Config Config::withDefaults(const Config &defaults) const {
  llvm::json::Object both = defaults.object;
  for (const auto &member : object)
    if (contains(member.first))
      both[member.first] = member.second;
  return Config(std::move(both), loc);
}
