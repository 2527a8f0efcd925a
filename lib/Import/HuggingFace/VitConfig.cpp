//===- VitConfig.cpp - What configurations of ViTs share ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitConfig.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

size_t import_::findArchitecture(Config &config, ArrayRef<StringRef> known) {
  const llvm::json::Value *value = config.lookup("architectures");
  if (!value)
    return 0;
  const llvm::json::Array *list = value->getAsArray();
  std::optional<StringRef> name =
      list && list->size() == 1 ? (*list)[0].getAsString() : std::nullopt;
  if (!name) {
    config.emitError() << "architectures = " << formatJson(*value)
                       << "; it needs a list of one name";
    return 0;
  }
  if (const StringRef *found = llvm::find(known, *name); found != known.end())
    return found - known.begin();
  InFlightDiagnostic error = config.emitError();
  error << "architecture is '" << *name << "'; vitc imports ";
  for (auto [index, architecture] : llvm::enumerate(known))
    error << (index == 0                 ? ""
              : index + 1 < known.size() ? ", "
                                         : " and ")
          << architecture;
  error << " of model_type " << config.getString("model_type", "");
  return 0;
}

VitArchitecture import_::readArchitecture(Config &config,
                                          ArrayRef<VitArchitecture> known) {
  SmallVector<StringRef> names =
      llvm::map_to_vector(known, [](const VitArchitecture &architecture) {
        return architecture.name;
      });
  return known[findArchitecture(config, names)];
}

void import_::readArchitecture(Config &config, ArrayRef<VitArchitecture> known,
                               VitSpec &spec) {
  VitArchitecture architecture = readArchitecture(config, known);
  spec.architecture = architecture.name.str();
  spec.output = architecture.output;
}

std::optional<vit::GeluForm> import_::findGelu(StringRef name) {
  return llvm::StringSwitch<std::optional<vit::GeluForm>>(name)
      .Cases({"gelu", "gelu_python"}, vit::GeluForm::Exact)
      .Cases({"gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh",
              "gelu_accurate"},
             vit::GeluForm::Tanh)
      .Case("quick_gelu", vit::GeluForm::Quick)
      .Default(std::nullopt);
}

vit::GeluForm import_::readGelu(Config &config, StringRef key,
                                StringRef defaultName) {
  std::string name = config.getString(key, defaultName);
  std::optional<vit::GeluForm> form = findGelu(name);
  if (!form)
    config.emitError() << key << " = '" << name
                       << "'; vitc imports gelu, gelu_new, gelu_fast, "
                          "gelu_pytorch_tanh and quick_gelu";
  return form.value_or(vit::GeluForm::Exact);
}

void import_::readEncoder(Config &config, VitSpec &spec) {
  std::tie(spec.imageHeight, spec.imageWidth) =
      config.getSizePair("image_size", spec.imageHeight, kMaxPixels);
  std::tie(spec.patchHeight, spec.patchWidth) =
      config.getSizePair("patch_size", spec.patchHeight, kMaxPixels);
  spec.channels = config.getSize("num_channels", spec.channels, kMaxChannels);
  spec.hiddenSize = config.getSize("hidden_size", spec.hiddenSize, kMaxWidth);
  spec.numLayers =
      config.getSize("num_hidden_layers", spec.numLayers, kMaxLayers);
  spec.numHeads =
      config.getSize("num_attention_heads", spec.numHeads, kMaxWidth);
  spec.layerNormEps = config.getNumber("layer_norm_eps", spec.layerNormEps);
  spec.qkvBias = config.getBool("qkv_bias", spec.qkvBias);
  if (!spec.silu && config.contains("hidden_act"))
    spec.gelu = readGelu(config);
}

std::string import_::findPrefix(const Checkpoint &checkpoint,
                                StringRef modelType, StringRef anyWeight) {
  constexpr StringLiteral kEncoder = "encoder.";
  if (checkpoint.contains((kEncoder + anyWeight).str()))
    return kEncoder.str();
  std::string prefix = (modelType + ".").str();
  bool plain = checkpoint.contains(anyWeight) &&
               !checkpoint.contains(prefix + anyWeight.str());
  return plain ? "" : prefix;
}

OwningOpRef<ModuleOp> import_::finishVit(StringRef folder, Config &config,
                                         Checkpoint &checkpoint, VitSpec &spec,
                                         const ImportOptions &options) {
  MLIRContext *context = config.getLoc().getContext();
  ModelInfo info;
  if (spec.output != VitOutput::HiddenStates) {
    info.labels = readLabels(config);
    spec.numClasses = info.labels.size();
  }
  if (config.failed() || failed(resolveSpec(spec, options, config.getLoc())))
    return nullptr;
  FailureOr<vit::PreprocessAttr> preprocess = importPreprocessor(
      folder, config.getString("model_type", ""), spec.imageHeight,
      spec.imageWidth, spec.channels, options, *context);
  if (failed(preprocess))
    return nullptr;
  info.preprocess = *preprocess;
  return buildVit(spec, checkpoint, info, options, config.getLoc());
}
