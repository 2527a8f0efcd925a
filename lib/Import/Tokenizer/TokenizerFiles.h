//===- TokenizerFiles.h - The files that tokenizers are in -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TOKENIZER_TOKENIZERFILES_H
#define VITC_LIB_IMPORT_TOKENIZER_TOKENIZERFILES_H

#include "HuggingFace/Config.h"
#include "TokenizerSpec.h"

namespace vitc::import_ {

/// A token's number; none for anything else.
std::optional<uint32_t> getTokenId(const llvm::json::Value *value);

/// The tokens of an object such as {"the": 5}; errors are at `loc`.
mlir::FailureOr<std::vector<VocabularyToken>>
readTokenNumbers(const llvm::json::Object &object, mlir::Location loc);
/// The same of a file.
mlir::FailureOr<std::vector<VocabularyToken>>
readVocabJson(llvm::StringRef path, mlir::MLIRContext &context);

/// Reads a tokenizer.json of Hugging Face's tokenizers.
mlir::FailureOr<TokenizerSpec> readTokenizerJson(llvm::StringRef path,
                                                 mlir::MLIRContext &context);

/// A step of tokenizer.json's, and of what it is a sequence. Errors are at
/// `loc`.
mlir::LogicalResult readNormalizer(const llvm::json::Value &value,
                                   mlir::Location loc, TokenizerSpec &spec);
mlir::LogicalResult readPreTokenizer(const llvm::json::Value &value,
                                     mlir::Location loc, TokenizerSpec &spec);
mlir::LogicalResult readDecoder(const llvm::json::Value &value,
                                mlir::Location loc, TokenizerSpec &spec);

/// A pattern of tokenizer.json's, {"String": ...} or {"Regex": ...}.
struct SplitPattern {
  bool isRegex;
  std::string text;
};
std::optional<SplitPattern> readSplitPattern(const Config &step);

/// The frame of two texts by BERT, [CLS] A [SEP] B [SEP], and by RoBERTa,
/// <s> A </s></s> B </s>.
PairFrame getBertPair(uint32_t first, uint32_t last);
PairFrame getRobertaPair(uint32_t first, uint32_t last);

/// Reports a charsmap of sentencepiece whose trie does not fit into it.
mlir::LogicalResult verifyCharsmap(llvm::StringRef bytes, mlir::Location loc);

/// tokenizer_config.json, or what a model of this type has without it.
struct TokenizerConfig {
  /// Reads the folder's; errors are diagnostics.
  static mlir::FailureOr<TokenizerConfig> read(llvm::StringRef folder,
                                               mlir::MLIRContext &context);

  /// A special token such as "pad_token"; `defaultValue` where there is none.
  std::string getToken(llvm::StringRef key, llvm::StringRef defaultValue);

  Config config, specialTokens;
};

/// Reads BERT's vocab.txt: a token a line.
mlir::FailureOr<TokenizerSpec> readVocabTxt(llvm::StringRef path,
                                            TokenizerConfig &config,
                                            mlir::MLIRContext &context);

/// Reads vocab.json and merges.txt: CLIP's, or GPT-2's and its kin's.
mlir::FailureOr<TokenizerSpec> readVocabAndMerges(llvm::StringRef folder,
                                                  llvm::StringRef modelType,
                                                  TokenizerConfig &config,
                                                  mlir::MLIRContext &context);

/// Reads a sentencepiece model. The numbers of tokens are those of `vocabPath`,
/// Marian's vocab.json, unless that is "".
mlir::FailureOr<TokenizerSpec> readSentencePiece(llvm::StringRef path,
                                                 llvm::StringRef vocabPath,
                                                 llvm::StringRef modelType,
                                                 TokenizerConfig &config,
                                                 mlir::MLIRContext &context);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TOKENIZER_TOKENIZERFILES_H
