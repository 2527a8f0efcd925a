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
#include "GenerationAttention.h"
#include "GenerationStates.h"
#include "GenerationText.h"
#include "HuggingFace/GenerationConfig.h"
#include "InputFile.h"
#include "ReplayStep.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Keys that a model which decodes by itself has no use for.
static constexpr StringLiteral kStepKeys[] = {"step",
                                              "token",
                                              "position",
                                              "scores",
                                              "states",
                                              "memory",
                                              "masks",
                                              "start",
                                              "suppress",
                                              "min_length",
                                              "beams",
                                              "length_penalty",
                                              "early_stopping",
                                              "no_repeat_ngram_size",
                                              "repetition_penalty",
                                              "attention"};
static constexpr StringLiteral kOtherKeys[] = {
    "encoder", "words", "characters", "lowercase",     "unknown",
    "end",     "pad",   "max_length", "text",          "mean",
    "std",     "name",  "tokens",     "attention_grid"};

namespace {

/// Reads the manifest and puts the two graphs together.
class GenerationFolder {
public:
  GenerationFolder(StringRef folder, Config &config,
                   const ImportOptions &options)
      : folder(folder), config(config), options(options), text(config),
        states(config), generated{GenerationTokens(config), {}, {}},
        b(config.getLoc().getContext()) {}

  OwningOpRef<ModuleOp> import();

private:
  /// Refuses options that only models of other kinds have.
  LogicalResult verifyOptions();
  /// The graph that `key` names, its function called `entry`.
  OwningOpRef<ModuleOp> importGraph(StringRef key, StringRef entry,
                                    const OnnxPart &part);
  OwningOpRef<ModuleOp> importEncoder();
  OwningOpRef<ModuleOp> importStep(func::FuncOp encode);
  /// The number of the output `name`, which `key` asks for.
  FailureOr<unsigned> findOutput(StringRef key, func::FuncOp function,
                                 StringRef name);
  /// Gives that step names that no input or output of `encode` has.
  void nameReplay(func::FuncOp encode, StringRef tokens);
  /// The step of a model that decodes by itself, as `tokens` says.
  OwningOpRef<ModuleOp> makeReplay(func::FuncOp encode);
  /// Takes the number of tokens from the step's scores.
  LogicalResult countTokens(func::FuncOp step);
  LogicalResult readTokens();
  /// The most tokens, start included.
  LogicalResult readMaxLength();
  LogicalResult readAttention(func::FuncOp encode, func::FuncOp step);
  vit::GenerationAttr makeGeneration(func::FuncOp step);
  LogicalResult describe(ModuleOp module, func::FuncOp encode,
                         func::FuncOp step);

  StringRef folder;
  Config &config;
  const ImportOptions &options;
  GenerationText text;
  GenerationStates states;
  GeneratedTokens generated;
  Builder b;
  SmallVector<int64_t> start, end;
  std::optional<unsigned> attention;  // the step's output
  vit::TokenGridAttr grid;            // or null
  std::optional<int64_t> numReplayed; // tokens that the model gives
  ReplayNames replayNames;
  int64_t maxLength = 0;
  int64_t parameters = 0;
  SmallVector<std::string> sources;
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
                                                    StringRef entry,
                                                    const OnnxPart &part) {
  std::string file = config.getFileName(key);
  if (file.empty() && !config.failed())
    config.emitError() << "has no " << key << "; it needs an ONNX file's name";
  if (config.failed())
    return nullptr;
  ImportOptions graphOptions;
  graphOptions.batch = options.batch;
  graphOptions.shapes = options.shapes;
  OwningOpRef<ModuleOp> module =
      importOnnx(joinPath(folder, file), *b.getContext(), graphOptions, part);
  if (!module)
    return nullptr;
  module->lookupSymbol<func::FuncOp>("forward").setName(entry);
  auto model =
      (*module)->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  parameters += model.getParameters();
  sources.push_back(model.getSource().str());
  return module;
}

OwningOpRef<ModuleOp> GenerationFolder::importEncoder() {
  OnnxPart part;
  part.text = text.getUnpadded();
  return importGraph("encoder", "encode", part);
}

OwningOpRef<ModuleOp> GenerationFolder::importStep(func::FuncOp encode) {
  std::string file = config.getFileName("step");
  if (file.empty() && !config.failed()) // importGraph says so
    return importGraph("step", "step", {});
  if (config.failed() || failed(readMaxLength()) || failed(states.read()))
    return nullptr;
  FailureOr<OnnxPart> part =
      states.getPart(joinPath(folder, file), encode, maxLength);
  if (failed(part))
    return nullptr;
  return importGraph("step", "step", *part);
}

FailureOr<unsigned> GenerationFolder::findOutput(StringRef key,
                                                 func::FuncOp function,
                                                 StringRef name) {
  if (std::optional<unsigned> index = findResult(function, name))
    return *index;
  return config.emitError()
         << key << " names '" << name << "', which is no output of @"
         << function.getName();
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

void GenerationFolder::nameReplay(func::FuncOp encode, StringRef tokens) {
  replayNames.tokens = tokens.str();
  for (std::string *name :
       {&replayNames.token, &replayNames.position, &replayNames.scores})
    while (findArgument(encode, *name) || findResult(encode, *name))
      *name += "_";
}

OwningOpRef<ModuleOp> GenerationFolder::makeReplay(func::FuncOp encode) {
  for (StringRef key : kStepKeys)
    if (config.contains(key))
      config.emitError() << "has tokens and " << key
                         << "; a model that gives tokens has no step";
  if (!encode)
    config.emitError() << "has tokens but no encoder";
  if (!generated.tokens.hasWords())
    config.emitError() << "has tokens but no words and no characters";
  std::string name = config.getString("tokens", "");
  if (config.failed())
    return nullptr;
  FailureOr<unsigned> index = findOutput("tokens", encode, name);
  if (failed(index))
    return nullptr;
  auto type = cast<RankedTensorType>(encode.getResultTypes()[*index]);
  if (type.getRank() != 2 || type.isDynamicDim(1) || type.getDimSize(1) < 1 ||
      !isa<IntegerType>(type.getElementType())) {
    config.emitError() << "tokens names '" << name << "' of type " << type
                       << "; it needs integers [batch, length]";
    return nullptr;
  }
  numReplayed = type.getDimSize(1);
  nameReplay(encode, name);
  return buildReplayStep(config.getLoc(), replayNames, type,
                         generated.tokens.getWords().tokens.size());
}

LogicalResult GenerationFolder::countTokens(func::FuncOp step) {
  std::string name = config.getString("scores", "scores");
  FailureOr<unsigned> index = findOutput("scores", step, name);
  if (failed(index))
    return failure();
  auto type = cast<RankedTensorType>(step.getResultTypes()[*index]);
  if (type.getRank() < 2 || type.isDynamicDim(type.getRank() - 1))
    return config.emitError() << "scores names '" << name << "' of type "
                              << type << "; it needs logits [batch, tokens]";
  int64_t count = type.getShape().back();
  if (generated.tokens.hasWords())
    if (size_t words = generated.tokens.getWords().tokens.size();
        int64_t(words) != count)
      return config.emitError() << "has " << words << " words; '" << name
                                << "' gives each a score and needs " << count;
  generated.tokens.setCount(count);
  return success();
}

LogicalResult GenerationFolder::readTokens() {
  auto readNeeded = [&](StringRef key) -> SmallVector<int64_t> {
    if (config.contains(key))
      return generated.tokens.readTokens(key);
    config.emitError() << "has no " << key << "; it needs a token or more";
    return {};
  };
  end = readNeeded("end");
  WordRoles &roles = generated.roles;
  roles.pad = generated.tokens.readToken("pad", end.empty() ? 0 : end.front());
  if (numReplayed)
    start = {roles.pad};
  else
    start = readNeeded("start");
  roles.others.append(start);
  roles.others.append(end);
  if (generated.tokens.hasWords())
    roles.unknown = generated.tokens.readToken("unknown", -1);
  if (config.failed() || !generated.tokens.hasWords())
    return failure(config.failed());
  FailureOr<DenseResourceElementsAttr> table =
      generated.tokens.makeTable(roles);
  if (failed(table))
    return failure();
  generated.table = *table;
  return success();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

static bool readsPicture(func::FuncOp encode) {
  return encode && llvm::any_of(encode.getArgumentTypes(), [](Type type) {
           return cast<RankedTensorType>(type).getRank() == 4;
         });
}

LogicalResult GenerationFolder::readAttention(func::FuncOp encode,
                                              func::FuncOp step) {
  std::string name = config.getString("attention", "");
  if (name.empty() && config.contains("attention_grid"))
    return config.emitError() << "has attention_grid but no attention";
  if (config.failed() || name.empty())
    return failure(config.failed());
  FailureOr<unsigned> index = findOutput("attention", step, name);
  if (failed(index))
    return failure();
  attention = *index;
  FailureOr<vit::TokenGridAttr> read = readAttentionGrid(
      config, name, cast<RankedTensorType>(step.getResultTypes()[*index]),
      readsPicture(encode));
  if (failed(read))
    return failure();
  grid = *read;
  return success();
}

LogicalResult GenerationFolder::readMaxLength() {
  int64_t most = numReplayed ? *numReplayed + 1 : kMaxTokens;
  maxLength = config.getSize("max_length", numReplayed ? most : 0, most);
  if (!config.contains("max_length") && !numReplayed)
    config.emitError() << "has no max_length; it needs the most tokens, start "
                          "included";
  if (options.maxLength)
    maxLength = std::min(*options.maxLength, most);
  return failure(config.failed());
}

vit::GenerationAttr GenerationFolder::makeGeneration(func::FuncOp step) {
  std::string position =
      numReplayed ? replayNames.position : states.getPosition();
  if (numReplayed && maxLength < 2)
    config.emitError() << "has tokens and max_length = " << maxLength
                       << ", start included; it needs 2 or more";
  else if (int64_t(start.size()) >= maxLength)
    config.emitError() << "has " << start.size()
                       << " start tokens and max_length = " << maxLength
                       << "; it needs fewer";
  int64_t minLength = config.getSize("min_length", 0, maxLength - 1, /*min=*/0);
  int64_t beams = config.getSize("beams", 1, kMaxBeams);
  double lengthPenalty = config.getNumber("length_penalty", 1.0);
  double repetitionPenalty = config.getNumber("repetition_penalty", 1.0);
  if (repetitionPenalty == 0)
    config.emitError() << "repetition_penalty = 0; it needs a positive number";
  int64_t noRepeatNgram =
      config.getSize("no_repeat_ngram_size", 0, kMaxTokens, /*min=*/0);
  vit::EarlyStopping earlyStopping = readEarlyStopping(config);
  SmallVector<int64_t> suppressed = generated.tokens.readTokens("suppress");
  std::string token = config.getString("token", replayNames.token);
  std::string scores = config.getString("scores", replayNames.scores);
  if (config.failed())
    return {};
  StringAttr maps;
  if (attention)
    maps = step.getResultAttrOfType<StringAttr>(*attention,
                                                vit::VitDialect::kNameAttr);
  return vit::GenerationAttr::getChecked(
      [&] { return config.emitError(); }, b.getContext(),
      b.getStringAttr(token),
      position.empty() ? StringAttr() : b.getStringAttr(position),
      b.getStringAttr(scores), b.getDenseI64ArrayAttr(start),
      b.getDenseI64ArrayAttr(end), generated.roles.pad, maxLength, minLength,
      /*promptReplacesStart=*/false, beams, b.getF64FloatAttr(lengthPenalty),
      earlyStopping,
      repetitionPenalty == 1 ? FloatAttr()
                             : b.getF64FloatAttr(repetitionPenalty),
      noRepeatNgram,
      suppressed.empty() ? DenseI64ArrayAttr()
                         : b.getDenseI64ArrayAttr(suppressed),
      /*beginSuppressed=*/DenseI64ArrayAttr(), /*forcedFirst=*/int64_t(-1),
      /*forcedLast=*/int64_t(-1), /*renormalize=*/false, maps, generated.table);
}

LogicalResult GenerationFolder::describe(ModuleOp module, func::FuncOp encode,
                                         func::FuncOp step) {
  // A model that decodes by itself takes no prompt.
  std::string prompt = numReplayed ? "" : config.getString("token", "token");
  FailureOr<vit::TextAttr> reads =
      text.makeAttr(encode, folder, generated, prompt);
  vit::GenerationAttr generation = makeGeneration(step);
  if (failed(reads) || config.failed() || !generation)
    return failure();
  StringAttr name = b.getStringAttr(
      config.getString("name", llvm::sys::path::filename(folder)));
  module->setAttr(
      vit::VitDialect::kModelAttr,
      vit::ModelAttr::get(b.getContext(), name, b.getStringAttr("generation"),
                          b.getStringAttr(hashSources(sources)), parameters,
                          /*licence=*/StringAttr(), /*labels=*/ArrayAttr(),
                          /*preprocess=*/vit::PreprocessAttr(), grid, *reads,
                          /*sigmoid=*/false, /*ranking=*/vit::RankingAttr(),
                          generation));
  PictureOptions pictures;
  pictures.mean = config.getNumbers("mean");
  pictures.std = config.getNumbers("std");
  if (llvm::any_of(pictures.std, [](double number) { return number <= 0; }))
    config.emitError() << "std = " << formatJson(*config.lookup("std"))
                       << "; it needs positive numbers";
  if (config.failed() || failed(verify(module)))
    return failure();
  return describeModel(module, pictures, config.getLoc());
}

OwningOpRef<ModuleOp> GenerationFolder::import() {
  SmallVector<StringLiteral> keys(ArrayRef<StringLiteral>{kOtherKeys});
  llvm::append_range(keys, kStepKeys);
  config.rejectOthers(keys);
  if (failed(verifyOptions()))
    return nullptr;
  OwningOpRef<ModuleOp> encoder, step;
  if (config.contains("encoder") && !(encoder = importEncoder()))
    return nullptr;
  if (failed(generated.tokens.readWords(folder,
                                        config.getBool("lowercase", false))))
    return nullptr;
  func::FuncOp encode =
      encoder ? encoder->lookupSymbol<func::FuncOp>("encode") : nullptr;
  step = config.contains("tokens") ? makeReplay(encode) : importStep(encode);
  if (!step || (numReplayed && failed(readMaxLength())))
    return nullptr;
  auto stepEntry = step->lookupSymbol<func::FuncOp>("step");
  if (!numReplayed && failed(countTokens(stepEntry)))
    return nullptr;
  if (failed(readTokens()) || failed(readAttention(encode, stepEntry)) ||
      failed(states.connect(encode, stepEntry)))
    return nullptr;
  if (encoder && failed(mergeModules(*encoder, *step)))
    return nullptr;
  OwningOpRef<ModuleOp> module = std::move(encoder ? encoder : step);
  if (failed(describe(*module, encode, stepEntry)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp>
import_::importGenerationFolder(StringRef folder, MLIRContext &context,
                                const ImportOptions &options) {
  FailureOr<Config> config =
      Config::read(joinPath(folder, kGenerationManifest), context);
  if (failed(config))
    return nullptr;
  return GenerationFolder(folder, *config, options).import();
}
