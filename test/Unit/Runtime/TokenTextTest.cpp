//===- TokenTextTest.cpp - Words of generated tokens ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/TokenText.h"

#include <gtest/gtest.h>

using namespace vitc::rt;

/// Tokens are numbers of these pieces; "'t" joins what is before, as the
/// clean-up of WordPiece does.
static const std::vector<std::string> kPieces = {
    "", " a", " red", "dish", " do", " n", "'t", ".", "\n", " New York", "a"};

static std::string getText(const std::vector<int64_t> &tokens) {
  std::string text;
  for (int64_t token : tokens) {
    text += kPieces[token];
    size_t end = text.size() - std::min<size_t>(text.size(), 4);
    if (text.substr(end) == " n't")
      text.erase(end, 1);
  }
  size_t first = text.find_first_not_of(' ');
  return first == text.npos ? "" : text.substr(first);
}

static std::vector<std::string> describe(const std::vector<int64_t> &tokens) {
  std::vector<std::string> words;
  for (const GeneratedWord &word : findWords(tokens, getText))
    words.push_back(word.text + " " + std::to_string(word.begin) + "-" +
                    std::to_string(word.end));
  return words;
}

using Strings = std::vector<std::string>;

TEST(TokenText, WordsHaveTheirTokens) {
  EXPECT_EQ(describe({1, 2, 3, 7}), (Strings{"a 0-1", "reddish. 1-4"}));
  EXPECT_EQ(describe({}), Strings{});
}

TEST(TokenText, TokensWithoutTextAreOfNoWord) {
  EXPECT_EQ(describe({0, 1, 0, 2, 8, 0}), (Strings{"a 1-2", "red 3-4"}));
}

TEST(TokenText, TokensMayJoinWords) {
  EXPECT_EQ(describe({1, 4, 5, 6, 2}),
            (Strings{"a 0-1", "don't 1-4", "red 4-5"}));
}

TEST(TokenText, ATokenOfTwoWordsIsOfOne) {
  EXPECT_EQ(describe({1, 9, 7}), (Strings{"a 0-1", "New York. 1-3"}));
}

/// All that is written, "|" between two times.
static std::string stream(const std::vector<int64_t> &tokens) {
  std::string all;
  WordStream words(getText, [&](const std::string &text) {
    all += (all.empty() ? "" : "|") + text;
  });
  for (int64_t token : tokens)
    words.add(token);
  words.finish();
  return all;
}

TEST(TokenText, WordsAreWrittenWhenTheyAreWhole) {
  EXPECT_EQ(stream({1, 2, 3, 2, 7}), "a| reddish| red.|\n");
  EXPECT_EQ(stream({1, 8, 2}), "a|\n red|\n");
  EXPECT_EQ(stream({10, 3}), "adish|\n");
  EXPECT_EQ(stream({}), "\n");
}

TEST(TokenText, WhatJoinsLaterIsNotWrittenTwice) {
  EXPECT_EQ(stream({1, 4, 5, 6}), "a| do|n't|\n");
}
