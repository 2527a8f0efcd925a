//===- TokenizerErrorsTest.cpp - Tests of tokenizers that are refused -----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenizerTest.h"

using namespace vitc;

namespace {

class TokenizerErrorsTest : public TokenizerTest {
protected:
  static constexpr llvm::StringLiteral kModel =
      R"("model": {"type": "WordPiece", "unk_token": "a", "vocab": {"a": 0}})";

  void expectError(llvm::StringRef json, llvm::StringRef expected) {
    writeFile("tokenizer.json", json);
    EXPECT_TRUE(readTable(folder).empty()) << json.str();
    EXPECT_EQ(message, expected);
  }
  /// A tokenizer.json with a model and `member`.
  void expectMemberError(llvm::StringRef member, llvm::StringRef expected) {
    expectError("{" + kModel.str() + ", " + member.str() + "}", expected);
  }
};

TEST_F(TokenizerErrorsTest, FolderWithoutTokenizer) {
  EXPECT_TRUE(readTable(folder).empty());
  EXPECT_EQ(message, "");
}

TEST_F(TokenizerErrorsTest, Models) {
  expectError("{}", "has no model; it needs one");
  expectError(R"({"model": {"type": "WordLevel", "vocab": {}}})",
              "has model 'WordLevel'; vitc has WordPiece, BPE and Unigram");
  expectError(R"({"model": {"type": "WordPiece"}})",
              "has a model without vocab; it needs an object of tokens and "
              "their numbers");
  expectError(R"({"model": {"type": "WordPiece", "vocab": {"a": -1}}})",
              "has token 'a' with number -1; it needs an integer from 0 to "
              "16777216");
  expectError(R"({"model": {"type": "WordPiece", "vocab": {"a": 0}}})",
              "has unknown token '[UNK]'; it needs one of its vocabulary");
  expectError(R"({"model": {"type": "WordPiece", "vocab": {}}})",
              "has no tokens; it needs one or more");
  expectError(R"({"model": {"type": "BPE", "vocab": {"a": 0}}})",
              "has a BPE model without merges; it needs a list");
  expectError(
      R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}})",
      "has merge \"a\"; it needs two tokens");
  expectError(
      R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}})",
      "merges 'a' and 'b'; 'b' is not in its vocabulary");
  expectError(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [],
                  "dropout": 0.5}})",
              "has dropout = 5.000000e-01; running a model needs none");
  expectError(R"({"model": {"type": "Unigram", "vocab": [["a"]]}})",
              "has [\"a\"] in its vocab; it needs a token and its score");
  expectError(R"({"model": {"type": "Unigram", "vocab": [["a", 0]]}})",
              "has a Unigram model without unk_id; it needs the number of a "
              "token");
}

TEST_F(TokenizerErrorsTest, Steps) {
  expectMemberError(R"("normalizer": {"type": "Odd"})",
                    "has normalizer 'Odd'; vitc has BertNormalizer, ByteLevel, "
                    "Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, "
                    "Prepend, Replace, Sequence, Strip and StripAccents");
  expectMemberError(R"("normalizer": {"type": "Replace", "content": "x",
                       "pattern": {"Regex": "a|b"}})",
                    "replaces the regular expression 'a|b'; vitc has one "
                    "character or class of them, once or repeated");
  expectMemberError(R"("pre_tokenizer": {"type": "UnicodeScripts"})",
                    "has pre-tokenizer 'UnicodeScripts'; vitc has "
                    "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, "
                    "Metaspace, Punctuation, Sequence, Split, Whitespace and "
                    "WhitespaceSplit");
  expectMemberError(R"("pre_tokenizer": {"type": "Split", "invert": false,
                       "behavior": "Isolated", "pattern": {"Regex": "x*"}})",
                    "splits at the regular expression 'x*'; vitc has those of "
                    "GPT-2, CLIP, Llama 3 and Qwen 2");
  expectMemberError(R"("pre_tokenizer": {"type": "Punctuation",
                       "behavior": "odd"})",
                    "behavior = 'odd'; it needs Removed, Isolated, "
                    "MergedWithPrevious, MergedWithNext or Contiguous");
  expectMemberError(R"("post_processor": {"type": "TemplateProcessing",
                       "single": [], "special_tokens": {}})",
                    "has a template without a text; it needs one");
  expectMemberError(R"("decoder": {"type": "CTC"})",
                    "has decoder 'CTC'; vitc has BPEDecoder, ByteFallback, "
                    "ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip and "
                    "WordPiece");
  expectMemberError(R"("added_tokens": [{"id": 1}])",
                    "has added token {\"id\":1}; it needs an id and a content");
}

TEST_F(TokenizerErrorsTest, OtherFiles) {
  writeFile("vocab.json", R"({"a": 0})");
  writeFile("merges.txt", "#version: 0.2\na b c\n");
  EXPECT_TRUE(readTable(folder, "gpt2").empty());
  EXPECT_EQ(message, "has merge 'a b c'; it needs two tokens");
  writeFile("spiece.model", "not one");
  EXPECT_TRUE(readTable(folder, "t5").empty());
  EXPECT_EQ(message,
            "has 7 bytes that are no sentencepiece model; it needs one");
  writeFile("tokenizer.json", "{" + kModel.str() + "}");
  writeFile("tokenizer_config.json", R"({"padding_side": "top"})");
  EXPECT_TRUE(readTable(folder, "t5").empty());
  EXPECT_EQ(message, "padding_side = 'top'; it needs left or right");
}

} // namespace
