//===- TokenizerTest.cpp - Tests of tokenizers from files to tokens -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tokenizers/generate.py made the tokenizers and the expected numbers.
//
//===----------------------------------------------------------------------===//

#include "TokenizerTest.h"

#include "llvm/Support/JSON.h"

using namespace vitc;

namespace {

class GoldenTest : public TokenizerTest {
protected:
  static const llvm::json::Object &getCases() {
    static const llvm::json::Object cases = [] {
      auto buffer = llvm::MemoryBuffer::getFile(getFolder("cases.json"));
      auto value = llvm::json::parse((*buffer)->getBuffer());
      return std::move(*value->getAsObject());
    }();
    return cases;
  }

  /// Compares the tokens of all texts, and what they decode to where that is
  /// known.
  void compare(llvm::StringRef name, llvm::StringRef modelType = "") {
    std::vector<char> table = readTable(getFolder(name), modelType);
    ASSERT_FALSE(table.empty()) << message;
    rt::Tokenizer tokenizer = makeTokenizer(table);
    const llvm::json::Array &texts = *getCases().getArray("texts");
    const llvm::json::Array &results = *getCases().getArray(name);
    size_t numCompared = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      const llvm::json::Array *expected =
          (*results[0].getAsArray())[i].getAsArray();
      if (!expected)
        continue;
      std::string text = texts[i].getAsString()->str();
      std::vector<uint32_t> ids;
      for (const llvm::json::Value &id : *expected)
        ids.push_back(*id.getAsInteger());
      EXPECT_EQ(tokenizer.encode(text), ids) << "text " << i << ": " << text;
      if (results.size() > 1)
        EXPECT_EQ(tokenizer.decode(ids),
                  *(*results[1].getAsArray())[i].getAsString())
            << "text " << i << ": " << text;
      ++numCompared;
    }
    EXPECT_GT(numCompared, 130u);
  }
};

TEST_F(GoldenTest, Bert) { compare("bert"); }
TEST_F(GoldenTest, BertVocabularyFile) { compare("bert_vocab"); }
TEST_F(GoldenTest, Clip) { compare("clip"); }
TEST_F(GoldenTest, ClipVocabularyFiles) { compare("clip_vocab", "clip"); }
TEST_F(GoldenTest, Gpt2) { compare("gpt2"); }
TEST_F(GoldenTest, Llama2) { compare("llama2"); }
TEST_F(GoldenTest, Llama3) { compare("llama3"); }
TEST_F(GoldenTest, OtherSteps) { compare("steps"); }
TEST_F(GoldenTest, Unigram) { compare("unigram"); }
TEST_F(GoldenTest, SentencePieceUnigram) { compare("unigram_model"); }
TEST_F(GoldenTest, SentencePieceBytePair) { compare("bpe_model"); }
TEST_F(GoldenTest, Marian) { compare("marian", "marian"); }

TEST_F(TokenizerTest, PadsAndCuts) {
  std::vector<char> table = readTable(getFolder("bert"), "bert");
  ASSERT_FALSE(table.empty()) << message;
  rt::Tokenizer tokenizer = makeTokenizer(table);
  std::vector<uint32_t> ids = tokenizer.encode("a cat");
  ASSERT_GE(ids.size(), 4u);

  rt::EncodedText padded = tokenizer.encode("a cat", ids.size() + 2);
  EXPECT_EQ(padded.numCut, 0u);
  std::vector<uint32_t> expected = ids;
  expected.insert(expected.end(), 2, 0); // [PAD]
  EXPECT_EQ(padded.ids, expected);
  std::vector<bool> mask(ids.size(), true);
  mask.insert(mask.end(), 2, false);
  EXPECT_EQ(padded.mask, mask);
  EXPECT_EQ(padded.types, std::vector<uint32_t>(ids.size() + 2, 0));

  // The last token of the text goes, not the one behind it.
  rt::EncodedText cut = tokenizer.encode("a cat", ids.size() - 1);
  EXPECT_EQ(cut.numCut, 1u);
  ids.erase(ids.end() - 2);
  EXPECT_EQ(cut.ids, ids);
  EXPECT_THROW((void)tokenizer.encode("a cat", 1), rt::Failure);
}

// [CLS] A [SEP] B [SEP], the second text and what is behind it of type 1.
TEST_F(TokenizerTest, JoinsTwoTexts) {
  std::vector<char> table = readTable(getFolder("bert_vocab"), "bert");
  rt::Tokenizer tokenizer = makeTokenizer(table);
  auto middle = [&](const char *text) {
    std::vector<uint32_t> ids = tokenizer.encode(text);
    return std::vector<uint32_t>(ids.begin() + 1, ids.end() - 1);
  };
  std::vector<uint32_t> first = middle("a b"), second = middle("c d e f");
  ASSERT_EQ(first.size() + second.size(), 6u);
  std::vector<uint32_t> ids = {2}, types(first.size() + 2, 0);
  ids.insert(ids.end(), first.begin(), first.end());
  ids.push_back(3);
  ids.insert(ids.end(), second.begin(), second.end());
  ids.push_back(3);
  types.resize(ids.size(), 1);
  rt::EncodedText whole = tokenizer.encodePair("a b", "c d e f", ids.size());
  EXPECT_EQ(whole.ids, ids);
  EXPECT_EQ(whole.types, types);
  EXPECT_EQ(whole.numCut, 0u);
  // The longer text loses what does not fit; of two long ones the first gets
  // the smaller half.
  rt::EncodedText cut = tokenizer.encodePair("a b", "c d e f", 7);
  EXPECT_EQ(cut.ids, (std::vector<uint32_t>{2, first[0], first[1], 3, second[0],
                                            second[1], 3}));
  EXPECT_EQ(cut.numCut, 2u);
  cut = tokenizer.encodePair("c d e f", "c d e f", 6);
  EXPECT_EQ(cut.ids,
            (std::vector<uint32_t>{2, second[0], 3, second[0], second[1], 3}));
  rt::EncodedText padded = tokenizer.encodePair("a b", "c", 10);
  EXPECT_EQ(padded.ids.size(), 10u);
  EXPECT_EQ(padded.mask, std::vector<bool>({1, 1, 1, 1, 1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(tokenizer.getSpelling(tokenizer.getMaskId()), "[MASK]");
}

// A template whose texts are in another order has no form for two.
TEST_F(TokenizerTest, NegativeJoinsTwoTexts) {
  std::vector<char> table = readTable(getFolder("gpt2"), "gpt2");
  rt::Tokenizer tokenizer = makeTokenizer(table);
  EXPECT_THROW(tokenizer.encodePair("a", "b", 10), rt::Failure);
  EXPECT_EQ(tokenizer.getMaskId(), rt::kNone);
}

TEST_F(TokenizerTest, ReadsInvalidUtf8AsReplacements) {
  std::vector<char> table = readTable(getFolder("gpt2"), "gpt2");
  ASSERT_FALSE(table.empty()) << message;
  rt::Tokenizer tokenizer = makeTokenizer(table);
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(tokenizer.encode("a\xFFz"),
            tokenizer.encode("a" + replacement + "z"));
  // An unfinished character is one, a surrogate three, as in Python.
  EXPECT_EQ(tokenizer.encode("\xF0\x9F\x98"), tokenizer.encode(replacement));
  EXPECT_EQ(tokenizer.encode("\xED\xA0\x80"),
            tokenizer.encode(replacement + replacement + replacement));
}

// Bytes that are changed or missing are found, or change nothing but tokens.
TEST_F(TokenizerTest, SurvivesDamagedTables) {
  std::vector<char> table = readTable(getFolder("unigram"), "t5");
  ASSERT_FALSE(table.empty()) << message;
  std::mt19937 engine;
  for (int round = 0; round < 400; ++round) {
    std::vector<char> damaged = table;
    if (round % 4 == 0)
      damaged.resize(engine() % table.size());
    // The header and the steps behind it are what most depends on.
    size_t range =
        round % 2 ? damaged.size() : std::min<size_t>(damaged.size(), 256);
    for (int i = 0; i < 3 && range > 0; ++i)
      damaged[engine() % range] = static_cast<char>(engine());
    // An allocation of its own, so that a sanitizer knows its end.
    std::vector<uint8_t> exact(damaged.begin(), damaged.end());
    try {
      rt::Tokenizer tokenizer(exact.data(), exact.size());
      tokenizer.decode(
          tokenizer.encode("A cat\u2019s \u00e9te\u0301 \u732b 12"));
    } catch (const rt::Failure &) {
    }
  }
}

TEST_F(TokenizerTest, SurvivesDamagedFiles) {
  std::mt19937 engine;
  for (llvm::StringRef name :
       {"unigram_model/spiece.model", "bert/tokenizer.json"}) {
    auto buffer = llvm::MemoryBuffer::getFile(getFolder(name));
    ASSERT_TRUE(static_cast<bool>(buffer));
    std::string text = (*buffer)->getBuffer().str();
    for (int round = 0; round < 60; ++round) {
      std::string damaged = text;
      if (round % 3 == 0)
        damaged.resize(engine() % text.size());
      for (int i = 0; i < 4 && !damaged.empty(); ++i)
        damaged[engine() % damaged.size()] = static_cast<char>(engine());
      writeFile(llvm::sys::path::filename(name), damaged);
      std::vector<char> table = readTable(folder, "t5");
      if (!table.empty())
        makeTokenizer(table).encode("a cat");
      else
        EXPECT_FALSE(message.empty());
    }
    removeFile(llvm::sys::path::filename(name));
  }
}

} // namespace
