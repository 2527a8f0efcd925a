//===- HuggingFace.cpp - Folders of transformers models -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HuggingFace.h"

#include "InputFile.h"
#include "Timm/Timm.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// More classes than any data set has.
static constexpr int64_t kMaxLabels = int64_t(1) << 20;

using ImportFn = OwningOpRef<ModuleOp> (*)(StringRef folder, Config &config,
                                           Checkpoint &checkpoint,
                                           const ImportOptions &options);

namespace {
struct ModelType {
  StringRef name;
  ImportFn import;
};
} // namespace

static constexpr ModelType kModelTypes[] = {
    {"beit", importBeit},
    {"bert", importBert},
    {"blip", importBlip},
    {"clip", importClip},
    {"clip_text_model", importClip},
    {"clip_vision_model", importClip},
    {"deit", importVit},
    {"detr", importDetr},
    {"dinov2", importDinov2},
    {"dinov2_with_registers", importDinov2},
    {"dinov3_vit", importDinov3},
    {"distilbert", importDistilBert},
    {"gpt2", importGpt2},
    {"marian", importMarian},
    {"mpnet", importMpnet},
    {"roberta", importBert},
    {"segformer", importSegformer},
    {"siglip", importSiglip},
    {"siglip_text_model", importSiglip},
    {"siglip_vision_model", importSiglip},
    {"swin", importSwin},
    {"swin2sr", importSwin2sr},
    {"swinv2", importSwin},
    {"t5", importT5},
    {"vision-encoder-decoder", importVisionEncoderDecoder},
    {"vit", importVit},
    {"vit-hybrid", importVitHybrid},
    {"vit_mae", importMae},
    {"xlm-roberta", importBert},
    {"yolos", importYolos},
};

OwningOpRef<ModuleOp> import_::importHuggingFace(StringRef folder,
                                                 MLIRContext &context,
                                                 const ImportOptions &options) {
  FailureOr<Config> config =
      Config::read(joinPath(folder, "config.json"), context);
  if (failed(config))
    return nullptr;
  std::string modelType = config->getString("model_type", "");
  if (config->failed())
    return nullptr;
  if (modelType.empty() && config->contains("architecture")) {
    FailureOr<std::unique_ptr<Checkpoint>> checkpoint =
        Checkpoint::open(folder, context);
    if (failed(checkpoint))
      return nullptr;
    return importTimm(*config, **checkpoint, options);
  }
  const ModelType *type =
      llvm::find_if(kModelTypes, [&](const ModelType &each) {
        return each.name == modelType;
      });
  if (type == std::end(kModelTypes)) {
    InFlightDiagnostic error = config->emitError();
    if (modelType.empty())
      error << "has no model_type, and no architecture of timm's";
    else
      error << "model_type = '" << modelType << "'";
    error << "; vitc imports "
          << llvm::join(llvm::map_range(
                            kModelTypes,
                            [](const ModelType &each) { return each.name; }),
                        ", ");
    return nullptr;
  }
  FailureOr<std::unique_ptr<Checkpoint>> checkpoint =
      Checkpoint::open(folder, context);
  if (failed(checkpoint))
    return nullptr;
  return type->import(folder, *config, **checkpoint, options);
}

static SmallVector<std::string> readNames(Config &config) {
  const llvm::json::Value *value = config.lookup("id2label");
  if (!value) {
    // transformers' default for the number of labels is 2.
    SmallVector<std::string> labels;
    int64_t count = config.getSize("num_labels", 2, kMaxLabels);
    for (int64_t index = 0; index < count; ++index)
      labels.push_back("LABEL_" + std::to_string(index));
    return labels;
  }
  const llvm::json::Object *object = value->getAsObject();
  if (!object || object->empty()) {
    config.emitError() << "id2label = " << formatJson(*value)
                       << "; it needs an object with one label or more";
    return {};
  }
  SmallVector<std::string> labels(object->size());
  for (const auto *member : getSortedMembers(*object)) {
    StringRef key = member->first;
    uint64_t index = 0;
    std::optional<StringRef> text = member->second.getAsString();
    // One spelling of each number, so that equal counts mean no gap.
    if (!text || key.getAsInteger(10, index) || index >= labels.size() ||
        std::to_string(index) != key) {
      config.emitError() << "id2label has \"" << key
                         << "\": " << formatJson(member->second)
                         << "; it needs strings numbered from 0 to "
                         << labels.size() - 1;
      return {};
    }
    labels[index] = text->str();
  }
  return labels;
}

ArrayAttr import_::readLabels(Config &config) {
  SmallVector<std::string> names = readNames(config);
  return Builder(config.getLoc().getContext())
      .getStrArrayAttr(SmallVector<StringRef>(names.begin(), names.end()));
}
