//===- TokenText.cpp - The text of generated tokens -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/TokenText.h"

#include <algorithm>

using namespace vitc::rt;

static constexpr const char *kSpace = " \t\n\r";

static size_t countCommon(const std::string &a, const std::string &b) {
  size_t length = std::min(a.size(), b.size());
  return std::mismatch(a.begin(), a.begin() + length, b.begin()).first -
         a.begin();
}

std::vector<GeneratedWord>
vitc::rt::findWords(const std::vector<int64_t> &tokens, const TextFn &getText) {
  std::vector<GeneratedWord> words;
  std::vector<size_t> begins; // of the words, in the text
  std::vector<int64_t> before;
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    before.push_back(tokens[i]);
    std::string longer = getText(before);
    size_t common = countCommon(text, longer);
    size_t first = longer.find_first_not_of(kSpace, common);
    size_t gap = std::min(common, text.find_last_not_of(kSpace) + 1);
    text = std::move(longer);
    if (first == text.npos)
      continue;
    // A token may join words: "do", " n" and "'t" are "don't".
    while (words.size() > 1 && begins.back() > common) {
      words.pop_back();
      begins.pop_back();
    }
    if (words.empty() || text.find_first_of(kSpace, gap) < first) {
      words.push_back({"", i, i});
      begins.push_back(first);
    }
    words.back().end = i + 1;
    words.back().text = text.substr(begins.back());
  }
  for (GeneratedWord &word : words)
    word.text.resize(word.text.find_last_not_of(kSpace) + 1);
  return words;
}

void WordStream::advance(const std::string &text, size_t length) {
  if (length <= written.size() || text.compare(0, written.size(), written) != 0)
    return;
  write(text.substr(written.size(), length - written.size()));
  written = text.substr(0, length);
}

void WordStream::add(int64_t token) {
  tokens.push_back(token);
  std::string text = getText(tokens);
  // The last word may go on.
  size_t last = text.find_last_not_of(kSpace);
  size_t space =
      last == text.npos ? text.npos : text.find_last_of(kSpace, last);
  if (space == text.npos)
    return;
  size_t end = text.find_last_not_of(kSpace, space);
  advance(text, end == text.npos ? 0 : end + 1);
}

void WordStream::finish() {
  std::string text = getText(tokens);
  if (text.compare(0, written.size(), written) == 0)
    advance(text, text.size());
  else
    write("\n" + text); // its end has changed its beginning
  write("\n");
}
