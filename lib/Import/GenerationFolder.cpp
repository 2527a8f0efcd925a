//===- GenerationFolder.cpp - ONNX files of an encoder and a step ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenerationFolder.h"

#include "DescribeModel.h"
#include "EntryModules.h"
#include "HuggingFace/Config.h"
#include "InputFile.h"
#include "ModelLimits.h"
#include "Onnx/Onnx.h"
#include "ReplayStep.h"
#include "Tokenizer/WordList.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr StringLiteral kKeys[] = {
    "encoder",    "step",      "token",
    "position",   "scores",    "states",
    "memory",     "words",     "characters",
    "lowercase",  "unknown",   "start",
    "end",        "pad",       "max_length",
    "min_length", "beams",     "length_penalty",
    "text",       "mean",      "std",
    "name",       "attention", "attention_grid",
    "tokens"};
static constexpr StringLiteral kTextKeys[] = {
    "ids", "mask", "max_length", "words", "characters", "unknown", "pad"};
/// What a model that decodes by itself has no use for.
static constexpr StringLiteral kStepKeys[] = {
    "step",  "token",      "position", "scores",         "states",   "memory",
    "start", "min_length", "beams",    "length_penalty", "attention"};

namespace {

/// Reads the manifest and puts the two graphs together.
class GenerationFolder {
public:
  GenerationFolder(StringRef folder, Config &config,
                   const ImportOptions &options)
      : folder(folder), config(config), options(options),
        b(config.getLoc().getContext()) {}

  OwningOpRef<ModuleOp> import();

private:
  std::string getPath(StringRef file) const {
    SmallString<256> path(folder);
    llvm::sys::path::append(path, file);
    return path.str().str();
  }
  /// Refuses options that only models of other kinds have.
  LogicalResult verifyOptions();
  /// The graph that `key` names, its function called `entry`.
  OwningOpRef<ModuleOp> importGraph(StringRef key, StringRef entry);
  /// The number of the argument or result `name`, which `key` asks for.
  FailureOr<unsigned> lookup(StringRef key, func::FuncOp function,
                             bool isResult, StringRef name);
  /// Gives a result the name by which the two graphs, or a step and the next,
  /// know each other.
  LogicalResult rename(StringRef key, func::FuncOp function, StringRef name,
                       StringRef newName);
  LogicalResult connect(func::FuncOp encode, func::FuncOp step);
  /// The number of a token that is given as a number or as its text.
  int64_t readToken(StringRef key, const llvm::json::Value &value);
  SmallVector<int64_t> readTokens(StringRef key);
  /// The file that `words` or `characters` names; none where neither does.
  FailureOr<std::optional<WordList>> readWords(Config &source);
  LogicalResult readWords();
  /// The step of a model that decodes by itself, as `tokens` says.
  OwningOpRef<ModuleOp> makeReplay(func::FuncOp encode);
  /// Takes the number of tokens from the step's scores.
  LogicalResult countTokens(func::FuncOp step);
  void readSpecialTokens();
  /// The tokenizer; null where the manifest names no words.
  FailureOr<DenseResourceElementsAttr> makeTable();
  /// The table of the words that only texts which the model reads have.
  DenseResourceElementsAttr makeTextTable(Config &text);
  vit::TextAttr makeText(DenseResourceElementsAttr table);
  /// Takes the places of a picture that the step attends to; none where the
  /// manifest names no such output, or they are no picture's.
  LogicalResult readAttention(func::FuncOp encode, func::FuncOp step);
  vit::GenerationAttr makeGeneration(func::FuncOp step,
                                     DenseResourceElementsAttr table);

  StringRef folder;
  Config &config;
  const ImportOptions &options;
  Builder b;
  std::optional<WordList> words;
  std::optional<unsigned> attention; // the step's output
  vit::TokenGridAttr grid;           // or null
  SmallVector<int64_t> start, end;
  int64_t pad = 0;
  int64_t numTokens = kMaxVocabulary;
  std::optional<int64_t> numReplayed; // tokens that the model gives
};

} // namespace

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

LogicalResult GenerationFolder::verifyOptions() {
  auto reject = [&](bool isGiven, StringRef option) {
    if (isGiven)
      config.emitError() << option
                         << " was given; ONNX files of an encoder and a step "
                            "take --batch, --shape and --max-length";
  };
  reject(options.imageSize.has_value(), "--image-size");
  reject(options.maxSourceLength.has_value(), "--max-source-length");
  reject(!options.constants.empty(), "--constant");
  return failure(config.failed());
}

OwningOpRef<ModuleOp> GenerationFolder::importGraph(StringRef key,
                                                    StringRef entry) {
  std::string file = config.getString(key, "");
  if (file.empty())
    config.emitError() << "has no " << key << "; it needs an ONNX file's name";
  if (config.failed())
    return nullptr;
  ImportOptions graphOptions;
  graphOptions.batch = options.batch;
  graphOptions.shapes = options.shapes;
  OwningOpRef<ModuleOp> module =
      importOnnx(getPath(file), *b.getContext(), graphOptions);
  if (!module)
    return nullptr;
  module->lookupSymbol<func::FuncOp>("forward").setName(entry);
  return module;
}

FailureOr<unsigned> GenerationFolder::lookup(StringRef key,
                                             func::FuncOp function,
                                             bool isResult, StringRef name) {
  unsigned count =
      isResult ? function.getNumResults() : function.getNumArguments();
  for (unsigned i = 0; i < count; ++i) {
    auto given = isResult ? function.getResultAttrOfType<StringAttr>(
                                i, vit::VitDialect::kNameAttr)
                          : function.getArgAttrOfType<StringAttr>(
                                i, vit::VitDialect::kNameAttr);
    if (given && given.getValue() == name)
      return i;
  }
  return config.emitError()
         << key << " names '" << name << "', which is no "
         << (isResult ? "output" : "input") << " of @" << function.getName();
}

LogicalResult GenerationFolder::rename(StringRef key, func::FuncOp function,
                                       StringRef name, StringRef newName) {
  FailureOr<unsigned> index = lookup(key, function, /*isResult=*/true, name);
  if (failed(index))
    return failure();
  function.setResultAttr(*index, vit::VitDialect::kNameAttr,
                         b.getStringAttr(newName));
  return success();
}

LogicalResult GenerationFolder::connect(func::FuncOp encode,
                                        func::FuncOp step) {
  // An input of the step, and the output that is its next value.
  auto forEach = [&](StringRef key, auto each) -> LogicalResult {
    const llvm::json::Value *value = config.lookup(key);
    const llvm::json::Object *pairs = value ? value->getAsObject() : nullptr;
    if (!value)
      return success();
    if (!pairs)
      return config.emitError()
             << key << " = " << formatJson(*value) << "; it needs an object";
    for (const auto *member : getSortedMembers(*pairs)) {
      std::optional<StringRef> other = member->second.getAsString();
      if (!other)
        return config.emitError()
               << key << " has \"" << StringRef(member->first)
               << "\": " << formatJson(member->second) << "; it needs a name";
      if (failed(lookup(key, step, /*isResult=*/false, member->first)) ||
          failed(each(StringRef(member->first), *other)))
        return failure();
    }
    return failure(config.failed());
  };
  if (failed(forEach("states", [&](StringRef input, StringRef output) {
        return rename("states", step, output, input);
      })))
    return failure();
  // An input of the step, and the output of the encoder that it is, or that it
  // begins with.
  return forEach("memory", [&](StringRef input, StringRef output) {
    return encode ? rename("memory", encode, output, input)
                  : LogicalResult(config.emitError()
                                  << "has memory but no encoder");
  });
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

int64_t GenerationFolder::readToken(StringRef key,
                                    const llvm::json::Value &value) {
  std::optional<int64_t> number = value.getAsInteger();
  if (std::optional<StringRef> text = value.getAsString(); text && words)
    number = words->find(*text);
  if (number && *number >= 0 && *number < numTokens)
    return *number;
  config.emitError() << key << " = " << formatJson(value)
                     << "; it needs a token's number, below " << numTokens
                     << (words ? ", or its text" : "");
  return 0;
}

SmallVector<int64_t> GenerationFolder::readTokens(StringRef key) {
  const llvm::json::Value *value = config.lookup(key);
  if (!value) {
    config.emitError() << "has no " << key << "; it needs a token or more";
    return {0};
  }
  SmallVector<int64_t> tokens;
  if (const llvm::json::Array *list = value->getAsArray())
    for (const llvm::json::Value &each : *list)
      tokens.push_back(readToken(key, each));
  else
    tokens.push_back(readToken(key, *value));
  if (!tokens.empty())
    return tokens;
  config.emitError() << key << " = []; it needs a token or more";
  return {0};
}

FailureOr<std::optional<WordList>> GenerationFolder::readWords(Config &source) {
  std::string file = source.getString("words", "");
  std::string characters = source.getString("characters", "");
  if (!file.empty() && !characters.empty())
    return source.emitError() << "has words and characters; it needs one";
  if (file.empty() && characters.empty())
    return std::optional<WordList>();
  FailureOr<WordList> read = WordList::read(
      getPath(file.empty() ? characters : file), *b.getContext());
  if (failed(read))
    return failure();
  read->characters = file.empty();
  read->lowercase = config.getBool("lowercase", false);
  return std::optional(std::move(*read));
}

LogicalResult GenerationFolder::readWords() {
  FailureOr<std::optional<WordList>> read = readWords(config);
  if (failed(read))
    return failure();
  words = std::move(*read);
  return success();
}

OwningOpRef<ModuleOp> GenerationFolder::makeReplay(func::FuncOp encode) {
  for (StringRef key : kStepKeys)
    if (config.contains(key))
      config.emitError() << "has tokens and " << key
                         << "; a model that gives tokens has no step";
  if (!encode)
    config.emitError() << "has tokens but no encoder";
  if (!words)
    config.emitError() << "has tokens but no words and no characters";
  std::string name = config.getString("tokens", "");
  if (config.failed())
    return nullptr;
  FailureOr<unsigned> index = lookup("tokens", encode, /*isResult=*/true, name);
  if (failed(index))
    return nullptr;
  auto type = cast<RankedTensorType>(encode.getResultTypes()[*index]);
  if (type.getRank() != 2 || type.isDynamicDim(1) || type.getDimSize(1) < 1 ||
      !isa<IntegerType>(type.getElementType())) {
    config.emitError() << "tokens names '" << name << "' of type " << type
                       << "; it needs integers [batch, length]";
    return nullptr;
  }
  numTokens = words->tokens.size();
  numReplayed = type.getDimSize(1);
  return buildReplayStep(config.getLoc(), name, type, numTokens);
}

LogicalResult GenerationFolder::countTokens(func::FuncOp step) {
  std::string name = config.getString("scores", "scores");
  FailureOr<unsigned> index = lookup("scores", step, /*isResult=*/true, name);
  if (failed(index))
    return failure();
  auto type = cast<RankedTensorType>(step.getResultTypes()[*index]);
  if (type.getRank() < 2 || type.isDynamicDim(type.getRank() - 1))
    return config.emitError() << "scores names '" << name << "' of type "
                              << type << "; it needs logits [batch, tokens]";
  numTokens = type.getShape().back();
  if (words && int64_t(words->tokens.size()) != numTokens)
    return config.emitError()
           << "has " << words->tokens.size() << " words; '" << name
           << "' gives each a score and needs " << numTokens;
  return success();
}

void GenerationFolder::readSpecialTokens() {
  end = readTokens("end");
  const llvm::json::Value *padding = config.lookup("pad");
  pad = padding ? readToken("pad", *padding) : end.front();
  if (numReplayed)
    start = {pad};
  else
    start = readTokens("start");
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// The sizes behind the batch of an output that has probabilities of places,
/// [B, heads, places] or, as a map, [B, height, width]; empty for another type.
static ArrayRef<int64_t> getPlaces(RankedTensorType type) {
  if (type.getRank() < 2 || !isa<FloatType>(type.getElementType()))
    return {};
  ArrayRef<int64_t> shape = type.getShape().drop_front();
  bool isEmpty = ShapedType::isDynamicShape(shape) ||
                 ShapedType::getNumElements(shape) == 0;
  return isEmpty ? ArrayRef<int64_t>() : shape;
}

static bool readsPicture(func::FuncOp encode) {
  return encode && llvm::any_of(encode.getArgumentTypes(), [](Type type) {
           return cast<RankedTensorType>(type).getRank() == 4;
         });
}

LogicalResult GenerationFolder::readAttention(func::FuncOp encode,
                                              func::FuncOp step) {
  std::string name = config.getString("attention", "");
  SmallVector<int64_t, 4> sizes =
      config.getSizes("attention_grid", {1, 1}, kMaxTokens, /*min=*/0);
  bool hasGrid = config.contains("attention_grid");
  if (config.failed())
    return failure();
  if (name.empty())
    return hasGrid ? LogicalResult(config.emitError()
                                   << "has attention_grid but no attention")
                   : success();
  FailureOr<unsigned> index =
      lookup("attention", step, /*isResult=*/true, name);
  if (failed(index))
    return failure();
  attention = *index;
  auto type = cast<RankedTensorType>(step.getResultTypes()[*index]);
  ArrayRef<int64_t> shape = getPlaces(type);
  if (shape.empty())
    return config.emitError()
           << "attention names '" << name << "' of type " << type
           << "; it needs probabilities [batch, places]";
  int64_t places = shape.back();
  if (!hasGrid) {
    auto side = static_cast<int64_t>(std::sqrt(double(places)));
    if (readsPicture(encode) && side * side == places)
      grid = vit::TokenGridAttr::get(b.getContext(), 0, side, side,
                                     /*classToken=*/false);
    return success();
  }
  if (sizes.size() == 2)
    sizes.insert(sizes.begin(), 0);
  bool fits = sizes.size() == 3 && sizes[1] > 0 && sizes[2] > 0 &&
              sizes[0] + sizes[1] * sizes[2] > 0;
  int64_t count = fits ? sizes[0] + sizes[1] * sizes[2] : 0;
  bool isMap = fits && count == ShapedType::getNumElements(shape.take_back(2));
  if (!fits || (count != places && !isMap))
    return config.emitError()
           << "attention_grid = " << formatShape(sizes) << "; the " << places
           << " places of '" << name
           << "' need [height, width] or [prefix, height, width]";
  grid = vit::TokenGridAttr::get(b.getContext(), sizes[0], sizes[1], sizes[2],
                                 /*classToken=*/false);
  return success();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// The table of a word list as a blob.
static FailureOr<DenseResourceElementsAttr>
makeTableOf(const WordList &words, SmallVector<int64_t> special,
            StringRef unknown, int64_t pad, Location loc) {
  llvm::sort(special);
  special.erase(llvm::unique(special), special.end());
  FailureOr<std::vector<char>> table =
      writeWordList(words, special, unknown, pad, loc);
  if (failed(table))
    return failure();
  auto byte = IntegerType::get(loc.getContext(), 8);
  return DenseResourceElementsAttr::get(
      RankedTensorType::get({int64_t(table->size())}, byte), "tokenizer",
      HeapAsmResourceBlob::allocateAndCopyInferAlign(ArrayRef<char>(*table)));
}

FailureOr<DenseResourceElementsAttr> GenerationFolder::makeTable() {
  if (!words)
    return DenseResourceElementsAttr();
  SmallVector<int64_t> special = {pad};
  special.append(start);
  special.append(end);
  std::string unknown = config.getString("unknown", "");
  if (!unknown.empty())
    special.push_back(readToken("unknown", unknown));
  if (config.failed())
    return failure();
  return makeTableOf(*words, special, unknown, pad, config.getLoc());
}

DenseResourceElementsAttr GenerationFolder::makeTextTable(Config &text) {
  FailureOr<std::optional<WordList>> read = readWords(text);
  if (failed(read) || !*read)
    return {};
  const WordList &list = **read;
  std::string unknown = text.getString("unknown", "");
  std::string padding = text.getString("pad", list.tokens.front());
  SmallVector<int64_t> special;
  for (const std::string &token : {unknown, padding}) {
    if (token.empty())
      continue;
    std::optional<int64_t> number = list.find(token);
    if (!number) {
      text.emitError() << "text names the token '" << token
                       << "'; it needs one of its words";
      return {};
    }
    special.push_back(*number);
  }
  FailureOr<DenseResourceElementsAttr> table =
      makeTableOf(list, special, unknown, special.back(), config.getLoc());
  return succeeded(table) ? *table : DenseResourceElementsAttr();
}

vit::TextAttr GenerationFolder::makeText(DenseResourceElementsAttr table) {
  if (!config.contains("text"))
    return {};
  Config text = config.getObject("text");
  text.rejectOthers(kTextKeys, "text ");
  std::string ids = text.getString("ids", "input_ids");
  std::string mask = text.getString("mask", "");
  int64_t length = text.getSize("max_length", 0, kMaxTokens);
  if (!text.contains("max_length"))
    text.emitError() << "text has no max_length";
  if (text.contains("words") || text.contains("characters")) {
    table = makeTextTable(text);
    if (!table && !text.failed())
      return {};
  }
  if (!table && !text.failed())
    text.emitError() << "has text but no words and no characters";
  if (text.failed()) {
    config.noteError();
    return {};
  }
  return vit::TextAttr::get(b.getContext(), table, length, b.getStringAttr(ids),
                            mask.empty() ? StringAttr() : b.getStringAttr(mask),
                            /*types=*/StringAttr());
}

vit::GenerationAttr
GenerationFolder::makeGeneration(func::FuncOp step,
                                 DenseResourceElementsAttr table) {
  std::string position =
      config.getString("position", numReplayed ? "position" : "");
  int64_t most = numReplayed ? *numReplayed + 1 : kMaxTokens;
  int64_t maxLength =
      config.getSize("max_length", numReplayed ? most : 0, most);
  if (!config.contains("max_length") && !numReplayed)
    config.emitError() << "has no max_length; it needs the most tokens, start "
                          "included";
  if (options.maxLength)
    maxLength = std::min(*options.maxLength, most);
  int64_t minLength = config.getSize("min_length", 0, kMaxTokens, /*min=*/0);
  int64_t beams = config.getSize("beams", 1, kMaxBeams);
  double lengthPenalty = config.getNumber("length_penalty", 1.0);
  std::string token = config.getString("token", "token");
  std::string scores = config.getString("scores", "scores");
  if (config.failed())
    return {};
  StringAttr maps;
  if (attention)
    maps = step.getResultAttrOfType<StringAttr>(*attention,
                                                vit::VitDialect::kNameAttr);
  // A state has the name of its input by now.
  std::string name = config.getString("attention", "");
  if (attention && maps.getValue() != name) {
    config.emitError() << "attention names '" << name
                       << "', which is a state; it needs an output of its own";
    return {};
  }
  return vit::GenerationAttr::getChecked(
      [&] { return config.emitError(); }, b.getContext(),
      b.getStringAttr(token),
      position.empty() ? StringAttr() : b.getStringAttr(position),
      b.getStringAttr(scores), b.getDenseI64ArrayAttr(start),
      b.getDenseI64ArrayAttr(end), pad, maxLength, minLength,
      /*promptReplacesStart=*/false, beams, b.getF64FloatAttr(lengthPenalty),
      vit::EarlyStopping::Off, /*repetitionPenalty=*/FloatAttr(),
      /*noRepeatNgram=*/int64_t(0), /*suppressed=*/DenseI64ArrayAttr(),
      /*beginSuppressed=*/DenseI64ArrayAttr(), /*forcedFirst=*/int64_t(-1),
      /*forcedLast=*/int64_t(-1), /*renormalize=*/false, maps, table);
}

OwningOpRef<ModuleOp> GenerationFolder::import() {
  config.rejectOthers(kKeys);
  if (failed(verifyOptions()))
    return nullptr;
  OwningOpRef<ModuleOp> encoder, step;
  if (config.contains("encoder") &&
      !(encoder = importGraph("encoder", "encode")))
    return nullptr;
  if (failed(readWords()))
    return nullptr;
  func::FuncOp encode =
      encoder ? encoder->lookupSymbol<func::FuncOp>("encode") : nullptr;
  step = config.contains("tokens") ? makeReplay(encode)
                                   : importGraph("step", "step");
  if (!step)
    return nullptr;
  auto stepEntry = step->lookupSymbol<func::FuncOp>("step");
  if (!numReplayed && failed(countTokens(stepEntry)))
    return nullptr;
  readSpecialTokens();
  if (config.failed() || failed(readAttention(encode, stepEntry)) ||
      failed(connect(encode, stepEntry)))
    return nullptr;
  FailureOr<DenseResourceElementsAttr> table = makeTable();
  if (failed(table))
    return nullptr;
  vit::TextAttr text = makeText(*table);
  vit::GenerationAttr generation = makeGeneration(stepEntry, *table);
  if (config.failed() || !generation)
    return nullptr;

  auto getModel = [](ModuleOp module) {
    return module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  };
  std::string source;
  int64_t parameters = 0;
  if (vit::ModelAttr model = getModel(*step)) {
    source = model.getSource().str();
    parameters = model.getParameters();
  }
  if (encoder) {
    parameters += getModel(*encoder).getParameters();
    source = getModel(*encoder).getSource().str();
    if (failed(mergeModules(*encoder, *step)))
      return nullptr;
  }
  OwningOpRef<ModuleOp> module = std::move(encoder ? encoder : step);
  StringAttr name = b.getStringAttr(
      config.getString("name", llvm::sys::path::filename(folder)));
  (*module)->setAttr(
      vit::VitDialect::kModelAttr,
      vit::ModelAttr::get(b.getContext(), name, b.getStringAttr("generation"),
                          b.getStringAttr(source), parameters,
                          /*licence=*/StringAttr(), /*labels=*/ArrayAttr(),
                          /*preprocess=*/vit::PreprocessAttr(), grid, text,
                          /*sigmoid=*/false, /*ranking=*/vit::RankingAttr(),
                          generation));
  PictureOptions pictures;
  pictures.mean = config.getNumbers("mean");
  pictures.std = config.getNumbers("std");
  if (config.failed() || failed(verify(*module)) ||
      failed(describeModel(*module, pictures, config.getLoc())))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp>
import_::importGenerationFolder(StringRef folder, MLIRContext &context,
                                const ImportOptions &options) {
  SmallString<256> path(folder);
  llvm::sys::path::append(path, kGenerationManifest);
  FailureOr<Config> config = Config::read(path, context);
  if (failed(config))
    return nullptr;
  return GenerationFolder(folder, *config, options).import();
}
