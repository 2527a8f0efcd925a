//===- OnnxFolder.cpp - ONNX files of a transformers model ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The decoder with past inputs becomes @step. The keys and values of what the
// encoder gives are in those inputs, too: the decoder without them, of the
// first token, computes them, which is added to @encode. A decoder that has no
// such inputs computes all tokens again for each.
//
//===----------------------------------------------------------------------===//

#include "OnnxFolder.h"

#include "EntryModules.h"
#include "HuggingFace/HuggingFace.h"
#include "HuggingFace/TextGeneration.h"
#include "InputFile.h"
#include "ModelLimits.h"
#include "Onnx/Onnx.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr StringLiteral kEncoderFile = "encoder_model.onnx";
static constexpr StringLiteral kFirstFile = "decoder_model.onnx";
/// The decoder's files; the first that there is becomes the step.
static constexpr StringLiteral kStepFiles[] = {"decoder_model_merged.onnx",
                                               "decoder_with_past_model.onnx",
                                               kFirstFile, "model.onnx"};

/// Inputs and outputs as optimum calls them.
static constexpr StringLiteral kIds = "input_ids";
static constexpr StringLiteral kLogits = "logits";
static constexpr StringLiteral kHidden = "last_hidden_state";
static constexpr StringLiteral kEncoderHidden = "encoder_hidden_states";
static constexpr StringLiteral kEncoderMask = "encoder_attention_mask";
static constexpr StringLiteral kUsesCache = "use_cache_branch";
/// The state of a decoder that has no inputs of tokens before.
static constexpr StringLiteral kTokens = "tokens";
static constexpr StringLiteral kPositions = "position_ids";
static constexpr StringLiteral kPast = "past_key_values.";
static constexpr StringLiteral kPresent = "present.";

static bool hasFile(StringRef folder, StringRef file) {
  return llvm::sys::fs::exists(joinPath(folder, file));
}

bool import_::isOnnxFolder(StringRef folder) {
  return hasFile(folder, "config.json") &&
         !hasFile(folder, "model.safetensors") &&
         !hasFile(folder, "model.safetensors.index.json") &&
         llvm::any_of(kStepFiles,
                      [&](StringRef file) { return hasFile(folder, file); });
}

namespace {

/// Reads the configuration and puts the graphs together.
class OnnxFolder {
public:
  OnnxFolder(StringRef folder, Config &config, const ImportOptions &options)
      : folder(folder), config(config), options(options),
        context(*config.getLoc().getContext()) {}

  OwningOpRef<ModuleOp> import();

private:
  LogicalResult verifyOptions();
  /// Finds the step's file and what its inputs are.
  LogicalResult readStep();
  LogicalResult readSettings();
  OwningOpRef<ModuleOp> importGraph(StringRef file, const OnnxPart &part,
                                    StringRef entry);
  OwningOpRef<ModuleOp> importEncoder();
  /// Adds what computes keys and values of the encoder's states, once, to
  /// @encode.
  LogicalResult addMemory(ModuleOp module);
  OwningOpRef<ModuleOp> importStep();
  LogicalResult connect(ModuleOp module);
  LogicalResult describe(ModuleOp module);

  StringRef folder;
  Config &config;
  const ImportOptions &options;
  MLIRContext &context;

  std::string stepFile;
  bool hasEncoder = false, readsPicture = false, hasFlag = false;
  std::map<std::string, std::string> caches, memory; // input, output
  GenerationModel model;
  vit::PreprocessAttr preprocess;
  /// Tokens of the text that the encoder reads, and of what it gives.
  int64_t sourceLength = 0, memoryLength = 0;
  int64_t parameters = 0;
  SmallVector<std::string> sources;
};

} // namespace

//===----------------------------------------------------------------------===//
// Configuration
//===----------------------------------------------------------------------===//

LogicalResult OnnxFolder::verifyOptions() {
  auto reject = [&](bool isGiven, StringRef option) {
    if (isGiven)
      config.emitError() << option
                         << " was given; ONNX files with a config.json take "
                            "--batch, --image-size, --max-length and "
                            "--max-source-length";
  };
  reject(!options.shapes.empty(), "--shape");
  reject(!options.constants.empty(), "--constant");
  return failure(config.failed());
}

LogicalResult OnnxFolder::readStep() {
  hasEncoder = hasFile(folder, kEncoderFile);
  stepFile = *llvm::find_if(
      kStepFiles, [&](StringRef file) { return hasFile(folder, file); });
  std::string path = joinPath(folder, stepFile);
  FailureOr<OnnxNames> names = readOnnxNames(path, context);
  if (failed(names))
    return failure();
  Location loc = getFileLoc(path, context);
  for (StringRef needed : {StringRef(kIds), StringRef(kLogits)}) {
    bool isInput = needed == kIds;
    if (!llvm::is_contained(isInput ? names->inputs : names->outputs, needed))
      return emitError(loc) << "has no " << (isInput ? "input '" : "output '")
                            << needed << "'; a decoder needs it";
  }
  for (const std::string &input : names->inputs) {
    hasFlag |= input == kUsesCache;
    StringRef rest = input;
    if (!rest.consume_front(kPast))
      continue;
    std::string output = (kPresent + rest).str();
    if (rest.contains(".encoder."))
      memory[input] = output;
    else if (llvm::is_contained(names->outputs, output))
      caches[input] = output;
    else
      return emitError(loc)
             << "has an input '" << input << "' and no output '" << output
             << "'; a step needs the next value of each";
  }
  if (!memory.empty() && !hasEncoder)
    return emitError(loc) << "reads the states of an encoder, and the folder "
                             "has no "
                          << kEncoderFile;
  return success();
}

LogicalResult OnnxFolder::readSettings() {
  std::string type = config.getString("model_type", "");
  readsPicture = type == "vision-encoder-decoder";
  Config decoder = config.getObject("decoder");
  Config part = readsPicture ? decoder : config;
  FailureOr<GenerationSettings> settings = readGeneration(folder, config, part);
  if (failed(settings))
    return failure();
  model.settings = *settings;
  model.settings.promptReplacesStart = !hasEncoder;
  model.architecture = type;
  if (const llvm::json::Value *names = config.lookup("architectures"))
    if (const llvm::json::Array *list = names->getAsArray();
        list && !list->empty() && list->front().getAsString())
      model.architecture = list->front().getAsString()->str();
  model.tokenizer = part.getString("model_type", "");

  // T5 has n_positions, too, and no limit.
  int64_t limit = kMaxPositions;
  for (StringRef key : {"max_position_embeddings", "n_positions"})
    if (part.contains(key) && model.tokenizer != "t5")
      limit = part.getSize(key, limit, kMaxPositions);
  int64_t length =
      options.maxLength.value_or(std::min(getMaxLength(*settings), limit));
  sourceLength =
      options.maxSourceLength.value_or(std::min(kDefaultTextLength, limit));
  if (config.failed() || part.failed())
    return failure();
  for (int64_t each : {length, sourceLength})
    if (failed(verifyLength(each, limit, config.getLoc())))
      return failure();
  if (failed(verifyMaxLength(*settings, length, config.getLoc())))
    return failure();
  model.decoder.spec.length = length;
  return success();
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp>
OnnxFolder::importGraph(StringRef file, const OnnxPart &part, StringRef entry) {
  ImportOptions graphOptions;
  if (entry != "step")
    graphOptions.batch = options.batch;
  OwningOpRef<ModuleOp> module =
      importOnnx(joinPath(folder, file), context, graphOptions, part);
  if (!module)
    return nullptr;
  module->lookupSymbol<func::FuncOp>("forward").setName(entry);
  auto attr =
      (*module)->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  parameters += attr.getParameters();
  sources.push_back(attr.getSource().str());
  return module;
}

OwningOpRef<ModuleOp> OnnxFolder::importEncoder() {
  OnnxPart part;
  part.outputs = {kHidden.str()};
  if (readsPicture) {
    Config encoder = config.getObject("encoder");
    auto [height, width] = options.imageSize.value_or(
        encoder.getSizePair("image_size", 224, kMaxPixels));
    int64_t channels = encoder.getSize("num_channels", 3, kMaxChannels);
    std::string type = encoder.getString("model_type", "");
    FailureOr<vit::PreprocessAttr> read = importPreprocessor(
        folder, type, height, width, channels, options, context);
    if (encoder.failed() || failed(read))
      return nullptr;
    preprocess = *read;
    part.sizes = {
        {"num_channels", channels}, {"height", height}, {"width", width}};
  } else {
    part.otherSize = sourceLength;
  }
  OwningOpRef<ModuleOp> module = importGraph(kEncoderFile, part, "encode");
  if (!module)
    return nullptr;
  auto encode = module->lookupSymbol<func::FuncOp>("encode");
  auto hidden = cast<RankedTensorType>(encode.getResultTypes().front());
  if (hidden.getRank() != 3 || hidden.isDynamicDim(1)) {
    config.emitError() << "'" << kHidden << "' of " << kEncoderFile
                       << " has type " << hidden
                       << "; it needs to be [batch, tokens, width]";
    return nullptr;
  }
  memoryLength = hidden.getDimSize(1);
  renameResult(encode, 0, kEncoderHidden);
  return module;
}

LogicalResult OnnxFolder::addMemory(ModuleOp module) {
  if (memory.empty())
    return success();
  StringRef file = hasFlag ? StringRef(stepFile) : StringRef(kFirstFile);
  if (!hasFile(folder, file))
    return config.emitError()
           << "has " << stepFile << " and no " << file
           << ", which computes keys and values of the encoder's states";
  OnnxPart part;
  part.token = kIds.str();
  part.otherSize = memoryLength;
  if (hasFlag)
    part.flags = {{kUsesCache.str(), false}};
  for (const auto &each : memory)
    part.outputs.push_back(each.second);
  int64_t before = parameters;
  OwningOpRef<ModuleOp> first = importGraph(file, part, "memory");
  if (!first)
    return failure();
  // The branch that reads no past has all weights of the other.
  if (hasFlag)
    parameters = before;
  auto compute = first->lookupSymbol<func::FuncOp>("memory");
  eraseUnusedArguments(compute);
  if (failed(mergeModules(module, *first)))
    return failure();
  auto encode = module.lookupSymbol<func::FuncOp>("encode");
  for (const auto &each : memory)
    renameResult(compute, *findResult(compute, each.second), each.first);
  bool isChained = chainFunctions(encode, compute, [](StringRef name) {
    return name == kEncoderMask ? kSourceMaskInput.str() : name.str();
  });
  if (!isChained)
    return config.emitError()
           << file << " computes keys and values from other inputs than '"
           << kEncoderHidden << "' and a mask of it; it needs these";
  return success();
}

OwningOpRef<ModuleOp> OnnxFolder::importStep() {
  OnnxPart part;
  part.otherSize = memoryLength;
  if (hasFlag)
    part.flags = {{kUsesCache.str(), true}};
  part.outputs = {kLogits.str()};
  for (const auto &each : caches)
    part.outputs.push_back(each.second);
  part.token = kIds.str();
  part.step = OnnxStep{kPositionInput.str(), model.decoder.spec.length, caches,
                       kTokens.str(),        kPositions.str(),          {},
                       /*otherMasks=*/1.0};
  return importGraph(stepFile, part, "step");
}

//===----------------------------------------------------------------------===//
// Module
//===----------------------------------------------------------------------===//

/// Gives inputs and outputs the names that decoders of folders have.
LogicalResult OnnxFolder::connect(ModuleOp module) {
  auto step = module.lookupSymbol<func::FuncOp>("step");
  eraseUnusedArguments(step);
  std::optional<unsigned> ids = findArgument(step, kIds);
  std::optional<unsigned> logits = findResult(step, kLogits);
  if (!ids)
    return config.emitError() << "'" << kIds << "' of " << stepFile
                              << " is not read; a decoder needs its token";
  renameArgument(step, *ids, kTokenInput);
  renameResult(step, *logits, kScoresOutput);
  if (std::optional<unsigned> mask = findArgument(step, kEncoderMask))
    renameArgument(step, *mask, kSourceMaskInput);
  auto scores = cast<RankedTensorType>(step.getResultTypes()[*logits]);
  if (scores.getRank() < 2 || scores.isDynamicDim(scores.getRank() - 1))
    return config.emitError()
           << "'" << kLogits << "' of " << stepFile << " has type " << scores
           << "; it needs to be [batch, 1, tokens]";
  model.decoder.spec.vocabSize = scores.getShape().back();
  return success();
}

LogicalResult OnnxFolder::describe(ModuleOp module) {
  TextInputs text;
  if (hasEncoder)
    text.mask = kSourceMaskInput;
  else
    text.ids = kTokenInput;
  ModelInterface interface;
  int64_t length = hasEncoder ? sourceLength : model.decoder.spec.length - 1;
  if (failed(describeGeneration(folder, model, readsPicture ? nullptr : &text,
                                hasEncoder ? TokenizerUse::Text
                                           : TokenizerUse::Prompt,
                                length, config.getLoc(), interface)))
    return failure();
  Builder b(&context);
  module->setAttr(vit::VitDialect::kModelAttr,
                  vit::ModelAttr::get(
                      &context, b.getStringAttr(model.architecture),
                      b.getStringAttr("generation"),
                      b.getStringAttr(hashSources(sources)), parameters,
                      /*licence=*/StringAttr(), /*labels=*/ArrayAttr(),
                      preprocess, /*grid=*/vit::TokenGridAttr(), interface.text,
                      /*sigmoid=*/false,
                      /*ranking=*/vit::RankingAttr(), interface.generation));
  return verify(module);
}

OwningOpRef<ModuleOp> OnnxFolder::import() {
  if (failed(verifyOptions()) || failed(readStep()) || failed(readSettings()))
    return nullptr;
  OwningOpRef<ModuleOp> module;
  if (hasEncoder && (!(module = importEncoder()) || failed(addMemory(*module))))
    return nullptr;
  OwningOpRef<ModuleOp> step = importStep();
  if (!step)
    return nullptr;
  if (!module)
    module = std::move(step);
  else if (failed(mergeModules(*module, *step)))
    return nullptr;
  eraseUnusedWeights(*module);
  if (failed(connect(*module)) || failed(describe(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> import_::importOnnxFolder(StringRef folder,
                                                MLIRContext &context,
                                                const ImportOptions &options) {
  FailureOr<Config> config =
      Config::read(joinPath(folder, "config.json"), context);
  if (failed(config))
    return nullptr;
  return OnnxFolder(folder, *config, options).import();
}
