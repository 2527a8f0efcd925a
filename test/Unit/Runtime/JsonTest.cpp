//===- JsonTest.cpp - Write JSON ------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace vitc::rt;

static std::string quoted(std::string_view text) {
  JsonWriter json;
  json.value(text);
  return json.text();
}

TEST(JsonTest, WritesNestedStructures) {
  JsonWriter json;
  json.beginObject();
  json.key("name").value("vit");
  json.key("sizes").beginArray();
  json.value(1);
  json.value(int64_t(1) << 40);
  json.endArray();
  json.key("none").beginArray();
  json.endArray();
  json.key("ok").value(true);
  json.endObject();
  EXPECT_EQ(json.text(), "{\n  \"name\": \"vit\",\n  \"sizes\": [\n    1,\n"
                         "    1099511627776\n  ],\n  \"none\": [],\n"
                         "  \"ok\": true\n}\n");
}

TEST(JsonTest, EscapesText) {
  EXPECT_EQ(quoted("a\"b\\c\n\t\x01"), "\"a\\\"b\\\\c\\n\\u0009\\u0001\"\n");
  EXPECT_EQ(quoted("h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\x9F"),
            "\"h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\x9F\"\n");
}

TEST(JsonTest, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(quoted("a\xFFz"), "\"a\\ufffdz\"\n");
  EXPECT_EQ(quoted("\xC3"), "\"\\ufffd\"\n");            // cut off
  EXPECT_EQ(quoted("\xC0\x80"), "\"\\ufffd\\ufffd\"\n"); // overlong
  EXPECT_EQ(quoted("\xED\xA0\x80"),
            "\"\\ufffd\\ufffd\\ufffd\"\n"); // surrogate
}

TEST(JsonTest, NumbersReadBackAndNanIsNull) {
  JsonWriter json;
  json.beginArray();
  json.value(0.1);
  json.value(NAN);
  json.value(INFINITY);
  json.value(1e300);
  json.endArray();
  EXPECT_EQ(json.text(), "[\n  0.1,\n  null,\n  null,\n  1e+300\n]\n");
}
