//===- OnnxWireFormatTest.cpp - Tensors stay in the file ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Onnx/WireFormat.h"

#include "OnnxModel.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

namespace {

class OnnxWireFormatTest : public OnnxTest {
protected:
  FailureOr<std::string> detach(StringRef bytes) {
    diagnostics.clear();
    return detachTensors(bytes,
                         FileLineColLoc::get(&context, "model.onnx", 0, 0));
  }
  /// The detached model, decoded.
  ModelProto detachModel(const std::string &bytes) {
    FailureOr<std::string> small = detach(bytes);
    ModelProto model;
    EXPECT_TRUE(succeeded(small) && model.ParseFromString(*small))
        << messages();
    return model;
  }
  /// That the tensor refers to `data` in the file's bytes.
  static void expectReference(const TensorProto &tensor,
                              const std::string &bytes,
                              const std::string &data) {
    EXPECT_EQ(tensor.data_location(), TensorProto::EXTERNAL);
    std::map<std::string, std::string> entries;
    for (const auto &entry : tensor.external_data())
      entries[entry.key()] = entry.value();
    EXPECT_EQ(entries["location"], "");
    EXPECT_EQ(entries["length"], std::to_string(data.size()));
    EXPECT_EQ(bytes.substr(std::stoull(entries["offset"]), data.size()), data);
    EXPECT_FALSE(tensor.has_raw_data());
    EXPECT_EQ(tensor.float_data_size() + tensor.double_data_size(), 0);
  }
};

/// A field with a length and that content.
std::string field(unsigned number, const std::string &content) {
  std::string bytes(1, char(number << 3 | 2));
  for (size_t size = content.size();; size >>= 7) {
    bytes.push_back(char(size < 128 ? size : size | 128));
    if (size < 128)
      return bytes + content;
  }
}

} // namespace

TEST_F(OnnxWireFormatTest, LargeRawDataIsReferredTo) {
  ModelProto model = makeModel();
  std::string large(kInlineBytes + 4, 'x'), small(kInlineBytes, 'y');
  addInitializer(*model.mutable_graph(), "large", TensorProto::FLOAT, {33},
                 large);
  addInitializer(*model.mutable_graph(), "small", TensorProto::FLOAT, {32},
                 small);
  std::string bytes = model.SerializeAsString();
  ModelProto detached = detachModel(bytes);
  ASSERT_EQ(detached.graph().initializer_size(), 2);
  const TensorProto &first = detached.graph().initializer(0);
  EXPECT_EQ(first.name(), "large");
  EXPECT_EQ(first.dims(0), 33);
  expectReference(first, bytes, large);
  EXPECT_EQ(detached.graph().initializer(1).raw_data(), small);
}

/// ONNX Runtime's quantiser writes data_location, DEFAULT, behind the data.
TEST_F(OnnxWireFormatTest, RawDataBeforeItsLocationIsReferredTo) {
  std::string data(4096, 'r');
  ModelProto model;
  TensorProto &tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name("w");
  tensor.set_raw_data(data);
  tensor.set_data_location(TensorProto::DEFAULT);
  std::string bytes = model.SerializeAsString();
  ModelProto small = detachModel(bytes);
  expectReference(small.graph().initializer(0), bytes, data);
}

TEST_F(OnnxWireFormatTest, PackedFloatsOfTheirTypeAreReferredTo) {
  ModelProto model = makeModel();
  std::vector<float> floats(40, 0.5f);
  std::vector<double> doubles(40, 0.25);
  TensorProto &single = *model.mutable_graph()->add_initializer();
  single.set_data_type(TensorProto::FLOAT);
  single.mutable_float_data()->Add(floats.begin(), floats.end());
  TensorProto &twice = *model.mutable_graph()->add_initializer();
  twice.set_data_type(TensorProto::DOUBLE);
  twice.mutable_double_data()->Add(doubles.begin(), doubles.end());
  // Such numbers are no integers, whatever their bytes mean.
  TensorProto &wrong = *model.mutable_graph()->add_initializer();
  wrong.set_data_type(TensorProto::INT32);
  wrong.mutable_float_data()->Add(floats.begin(), floats.end());
  std::string bytes = model.SerializeAsString();
  ModelProto detached = detachModel(bytes);
  expectReference(detached.graph().initializer(0), bytes, encode(floats));
  expectReference(detached.graph().initializer(1), bytes, encode(doubles));
  EXPECT_EQ(detached.graph().initializer(2).float_data_size(), 40);
  EXPECT_FALSE(detached.graph().initializer(2).has_data_location());
}

TEST_F(OnnxWireFormatTest, TensorsOfSubgraphsAndFunctionsAreReferredTo) {
  std::string data(200, 'z');
  ModelProto model = makeModel();
  NodeProto &branch = addNode(*model.mutable_graph(), "If", {"c"}, {"y"});
  onnx_proto::AttributeProto &attribute = *branch.add_attribute();
  attribute.set_name("then_branch");
  attribute.set_type(onnx_proto::AttributeProto::GRAPH);
  addInitializer(*attribute.mutable_g(), "w", TensorProto::FLOAT, {50}, data);
  onnx_proto::FunctionProto &function = *model.add_functions();
  NodeProto &constant = *function.add_node();
  setTensor(*constant.add_attribute()->mutable_t(), TensorProto::FLOAT, {50},
            data);
  std::string bytes = model.SerializeAsString();
  ModelProto detached = detachModel(bytes);
  expectReference(detached.graph().node(0).attribute(0).g().initializer(0),
                  bytes, data);
  expectReference(detached.functions(0).node(0).attribute(0).t(), bytes, data);
}

TEST_F(OnnxWireFormatTest, DocumentationIsLeftOut) {
  ModelProto model = makeModel();
  model.set_doc_string(std::string(1000, 'd'));
  addNode(*model.mutable_graph(), "Relu", {"x"}, {"y"})
      .set_doc_string(std::string(1000, 'd'));
  model.mutable_graph()->add_value_info()->set_name(std::string(1000, 'd'));
  FailureOr<std::string> small = detach(model.SerializeAsString());
  ASSERT_TRUE(succeeded(small));
  EXPECT_LT(small->size(), 100u);
}

// What is cut off either still decodes or is refused with a message.
TEST_F(OnnxWireFormatTest, EveryPrefixIsRefusedOrImported) {
  ModelProto model = makeModel();
  GraphProto &graph = *model.mutable_graph();
  addInput(graph, "x", TensorProto::FLOAT, {-1, 50});
  addInitializer(graph, "w", TensorProto::FLOAT, {50}, std::string(200, 'w'));
  addNode(graph, "Add", {"x", "w"}, {"y"});
  addOutput(graph, "y");
  std::string bytes = model.SerializeAsString();
  ASSERT_TRUE(importBytes(bytes)) << messages();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(importBytes(StringRef(bytes).take_front(size))) << size;
    EXPECT_EQ(diagnostics.size(), 1u) << size << ": " << messages();
  }
}

TEST_F(OnnxWireFormatTest, LengthsBeyondTheFileAreRefused) {
  // A graph of 2^63 - 1 bytes, of 2^64 - 1, and a number that never ends.
  for (std::string length :
       {std::string(8, char(0xff)) + '\x7f', std::string(9, char(0xff)) + '\1',
        std::string(10, char(0xff))}) {
    std::string bytes = "\x3a" + length;
    EXPECT_TRUE(failed(detach(bytes)));
    EXPECT_EQ(messages(),
              "is not an ONNX model, or is cut off: byte 0 of " +
                  std::to_string(bytes.size()) +
                  " starts no field of a protobuf message that ends at byte " +
                  std::to_string(bytes.size()));
  }
  // Field number 0, and the group of old versions.
  EXPECT_TRUE(failed(detach(StringRef("\2\0", 2))));
  EXPECT_TRUE(failed(detach("\x0b")));
}

TEST_F(OnnxWireFormatTest, DeepGraphsAreRefused) {
  std::string graph;
  for (int level = 0; level < 1000; ++level)
    graph = field(1, field(5, field(6, graph)));
  EXPECT_TRUE(failed(detach(field(7, graph))));
  EXPECT_EQ(messages(), "nests graphs deeper than 20 levels");
}
