//===- TextFuzzer.cpp - Texts and tokens that a program is given ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tokenizers of all kinds take any text and any tokens, and give as many tokens
// as the model reads.
//
//===----------------------------------------------------------------------===//

#include "Status.h"
#include "Text/Tokenizer.h"
#include "Tokenizer/Tokenizer.h"
#include "Tokenizer/WordList.h"

#include "mlir/IR/Location.h"

#include <cstdlib>

using namespace vitc;

namespace {
struct Folder {
  const char *name;
  const char *modelType = "";
};
} // namespace

/// Folders of VITC_FUZZ_TOKENIZERS.
static constexpr Folder kFolders[] = {{"bert"},
                                      {"bert_vocab"},
                                      {"bpe_model"},
                                      {"clip"},
                                      {"gpt2"},
                                      {"llama2"},
                                      {"clip_vocab", "clip"},
                                      {"llama3"},
                                      {"steps"},
                                      {"unigram"},
                                      {"marian", "marian"},
                                      {"unigram_model"},
                                      {"unigram_model", "siglip"}};

static constexpr size_t kLength = 16;

using Tables = std::vector<std::vector<char>>;

static void addTable(Tables &tables,
                     mlir::FailureOr<std::vector<char>> &&table) {
  if (mlir::failed(table) || table->empty())
    std::exit(1);
  tables.push_back(std::move(*table));
}

/// Lists of words and of characters, each with and without an unknown token and
/// tokens around the text.
static void addWordLists(Tables &tables, mlir::MLIRContext &context) {
  import_::WordList words, characters;
  words.tokens = {"<pad>", "<unk>", "<s>", "</s>",
                  "a",     "the",   "cat", "\xc3\xa9"};
  characters.tokens = {"<pad>", "<unk>", "<s>", "</s>",    "a",
                       " ",     "c",     "t",   "\xc3\xa9"};
  characters.characters = characters.lowercase = true;
  import_::WordRoles plain, unknown, framed;
  unknown.unknown = framed.unknown = 1;
  framed.prefix = {2};
  framed.suffix = {3, 0};
  for (const import_::WordList &list : {words, characters})
    for (const import_::WordRoles &roles : {plain, unknown, framed})
      addTable(tables, import_::writeWordList(list, roles,
                                              mlir::UnknownLoc::get(&context)));
}

/// The tables live as long as the process.
static std::vector<rt::Tokenizer> readTokenizers() {
  static Tables tables;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  for (Folder folder : kFolders)
    addTable(tables, import_::readTokenizer(
                         std::string(VITC_FUZZ_TOKENIZERS "/") + folder.name,
                         folder.modelType, context));
  addWordLists(tables, context);
  std::vector<rt::Tokenizer> tokenizers;
  for (const std::vector<char> &table : tables)
    tokenizers.emplace_back(reinterpret_cast<const uint8_t *>(table.data()),
                            table.size());
  return tokenizers;
}

static void verifyLength(const rt::EncodedText &encoded) {
  if (encoded.ids.size() != kLength || encoded.types.size() != kLength ||
      encoded.mask.size() != kLength)
    std::abort();
}

static const std::vector<rt::Tokenizer> &getTokenizers() {
  static const std::vector<rt::Tokenizer> tokenizers = readTokenizers();
  return tokenizers;
}

/// Reading them is no part of the time that a text may take.
extern "C" int LLVMFuzzerInitialize(int *, char ***) {
  getTokenizers();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  // Numbers below 1024: some in a vocabulary, others not.
  std::vector<uint32_t> tokens;
  for (size_t i = 0; i + 1 < size; ++i)
    tokens.push_back(data[i] % 4 * 256 + data[i + 1]);
  for (const rt::Tokenizer &tokenizer : getTokenizers()) {
    tokenizer.decode(tokens);
    tokenizer.decode(tokenizer.encode(text));
    verifyLength(tokenizer.encode(text, kLength));
    try {
      verifyLength(tokenizer.encodePair(text.substr(0, size / 2),
                                        text.substr(size / 2), kLength));
    } catch (const rt::Failure &) {
      // It takes one text alone.
    }
  }
  return 0;
}
