//===- TextModelTest.cpp - Text encoders and towers -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportTest.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

/// Folders of one layer, width 8, two heads, 20 words and 6 positions.
class TextModelTest : public ImportTest {
protected:
  void addLinear(const std::string &layer, int64_t outputs, int64_t inputs) {
    tensors[layer + ".weight"] = filled({outputs, inputs});
    tensors[layer + ".bias"] = filled({outputs});
  }
  void addNorm(const std::string &layer) {
    tensors[layer + ".weight"] = filled({8});
    tensors[layer + ".bias"] = filled({8});
  }
  void makeBert() {
    config =
        llvm::json::Object{{"architectures", llvm::json::Array{"BertModel"}},
                           {"model_type", "bert"},
                           {"vocab_size", 20},
                           {"hidden_size", 8},
                           {"num_hidden_layers", 1},
                           {"num_attention_heads", 2},
                           {"intermediate_size", 16},
                           {"type_vocab_size", 2},
                           {"max_position_embeddings", 6}};
    tensors["embeddings.word_embeddings.weight"] = filled({20, 8});
    tensors["embeddings.position_embeddings.weight"] = filled({6, 8});
    tensors["embeddings.token_type_embeddings.weight"] = filled({2, 8});
    addNorm("embeddings.LayerNorm");
    const std::string layer = "encoder.layer.0.";
    for (const char *name :
         {"self.query", "self.key", "self.value", "output.dense"})
      addLinear(layer + "attention." + name, 8, 8);
    addNorm(layer + "attention.output.LayerNorm");
    addLinear(layer + "intermediate.dense", 16, 8);
    addLinear(layer + "output.dense", 8, 16);
    addNorm(layer + "output.LayerNorm");
    writeModel();
  }
  void addTower(const std::string &tower) {
    const std::string layer = tower + ".encoder.layers.0.";
    for (const char *role : {"q_proj", "k_proj", "v_proj", "out_proj"})
      addLinear(layer + "self_attn." + role, 8, 8);
    addLinear(layer + "mlp.fc1", 16, 8);
    addLinear(layer + "mlp.fc2", 8, 16);
    addNorm(layer + "layer_norm1");
    addNorm(layer + "layer_norm2");
  }
  void makeClip() {
    llvm::json::Object sizes{{"hidden_size", 8},
                             {"num_hidden_layers", 1},
                             {"num_attention_heads", 2},
                             {"intermediate_size", 16}};
    llvm::json::Object text = sizes, vision = sizes;
    text["vocab_size"] = 20;
    text["max_position_embeddings"] = 6;
    text["eos_token_id"] = 19;
    vision["image_size"] = 8;
    vision["patch_size"] = 4;
    config =
        llvm::json::Object{{"architectures", llvm::json::Array{"CLIPModel"}},
                           {"model_type", "clip"},
                           {"projection_dim", 4},
                           {"text_config", std::move(text)},
                           {"vision_config", std::move(vision)}};
    addTower("text_model");
    addTower("vision_model");
    const std::string text_ = "text_model.", vision_ = "vision_model.";
    tensors[text_ + "embeddings.token_embedding.weight"] = filled({20, 8});
    tensors[text_ + "embeddings.position_embedding.weight"] = filled({6, 8});
    addNorm(text_ + "final_layer_norm");
    tensors[vision_ + "embeddings.class_embedding"] = filled({8});
    tensors[vision_ + "embeddings.patch_embedding.weight"] =
        filled({8, 3, 4, 4});
    tensors[vision_ + "embeddings.position_embedding.weight"] = filled({5, 8});
    addNorm(vision_ + "pre_layrnorm");
    addNorm(vision_ + "post_layernorm");
    tensors["text_projection.weight"] = filled({4, 8});
    tensors["visual_projection.weight"] = filled({4, 8});
    tensors["logit_scale"] = filled({}, 2.0f);
    writeFile("preprocessor_config.json",
              R"({"do_resize": false, "do_center_crop": false})");
    writeModel();
  }
  void writeModel() {
    llvm::json::Object copy = config;
    writeFile("config.json",
              llvm::formatv("{0}", llvm::json::Value(std::move(copy))).str());
    writeFile("model.safetensors", safetensors(tensors));
  }
  static vit::ModelAttr getModel(ModuleOp module) {
    return module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  }
  static vit::AttentionOp getAttention(func::FuncOp function) {
    auto attentions = function.getOps<vit::AttentionOp>();
    EXPECT_EQ(std::distance(attentions.begin(), attentions.end()), 1);
    return *attentions.begin();
  }
  static std::vector<std::string> getInputs(func::FuncOp function) {
    std::vector<std::string> names;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      names.push_back(
          function.getArgAttrOfType<StringAttr>(i, vit::VitDialect::kNameAttr)
              .str());
    return names;
  }

  llvm::json::Object config;
  std::map<std::string, TestTensor> tensors;
};

} // namespace

TEST_F(TextModelTest, BertMasksKeys) {
  makeBert();
  OwningOpRef<ModuleOp> module = import(folder);
  ASSERT_TRUE(module) << messages();
  EXPECT_EQ(messages(), "");
  EXPECT_EQ(getModel(*module).getTask(), "embedding");
  auto forward = module->lookupSymbol<func::FuncOp>("forward");
  EXPECT_EQ(getInputs(forward),
            (std::vector<std::string>{"input_ids", "attention_mask",
                                      "token_type_ids"}));
  Type tokens = RankedTensorType::get({ShapedType::kDynamic, 6},
                                      IntegerType::get(&context, 64));
  for (Type type : forward.getArgumentTypes())
    EXPECT_EQ(type, tokens);
  EXPECT_EQ(forward.getNumResults(), 1u); // the folder has no pooler
  vit::AttentionOp attention = getAttention(forward);
  EXPECT_FALSE(attention.getCausal());
  ASSERT_TRUE(attention.getMask());
  // Every head and query reads one row of the mask.
  EXPECT_TRUE(attention.getMask().getDefiningOp<linalg::BroadcastOp>());
}

TEST_F(TextModelTest, MaxLengthIsTheLengthOfTexts) {
  makeBert();
  ImportOptions options;
  options.maxLength = 4;
  options.batch = 3;
  OwningOpRef<ModuleOp> module = import(folder, options);
  ASSERT_TRUE(module) << messages();
  auto forward = module->lookupSymbol<func::FuncOp>("forward");
  EXPECT_EQ(forward.getArgumentTypes()[0],
            RankedTensorType::get({3, 4}, IntegerType::get(&context, 64)));
  for (int64_t length : {0, 7}) {
    diagnostics.clear();
    options.maxLength = length;
    EXPECT_FALSE(import(folder, options));
    EXPECT_EQ(messages(), "texts of " + std::to_string(length) +
                              " tokens were asked for; the model has positions "
                              "for 1 to 6");
  }
}

TEST_F(TextModelTest, OneLabelIsASigmoid) {
  makeBert();
  std::map<std::string, TestTensor> bare;
  bare.swap(tensors);
  for (const auto &[name, tensor] : bare)
    tensors["bert." + name] = tensor;
  addLinear("bert.pooler.dense", 8, 8);
  addLinear("classifier", 1, 8);
  config["architectures"] = llvm::json::Array{"BertForSequenceClassification"};
  config["id2label"] = llvm::json::Object{{"0", "relevant"}};
  writeModel();
  OwningOpRef<ModuleOp> module = import(folder);
  ASSERT_TRUE(module) << messages();
  EXPECT_EQ(getModel(*module).getTask(), "classification");
  EXPECT_TRUE(getModel(*module).getSigmoid());

  config["id2label"] = llvm::json::Object{{"0", "no"}, {"1", "yes"}};
  addLinear("classifier", 2, 8);
  writeModel();
  module = import(folder);
  ASSERT_TRUE(module) << messages();
  EXPECT_FALSE(getModel(*module).getSigmoid());
}

TEST_F(TextModelTest, ClipHasAnEntryForEachTower) {
  makeClip();
  OwningOpRef<ModuleOp> module = import(folder);
  ASSERT_TRUE(module) << messages();
  EXPECT_EQ(messages(), "");
  vit::ModelAttr model = getModel(*module);
  EXPECT_EQ(model.getTask(), "ranking");
  EXPECT_FALSE(model.getSigmoid());
  ASSERT_TRUE(model.getRanking());
  EXPECT_DOUBLE_EQ(model.getRanking().getScale().getValueAsDouble(),
                   std::exp(2.0));
  EXPECT_EQ(model.getRanking().getBias().getValueAsDouble(), 0.0);
  EXPECT_EQ(model.getGrid(), vit::TokenGridAttr::get(&context, 1, 2, 2, true));

  auto forward = module->lookupSymbol<func::FuncOp>("forward");
  auto text = module->lookupSymbol<func::FuncOp>("text");
  ASSERT_TRUE(text);
  EXPECT_EQ(getInputs(forward), std::vector<std::string>{"pixel_values"});
  EXPECT_EQ(getInputs(text), std::vector<std::string>{"input_ids"});
  Type embedding = RankedTensorType::get({ShapedType::kDynamic, 4},
                                         Float32Type::get(&context));
  EXPECT_EQ(forward.getResultTypes(), ArrayRef<Type>(embedding));
  EXPECT_EQ(text.getResultTypes(), ArrayRef<Type>(embedding));
  EXPECT_FALSE(getAttention(forward).getCausal());
  EXPECT_EQ(getAttention(text).getCausal(), 0);
  EXPECT_FALSE(getAttention(text).getMask());
}

TEST_F(TextModelTest, ReadsScalesOfEveryFloat) {
  makeClip();
  // 2.0 in f16, bf16 and f64.
  const std::pair<const char *, std::string> spellings[] = {
      {"F16", std::string("\x00\x40", 2)},
      {"BF16", std::string("\x00\x40", 2)},
      {"F64", std::string("\0\0\0\0\0\0\0\x40", 8)}};
  for (const auto &[dtype, bytes] : spellings) {
    tensors["logit_scale"] = {dtype, {1}, bytes};
    writeModel();
    OwningOpRef<ModuleOp> module = import(folder);
    ASSERT_TRUE(module) << messages();
    EXPECT_DOUBLE_EQ(
        getModel(*module).getRanking().getScale().getValueAsDouble(),
        std::exp(2.0))
        << dtype;
  }
}
