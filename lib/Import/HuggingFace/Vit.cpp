//===- Vit.cpp - ViT and DeiT of transformers -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HuggingFace.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Limits far above any model, far below what overflows.
static constexpr int64_t kMaxWidth = 65536;
static constexpr int64_t kMaxHidden = int64_t(1) << 20;
static constexpr int64_t kMaxLayers = 1024;
static constexpr int64_t kMaxPixels = 65536; // along one side
static constexpr int64_t kMaxChannels = 1024;

/// The architecture's class, by default the classifier.
static std::string readArchitecture(Config &config, bool deit) {
  const llvm::json::Value *value = config.lookup("architectures");
  if (!value)
    return deit ? "DeiTForImageClassification" : "ViTForImageClassification";
  const llvm::json::Array *list = value->getAsArray();
  std::optional<StringRef> name =
      list && list->size() == 1 ? (*list)[0].getAsString() : std::nullopt;
  if (!name) {
    config.emitError() << "architectures = " << formatJson(*value)
                       << "; it needs a list of one name";
    return "";
  }
  return name->str();
}

static void readOutput(Config &config, VitSpec &spec, bool deit) {
  std::string model = deit ? "DeiT" : "ViT";
  if (spec.architecture == model + "ForImageClassification")
    spec.output = VitOutput::Logits;
  else if (spec.architecture == model + "Model")
    spec.output = VitOutput::HiddenStates;
  else if (deit &&
           spec.architecture == model + "ForImageClassificationWithTeacher")
    spec.output = VitOutput::TeacherLogits;
  else if (!config.failed())
    config.emitError() << "architecture is '" << spec.architecture
                       << "'; vitc imports "
                       << (deit ? "DeiTModel, DeiTForImageClassification and "
                                  "DeiTForImageClassificationWithTeacher of "
                                  "model_type deit"
                                : "ViTModel and ViTForImageClassification of "
                                  "model_type vit");
}

static void readActivation(Config &config, VitSpec &spec) {
  std::string name = config.getString("hidden_act", "gelu");
  std::optional<bool> tanh =
      llvm::StringSwitch<std::optional<bool>>(name)
          .Cases({"gelu", "gelu_python"}, false)
          .Cases({"gelu_new", "gelu_fast", "gelu_pytorch_tanh",
                  "gelu_python_tanh", "gelu_accurate"},
                 true)
          .Default(std::nullopt);
  if (tanh)
    spec.tanhGelu = *tanh;
  else
    config.emitError() << "hidden_act = '" << name
                       << "'; vitc imports gelu, gelu_new, gelu_fast and "
                          "gelu_pytorch_tanh";
}

static VitSpec readSpec(Config &config, bool deit) {
  VitSpec spec;
  spec.architecture = readArchitecture(config, deit);
  readOutput(config, spec, deit);
  std::tie(spec.imageHeight, spec.imageWidth) =
      config.getSizePair("image_size", 224, kMaxPixels);
  std::tie(spec.patchHeight, spec.patchWidth) =
      config.getSizePair("patch_size", 16, kMaxPixels);
  spec.channels = config.getSize("num_channels", 3, kMaxChannels);
  spec.hiddenSize = config.getSize("hidden_size", 768, kMaxWidth);
  spec.intermediateSize = config.getSize("intermediate_size", 3072, kMaxHidden);
  spec.numLayers = config.getSize("num_hidden_layers", 12, kMaxLayers);
  spec.numHeads = config.getSize("num_attention_heads", 12, kMaxWidth);
  spec.layerNormEps = config.getNumber("layer_norm_eps", 1e-12);
  spec.qkvBias = config.getBool("qkv_bias", true);
  spec.distillationToken = deit;
  readActivation(config, spec);
  return spec;
}

/// ViTModel's files have no prefix, those of a classifier have.
static std::string findPrefix(const Checkpoint &checkpoint, StringRef model) {
  std::string prefix = (model + ".").str();
  bool plain = checkpoint.contains("embeddings.cls_token") &&
               !checkpoint.contains(prefix + "embeddings.cls_token");
  return plain ? "" : prefix;
}

/// Adds the pooler when the file has one; only its size may differ from the
/// class's default.
static void readPooler(Config &config, const Checkpoint &checkpoint,
                       VitSpec &spec) {
  if (spec.output != VitOutput::HiddenStates ||
      !checkpoint.contains(spec.prefix + "pooler.dense.weight"))
    return;
  spec.pooler = true;
  std::string activation = config.getString("pooler_act", "tanh");
  if (activation != "tanh")
    config.emitError() << "pooler_act = '" << activation
                       << "'; vitc imports tanh";
  int64_t size =
      config.getSize("pooler_output_size", spec.hiddenSize, kMaxWidth);
  if (size != spec.hiddenSize)
    config.emitError() << "pooler_output_size = " << size
                       << "; vitc needs hidden_size = " << spec.hiddenSize;
}

OwningOpRef<ModuleOp> import_::importVit(StringRef folder, Config &config,
                                         Checkpoint &checkpoint,
                                         const ImportOptions &options) {
  MLIRContext *context = config.getLoc().getContext();
  std::string modelType = config.getString("model_type", "");
  VitSpec spec = readSpec(config, modelType == "deit");
  spec.prefix = findPrefix(checkpoint, modelType);
  readPooler(config, checkpoint, spec);

  VitModelInfo info;
  if (spec.output != VitOutput::HiddenStates) {
    SmallVector<std::string> labels = readLabels(config);
    spec.numClasses = labels.size();
    info.labels = Builder(context).getStrArrayAttr(
        SmallVector<StringRef>(labels.begin(), labels.end()));
  }
  if (config.failed() || failed(verifySpec(spec, options, config.getLoc())))
    return nullptr;
  FailureOr<vit::PreprocessAttr> preprocess =
      importPreprocessor(folder, modelType, spec.imageHeight, spec.imageWidth,
                         spec.channels, *context);
  if (failed(preprocess))
    return nullptr;
  info.preprocess = *preprocess;
  return buildVit(spec, checkpoint, info, options, config.getLoc());
}
