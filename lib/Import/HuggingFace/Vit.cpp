//===- Vit.cpp - ViT and DeiT of transformers -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitConfig.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr VitArchitecture kVitArchitectures[] = {
    {"ViTForImageClassification", VitOutput::Logits},
    {"ViTModel", VitOutput::HiddenStates},
};
static constexpr VitArchitecture kDeitArchitectures[] = {
    {"DeiTForImageClassification", VitOutput::Logits},
    {"DeiTForImageClassificationWithTeacher", VitOutput::TeacherLogits},
    {"DeiTModel", VitOutput::HiddenStates},
};

/// Adds the pooler when the file has one; only its size may differ from the
/// class's default.
static void readPooler(Config &config, const Checkpoint &checkpoint,
                       VitSpec &spec) {
  if (spec.output != VitOutput::HiddenStates ||
      !checkpoint.contains(spec.prefix + spec.names.pooler + ".weight"))
    return;
  spec.pooler = VitPooler::Dense;
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
  std::string modelType = config.getString("model_type", "");
  bool deit = modelType == "deit";
  VitSpec spec;
  readArchitecture(
      config, deit ? ArrayRef(kDeitArchitectures) : kVitArchitectures, spec);
  readEncoder(config, spec);
  spec.intermediateSize = config.getSize("intermediate_size", 3072, kMaxHidden);
  if (deit) {
    spec.distillationToken = true;
    spec.names.distillationToken = "embeddings.distillation_token";
  }
  if (spec.output == VitOutput::TeacherLogits)
    spec.names.classifier = "cls_classifier";
  spec.prefix = findPrefix(checkpoint, modelType, spec.names.classToken);
  readPooler(config, checkpoint, spec);
  return finishVit(folder, config, checkpoint, spec, options);
}
