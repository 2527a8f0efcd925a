//===- GenerationTokens.cpp - Tokens that vitc.json names -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenerationTokens.h"

#include "InputFile.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

LogicalResult GenerationTokens::readWords(StringRef folder, bool lowercase) {
  std::string file = config.getFileName("words");
  std::string characters = config.getFileName("characters");
  if (!file.empty() && !characters.empty())
    return config.emitError()
           << owner << "has words and characters; it needs one";
  if (file.empty() && characters.empty())
    return failure(config.failed());
  FailureOr<WordList> read =
      WordList::read(joinPath(folder, file.empty() ? characters : file),
                     *config.getLoc().getContext());
  if (failed(read)) {
    config.noteError();
    return failure();
  }
  read->characters = file.empty();
  read->lowercase = lowercase;
  setWords(std::move(*read));
  return success();
}

void GenerationTokens::setWords(WordList list) {
  words = std::move(list);
  count = words->tokens.size();
}

int64_t GenerationTokens::parseToken(StringRef key,
                                     const llvm::json::Value &value) {
  std::optional<int64_t> number = value.getAsInteger();
  if (std::optional<StringRef> text = value.getAsString(); text && words)
    number = words->find(*text);
  if (number && *number >= 0 && *number < count)
    return *number;
  config.emitError() << owner << key << " = " << formatJson(value)
                     << "; it needs a token's number, below " << count
                     << (words ? ", or its text" : "");
  return 0;
}

int64_t GenerationTokens::readToken(StringRef key, int64_t otherwise) {
  const llvm::json::Value *value = config.lookup(key);
  return value ? parseToken(key, *value) : otherwise;
}

SmallVector<int64_t> GenerationTokens::readTokens(StringRef key) {
  const llvm::json::Value *value = config.lookup(key);
  SmallVector<int64_t> tokens;
  if (!value)
    return tokens;
  const llvm::json::Array *list = value->getAsArray();
  if (!list)
    return {parseToken(key, *value)};
  for (const llvm::json::Value &each : *list)
    tokens.push_back(parseToken(key, each));
  if (tokens.empty())
    config.emitError() << owner << key << " = []; it needs a token or more";
  return tokens;
}

FailureOr<DenseResourceElementsAttr>
GenerationTokens::makeTable(const WordRoles &roles) const {
  Location loc = config.getLoc();
  FailureOr<std::vector<char>> table = writeWordList(*words, roles, loc);
  if (failed(table))
    return failure();
  auto byte = IntegerType::get(loc.getContext(), 8);
  return DenseResourceElementsAttr::get(
      RankedTensorType::get({int64_t(table->size())}, byte), "tokenizer",
      HeapAsmResourceBlob::allocateAndCopyInferAlign(ArrayRef<char>(*table)));
}
