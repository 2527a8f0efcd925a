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

VitArchitecture import_::readArchitecture(Config &config,
                                          ArrayRef<VitArchitecture> known) {
  const llvm::json::Value *value = config.lookup("architectures");
  if (!value)
    return known.front();
  const llvm::json::Array *list = value->getAsArray();
  std::optional<StringRef> name =
      list && list->size() == 1 ? (*list)[0].getAsString() : std::nullopt;
  if (!name) {
    config.emitError() << "architectures = " << formatJson(*value)
                       << "; it needs a list of one name";
    return known.front();
  }
  for (const VitArchitecture &architecture : known)
    if (architecture.name == *name)
      return architecture;
  InFlightDiagnostic error = config.emitError();
  error << "architecture is '" << *name << "'; vitc imports ";
  for (auto [index, architecture] : llvm::enumerate(known))
    error << (index == 0                 ? ""
              : index + 1 < known.size() ? ", "
                                         : " and ")
          << architecture.name;
  error << " of model_type " << config.getString("model_type", "");
  return known.front();
}

void import_::readArchitecture(Config &config, ArrayRef<VitArchitecture> known,
                               VitSpec &spec) {
  VitArchitecture architecture = readArchitecture(config, known);
  spec.architecture = architecture.name.str();
  spec.output = architecture.output;
}

vit::GeluForm import_::readGelu(Config &config) {
  std::string name = config.getString("hidden_act", "gelu");
  auto form = llvm::StringSwitch<std::optional<vit::GeluForm>>(name)
                  .Cases({"gelu", "gelu_python"}, vit::GeluForm::Exact)
                  .Cases({"gelu_new", "gelu_fast", "gelu_pytorch_tanh",
                          "gelu_python_tanh", "gelu_accurate"},
                         vit::GeluForm::Tanh)
                  .Case("quick_gelu", vit::GeluForm::Quick)
                  .Default(std::nullopt);
  if (!form)
    config.emitError() << "hidden_act = '" << name
                       << "'; vitc imports gelu, gelu_new, gelu_fast, "
                          "gelu_pytorch_tanh and quick_gelu";
  return form.value_or(vit::GeluForm::Exact);
}

void import_::readEncoder(Config &config, VitSpec &spec) {
  std::tie(spec.imageHeight, spec.imageWidth) =
      config.getSizePair("image_size", 224, kMaxPixels);
  std::tie(spec.patchHeight, spec.patchWidth) =
      config.getSizePair("patch_size", 16, kMaxPixels);
  spec.channels = config.getSize("num_channels", 3, kMaxChannels);
  spec.hiddenSize = config.getSize("hidden_size", 768, kMaxWidth);
  spec.numLayers = config.getSize("num_hidden_layers", 12, kMaxLayers);
  spec.numHeads = config.getSize("num_attention_heads", 12, kMaxWidth);
  spec.layerNormEps = config.getNumber("layer_norm_eps", 1e-12);
  spec.qkvBias = config.getBool("qkv_bias", true);
  spec.gelu = readGelu(config);
}

std::string import_::findPrefix(const Checkpoint &checkpoint,
                                StringRef modelType, StringRef anyWeight) {
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
    SmallVector<std::string> labels = readLabels(config);
    spec.numClasses = labels.size();
    info.labels = Builder(context).getStrArrayAttr(
        SmallVector<StringRef>(labels.begin(), labels.end()));
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
