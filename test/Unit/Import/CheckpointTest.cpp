//===- CheckpointTest.cpp - Weights of a Hugging Face folder --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TinyVit.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

class CheckpointTest : public TinyVitTest {
protected:
  /// Replaces the one file by two shards and an index.
  void writeShards(StringRef second) {
    std::map<std::string, TestTensor> shards[2];
    llvm::json::Object map;
    for (const auto &[name, tensor] : tensors) {
      bool head = StringRef(name).starts_with("classifier");
      shards[head][name] = tensor;
      map[name] = head ? second : StringRef("first.safetensors");
    }
    llvm::sys::fs::remove(path("model.safetensors"));
    writeFile("first.safetensors", safetensors(shards[0]));
    writeFile("second.safetensors", safetensors(shards[1]));
    llvm::json::Value index =
        llvm::json::Object{{"weight_map", std::move(map)}};
    writeFile("model.safetensors.index.json",
              llvm::formatv("{0}", index).str());
  }
};

} // namespace

TEST_F(CheckpointTest, NamesMissingTensors) {
  tensors.erase("vit.layernorm.bias");
  writeModel();
  expectRefused("lacks 1 tensor that config.json asks for: "
                "'vit.layernorm.bias'");
}

// A layer more than the file has.
TEST_F(CheckpointTest, CountsMissingTensors) {
  config["num_hidden_layers"] = 2;
  writeModel();
  expectRefused(
      "lacks 16 tensors that config.json asks for: "
      "'vit.encoder.layer.1.layernorm_before.weight', "
      "'vit.encoder.layer.1.layernorm_before.bias', "
      "'vit.encoder.layer.1.attention.attention.query.weight' and 13 more");
}

TEST_F(CheckpointTest, RefusesAnotherShape) {
  config["intermediate_size"] = 32;
  writeModel();
  expectRefused("tensor 'vit.encoder.layer.0.intermediate.dense.weight' has "
                "shape [16, 8]; hidden_size = 8, intermediate_size = 32 needs "
                "[32, 8]");
}

TEST_F(CheckpointTest, RefusesAnotherNumberOfPositions) {
  config["image_size"] = 16;
  writeModel();
  expectRefused(
      "tensor 'vit.embeddings.position_embeddings' has shape [1, 5, 8]; "
      "hidden_size = 8, image_size = 16x16, patch_size = 4x4 needs [1, 17, 8]");
}

TEST_F(CheckpointTest, RefusesIntegerWeights) {
  tensors["vit.layernorm.bias"].dtype = "I32";
  writeModel();
  expectRefused("tensor 'vit.layernorm.bias' has dtype I32; vitc reads F32, "
                "F16, BF16 and F64");
}

TEST_F(CheckpointTest, WarnsOfTensorsThatAreNotUsed) {
  tensors["vit.pooler.dense.bias"] = filled({8});
  tensors["vit.embeddings.position_ids"] = {"I64", {1}, std::string(8, '\0')};
  writeModel();
  EXPECT_TRUE(import(folder));
  EXPECT_EQ(messages(), "1 tensor is not part of this architecture: "
                        "'vit.pooler.dense.bias'");
}

TEST_F(CheckpointTest, RefusesWeightsOfBlocksThatAreNotUsed) {
  // A buffer of older transformers, which is no weight.
  tensors["vit.encoder.layer.0.attention.relative_coords_table"] =
      filled({2, 2});
  tensors["vit.encoder.layer.0.attention.norm.weight"] = filled({8});
  writeModel();
  expectRefused("1 tensor is not part of this architecture: "
                "'vit.encoder.layer.0.attention.norm.weight'; vitc needs a "
                "model that uses all its weights");
}

TEST_F(CheckpointTest, ConvertsHalfPrecision) {
  tensors["classifier.bias"] = {"BF16", {2}, std::string(4, '\0')};
  writeModel();
  OwningOpRef<ModuleOp> module = import(folder);
  ASSERT_TRUE(module) << messages();
  bool found = false;
  module->walk([&](vit::ConstantOp op) {
    EXPECT_TRUE(op.getType().getElementType().isF32());
    found |= op.getValue().getKind() == vit::WeightExprKind::Cast;
  });
  EXPECT_TRUE(found);
}

TEST_F(CheckpointTest, ReadsShards) {
  writeShards("second.safetensors");
  OwningOpRef<ModuleOp> module = import(folder);
  ASSERT_TRUE(module) << messages();
  auto getFile = [&](StringRef weight) {
    return *module->lookupSymbol<vit::WeightOp>(weight).getFile();
  };
  EXPECT_EQ(getFile("vit.layernorm.bias"), "first.safetensors");
  EXPECT_EQ(getFile("classifier.bias"), "second.safetensors");
}

TEST_F(CheckpointTest, RefusesShardsOutsideOfTheFolder) {
  writeShards("../second.safetensors");
  diagnostics.clear();
  EXPECT_FALSE(import(folder));
  EXPECT_EQ(messages(),
            "tensor 'classifier.bias' needs the name of a file in the folder");
}

TEST_F(CheckpointTest, RefusesAnIndexThatLies) {
  writeShards("first.safetensors");
  diagnostics.clear();
  EXPECT_FALSE(import(folder));
  EXPECT_EQ(messages(), "tensor 'classifier.bias' is not in first.safetensors");
}

TEST_F(CheckpointTest, RefusesOtherWeightFiles) {
  llvm::sys::fs::remove(path("model.safetensors"));
  writeFile("pytorch_model.bin", "x");
  expectRefused("has neither model.safetensors nor "
                "model.safetensors.index.json; pytorch_model.bin is converted "
                "by 'python -m vitc.export'");
}

TEST_F(CheckpointTest, RefusesAFileAsSource) {
  EXPECT_FALSE(import(path("model.safetensors")));
  EXPECT_EQ(messages(),
            "is weights without a config.json, which 'python -m vitc.export' "
            "converts; vitc reads .onnx files, .mlir files, folders with "
            "config.json and *.safetensors, and zoo:NAME");
}
