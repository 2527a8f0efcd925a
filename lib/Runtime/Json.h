//===- Json.h - Write JSON ------------------------------------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_JSON_H
#define VITC_LIB_RUNTIME_JSON_H

#include <cstdint>
#include <string>
#include <string_view>

namespace vitc::rt {

/// Builds one JSON text, indented by two spaces, or in one line. Calls follow
/// the structure:
///   json.beginObject(); json.key("runs").value(3); json.endObject();
class JsonWriter {
public:
  explicit JsonWriter(bool compact = false) : isCompact(compact) {}

  void beginObject() { begin('{'); }
  void endObject() { end('}'); }
  void beginArray() { begin('['); }
  void endArray() { end(']'); }

  /// The name of the member that the next call writes.
  JsonWriter &key(std::string_view name);

  /// Bytes that are not UTF-8, as file names may hold, become U+FFFD.
  void value(std::string_view text);
  void value(const char *text) { value(std::string_view(text)); }
  void value(int64_t number);
  void value(int32_t number) { value(static_cast<int64_t>(number)); }
  void value(bool flag);
  /// The shortest text that reads back as `number`; null unless it is finite.
  void value(double number);

  /// The text so far, with a final line break.
  std::string text() const { return out + "\n"; }

private:
  void begin(char bracket);
  void end(char bracket);
  void separate();
  void breakLine();
  void write(std::string_view text);

  bool isCompact;
  std::string out;
  int depth = 0;
  bool first = true; // of the current object or array
  bool afterKey = false;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_JSON_H
