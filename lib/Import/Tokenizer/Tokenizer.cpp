//===- Tokenizer.cpp - How a model folder reads text ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tokenizer.h"

#include "InputFile.h"
#include "TokenizerFiles.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// A file of the folder; empty where there is none.
static std::string findFile(StringRef folder, StringRef name) {
  std::string path = joinPath(folder, name);
  return llvm::sys::fs::exists(path) ? path : "";
}

namespace {
/// A tokenizer, and the file that its vocabulary is from.
struct FileTokenizer {
  TokenizerSpec spec;
  std::string path;
};
} // namespace

/// The tokenizer of whichever files there are; none without an error where
/// there are none.
static FailureOr<std::optional<FileTokenizer>>
readFiles(StringRef folder, StringRef modelType, TokenizerConfig &config,
          TokenizerUse use, MLIRContext &context) {
  auto wrap =
      [](FailureOr<TokenizerSpec> spec,
         const std::string &path) -> FailureOr<std::optional<FileTokenizer>> {
    if (failed(spec))
      return failure();
    return std::optional<FileTokenizer>({std::move(*spec), path});
  };
  if (std::string path = findFile(folder, "tokenizer.json"); !path.empty())
    return wrap(readTokenizerJson(path, context), path);
  std::string vocabJson = findFile(folder, "vocab.json");
  // Marian's two languages may have a vocabulary each.
  std::string targetJson = findFile(folder, "target_vocab.json");
  if (use == TokenizerUse::Answer && !targetJson.empty()) {
    std::string path = joinPath(folder, "target.spm");
    return wrap(readSentencePiece(path, targetJson, modelType, config, context),
                path);
  }
  if (std::string path = findFile(folder, "source.spm"); !path.empty())
    return wrap(readSentencePiece(path, vocabJson, modelType, config, context),
                path);
  for (StringRef name :
       {"spiece.model", "tokenizer.model", "sentencepiece.bpe.model"})
    if (std::string path = findFile(folder, name); !path.empty())
      return wrap(readSentencePiece(path, "", modelType, config, context),
                  path);
  if (!vocabJson.empty() && !findFile(folder, "merges.txt").empty())
    return wrap(readVocabAndMerges(folder, modelType, config, context),
                vocabJson);
  if (std::string path = findFile(folder, "vocab.txt"); !path.empty())
    return wrap(readVocabTxt(path, config, context), path);
  return std::optional<FileTokenizer>();
}

/// A side, "left" or "right"; the default where it is not given.
static uint32_t readSide(Config &config, StringRef key, uint32_t flags,
                         uint32_t left) {
  std::string side = config.getString(key, "");
  if (side.empty())
    return flags;
  if (side != "left" && side != "right")
    config.emitError() << key << " = '" << side << "'; it needs left or right";
  return side == "left" ? flags | left : flags & ~left;
}

/// The first of `texts` that is a token.
static std::string findFirstToken(const TokenizerSpec &spec,
                                  ArrayRef<StringRef> texts) {
  for (StringRef text : texts)
    if (findToken(spec, text))
      return text.str();
  return "";
}

FailureOr<std::vector<char>> import_::readTokenizer(StringRef folder,
                                                    StringRef modelType,
                                                    MLIRContext &context,
                                                    TokenizerUse use) {
  FailureOr<TokenizerConfig> config = TokenizerConfig::read(folder, context);
  if (failed(config))
    return failure();
  FailureOr<std::optional<FileTokenizer>> file =
      readFiles(folder, modelType, *config, use, context);
  if (failed(file))
    return failure();
  if (!*file)
    return std::vector<char>();
  TokenizerSpec &tokenizer = (*file)->spec;
  // What most tokenizers pad with, and what they hide a token with.
  std::string padding = config->getToken(
      "pad_token", tokenizer.padId
                       ? ""
                       : findFirstToken(tokenizer, {"[PAD]", "<pad>",
                                                    "<|endoftext|>", "</s>"}));
  if (std::optional<uint32_t> id = findToken(tokenizer, padding))
    tokenizer.padId = *id;
  tokenizer.maskId = findToken(
      tokenizer,
      config->getToken("mask_token",
                       findFirstToken(tokenizer, {"[MASK]", "<mask>"})));
  tokenizer.flags =
      readSide(config->config, "padding_side", tokenizer.flags, rt::kPadLeft);
  tokenizer.flags = readSide(config->config, "truncation_side", tokenizer.flags,
                             rt::kTruncateLeft);
  if (config->config.failed())
    return failure();
  if (use == TokenizerUse::Prompt) {
    tokenizer.prefix.clear();
    tokenizer.suffix.clear();
  }
  return writeTable(tokenizer, getFileLoc((*file)->path, context));
}

FailureOr<DenseResourceElementsAttr>
import_::importTokenizerTable(StringRef folder, StringRef modelType,
                              TokenizerUse use, MLIRContext &context) {
  FailureOr<std::vector<char>> table =
      readTokenizer(folder, modelType, context, use);
  if (failed(table))
    return failure();
  if (table->empty())
    return DenseResourceElementsAttr();
  auto type = RankedTensorType::get({int64_t(table->size())},
                                    IntegerType::get(&context, 8));
  return DenseResourceElementsAttr::get(
      type, "tokenizer",
      HeapAsmResourceBlob::allocateAndCopyInferAlign(ArrayRef<char>(*table)));
}

FailureOr<vit::TextAttr>
import_::importTokenizer(StringRef folder, StringRef modelType,
                         int64_t maxLength, const TextInputs &inputs,
                         MLIRContext &context, TokenizerUse use) {
  FailureOr<DenseResourceElementsAttr> table =
      importTokenizerTable(folder, modelType, use, context);
  if (failed(table))
    return failure();
  if (!*table)
    return vit::TextAttr();
  Builder b(&context);
  auto name = [&](StringRef text) {
    return text.empty() ? StringAttr() : b.getStringAttr(text);
  };
  return vit::TextAttr::get(&context, *table, maxLength, name(inputs.ids),
                            name(inputs.mask), name(inputs.types));
}
