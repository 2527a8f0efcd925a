//===- HuggingFaceTest.cpp - config.json and preprocessor_config.json -----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TinyVit.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

class HuggingFaceTest : public TinyVitTest {
protected:
  /// The folder's preprocessing as text; empty without one.
  std::string importPreprocess() {
    diagnostics.clear();
    OwningOpRef<ModuleOp> module = import(folder);
    EXPECT_TRUE(module) << messages();
    std::string text;
    if (module && getModel(*module).getPreprocess())
      llvm::raw_string_ostream(text) << getModel(*module).getPreprocess();
    return text;
  }
  void expectPreprocess(StringRef json, const std::string &printed) {
    writeFile("preprocessor_config.json", json);
    EXPECT_EQ(importPreprocess(), printed) << json.str();
    EXPECT_EQ(messages(), "");
  }
  void expectPreprocessRefused(StringRef json, const std::string &message) {
    writeFile("preprocessor_config.json", json);
    expectRefused(message);
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// config.json
//===----------------------------------------------------------------------===//

TEST_F(HuggingFaceTest, ImportsAClassifier) {
  OwningOpRef<ModuleOp> module = import(folder);
  ASSERT_TRUE(module) << messages();
  EXPECT_EQ(messages(), "");
  vit::ModelAttr model = getModel(*module);
  EXPECT_EQ(model.getName(), "ViTForImageClassification");
  EXPECT_EQ(model.getTask(), "classification");
  // "1" stands before "0" in the file.
  EXPECT_EQ(model.getLabels(),
            Builder(&context).getStrArrayAttr({"cat", "dog"}));
  EXPECT_EQ(model.getGrid(), vit::TokenGridAttr::get(&context, 1, 2, 2, true));
  module->walk([](vit::LayerNormOp op) {
    EXPECT_EQ(op.getEpsilon().convertToDouble(), 1e-12); // the class's default
  });
}

TEST_F(HuggingFaceTest, ImportsABackboneWithoutPrefix) {
  std::map<std::string, TestTensor> bare;
  for (const auto &[name, tensor] : tensors)
    if (StringRef(name).starts_with("vit."))
      bare[name.substr(4)] = tensor;
  bare["pooler.dense.weight"] = filled({8, 8});
  bare["pooler.dense.bias"] = filled({8});
  tensors = bare;
  config["architectures"] = llvm::json::Array{"ViTModel"};
  writeModel();
  OwningOpRef<ModuleOp> module = import(folder);
  ASSERT_TRUE(module) << messages();
  EXPECT_EQ(getModel(*module).getTask(), "embedding");
  auto function = module->lookupSymbol<func::FuncOp>("forward");
  ASSERT_EQ(function.getNumResults(), 2u);
  EXPECT_EQ(function.getResultAttr(0, "vit.name"),
            StringAttr::get(&context, "last_hidden_state"));
  EXPECT_EQ(function.getResultAttr(1, "vit.name"),
            StringAttr::get(&context, "pooler_output"));
}

TEST_F(HuggingFaceTest, LeavesOutBiasesOfQueryKeyAndValue) {
  config["qkv_bias"] = false;
  for (const char *role : {"query", "key", "value"})
    tensors.erase(std::string("vit.encoder.layer.0.attention.attention.") +
                  role + ".bias");
  writeModel();
  OwningOpRef<ModuleOp> module = import(folder);
  ASSERT_TRUE(module) << messages();
  int64_t plain = 0;
  module->walk([&](vit::LinearOp op) { plain += !op.getBias(); });
  EXPECT_EQ(plain, 3);
}

TEST_F(HuggingFaceTest, TanhGelu) {
  config["hidden_act"] = "gelu_pytorch_tanh";
  writeModel();
  OwningOpRef<ModuleOp> module = import(folder);
  ASSERT_TRUE(module) << messages();
  module->walk(
      [](vit::GeluOp op) { EXPECT_EQ(op.getForm(), vit::GeluForm::Tanh); });
}

TEST_F(HuggingFaceTest, RefusesAMissingConfig) {
  llvm::sys::fs::remove(path("config.json"));
  expectRefused("cannot be read: No such file or directory");
}

TEST_F(HuggingFaceTest, RefusesAnotherModelType) {
  config["model_type"] = "vgg";
  writeModel();
  EXPECT_FALSE(import(folder));
  EXPECT_TRUE(StringRef(messages())
                  .starts_with("model_type = 'vgg'; vitc imports beit, bert, "))
      << messages();
  config.erase("model_type");
  writeModel();
  diagnostics.clear();
  EXPECT_FALSE(import(folder));
  EXPECT_TRUE(StringRef(messages())
                  .starts_with("has no model_type, and no architecture of "
                               "timm's; vitc imports beit, bert, "))
      << messages();
}

TEST_F(HuggingFaceTest, RefusesAnotherArchitecture) {
  config["architectures"] = llvm::json::Array{"ViTForMaskedImageModeling"};
  writeModel();
  expectRefused("architecture is 'ViTForMaskedImageModeling'; vitc imports "
                "ViTForImageClassification and ViTModel of model_type vit");
}

TEST_F(HuggingFaceTest, ReportsEveryBadValue) {
  config["hidden_size"] = "wide";
  config["num_hidden_layers"] = 2000000000;
  config["patch_size"] = llvm::json::Array{4, 0};
  config["layer_norm_eps"] = -1;
  config["qkv_bias"] = 1;
  writeModel();
  expectRefused(
      "patch_size = [4,0]; it needs an integer from 1 to 65536 or a list of "
      "two, height and width\n"
      "hidden_size = \"wide\"; it needs an integer from 1 to 65536\n"
      "num_hidden_layers = 2000000000; it needs an integer from 1 to 1024\n"
      "layer_norm_eps = -1; it needs a number that is not negative\n"
      "qkv_bias = 1; it needs true or false");
}

TEST_F(HuggingFaceTest, RefusesSizesThatDoNotDivide) {
  config["num_attention_heads"] = 3;
  writeModel();
  expectRefused("hidden_size = 8 is not a multiple of num_attention_heads = 3");
  config["num_attention_heads"] = 2;
  config["image_size"] = llvm::json::Array{8, 9};
  writeModel();
  expectRefused("image_size = 8x9 is not a multiple of patch_size = 4x4");
}

TEST_F(HuggingFaceTest, RefusesAnUnknownActivation) {
  config["hidden_act"] = "relu";
  writeModel();
  expectRefused("hidden_act = 'relu'; vitc imports gelu, gelu_new, gelu_fast, "
                "gelu_pytorch_tanh and quick_gelu");
}

TEST_F(HuggingFaceTest, RefusesLabelsWithGaps) {
  config["id2label"] = llvm::json::Object{{"0", "cat"}, {"2", "dog"}};
  writeModel();
  expectRefused("id2label has \"2\": \"dog\"; it needs strings numbered from 0 "
                "to 1");
  config["id2label"] = llvm::json::Object{};
  writeModel();
  expectRefused("id2label = {}; it needs an object with one label or more");
}

//===----------------------------------------------------------------------===//
// preprocessor_config.json
//===----------------------------------------------------------------------===//

TEST_F(HuggingFaceTest, PreprocessorOfToday) {
  expectPreprocess(
      R"({"image_processor_type": "ViTImageProcessor", "do_resize": true,
          "size": {"height": 8, "width": 8}, "resample": 3,
          "rescale_factor": 0.25, "image_mean": [0.5, 0.25, 0.125],
          "image_std": [0.5, 0.5, 0.5]})",
      "#vit.preprocess<resize = [8, 8], interpolation = 3, rescale = "
      "2.500000e-01 : f64, mean = [5.000000e-01, 2.500000e-01, 1.250000e-01], "
      "std = [5.000000e-01, 5.000000e-01, 5.000000e-01]>");
}

TEST_F(HuggingFaceTest, FeatureExtractorWithANumberAsSize) {
  expectPreprocess(
      R"({"feature_extractor_type": "ViTFeatureExtractor", "size": 8,
          "do_normalize": false})",
      "#vit.preprocess<resize = [8, 8], rescale = 0.0039215686274509803 : "
      "f64>");
}

TEST_F(HuggingFaceTest, ShorterEdgeAndCrop) {
  expectPreprocess(
      R"({"image_processor_type": "DeiTImageProcessor",
          "size": {"shortest_edge": 9}, "crop_size": 8, "do_rescale": false,
          "do_normalize": false})",
      "#vit.preprocess<resize = [9], interpolation = 3, crop = [8, 8]>");
}

// A number is the shorter edge's for this class, and so is the default.
TEST_F(HuggingFaceTest, BitResizesTheShorterEdge) {
  expectPreprocess(
      R"({"image_processor_type": "BitImageProcessor", "size": 9,
          "crop_size": 8, "do_rescale": false, "do_normalize": false})",
      "#vit.preprocess<resize = [9], interpolation = 3, crop = [8, 8]>");
  expectPreprocess(
      R"({"image_processor_type": "BitImageProcessor", "crop_size": 8,
          "do_rescale": false, "do_normalize": false})",
      "#vit.preprocess<resize = [224], interpolation = 3, crop = [8, 8]>");
}

// Without a mask YOLOS would see padding.
TEST_F(HuggingFaceTest, YolosResizesToTheModelsSize) {
  expectPreprocess(
      R"({"image_processor_type": "YolosImageProcessor", "do_rescale": false,
          "size": {"shortest_edge": 800, "longest_edge": 1333},
          "do_normalize": false})",
      "#vit.preprocess<resize = [8, 8]>");
}

TEST_F(HuggingFaceTest, DetrPadsAndMasks) {
  expectPreprocess(
      R"({"feature_extractor_type": "DetrFeatureExtractor", "size": 800,
          "max_size": 1333, "do_rescale": false, "do_normalize": false})",
      "#vit.preprocess<resize = [8, 8], inside = true, pad = zero, mask = "
      "\"pixel_mask\">");
  expectPreprocess(
      R"({"image_processor_type": "DetrImageProcessor", "do_resize": false,
          "do_rescale": false, "do_normalize": false})",
      "#vit.preprocess<pad = zero, mask = \"pixel_mask\">");
}

TEST_F(HuggingFaceTest, Swin2srKeepsTheSize) {
  expectPreprocess(
      R"({"image_processor_type": "Swin2SRImageProcessor", "do_pad": true,
          "pad_size": 8, "rescale_factor": 0.25})",
      "#vit.preprocess<pad = mirror, rescale = 2.500000e-01 : f64>");
}

TEST_F(HuggingFaceTest, DefaultsOfTheClassWithoutAFile) {
  llvm::sys::fs::remove(path("preprocessor_config.json"));
  EXPECT_EQ(
      importPreprocess(),
      "#vit.preprocess<resize = [8, 8], rescale = 0.0039215686274509803 : "
      "f64, mean = [5.000000e-01, 5.000000e-01, 5.000000e-01], std = "
      "[5.000000e-01, 5.000000e-01, 5.000000e-01]>");
  EXPECT_EQ(messages(), "no preprocessor_config.json; using "
                        "ViTImageProcessor's defaults");
}

// DeiT's 256 cropped to 224, scaled to the model's 56.
TEST_F(HuggingFaceTest, DefaultsOfDeitWithoutAFile) {
  std::map<std::string, TestTensor> renamed;
  for (const auto &[name, tensor] : tensors) {
    bool inBackbone = StringRef(name).starts_with("vit.");
    renamed[inBackbone ? "deit." + name.substr(4) : name] = tensor;
  }
  renamed["deit.embeddings.distillation_token"] = filled({1, 1, 8});
  renamed["deit.embeddings.position_embeddings"] = filled({1, 198, 8});
  tensors = renamed;
  config["architectures"] = llvm::json::Array{"DeiTForImageClassification"};
  config["model_type"] = "deit";
  config["image_size"] = 56;
  writeModel();
  llvm::sys::fs::remove(path("preprocessor_config.json"));
  EXPECT_EQ(importPreprocess(),
            "#vit.preprocess<resize = [64, 64], interpolation = 3, crop = [56, "
            "56], rescale = 0.0039215686274509803 : f64, mean = [5.000000e-01, "
            "5.000000e-01, 5.000000e-01], std = [5.000000e-01, 5.000000e-01, "
            "5.000000e-01]>");
  EXPECT_EQ(messages(), "no preprocessor_config.json; using "
                        "DeiTImageProcessor's defaults");
}

TEST_F(HuggingFaceTest, NoPreprocessingWithoutPictures) {
  config["num_channels"] = 4;
  tensors["vit.embeddings.patch_embeddings.projection.weight"] =
      filled({8, 4, 4, 4});
  writeModel();
  EXPECT_EQ(importPreprocess(), "");
  EXPECT_EQ(messages(), "not used, as the model has num_channels = 4; pictures "
                        "have 1 or 3");
  llvm::sys::fs::remove(path("preprocessor_config.json"));
  EXPECT_EQ(importPreprocess(), "");
  EXPECT_EQ(messages(), "");
}

TEST_F(HuggingFaceTest, RefusesPicturesOfAnotherSize) {
  expectPreprocessRefused(R"({"size": 16})", "pictures become 16x16; the model "
                                             "needs 8x8");
  expectPreprocessRefused(
      R"({"size": {"shortest_edge": 8}})",
      "pictures keep their aspect ratio, shorter edge 8, and are not cropped; "
      "the model needs 8x8");
}

TEST_F(HuggingFaceTest, RefusesPreprocessingThatDoesNotFit) {
  expectPreprocessRefused(
      R"({"size": {"longest_edge": 8}})",
      R"(size = {"longest_edge":8}; it needs height and width, or shortest_edge)");
  expectPreprocessRefused(
      R"({"size": 8, "image_mean": [0.5]})",
      "image_mean = [0.5]; it needs 3 numbers, one for each channel");
  expectPreprocessRefused(
      R"({"size": 8, "image_std": [0.5, 0, 1]})",
      "image_std = [0.5,0,1]; it needs 3 positive numbers, one for each "
      "channel");
  expectPreprocessRefused(
      R"({"size": 8, "resample": 7})",
      "resample = 7; it needs PIL's number of a filter, 0 to 5");
  expectPreprocessRefused(
      R"({"image_processor_type": "ConvNextImageProcessor"})",
      "image_processor_type = 'ConvNextImageProcessor'; vitc imports "
      "ViTImageProcessor, DeiTImageProcessor, BeitImageProcessor, "
      "BitImageProcessor, ViTHybridImageProcessor, CLIPImageProcessor, "
      "SiglipImageProcessor, BlipImageProcessor, DINOv3ViTImageProcessor, "
      "SegformerImageProcessor, YolosImageProcessor, DetrImageProcessor and "
      "Swin2SRImageProcessor");
}
