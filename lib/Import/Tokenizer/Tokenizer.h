//===- Tokenizer.h - How a model folder reads text -------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TOKENIZER_TOKENIZER_H
#define VITC_LIB_IMPORT_TOKENIZER_TOKENIZER_H

#include "Vit/VitDialect.h"

namespace vitc::import_ {

/// Names of a function's inputs; "": there is none.
struct TextInputs {
  llvm::StringRef ids = "input_ids";
  llvm::StringRef mask = "";
  llvm::StringRef types = "";
};

enum class TokenizerUse {
  Text,   // tokens of a text that a model reads
  Prompt, // tokens that a decoder goes on from: no special ones around them
  Answer, // text of tokens that a decoder gives
};

/// How the text of a folder becomes tokens, as the bytes of a table: from
/// tokenizer.json, else vocab.txt, vocab.json and merges.txt, or a
/// sentencepiece model. Empty where the folder has none of them; errors are
/// diagnostics.
mlir::FailureOr<std::vector<char>>
readTokenizer(llvm::StringRef folder, llvm::StringRef modelType,
              mlir::MLIRContext &context,
              TokenizerUse use = TokenizerUse::Text);

/// The same as a resource; null where the folder has no tokenizer.
mlir::FailureOr<mlir::DenseResourceElementsAttr>
importTokenizerTable(llvm::StringRef folder, llvm::StringRef modelType,
                     TokenizerUse use, mlir::MLIRContext &context);

/// The #vit.text of a folder's model of `modelType`, whose inputs have room for
/// `maxLength` tokens; null where the folder has no tokenizer.
mlir::FailureOr<vit::TextAttr>
importTokenizer(llvm::StringRef folder, llvm::StringRef modelType,
                int64_t maxLength, const TextInputs &inputs,
                mlir::MLIRContext &context,
                TokenizerUse use = TokenizerUse::Text);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TOKENIZER_TOKENIZER_H
