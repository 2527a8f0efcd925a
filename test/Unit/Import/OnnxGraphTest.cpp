//===- OnnxGraphTest.cpp - Graphs that no exporter writes -----------------===//
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

class OnnxGraphTest : public OnnxTest {
protected:
  OnnxGraphTest() : model(makeModel()), graph(*model.mutable_graph()) {
    addInput(graph, "x", TensorProto::FLOAT, {1, 4});
  }
  void expectRefused(const std::string &message) {
    OnnxTest::expectRefused(model, message);
  }
  ModelProto model;
  GraphProto &graph;
};

} // namespace

TEST_F(OnnxGraphTest, NodesInAnyOrderAreImported) {
  addNode(graph, "Relu", {"b"}, {"y"});
  addNode(graph, "Neg", {"a"}, {"b"});
  addNode(graph, "Abs", {"x"}, {"a"});
  addOutput(graph, "y");
  EXPECT_EQ(getResultShape(model), (std::vector<int64_t>{1, 4}));
}

TEST_F(OnnxGraphTest, CyclesAreRefused) {
  addNode(graph, "Add", {"x", "b"}, {"a"});
  addNode(graph, "Relu", {"a"}, {"b"});
  addOutput(graph, "b");
  expectRefused("node 'b' (Relu) needs its own result; the graph has a cycle");
  graph.clear_node();
  addNode(graph, "Relu", {"b"}, {"b"});
  expectRefused("node 'b' (Relu) needs its own result; the graph has a cycle");
}

// The walk over the nodes does not recurse.
TEST_F(OnnxGraphTest, LongChainsAreImported) {
  constexpr int length = 20000;
  for (int index = length; index > 0; --index)
    addNode(graph, "Identity", {index == 1 ? "x" : std::to_string(index - 1)},
            {std::to_string(index)});
  addOutput(graph, std::to_string(length));
  EXPECT_TRUE(importGraph(model)) << messages();
}

TEST_F(OnnxGraphTest, NamesWithTwoMeaningsAreRefused) {
  addNode(graph, "Relu", {"x"}, {"y"});
  addNode(graph, "Neg", {"x"}, {"y"});
  addOutput(graph, "y");
  expectRefused("nodes 'y' and 'y' both make 'y'");
  graph.mutable_node()->RemoveLast();
  addOutput(graph, "y");
  expectRefused("has two outputs named 'y'");
  graph.mutable_output()->RemoveLast();
  addInput(graph, "x", TensorProto::FLOAT, {1, 4});
  expectRefused("has two inputs named 'x'");
  graph.mutable_input()->RemoveLast();
  addInts(graph, "w", {1});
  addInts(graph, "w", {1});
  expectRefused("has two initializers named 'w'");
  graph.clear_initializer();
  graph.mutable_node(0)->set_output(0, "x");
  graph.mutable_output(0)->set_name("x");
  EXPECT_FALSE(importGraph(model));
  EXPECT_EQ(diagnostics.size(), 1u) << messages();
}

TEST_F(OnnxGraphTest, UndefinedNamesAreRefused) {
  addNode(graph, "Add", {"x", "absent"}, {"y"});
  addOutput(graph, "y");
  expectRefused("node 'y' (Add) has input 'absent', which no node, input or "
                "initializer makes");
  graph.mutable_output(0)->set_name("other");
  expectRefused("output 'other' is made by no node, input or initializer");
  graph.clear_output();
  expectRefused("has no outputs");
}

TEST_F(OnnxGraphTest, NamesDoNotBreakMessages) {
  addNode(graph, "Relu", {"a\nerror: b\x1b[2J\u00e9"}, {"y"});
  addOutput(graph, "y");
  expectRefused("node 'y' (Relu) has input 'a\\x0Aerror: b\\x1B[2J\u00e9', "
                "which no node, input or initializer makes");
}

TEST_F(OnnxGraphTest, AbsentInputsAreRefused) {
  addNode(graph, "Add", {"x", ""}, {"y"});
  addOutput(graph, "y");
  expectRefused("node 'y' (Add): input 1 is absent; needs 2 inputs");
  graph.mutable_node(0)->clear_input();
  expectRefused("node 'y' (Add): input 0 is absent; needs 2 inputs");
}

// Of sizes too, whose op is not the one that is imported.
TEST_F(OnnxGraphTest, AttributesOfAnotherKindAreRefused) {
  addNode(graph, "Shape", {"x"}, {"shape"});
  setInts(addNode(graph, "ReduceProd", {"shape"}, {"y"}), "keepdims", {1});
  addOutput(graph, "y");
  expectRefused("node 'y' (ReduceProd): attribute 'keepdims' is of kind ints; "
                "needs int");
}

// Each call doubles the nodes of the one before, 2^60 in all.
TEST_F(OnnxGraphTest, FunctionsThatCallFunctionsEnd) {
  auto addFunction = [&](const std::string &name, const std::string &callee) {
    onnx_proto::FunctionProto &function = *model.add_functions();
    function.set_name(name);
    function.set_domain("d");
    function.add_opset_import()->set_version(18);
    function.add_input("x");
    function.add_output("y");
    for (auto [from, to] : {std::pair("x", "m"), std::pair("m", "y")}) {
      NodeProto &node = *function.add_node();
      node.set_op_type(callee);
      node.set_domain(callee == "Relu" ? "" : "d");
      node.add_input(from);
      node.add_output(to);
    }
  };
  addFunction("f0", "Relu");
  for (int level = 1; level < 60; ++level)
    addFunction("f" + std::to_string(level), "f" + std::to_string(level - 1));
  addNode(graph, "f59", {"x"}, {"y"}).set_domain("d");
  addOutput(graph, "y");
  expectRefused("has more than 1048576 nodes, counting calls of functions "
                "and iterations");
  model.mutable_functions(0)->mutable_node(0)->set_op_type("f59");
  model.mutable_functions(0)->mutable_node(0)->set_domain("d");
  EXPECT_FALSE(importGraph(model));
  EXPECT_EQ(diagnostics.size(), 1u) << messages();
}

TEST_F(OnnxGraphTest, SizesOfInputsAreBounded) {
  addOutput(graph, "x");
  addInput(graph, "huge", TensorProto::FLOAT, {int64_t(1) << 40});
  expectRefused("input 'huge' has size 1099511627776 in dimension 0; needs 0 "
                "to 2147483648");
  graph.mutable_input()->RemoveLast();
  addInput(graph, "deep", TensorProto::FLOAT, std::vector<int64_t>(65, 1));
  expectRefused("input 'deep' has rank 65; needs at most 64");
  graph.mutable_input()->RemoveLast();
  addInput(graph, "n", TensorProto::FLOAT, {-1});
  import_::ImportOptions options;
  options.shapes["N"] = -3;
  EXPECT_FALSE(importGraph(model, options));
  EXPECT_EQ(messages(), "has --shape N=-3; needs 1 to 2147483648");
}
