//===- TokenizerJson.cpp - Reader of tokenizer.json -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InputFile.h"
#include "TokenizerFiles.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
class Reader {
public:
  Reader(Config &file) : file(file), loc(file.getLoc()) {}

  FailureOr<TokenizerSpec> read();

private:
  LogicalResult readModel(const llvm::json::Object &model);
  LogicalResult readVocabulary(const llvm::json::Object &model);
  LogicalResult readScores(const llvm::json::Object &model);
  LogicalResult readMerges(const llvm::json::Object &model);
  LogicalResult readAdded();
  LogicalResult readProcessor(const llvm::json::Value &value);
  LogicalResult readTemplate(const llvm::json::Object &processor);
  LogicalResult readPadding();
  /// The value of a flag that is usually absent.
  bool isSet(const llvm::json::Object &object, StringRef key) {
    return object.getBoolean(key).value_or(false);
  }

  Config &file;
  Location loc;
  TokenizerSpec spec;
};
} // namespace

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

LogicalResult Reader::readVocabulary(const llvm::json::Object &model) {
  const llvm::json::Object *vocabulary = model.getObject("vocab");
  if (!vocabulary)
    return emitError(loc) << "has a model without vocab; it needs an object of "
                             "tokens and their numbers";
  FailureOr<std::vector<VocabularyToken>> tokens =
      readTokenNumbers(*vocabulary, loc);
  if (failed(tokens))
    return failure();
  spec.vocabulary = std::move(*tokens);
  return success();
}

LogicalResult Reader::readScores(const llvm::json::Object &model) {
  const llvm::json::Array *vocabulary = model.getArray("vocab");
  if (!vocabulary)
    return emitError(loc) << "has a Unigram model without vocab; it needs a "
                             "list of tokens and their scores";
  for (const llvm::json::Value &element : *vocabulary) {
    const llvm::json::Array *pair = element.getAsArray();
    std::optional<StringRef> text;
    std::optional<double> score;
    if (pair && pair->size() == 2) {
      text = (*pair)[0].getAsString();
      score = (*pair)[1].getAsNumber();
    }
    if (!text || !score)
      return emitError(loc) << "has " << formatJson(element)
                            << " in its vocab; it needs a token and its score";
    spec.vocabulary.push_back(
        {text->str(), uint32_t(spec.vocabulary.size()), true, *score});
  }
  std::optional<uint32_t> unknown = getTokenId(model.get("unk_id"));
  if (!unknown || *unknown >= spec.vocabulary.size())
    return emitError(loc) << "has a Unigram model without unk_id; it needs the "
                             "number of a token";
  spec.unknown = spec.vocabulary[*unknown].text;
  return success();
}

/// A merge is ["a", "b"] or "a b".
LogicalResult Reader::readMerges(const llvm::json::Object &model) {
  const llvm::json::Array *merges = model.getArray("merges");
  if (!merges)
    return emitError(loc) << "has a BPE model without merges; it needs a list";
  for (const llvm::json::Value &element : *merges) {
    const llvm::json::Array *pair = element.getAsArray();
    std::optional<StringRef> left, right;
    if (pair && pair->size() == 2) {
      left = (*pair)[0].getAsString();
      right = (*pair)[1].getAsString();
    } else if (std::optional<StringRef> text = element.getAsString()) {
      auto [first, second] = text->split(' ');
      if (!first.empty() && !second.empty()) {
        left = first;
        right = second;
      }
    }
    if (!left || !right)
      return emitError(loc)
             << "has merge " << formatJson(element) << "; it needs two tokens";
    spec.merges.emplace_back(left->str(), right->str());
  }
  return success();
}

/// What files from before the key `type` hold.
static StringRef guessType(const llvm::json::Object &model) {
  if (model.getArray("merges"))
    return "BPE";
  return model.getArray("vocab") ? "Unigram" : "WordPiece";
}

LogicalResult Reader::readModel(const llvm::json::Object &model) {
  StringRef type = model.getString("type").value_or(guessType(model));
  auto getText = [&](StringRef key, StringRef defaultValue) {
    return model.getString(key).value_or(defaultValue).str();
  };
  spec.name = type;
  if (isSet(model, "byte_fallback"))
    spec.flags |= rt::kByteFallback;
  if (type == "Unigram") {
    spec.model = rt::ModelKind::Unigram;
    return readScores(model);
  }
  if (type != "WordPiece" && type != "BPE")
    return emitError(loc) << "has model '" << type
                          << "'; vitc has WordPiece, BPE and Unigram";
  if (failed(readVocabulary(model)))
    return failure();
  if (type == "WordPiece") {
    spec.model = rt::ModelKind::WordPiece;
    spec.unknown = getText("unk_token", "[UNK]");
    spec.continuing = getText("continuing_subword_prefix", "##");
    spec.maxWordCharacters =
        getTokenId(model.get("max_input_chars_per_word")).value_or(100);
    return success();
  }
  spec.model = rt::ModelKind::BytePair;
  spec.unknown = getText("unk_token", "");
  spec.continuing = getText("continuing_subword_prefix", "");
  spec.wordEnd = getText("end_of_word_suffix", "");
  if (isSet(model, "fuse_unk"))
    spec.flags |= rt::kFuseUnknown;
  if (isSet(model, "ignore_merges"))
    spec.flags |= rt::kIgnoreMerges;
  std::optional<double> dropout = model.getNumber("dropout");
  if (dropout.value_or(0) != 0)
    return emitError(loc) << "has dropout = " << *dropout
                          << "; running a model needs none";
  return readMerges(model);
}

//===----------------------------------------------------------------------===//
// What is around the model
//===----------------------------------------------------------------------===//

LogicalResult Reader::readAdded() {
  const llvm::json::Value *list = file.lookup("added_tokens");
  if (!list)
    return success();
  if (!list->getAsArray())
    return emitError(loc) << "added_tokens = " << formatJson(*list)
                          << "; it needs a list";
  for (const llvm::json::Value &element : *list->getAsArray()) {
    const llvm::json::Object *object = element.getAsObject();
    std::optional<uint32_t> id =
        object ? getTokenId(object->get("id")) : std::nullopt;
    std::optional<StringRef> text =
        object ? object->getString("content") : std::nullopt;
    if (!id || !text || text->empty())
      return emitError(loc) << "has added token " << formatJson(element)
                            << "; it needs an id and a content";
    uint32_t flags = 0;
    if (isSet(*object, "lstrip"))
      flags |= rt::kLeftStrip;
    if (isSet(*object, "rstrip"))
      flags |= rt::kRightStrip;
    if (isSet(*object, "single_word"))
      flags |= rt::kSingleWord;
    if (isSet(*object, "normalized"))
      flags |= rt::kNormalized;
    if (isSet(*object, "special"))
      flags |= rt::kSpecial;
    if (!text->empty())
      spec.added.push_back({text->str(), *id, flags});
  }
  return success();
}

namespace {
/// A text, or a special token, of a template.
struct TemplatePart {
  std::string text; // "A" or "B"; empty: a special token
  llvm::SmallVector<rt::TableFrame, 1> tokens;
  uint32_t type = 0;
};
} // namespace

/// None for a part that is neither a text nor one of `tokens`.
static std::optional<TemplatePart>
readTemplatePart(const llvm::json::Value &element,
                 const llvm::json::Object &tokens) {
  TemplatePart part;
  const llvm::json::Object *object = element.getAsObject();
  const llvm::json::Object *text =
      object ? object->getObject("Sequence") : nullptr;
  const llvm::json::Object *special =
      object ? object->getObject("SpecialToken") : nullptr;
  const llvm::json::Object *named = text ? text : special;
  std::optional<StringRef> name = named ? named->getString("id") : std::nullopt;
  std::optional<uint32_t> type =
      named ? getTokenId(named->get("type_id")) : std::nullopt;
  if (!name || !type)
    return std::nullopt;
  part.type = *type;
  if (text) {
    part.text = name->str();
    return part;
  }
  const llvm::json::Object *token = tokens.getObject(*name);
  const llvm::json::Array *ids = token ? token->getArray("ids") : nullptr;
  if (!ids)
    return std::nullopt;
  for (const llvm::json::Value &value : *ids) {
    std::optional<uint32_t> id = getTokenId(&value);
    if (!id)
      return std::nullopt;
    part.tokens.push_back({*id, *type});
  }
  return part;
}

/// The frame of two texts, the first before the second; none for another form.
static std::optional<PairFrame>
readPairTemplate(const llvm::json::Array &parts,
                 const llvm::json::Object &tokens) {
  PairFrame frame;
  SmallVectorImpl<rt::TableFrame> *place = &frame.prefix;
  for (const llvm::json::Value &element : parts) {
    std::optional<TemplatePart> part = readTemplatePart(element, tokens);
    if (!part)
      return std::nullopt;
    llvm::append_range(*place, part->tokens);
    if (part->text.empty())
      continue;
    bool isFirst = place == &frame.prefix, isSecond = place == &frame.middle;
    if (!(isFirst && part->text == "A" && part->type == 0) &&
        !(isSecond && part->text == "B"))
      return std::nullopt;
    frame.secondType = part->type;
    place = isFirst ? &frame.middle : &frame.suffix;
  }
  if (place != &frame.suffix)
    return std::nullopt;
  return frame;
}

LogicalResult Reader::readTemplate(const llvm::json::Object &processor) {
  const llvm::json::Array *single = processor.getArray("single");
  const llvm::json::Object *tokens = processor.getObject("special_tokens");
  if (!single || !tokens)
    return emitError(loc) << "has a TemplateProcessing without single and "
                             "special_tokens; it needs both";
  bool isBehind = false;
  for (const llvm::json::Value &element : *single) {
    std::optional<TemplatePart> part = readTemplatePart(element, *tokens);
    if (!part)
      return emitError(loc) << "has a template with " << formatJson(element)
                            << "; it needs one of its special_tokens";
    if (!part->text.empty() && (isBehind || part->type != 0))
      return emitError(loc) << "has a template with " << formatJson(element)
                            << "; it needs one text of type 0";
    isBehind |= !part->text.empty();
    llvm::append_range(isBehind ? spec.suffix : spec.prefix, part->tokens);
  }
  if (!isBehind)
    return emitError(loc) << "has a template without a text; it needs one";
  if (const llvm::json::Array *pair = processor.getArray("pair"))
    spec.pair = readPairTemplate(*pair, *tokens);
  return success();
}

/// The number in ["[SEP]", 102].
static std::optional<uint32_t> getPairId(const llvm::json::Object &processor,
                                         StringRef key) {
  const llvm::json::Array *pair = processor.getArray(key);
  return pair && pair->size() == 2 ? getTokenId(&(*pair)[1]) : std::nullopt;
}

LogicalResult Reader::readProcessor(const llvm::json::Value &value) {
  const llvm::json::Object *processor = value.getAsObject();
  StringRef type =
      processor ? processor->getString("type").value_or("") : StringRef();
  if (type == "ByteLevel") // of offsets alone
    return success();
  if (type == "TemplateProcessing")
    return readTemplate(*processor);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    std::optional<uint32_t> first = getPairId(*processor, "cls"),
                            last = getPairId(*processor, "sep");
    if (!first || !last)
      return emitError(loc)
             << "has a " << type << " without cls and sep; it needs both";
    spec.prefix.push_back({*first, 0});
    spec.suffix.push_back({*last, 0});
    spec.pair = type == "BertProcessing" ? getBertPair(*first, *last)
                                         : getRobertaPair(*first, *last);
    return success();
  }
  const llvm::json::Array *list =
      type == "Sequence" ? processor->getArray("processors") : nullptr;
  if (!list)
    return emitError(loc) << "has post-processor " << formatJson(value)
                          << "; vitc has BertProcessing, ByteLevel, "
                             "RobertaProcessing, Sequence and "
                             "TemplateProcessing";
  for (const llvm::json::Value &element : *list)
    if (failed(readProcessor(element)))
      return failure();
  return success();
}

LogicalResult Reader::readPadding() {
  const llvm::json::Value *padding = file.lookup("padding");
  const llvm::json::Object *object = padding ? padding->getAsObject() : nullptr;
  if (object) {
    spec.padId = getTokenId(object->get("pad_id"));
    if (object->getString("direction") == "Left")
      spec.flags |= rt::kPadLeft;
  }
  const llvm::json::Value *truncation = file.lookup("truncation");
  object = truncation ? truncation->getAsObject() : nullptr;
  if (object && object->getString("direction") == "Left")
    spec.flags |= rt::kTruncateLeft;
  return success();
}

FailureOr<TokenizerSpec> Reader::read() {
  const llvm::json::Value *model = file.lookup("model");
  if (!model || !model->getAsObject())
    return emitError(loc) << "has no model; it needs one";
  if (failed(readModel(*model->getAsObject())) || failed(readAdded()) ||
      failed(readPadding()))
    return failure();
  if (const llvm::json::Value *step = file.lookup("normalizer"))
    if (failed(readNormalizer(*step, loc, spec)))
      return failure();
  if (const llvm::json::Value *step = file.lookup("pre_tokenizer"))
    if (failed(readPreTokenizer(*step, loc, spec)))
      return failure();
  if (const llvm::json::Value *step = file.lookup("post_processor"))
    if (failed(readProcessor(*step)))
      return failure();
  if (const llvm::json::Value *step = file.lookup("decoder"))
    if (failed(readDecoder(*step, loc, spec)))
      return failure();
  return std::move(spec);
}

FailureOr<TokenizerSpec> import_::readTokenizerJson(StringRef path,
                                                    MLIRContext &context) {
  FailureOr<Config> file = Config::read(path, context);
  if (failed(file))
    return failure();
  return Reader(*file).read();
}
