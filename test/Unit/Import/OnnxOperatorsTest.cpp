//===- OnnxOperatorsTest.cpp - Operands that an operator cannot take ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnnxModel.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

namespace {

using Ints = std::vector<int64_t>;

/// One node on a float input "x", and what it is refused with.
class OnnxOperatorsTest : public OnnxTest {
protected:
  OnnxOperatorsTest() : model(makeModel()), graph(*model.mutable_graph()) {
    addOutput(graph, "y");
  }
  void addX(Ints shape) {
    addInput(graph, "x", TensorProto::FLOAT, std::move(shape));
  }
  void addFloats(const std::string &name, std::vector<float> values) {
    int64_t size = values.size();
    addInitializer(graph, name, TensorProto::FLOAT, {size},
                   encode(std::move(values)));
  }
  void addZeros(const std::string &name, Ints shape) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    addInitializer(graph, name, TensorProto::FLOAT, shape,
                   std::string(4 * count, '\0'));
  }
  NodeProto &add(const std::string &op, std::vector<std::string> inputs) {
    return addNode(graph, op, std::move(inputs), {"y"});
  }
  static void setString(NodeProto &node, const std::string &name,
                        const std::string &value) {
    onnx_proto::AttributeProto &attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx_proto::AttributeProto::STRING);
    attribute.set_s(value);
  }
  void expectRefused(const std::string &message) {
    OnnxTest::expectRefused(model, message);
  }

  ModelProto model;
  GraphProto &graph;
};

} // namespace

TEST_F(OnnxOperatorsTest, ConvolutionsNeedAFilter) {
  addX({1, 2, 5, 5});
  addZeros("w", {4, 2, 0, 3});
  add("Conv", {"x", "w"});
  expectRefused("node 'y' (Conv): the window has 0 positions with a dilation "
                "of 1; it may span 1 to 16777216");
}

TEST_F(OnnxOperatorsTest, ConvolutionsNeedTheirGroups) {
  addX({1, 2, 5, 5});
  addZeros("w", {0, 2, 3, 3});
  setInt(add("Conv", {"x", "w"}), "group", INT64_MAX);
  expectRefused("node 'y' (Conv): group is 9223372036854775807 with 2 input "
                "channels and a filter of shape [0, 2, 3, 3]; the groups have "
                "to share both evenly");
}

TEST_F(OnnxOperatorsTest, TransposedConvolutionsNeedAnOutputShape) {
  addX({1, 2, 5, 5});
  addZeros("w", {2, 2, 3, 3});
  setInts(add("ConvTranspose", {"x", "w"}), "output_shape", {INT64_MIN, 5});
  expectRefused("node 'y' (ConvTranspose): the input or the result has spatial "
                "size -9223372036854775808; 1 to 16777216 is supported");
}

TEST_F(OnnxOperatorsTest, ResizesThatKeepTheAspectStayBounded) {
  addX({1, 1, 4194304, 1});
  addInts(graph, "sizes", {8, 4194304});
  NodeProto &node = add("Resize", {"x", "", "", "sizes"});
  setInts(node, "axes", {2, 3});
  setString(node, "keep_aspect_ratio_policy", "not_smaller");
  expectRefused("node 'y' (Resize): dim 2 of size 4194304 is resized to "
                "1.759219e+13 to keep the aspect ratio; 1 to 16777216 is "
                "needed");
}

TEST_F(OnnxOperatorsTest, ResizesThatKeepTheAspectLeaveTheBatch) {
  addInput(graph, "x", TensorProto::FLOAT, {-1, 1, 4, 4});
  setInt(addNode(graph, "Shape", {"x"}, {"batch"}), "end", 1);
  addInts(graph, "rest", {1, 8, 8});
  setInt(addNode(graph, "Concat", {"batch", "rest"}, {"sizes"}), "axis", 0);
  setString(add("Resize", {"x", "", "", "sizes"}), "keep_aspect_ratio_policy",
            "not_smaller");
  expectRefused("node 'y' (Resize): dim 0 of size [B] is resized to [B]; a dim "
                "that depends on B has to stay");
}

TEST_F(OnnxOperatorsTest, RegionsOfInterestAreBounded) {
  addX({1, 1, 4, 4});
  addFloats("roi", {0, 0, 0, 0, 1, 1, 1, 1e30f});
  addInts(graph, "sizes", {1, 1, 2, 2});
  setString(add("Resize", {"x", "roi", "", "sizes"}),
            "coordinate_transformation_mode", "tf_crop_and_resize");
  expectRefused("node 'y' (Resize): input 1, the roi, has a bound of "
                "1.000000e+30; -1024 to 1024 is needed");
}

TEST_F(OnnxOperatorsTest, RepeatingPadsAreBounded) {
  addX({1, 4});
  addInts(graph, "pads", {0, 0, 0, int64_t(1) << 31});
  setString(add("Pad", {"x", "pads"}), "mode", "edge");
  expectRefused("node 'y' (Pad): pads axis 1 of [1, 4] to 2147483652 elements; "
                "mode edge needs at most 16777216");
}

TEST_F(OnnxOperatorsTest, ProductsOfIntegersAreNotScaled) {
  addInitializer(graph, "a", TensorProto::INT32, {1, 1}, encode<int32_t>({3}));
  NodeProto &node = add("Gemm", {"a", "a"});
  onnx_proto::AttributeProto &alpha = *node.add_attribute();
  alpha.set_name("alpha");
  alpha.set_type(onnx_proto::AttributeProto::FLOAT);
  alpha.set_f(0.5);
  expectRefused("node 'y' (Gemm): alpha is 5.000000e-01 and beta "
                "1.000000e+00; a product of integers needs 1 for both");
  alpha.set_f(1);
  EXPECT_EQ(evaluateInts(model), Ints{9});
}

TEST_F(OnnxOperatorsTest, NothingHasNoLargestElement) {
  addZeros("w", {2, 0});
  setInt(add("ArgMax", {"w"}), "axis", 1);
  expectRefused("node 'y' (ArgMax): axis 1 has size [0]; it must be 1 or more "
                "and not depend on B");
}

TEST_F(OnnxOperatorsTest, MeansOfNoIntegersAreRefused) {
  addInts(graph, "x", {});
  add("ReduceMean", {"x"});
  expectRefused("node 'y' (ReduceMean): averages dims of sizes [0]; a mean of "
                "integers needs one or more");
}

TEST_F(OnnxOperatorsTest, ReductionsOverTheBatchAreRefused) {
  addX({-1, 4});
  for (std::string op : {"ReduceMean", "ReduceMax"}) {
    graph.clear_node();
    add(op, {"x"});
    expectRefused("node 'y' (" + op +
                  "): reduces axis 0 of shape [B, 4]; needs a size that does "
                  "not depend on the batch (--batch=N fixes it)");
  }
}

TEST_F(OnnxOperatorsTest, StatisticsOverTheBatchAreRefused) {
  addX({-1, 4});
  addZeros("w", {4});
  setInt(add("BatchNormalization", {"x", "w", "w", "w", "w"}), "training_mode",
         1);
  expectRefused("node 'y' (BatchNormalization): averages axis 0 of size [B]; "
                "needs a size that does not depend on the batch (--batch=N "
                "fixes it)");
}

TEST_F(OnnxOperatorsTest, SizesOfTheBatchAreNoData) {
  addX({-1, 2});
  addNode(graph, "Shape", {"x"}, {"shape"});
  setInt(addNode(graph, "Cast", {"shape"}, {"floats"}), "to",
         TensorProto::FLOAT);
  add("Mul", {"x", "floats"});
  expectRefused("'floats' takes sizes that depend on the batch as data; "
                "needs a fixed batch (--batch=N)");
  import_::ImportOptions fixed;
  fixed.batch = 3;
  EXPECT_TRUE(importGraph(model, fixed)) << messages();
}

TEST_F(OnnxOperatorsTest, SplitsHaveTheirNumberOfOutputs) {
  addX({4, 4});
  setInt(add("Split", {"x"}), "num_outputs", 3);
  expectRefused("node 'y' (Split): num_outputs is 3; its 1 outputs need 1");
}

TEST_F(OnnxOperatorsTest, BiasesHaveTheFeaturesOfAllThree) {
  addX({1, 3, 4});
  onnx_proto::OperatorSetIdProto &opset = *model.add_opset_import();
  opset.set_domain("com.microsoft");
  opset.set_version(1);
  for (int64_t size : {11, 13}) {
    graph.clear_node();
    graph.clear_initializer();
    addZeros("b", {size});
    NodeProto &node = add("MultiHeadAttention", {"x", "x", "x", "b"});
    node.set_domain("com.microsoft");
    setInt(node, "num_heads", 2);
    expectRefused("node 'y' (MultiHeadAttention): input 3 has shape [" +
                  std::to_string(size) +
                  "]; one number for each feature of query, key and value is "
                  "needed");
  }
}

TEST_F(OnnxOperatorsTest, GathersFromTheBatchNeedIndicesThatAllBatchesHave) {
  addX({-1, 4});
  addInts(graph, "last", {-1});
  add("Gather", {"x", "last"});
  expectRefused("node 'y' (Gather): has index -1 in a dim of size [B]; any "
                "batch needs 0 to 0 (--batch=N fixes it)");
  graph.clear_node();
  addInput(graph, "i", TensorProto::INT64, {2});
  add("Gather", {"x", "i"});
  const std::string atRunTime =
      "reads a dim of size [B] at indices computed at run time; needs a size "
      "that does not depend on the batch (--batch=N fixes it)";
  expectRefused("node 'y' (Gather): " + atRunTime);
  graph.clear_node();
  addInput(graph, "pairs", TensorProto::INT64, {1, 2});
  add("GatherND", {"x", "pairs"});
  expectRefused("node 'y' (GatherND): " + atRunTime);
  graph.clear_node();
  addInput(graph, "rows", TensorProto::INT64, {1, 4});
  add("GatherElements", {"x", "rows"});
  expectRefused("node 'y' (GatherElements): " + atRunTime);
}

TEST_F(OnnxOperatorsTest, GathersOfTuplesStayInBounds) {
  addX({2, 3});
  addInitializer(graph, "at", TensorProto::INT64, {1, 2},
                 encode<int64_t>({1, 3}));
  add("GatherND", {"x", "at"});
  expectRefused("node 'y' (GatherND): has index 3; a size of 3 needs -3 to 2");
}

TEST_F(OnnxOperatorsTest, GathersOfTuplesNeedElements) {
  addZeros("w", {0, 3});
  addInput(graph, "at", TensorProto::INT64, {1, 2});
  add("GatherND", {"w", "at"});
  expectRefused("node 'y' (GatherND): reads from dims of sizes [0, 3]; needs "
                "sizes of 1 or more");
}

TEST_F(OnnxOperatorsTest, RotationsNeedATableOfAngles) {
  model.mutable_opset_import(0)->set_version(23);
  addX({1, 2, 3, 4});
  addZeros("table", {0, 2});
  addInput(graph, "at", TensorProto::INT64, {1, 3});
  add("RotaryEmbedding", {"x", "table", "table", "at"});
  expectRefused("node 'y' (RotaryEmbedding): input 1 has shape [0, 2]; [P, 2] "
                "is needed with position_ids");
}

// 255 has the bits of -1, whose power would be a quotient.
TEST_F(OnnxOperatorsTest, UnsignedExponentsAreNotNegative) {
  addFloats("w", {1, 0.5f});
  addInitializer(graph, "e", TensorProto::UINT8, {}, encode<uint8_t>({255}));
  add("Pow", {"w", "e"});
  OwningOpRef<ModuleOp> module = importGraph(model);
  ASSERT_TRUE(module) << messages();
  DenseElementsAttr value = getConstant(*module);
  ASSERT_TRUE(value);
  EXPECT_EQ((*std::next(value.value_begin<llvm::APFloat>())).convertToFloat(),
            0.0f);
}

TEST_F(OnnxOperatorsTest, FillsOfUnsignedNumbersStayUnsigned) {
  addInts(graph, "shape", {1});
  onnx_proto::AttributeProto &attribute =
      *addNode(graph, "ConstantOfShape", {"shape"}, {"u"}).add_attribute();
  attribute.set_name("value");
  attribute.set_type(onnx_proto::AttributeProto::TENSOR);
  setTensor(*attribute.mutable_t(), TensorProto::UINT8, {1},
            encode<uint8_t>({200}));
  setInt(add("Cast", {"u"}), "to", TensorProto::INT64);
  EXPECT_EQ(evaluateInts(model), Ints{200});
}
