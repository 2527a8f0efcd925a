//===- WordList.cpp - Tokens that are words or characters -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WordList.h"

#include "InputFile.h"
#include "TokenizerSpec.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

#include <set>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

FailureOr<WordList> WordList::read(StringRef path, MLIRContext &context) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      openFile(path, context);
  if (failed(buffer))
    return failure();
  WordList words;
  llvm::StringSet<> seen;
  StringRef text = (*buffer)->getBuffer();
  while (!text.empty()) {
    StringRef line;
    std::tie(line, text) = text.split('\n');
    line.consume_back("\r");
    if (line.empty() || !seen.insert(line).second)
      return emitError(FileLineColLoc::get(&context, path,
                                           words.tokens.size() + 1, 1))
             << (line.empty() ? "is empty" : "has a token a second time")
             << "; each line needs a token of its own";
    words.tokens.push_back(line.str());
  }
  if (words.tokens.empty())
    return emitError(getFileLoc(path, context))
           << "is empty; it needs a token a line";
  return words;
}

std::optional<int64_t> WordList::find(StringRef token) const {
  auto it = llvm::find(tokens, token);
  if (it == tokens.end())
    return std::nullopt;
  return it - tokens.begin();
}

FailureOr<std::vector<char>> import_::writeWordList(const WordList &words,
                                                    const WordRoles &roles,
                                                    Location loc) {
  TokenizerSpec spec;
  spec.name = words.characters ? "characters" : "words";
  for (auto [id, token] : llvm::enumerate(words.tokens))
    spec.vocabulary.push_back({token, uint32_t(id)});
  std::set<int64_t> special(roles.others.begin(), roles.others.end());
  special.insert(roles.pad);
  if (roles.unknown >= 0) {
    special.insert(roles.unknown);
    spec.unknown = words.tokens[roles.unknown];
  }
  auto addFrame = [&](ArrayRef<int64_t> tokens, auto &frame) {
    special.insert(tokens.begin(), tokens.end());
    for (int64_t id : tokens)
      frame.push_back({uint32_t(id), /*type=*/0});
  };
  addFrame(roles.prefix, spec.prefix);
  addFrame(roles.suffix, spec.suffix);
  for (int64_t id : special)
    spec.added.push_back({words.tokens[id], uint32_t(id), rt::kSpecial});
  spec.padId = uint32_t(roles.pad);
  if (words.lowercase)
    spec.normalizers.push_back({uint32_t(rt::NormalizerKind::Lowercase)});
  if (words.characters) {
    // Without merges each character is a token.
    spec.model = rt::ModelKind::BytePair;
    spec.decoders.push_back({uint32_t(rt::DecoderKind::Fuse)});
  } else {
    spec.model = rt::ModelKind::WordPiece;
    spec.continuing = "\n"; // which no token has, so that words are whole
    spec.preTokenizers.push_back(
        {uint32_t(rt::PreTokenizerKind::WhitespaceSplit)});
  }
  return writeTable(spec, loc);
}
