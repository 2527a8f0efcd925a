//===- SentencePiece.cpp - Reader of sentencepiece models -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InputFile.h"
#include "TokenizerFiles.h"
#include "sentencepiece.pb.h"
#include "llvm/ADT/StringExtras.h"

#include <cstring>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;
using sentencepiece::ModelProto;
using Piece = sentencepiece::ModelProto::SentencePiece;

static constexpr StringLiteral kPunctuation =
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

namespace {
class Reader {
public:
  Reader(const ModelProto &model, Location loc) : model(model), loc(loc) {}

  LogicalResult readPieces();
  /// Marian's vocab.json numbers the tokens of two models.
  LogicalResult renumber(StringRef vocabPath, MLIRContext &context);
  void addNormalizer();
  void addFrame(StringRef modelType, TokenizerConfig &config);

  TokenizerSpec spec;

private:
  double getScore(const Piece &piece) const;
  void addMerges();

  const ModelProto &model;
  Location loc;
  float greatest = -std::numeric_limits<float>::infinity(); // score
};
} // namespace

/// A piece of the user's is better than whatever else spells it.
double Reader::getScore(const Piece &piece) const {
  if (piece.type() != Piece::USER_DEFINED)
    return piece.score();
  return float(piece.piece().size()) * greatest - 0.1;
}

LogicalResult Reader::readPieces() {
  using Trainer = sentencepiece::TrainerSpec;
  const Trainer &trainer = model.trainer_spec();
  switch (trainer.model_type()) {
  case Trainer::UNIGRAM:
    spec.name = "sentencepiece Unigram";
    spec.model = rt::ModelKind::Unigram;
    break;
  case Trainer::BPE:
    spec.name = "sentencepiece BPE";
    spec.model = rt::ModelKind::BytePair;
    break;
  default:
    return emitError(loc) << "has a sentencepiece model of type "
                          << trainer.model_type()
                          << "; vitc has 1, unigram, and 2, BPE";
  }
  spec.flags = rt::kFuseUnknown | rt::kFloatScores;
  if (trainer.byte_fallback())
    spec.flags |= rt::kByteFallback;
  for (const Piece &piece : model.pieces())
    if (piece.type() == Piece::NORMAL)
      greatest = std::max(greatest, piece.score());
  for (const Piece &piece : model.pieces()) {
    bool usable =
        piece.type() == Piece::NORMAL || piece.type() == Piece::USER_DEFINED;
    uint32_t id = spec.vocabulary.size();
    spec.vocabulary.push_back({piece.piece(), id, usable, getScore(piece)});
    if (piece.type() == Piece::UNKNOWN)
      spec.unknown = piece.piece();
    if (piece.type() != Piece::CONTROL)
      continue;
    if (piece.piece().empty())
      return emitError(loc)
             << "has an empty control piece, " << id << "; it needs a text";
    spec.added.push_back({piece.piece(), id, rt::kSpecial});
  }
  if (spec.unknown.empty())
    return emitError(loc) << "has " << model.pieces_size()
                          << " pieces and none for what is unknown; it needs "
                             "one";
  if (spec.model == rt::ModelKind::BytePair)
    addMerges();
  return success();
}

/// Two pieces merge where both together are one, the one of the best score
/// first.
void Reader::addMerges() {
  llvm::StringMap<const VocabularyToken *> pieces;
  std::vector<const VocabularyToken *> order;
  for (const VocabularyToken &token : spec.vocabulary)
    if (token.usable) {
      pieces[token.text] = &token;
      order.push_back(&token);
    }
  // Of equal ones the first in the file comes first.
  llvm::sort(order, [](const VocabularyToken *a, const VocabularyToken *b) {
    return a->score != b->score ? a->score > b->score : a < b;
  });
  for (const VocabularyToken *token : order) {
    StringRef text = token->text;
    for (size_t cut = 1; cut < text.size(); ++cut)
      if (pieces.contains(text.take_front(cut)) &&
          pieces.contains(text.drop_front(cut)))
        spec.merges.emplace_back(text.take_front(cut), text.drop_front(cut));
  }
}

LogicalResult Reader::renumber(StringRef vocabPath, MLIRContext &context) {
  FailureOr<std::vector<VocabularyToken>> numbered =
      readVocabJson(vocabPath, context);
  if (failed(numbered))
    return failure();
  llvm::StringMap<VocabularyToken> pieces;
  for (const VocabularyToken &token : spec.vocabulary)
    pieces[token.text] = token;
  std::optional<uint32_t> unknown;
  std::vector<AddedToken> added;
  for (VocabularyToken &token : *numbered) {
    auto it = pieces.find(token.text);
    token.usable = it != pieces.end() && it->second.usable;
    token.score = token.usable ? it->second.score : 0;
    if (it != pieces.end())
      pieces.erase(it);
    if (token.text == spec.unknown)
      unknown = token.id;
    bool isSpecial = token.text == "<pad>" ||
                     llvm::any_of(spec.added, [&](const AddedToken &each) {
                       return each.text == token.text;
                     });
    if (isSpecial)
      added.push_back({token.text, token.id, rt::kSpecial});
  }
  if (!unknown)
    return emitError(getFileLoc(vocabPath, context))
           << "has no token '" << spec.unknown << "'; it needs one";
  // A piece without a number is still what a text is split into.
  for (VocabularyToken &token : spec.vocabulary)
    if (token.usable && pieces.contains(token.text)) {
      token.id = *unknown;
      numbered->push_back(token);
    }
  spec.vocabulary = std::move(*numbered);
  spec.added = std::move(added);
  spec.flags |= rt::kUnknownSurface | rt::kLanguageCode;
  return success();
}

void Reader::addNormalizer() {
  const sentencepiece::NormalizerSpec &from = model.normalizer_spec();
  uint32_t flags = 0;
  if (from.add_dummy_prefix())
    flags |= rt::kDummyPrefix;
  if (from.remove_extra_whitespaces())
    flags |= rt::kCollapseWhitespace;
  if (from.escape_whitespaces())
    flags |= rt::kEscapeWhitespace;
  if (model.trainer_spec().treat_whitespace_as_suffix())
    flags |= rt::kWhitespaceSuffix;
  // Pieces of the user's stay as they are, each behind its size.
  std::string kept;
  for (const Piece &piece : model.pieces())
    if (piece.type() == Piece::USER_DEFINED) {
      uint32_t size = piece.piece().size();
      kept.append(reinterpret_cast<const char *>(&size), sizeof(size));
      kept += piece.piece();
    }
  spec.normalizers.push_back({uint32_t(rt::NormalizerKind::SentencePiece),
                              {flags, 0, 0},
                              from.precompiled_charsmap(),
                              kept});
}

void Reader::addFrame(StringRef modelType, TokenizerConfig &config) {
  if (modelType.starts_with("siglip") &&
      config.config.getBool("do_lower_case", true))
    spec.normalizers.push_back({uint32_t(rt::NormalizerKind::Lowercase)});
  if (modelType.starts_with("siglip")) {
    spec.normalizers.push_back({uint32_t(rt::NormalizerKind::ReplaceClass),
                                {1, 0, 0},
                                kPunctuation.str(),
                                ""});
    spec.normalizers.push_back({uint32_t(rt::NormalizerKind::ReplaceClass),
                                {1, 1, rt::kClassWhitespace},
                                "",
                                " "});
    spec.normalizers.push_back(
        {uint32_t(rt::NormalizerKind::Strip), {1, 1, 0}});
  }
  addNormalizer();
  spec.decoders.push_back({uint32_t(rt::DecoderKind::ByteFallback)});
  spec.decoders.push_back(
      {uint32_t(rt::DecoderKind::Metaspace), {1, 0, 0}, "\xE2\x96\x81"});
  bool isMarian = spec.flags & rt::kLanguageCode;
  bool endsText = isMarian || modelType.starts_with("siglip") ||
                  modelType.starts_with("t5");
  std::string first = config.getToken("bos_token", "<s>");
  std::string last = config.getToken("eos_token", "</s>");
  if (config.config.getBool("add_bos_token", false))
    if (std::optional<uint32_t> id = findToken(spec, first))
      spec.prefix.push_back({*id, 0});
  if (config.config.getBool("add_eos_token", endsText))
    if (std::optional<uint32_t> id = findToken(spec, last))
      spec.suffix.push_back({*id, 0});
}

/// T5's sentinels come behind the pieces, the last first.
static void addSentinels(TokenizerSpec &spec, TokenizerConfig &config) {
  int64_t count = config.config.getSize("extra_ids", 100, 10000, 0);
  uint32_t next = spec.vocabulary.size();
  for (int64_t index = count - 1; index >= 0; --index) {
    std::string text = "<extra_id_" + std::to_string(index) + ">";
    if (!findToken(spec, text))
      spec.added.push_back({text, next++, rt::kSpecial});
  }
}

FailureOr<TokenizerSpec> import_::readSentencePiece(StringRef path,
                                                    StringRef vocabPath,
                                                    StringRef modelType,
                                                    TokenizerConfig &config,
                                                    MLIRContext &context) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      openFile(path, context);
  if (failed(buffer))
    return failure();
  Location loc = getFileLoc(path, context);
  constexpr size_t maxBytes = size_t(1) << 28;
  StringRef bytes = (*buffer)->getBuffer();
  ModelProto model;
  if (bytes.size() > maxBytes ||
      !model.ParseFromArray(bytes.data(), bytes.size()))
    return emitError(loc) << "has " << bytes.size()
                          << " bytes that are no sentencepiece model; it needs "
                             "one";
  Reader reader(model, loc);
  if (failed(reader.readPieces()) ||
      failed(
          verifyCharsmap(model.normalizer_spec().precompiled_charsmap(), loc)))
    return failure();
  if (!vocabPath.empty() && failed(reader.renumber(vocabPath, context)))
    return failure();
  if (modelType.starts_with("t5"))
    addSentinels(reader.spec, config);
  reader.addFrame(modelType, config);
  return std::move(reader.spec);
}
