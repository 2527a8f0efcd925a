//===- Json.cpp - Write JSON ----------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"

#include <fmt/format.h>

#include <cmath>

using namespace vitc::rt;

void JsonWriter::separate() {
  if (afterKey) {
    afterKey = false;
    return;
  }
  if (!first)
    out += isCompact ? ", " : ",";
  first = false;
  if (depth > 0)
    breakLine();
}

void JsonWriter::breakLine() {
  if (!isCompact)
    out.append("\n").append(2 * depth, ' ');
}

void JsonWriter::write(std::string_view text) {
  separate();
  out += text;
}

void JsonWriter::begin(char bracket) {
  separate();
  out += bracket;
  ++depth;
  first = true;
}

void JsonWriter::end(char bracket) {
  --depth;
  if (!first)
    breakLine();
  out += bracket;
  first = false;
}

/// The length of the UTF-8 character at the start of `text`, 0 when there is
/// none (RFC 3629: no overlong form, no surrogate, at most U+10FFFF).
static size_t utf8Length(std::string_view text) {
  auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
  };
  auto continues = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  uint8_t lead = byte(0), second = byte(1);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xC2 && lead <= 0xDF)
    return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    bool overlong = lead == 0xE0 && second < 0xA0;
    bool surrogate = lead == 0xED && second > 0x9F;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    bool overlong = lead == 0xF0 && second < 0x90;
    bool tooLarge = lead == 0xF4 && second > 0x8F;
    return continues(1) && continues(2) && continues(3) && !overlong &&
                   !tooLarge
               ? 4
               : 0;
  }
  return 0;
}

static std::string quote(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    size_t length = utf8Length(text);
    char c = text.front();
    if (length == 0)
      quoted += "\\ufffd";
    else if (c == '"' || c == '\\')
      quoted.append({'\\', c});
    else if (c == '\n')
      quoted += "\\n";
    else if (length == 1 && (static_cast<uint8_t>(c) < 0x20 || c == 0x7F))
      quoted += fmt::format("\\u{:04x}", static_cast<uint8_t>(c));
    else
      quoted += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return quoted + '"';
}

JsonWriter &JsonWriter::key(std::string_view name) {
  write(quote(name) + ": ");
  afterKey = true;
  return *this;
}

void JsonWriter::value(std::string_view text) { write(quote(text)); }

void JsonWriter::value(int64_t number) { write(fmt::format("{}", number)); }

void JsonWriter::value(bool flag) { write(flag ? "true" : "false"); }

void JsonWriter::value(double number) {
  write(std::isfinite(number) ? fmt::format("{}", number) : "null");
}
