//===- TinyVit.h - A Hugging Face folder to change and break ---*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_IMPORT_TINYVIT_H
#define VITC_TEST_UNIT_IMPORT_TINYVIT_H

#include "ImportTest.h"
#include "Vit/VitDialect.h"

namespace vitc::import_ {

/// A ViT of one layer: 8x8 pictures, patches of 4x4, width 8, two heads.
class TinyVitTest : public ImportTest {
protected:
  TinyVitTest() {
    config["architectures"] = llvm::json::Array{"ViTForImageClassification"};
    config["model_type"] = "vit";
    config["image_size"] = 8;
    config["patch_size"] = 4;
    config["hidden_size"] = 8;
    config["intermediate_size"] = 16;
    config["num_hidden_layers"] = 1;
    config["num_attention_heads"] = 2;
    config["id2label"] = llvm::json::Object{{"1", "dog"}, {"0", "cat"}};
    const std::string embeddings = "vit.embeddings.";
    tensors[embeddings + "cls_token"] = filled({1, 1, 8});
    tensors[embeddings + "position_embeddings"] = filled({1, 5, 8});
    tensors[embeddings + "patch_embeddings.projection.weight"] =
        filled({8, 3, 4, 4});
    tensors[embeddings + "patch_embeddings.projection.bias"] = filled({8});
    const std::string layer = "vit.encoder.layer.0.";
    for (const char *role : {"query", "key", "value"})
      addLinear(layer + "attention.attention." + role, 8, 8);
    addLinear(layer + "attention.output.dense", 8, 8);
    addLinear(layer + "intermediate.dense", 16, 8);
    addLinear(layer + "output.dense", 8, 16);
    for (const std::string &norm :
         {layer + "layernorm_before", layer + "layernorm_after",
          std::string("vit.layernorm")}) {
      tensors[norm + ".weight"] = filled({8});
      tensors[norm + ".bias"] = filled({8});
    }
    addLinear("classifier", 2, 8);
    writeFile("preprocessor_config.json", R"({"do_resize": false})");
    writeModel();
  }

  void addLinear(const std::string &layer, int64_t outputs, int64_t inputs) {
    tensors[layer + ".weight"] = filled({outputs, inputs});
    tensors[layer + ".bias"] = filled({outputs});
  }
  void writeModel() {
    llvm::json::Object copy = config;
    writeFile("config.json",
              llvm::formatv("{0}", llvm::json::Value(std::move(copy))).str());
    writeFile("model.safetensors", safetensors(tensors));
  }
  void expectRefused(const std::string &message) {
    diagnostics.clear();
    EXPECT_FALSE(import(folder));
    EXPECT_EQ(messages(), message);
  }
  static vit::ModelAttr getModel(mlir::ModuleOp module) {
    return module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  }

  llvm::json::Object config;
  std::map<std::string, TestTensor> tensors;
};

} // namespace vitc::import_

#endif // VITC_TEST_UNIT_IMPORT_TINYVIT_H
