//===- Arguments.cpp - The model_args of timm's folders -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Timm.h"

#include "InputFile.h"
#include "ModelLimits.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Arguments whose effect shows in the names and shapes of the weights; a
/// family where it does not reads them.
static constexpr StringLiteral kDecidedByWeights[] = {
    "class_token",
    "cls_attn_layers",
    "depth",
    "depths",
    "embed_dim",
    "eta",
    "fc_norm",
    "final_norm",
    "in_chans",
    "init_values",
    "mlp_ratio",
    "no_embed_class",
    "num_classes",
    "num_reg_tokens",
    "patch_size",
    "pos_embed",
    "pre_norm",
    "proj_bias",
    "qk_norm",
    "qkv_bias",
    "qkv_fused",
    "reg_tokens",
    "scale_attn_inner",
    "scale_attn_norm",
    "scale_mlp",
    "scale_mlp_norm",
    "swiglu_align_to",
    "swiglu_mlp",
    "use_abs_pos_emb",
    "use_fc_norm",
    "use_pos_embed",
    "use_post_transformer_norm",
    "use_pre_transformer_norm",
    "use_rel_pos_bias",
    "use_shared_rel_pos_bias",
};

/// Arguments that a compiled model of one size, in evaluation, has no use for.
static constexpr StringLiteral kWithoutEffect[] = {
    "dynamic_img_size", "fix_init",      "head_init_scale",
    "strict_img_size",  "use_mix_token", "weight_init"};

/// A feature that is off. A family reads the flags that are on by default and
/// that weights do not show.
static bool isOff(const llvm::json::Value &value) {
  return value.getAsNull() || value.getAsBoolean() == false;
}

Config import_::readTimmArguments(Config &config, ArrayRef<StringLiteral> read,
                                  ArrayRef<StringLiteral> decided) {
  const llvm::json::Value *value = config.lookup("model_args");
  const llvm::json::Object *object = value ? value->getAsObject() : nullptr;
  if (value && !object)
    config.emitError() << "model_args = " << formatJson(*value)
                       << "; it needs an object";
  if (!object)
    return Config(llvm::json::Object(), config.getLoc());
  for (const auto *member : getSortedMembers(*object)) {
    StringRef key = member->first;
    if (!llvm::is_contained(read, key) && !llvm::is_contained(decided, key) &&
        !llvm::is_contained(kDecidedByWeights, key) &&
        !llvm::is_contained(kWithoutEffect, key) && !key.ends_with("_rate") &&
        !isOff(member->second))
      config.emitError() << "model_args has " << key << " = "
                         << formatJson(member->second) << "; vitc reads "
                         << llvm::join(read, ", ")
                         << " and those that the weights decide";
  }
  return Config(*object, config.getLoc());
}

SmallVector<int64_t, 4> import_::readTimmIndices(Config &arguments,
                                                 StringRef key,
                                                 ArrayRef<int64_t> defaults) {
  const llvm::json::Value *value = arguments.lookup(key);
  const llvm::json::Array *list = value ? value->getAsArray() : nullptr;
  if (list && list->empty())
    return {};
  return arguments.getSizes(key, defaults, kMaxLayers, /*min=*/0);
}

std::string import_::readTimmPooling(Config &config, Config &arguments,
                                     StringRef defaultValue) {
  return arguments.getString("global_pool",
                             config.getString("global_pool", defaultValue));
}

vit::GeluForm import_::readTimmGelu(Config &arguments,
                                    vit::GeluForm defaultValue) {
  if (!arguments.contains("act_layer"))
    return defaultValue;
  std::string name = arguments.getString("act_layer", "");
  auto form = llvm::StringSwitch<std::optional<vit::GeluForm>>(name)
                  .Case("gelu", vit::GeluForm::Exact)
                  .Case("gelu_tanh", vit::GeluForm::Tanh)
                  .Case("quick_gelu", vit::GeluForm::Quick)
                  .Default(std::nullopt);
  if (!form && !arguments.failed())
    arguments.emitError() << "model_args has act_layer = '" << name
                          << "'; vitc imports gelu, gelu_tanh and quick_gelu";
  return form.value_or(defaultValue);
}
