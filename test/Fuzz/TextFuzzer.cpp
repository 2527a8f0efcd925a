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

/// The tables live as long as the process.
static std::vector<rt::Tokenizer> readTokenizers() {
  static std::vector<std::vector<char>> tables;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::vector<rt::Tokenizer> tokenizers;
  for (Folder folder : kFolders) {
    mlir::FailureOr<std::vector<char>> table = import_::readTokenizer(
        std::string(VITC_FUZZ_TOKENIZERS "/") + folder.name, folder.modelType,
        context);
    if (mlir::failed(table) || table->empty())
      std::exit(1);
    tables.push_back(std::move(*table));
    tokenizers.emplace_back(
        reinterpret_cast<const uint8_t *>(tables.back().data()),
        tables.back().size());
  }
  return tokenizers;
}

static void verifyLength(const rt::EncodedText &encoded) {
  if (encoded.ids.size() != kLength || encoded.types.size() != kLength ||
      encoded.mask.size() != kLength)
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::vector<rt::Tokenizer> tokenizers = readTokenizers();
  std::string_view text(reinterpret_cast<const char *>(data), size);
  // Numbers below 1024: some in a vocabulary, others not.
  std::vector<uint32_t> tokens;
  for (size_t i = 0; i + 1 < size; ++i)
    tokens.push_back(data[i] % 4 * 256 + data[i + 1]);
  for (const rt::Tokenizer &tokenizer : tokenizers) {
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
