//===- VisionEncoderDecoder.cpp - Image-to-text models --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A VisionEncoderDecoderModel is two models in one folder. The encoder is
// imported as its own class without a head; its features become the memory that
// the decoder attends to.
//
//===----------------------------------------------------------------------===//

#include "DecoderConfig.h"
#include "EntryModules.h"
#include "HuggingFace.h"
#include "TextGeneration.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct EncoderType {
  StringRef name, architecture;
  OwningOpRef<ModuleOp> (*import)(StringRef folder, Config &config,
                                  Checkpoint &checkpoint,
                                  const ImportOptions &options);
};
struct DecoderType {
  StringRef name;
  TextDecoder (*read)(Config &config, Checkpoint &checkpoint, StringRef prefix,
                      int64_t memoryWidth);
};
} // namespace

static constexpr EncoderType kEncoderTypes[] = {
    {"beit", "BeitModel", importBeit},       {"deit", "DeiTModel", importVit},
    {"dinov2", "Dinov2Model", importDinov2}, {"swin", "SwinModel", importSwin},
    {"swinv2", "Swinv2Model", importSwin},   {"vit", "ViTModel", importVit},
};
static constexpr DecoderType kDecoderTypes[] = {
    {"gpt2", readGpt2Decoder},
    {"trocr", readTrocrDecoder},
};

/// The one of `types` that `part`, the configuration's `key`, names.
template <typename Types>
static auto findType(Config &config, Config &part, StringRef key,
                     const Types &types) -> decltype(std::begin(types)) {
  std::string name = part.getString("model_type", "");
  auto type = llvm::find_if(
      types, [&](const auto &each) { return each.name == StringRef(name); });
  if (type != std::end(types))
    return type;
  InFlightDiagnostic error = config.emitError();
  error << "the " << key << "'s model_type = '" << name << "'; vitc imports ";
  llvm::interleave(
      types, [&](const auto &each) { error << each.name; },
      [&] { error << ", "; });
  return nullptr;
}

/// Makes the entry `encode` of an encoder's `forward`: the decoder's memory
/// takes the place of the outputs, of which the first is the hidden states.
static void becomeEncode(func::FuncOp function, Checkpoint &checkpoint,
                         const TextDecoder &decoder) {
  constexpr StringLiteral projection = "enc_to_dec_proj";
  Operation *exit = function.getBody().front().getTerminator();
  OpBuilder weightsAt(function), b(exit);
  LayerBuilder layers(checkpoint, weightsAt, b, function.getArgument(0));
  Value hidden = exit->getOperand(0);
  if (checkpoint.contains((projection + ".weight").str()))
    hidden = layers.linear(hidden, projection, decoder.spec.memoryWidth,
                           "the decoder's hidden size");
  SmallVector<Value> memory = buildMemory(layers, decoder, hidden);
  exit->setOperands(memory);
  function.setName("encode");
  function.removeResAttrsAttr();
  function.setFunctionType(b.getFunctionType(function.getArgumentTypes(),
                                             TypeRange(ValueRange(memory))));
  nameResults(function, getMemoryNames(decoder, *function.getContext()));
}

/// Erases what made outputs of `encode` that are left out, and its weights.
static void eraseUnused(ModuleOp module, func::FuncOp encode) {
  IRRewriter rewriter(module.getContext());
  (void)runRegionDCE(rewriter, encode->getRegions());
  eraseUnusedWeights(module);
}

static FailureOr<GenerationModel>
readDecoder(StringRef folder, Config &config, Checkpoint &checkpoint,
            const DecoderType &type, Config &part, ArrayRef<int64_t> memory,
            const ImportOptions &options) {
  GenerationModel model;
  model.architecture = "VisionEncoderDecoderModel";
  model.tokenizer = type.name;
  model.decoder = type.read(part, checkpoint, "decoder.", memory[2]);
  model.decoder.memoryLength = memory[1];
  TextSpec &spec = model.decoder.spec;
  if (checkpoint.contains("enc_to_dec_proj.weight"))
    spec.memoryWidth = spec.hiddenSize;
  FailureOr<GenerationSettings> settings = readGeneration(folder, config, part);
  if (part.failed() || failed(settings))
    return failure();
  model.settings = *settings;
  if (failed(resolveDecoder(model, options, config.getLoc())))
    return failure();
  return model;
}

OwningOpRef<ModuleOp>
import_::importVisionEncoderDecoder(StringRef folder, Config &config,
                                    Checkpoint &checkpoint,
                                    const ImportOptions &options) {
  Config encoder = config.getObject("encoder");
  Config part = config.getObject("decoder");
  if (config.failed())
    return nullptr;
  const EncoderType *encoderType =
      findType(config, encoder, "encoder", kEncoderTypes);
  const DecoderType *decoderType =
      encoderType ? findType(config, part, "decoder", kDecoderTypes) : nullptr;
  if (!decoderType)
    return nullptr;
  Config own(llvm::json::Object{{"architectures",
                                 llvm::json::Array{encoderType->architecture}}},
             config.getLoc());
  encoder = own.withDefaults(encoder);
  checkpoint.leaveOut("decoder.");
  checkpoint.leaveOut("enc_to_dec_proj.");
  OwningOpRef<ModuleOp> module =
      encoderType->import(folder, encoder, checkpoint, options);
  if (!module)
    return nullptr;
  checkpoint.needAll();

  auto function = module->lookupSymbol<func::FuncOp>("forward");
  auto hidden = cast<RankedTensorType>(function.getResultTypes().front());
  FailureOr<GenerationModel> model =
      readDecoder(folder, config, checkpoint, *decoderType, part,
                  hidden.getShape(), options);
  if (failed(model))
    return nullptr;
  becomeEncode(function, checkpoint, model->decoder);
  ModelInterface interface;
  auto attr =
      (*module)->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  interface.info.preprocess = attr.getPreprocess();
  interface.grid = attr.getGrid();
  if (failed(describeGeneration(folder, *model, /*source=*/nullptr,
                                TokenizerUse::Answer, /*sourceLength=*/0,
                                config.getLoc(), interface)) ||
      failed(addEntry(
          *module, checkpoint, function.getLoc(),
          getStepEntry(model->decoder, *config.getLoc().getContext()))))
    return nullptr;
  eraseUnused(*module, function);
  return finishModule(std::move(module), interface, checkpoint);
}
