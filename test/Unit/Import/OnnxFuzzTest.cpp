//===- OnnxFuzzTest.cpp - Damaged models are refused or imported ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnnxModel.h"

#include <random>

using namespace mlir;
using namespace vitc::onnx;

namespace {

/// Sizes of a reshape from the input's, as exporters compute them.
ModelProto makeShapeChain() {
  ModelProto model = makeModel(17);
  GraphProto &graph = *model.mutable_graph();
  addInput(graph, "x", TensorProto::FLOAT, {-1, 4, 6});
  addInts(graph, "zero", {0});
  addInts(graph, "one", {1});
  addInts(graph, "rest", {2, -1});
  addNode(graph, "Shape", {"x"}, {"shape"});
  addNode(graph, "Gather", {"shape", "zero"}, {"batch"});
  addNode(graph, "Mul", {"batch", "one"}, {"same"});
  setInt(addNode(graph, "Concat", {"same", "rest"}, {"target"}), "axis", 0);
  addNode(graph, "Reshape", {"x", "target"}, {"r"});
  setInts(addNode(graph, "Transpose", {"r"}, {"t"}), "perm", {0, 2, 1});
  addNode(graph, "Slice", {"t", "zero", "one", "one", "one"}, {"y"});
  addOutput(graph, "y");
  return model;
}

/// A normalised product with weights in the file.
ModelProto makeLayer() {
  ModelProto model = makeModel(20);
  GraphProto &graph = *model.mutable_graph();
  addInput(graph, "x", TensorProto::FLOAT, {-1, 5, 8});
  addInitializer(graph, "w", TensorProto::FLOAT, {8, 8},
                 encode(std::vector<float>(64, 0.5f)));
  addInitializer(graph, "half", TensorProto::FLOAT16, {100},
                 encode(std::vector<uint16_t>(100, 0x3c00)));
  addInitializer(graph, "s", TensorProto::FLOAT, {8},
                 encode(std::vector<float>(8, 2)));
  setInt(addNode(graph, "LayerNormalization", {"x", "s"}, {"n"}), "axis", -1);
  addNode(graph, "MatMul", {"n", "w"}, {"p"});
  addNode(graph, "Gelu", {"p"}, {"g"});
  setInt(addNode(graph, "Softmax", {"g"}, {"a"}), "axis", 1);
  setInts(addNode(graph, "ReduceMean", {"a"}, {"m"}), "axes", {1});
  addNode(graph, "Cast", {"half"}, {"c"});
  setInt(*graph.mutable_node(5), "to", TensorProto::INT8);
  addOutput(graph, "a");
  addOutput(graph, "c");
  return model;
}

/// Convolution, pooling and padding, evaluated at import.
ModelProto makeWindows() {
  ModelProto model = makeModel(13);
  GraphProto &graph = *model.mutable_graph();
  addInitializer(graph, "x", TensorProto::FLOAT, {1, 2, 5, 5},
                 encode(std::vector<float>(50, 1)));
  addInitializer(graph, "w", TensorProto::FLOAT, {4, 1, 3, 3},
                 encode(std::vector<float>(36, 1)));
  addInts(graph, "pads", {0, 0, 1, 1, 0, 0, 1, 1});
  addNode(graph, "Pad", {"x", "pads"}, {"p"});
  NodeProto &conv = addNode(graph, "Conv", {"p", "w"}, {"c"});
  setInt(conv, "group", 2);
  setInts(conv, "strides", {2, 2});
  setInts(conv, "dilations", {1, 2});
  NodeProto &pool = addNode(graph, "MaxPool", {"c"}, {"m"});
  setInts(pool, "kernel_shape", {2, 2});
  setInts(pool, "pads", {1, 1, 0, 0});
  addNode(graph, "Relu", {"m"}, {"y"});
  addOutput(graph, "y");
  return model;
}

class OnnxFuzzTest : public OnnxTest {
protected:
  static constexpr int kMutations = 700;

  /// Damages one to four bytes, or cuts, or repeats a piece.
  std::string mutate(std::string bytes) {
    auto pick = [&](size_t count) { return size_t(random() % count); };
    switch (pick(8)) {
    case 0:
      bytes.resize(pick(bytes.size()));
      break;
    case 1:
      bytes.insert(pick(bytes.size()),
                   bytes.substr(pick(bytes.size()), 1 + pick(32)));
      break;
    case 2:
      bytes.erase(pick(bytes.size()), 1 + pick(16));
      break;
    default:
      for (size_t count = 1 + pick(4); count > 0; --count) {
        constexpr char special[] = {0, 1, 2, 127, char(128), char(255)};
        char &byte = bytes[pick(bytes.size())];
        byte = pick(2) ? char(random()) : special[pick(sizeof(special))];
      }
    }
    return bytes;
  }
  /// Every damaged model is imported without a word or refused with one line.
  void run(const ModelProto &model) {
    std::string bytes = model.SerializeAsString();
    ASSERT_TRUE(importBytes(bytes)) << messages();
    int refused = 0;
    for (int round = 0; round < kMutations; ++round) {
      std::string damaged = mutate(bytes);
      OwningOpRef<ModuleOp> module = importBytes(damaged);
      refused += !module;
      EXPECT_EQ(diagnostics.size(), module ? 0u : 1u)
          << "round " << round << ": " << messages();
      EXPECT_EQ(messages().find('\n'), std::string::npos) << messages();
    }
    EXPECT_GT(refused, kMutations / 4);
    EXPECT_LT(refused, kMutations);
  }

  /// --gtest_random_seed tries other damage.
  std::mt19937 random{unsigned(GTEST_FLAG_GET(random_seed))};
};

} // namespace

TEST_F(OnnxFuzzTest, ShapeChain) { run(makeShapeChain()); }
TEST_F(OnnxFuzzTest, Layer) { run(makeLayer()); }
TEST_F(OnnxFuzzTest, Windows) { run(makeWindows()); }
