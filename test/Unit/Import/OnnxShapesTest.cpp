//===- OnnxShapesTest.cpp - Arithmetic on sizes, reshapes, slices ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Onnx/SizeProduct.h"
#include "Onnx/SliceRange.h"

#include "OnnxModel.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

namespace {

using Ints = std::vector<int64_t>;

class OnnxShapesTest : public OnnxTest {
protected:
  /// The positions of a slice.
  static Ints slice(int64_t start, int64_t end, int64_t step, int64_t size) {
    SliceRange range = getSliceRange(start, end, step, size);
    Ints positions;
    for (int64_t index = 0; index < range.count; ++index)
      positions.push_back(range.begin + index * range.step);
    return positions;
  }
  /// A model of op(lhs, rhs) on int64 constants of rank 1.
  static ModelProto makeBinary(const std::string &op, Ints lhs, Ints rhs) {
    ModelProto model = makeModel();
    GraphProto &graph = *model.mutable_graph();
    addInts(graph, "lhs", std::move(lhs));
    addInts(graph, "rhs", std::move(rhs));
    addNode(graph, op, {"lhs", "rhs"}, {"y"});
    addOutput(graph, "y");
    return model;
  }
  /// A model that reshapes [N, 4, 6] to what `addTarget` makes of "batch", the
  /// int64 [1] that is the batch.
  static ModelProto
  makeReshape(llvm::function_ref<void(GraphProto &graph)> addTarget) {
    ModelProto model = makeModel();
    GraphProto &graph = *model.mutable_graph();
    addInput(graph, "x", TensorProto::FLOAT, {-1, 4, 6});
    setInt(addNode(graph, "Shape", {"x"}, {"batch"}), "end", 1);
    addTarget(graph);
    addNode(graph, "Reshape", {"x", "target"}, {"y"});
    addOutput(graph, "y");
    return model;
  }
  static Shape shape(std::initializer_list<Size> sizes) { return sizes; }
};

constexpr int64_t kLeast = INT64_MIN, kMost = INT64_MAX;
constexpr int64_t kAny = ShapedType::kDynamic;

} // namespace

TEST_F(OnnxShapesTest, SlicesTakeThePositionsInRange) {
  EXPECT_EQ(slice(1, 4, 1, 5), (Ints{1, 2, 3}));
  EXPECT_EQ(slice(-2, kMost, 1, 5), (Ints{3, 4}));
  EXPECT_EQ(slice(0, 5, 2, 5), (Ints{0, 2, 4}));
  EXPECT_EQ(slice(-1, kLeast, -1, 3), (Ints{2, 1, 0}));
  EXPECT_EQ(slice(kMost, kLeast, -2, 5), (Ints{4, 2, 0}));
  EXPECT_EQ(slice(3, 3, 1, 5), Ints{});
  EXPECT_EQ(slice(4, 1, 1, 5), Ints{});
  EXPECT_EQ(slice(1, 4, -1, 5), Ints{});
}

TEST_F(OnnxShapesTest, SlicesClampExtremes) {
  EXPECT_EQ(slice(kLeast, kMost, kMost, 5), (Ints{0}));
  EXPECT_EQ(slice(kMost, kLeast, kLeast, 5), (Ints{4}));
  EXPECT_EQ(slice(kLeast, kMost, 1, 0), Ints{});
  EXPECT_EQ(slice(kMost, kLeast, -1, 0), Ints{});
  // A start in front of the first position is the first, unlike in numpy.
  EXPECT_EQ(slice(-9, kLeast, -1, 5), (Ints{0}));
}

TEST_F(OnnxShapesTest, ProductsKeepTheBatchApart) {
  SizeProduct product(shape({4, Size::batch(6), 5}));
  EXPECT_EQ(product.number, 120);
  EXPECT_EQ(product.getSize(), Size::batch(120));
  EXPECT_EQ(SizeProduct(shape({Size::batch(2, 4), 3})).getSize(),
            Size::batch(6, 12));
  EXPECT_EQ(SizeProduct(shape({Size::batch(1), Size::batch(1)})).getSize(),
            std::nullopt);
  EXPECT_EQ(product.divide(SizeProduct(shape({8})))->getSize(),
            Size::batch(15));
  EXPECT_FALSE(product.divide(SizeProduct(shape({7}))));
  EXPECT_FALSE(product.divide(SizeProduct(shape({0}))));
  EXPECT_FALSE(SizeProduct(shape({8})).divide(product));
}

TEST_F(OnnxShapesTest, ProductsSaturate) {
  EXPECT_EQ(SizeProduct(shape({kMost, 2, 0})).number, 0);
  EXPECT_EQ(SizeProduct(shape({kMost, 2})).number, kMost);
  EXPECT_EQ(SizeProduct(shape({Size::batch(3, 1), kMost})).getSize(),
            std::nullopt);
}

TEST_F(OnnxShapesTest, ReshapesNeedACommonFactorisation) {
  Size batch = Size::batch(1);
  EXPECT_TRUE(
      TensorBuilder::canReshape(shape({batch, 4, 6}), shape({batch, 8, 3})));
  EXPECT_TRUE(TensorBuilder::canReshape(shape({batch, 4, 6}),
                                        shape({Size::batch(4), 6})));
  EXPECT_TRUE(TensorBuilder::canReshape(shape({Size::batch(64), 49, 96}),
                                        shape({batch, 8, 8, 49, 96})));
  EXPECT_TRUE(TensorBuilder::canReshape(shape({}), shape({1, 1})));
  EXPECT_FALSE(TensorBuilder::canReshape(shape({batch, 4, 6}), shape({4, 6})));
  EXPECT_FALSE(TensorBuilder::canReshape(shape({batch, 4}),
                                         shape({Size::batch(1, 1), 4})));
  EXPECT_FALSE(TensorBuilder::canReshape(shape({2, 3}), shape({7})));
  // The sizes are the same, but no dims of one are dims of the other.
  EXPECT_FALSE(TensorBuilder::canReshape(shape({batch, Size::batch(1, 1)}),
                                         shape({Size::batch(1, 1), batch})));
}

TEST_F(OnnxShapesTest, ReshapesFollowTheBatch) {
  auto makeTarget = [&](Ints rest) {
    return makeReshape([&](GraphProto &graph) {
      addInts(graph, "rest", rest);
      setInt(addNode(graph, "Concat", {"batch", "rest"}, {"target"}), "axis",
             0);
    });
  };
  EXPECT_EQ(getResultShape(makeTarget({2, 2, 6})), (Ints{kAny, 2, 2, 6}));
  EXPECT_EQ(getResultShape(makeTarget({-1})), (Ints{kAny, 24}));
  expectRefused(makeTarget({1, 1}),
                "node 'y' (Reshape): input has shape [B, 4, 6]; cannot be "
                "reshaped to [B, 1, 1]");
}

// Sizes that some batch makes negative have no meaning at run time.
TEST_F(OnnxShapesTest, NegativeMultiplesOfTheBatchAreRefused) {
  ModelProto model = makeModel();
  GraphProto &graph = *model.mutable_graph();
  addInput(graph, "x", TensorProto::FLOAT, {-1, 4});
  setInt(addNode(graph, "Shape", {"x"}, {"batch"}), "end", 1);
  addInts(graph, "minus", {-1});
  addNode(graph, "Mul", {"batch", "minus"}, {"negative"});
  addNode(graph, "ConstantOfShape", {"negative"}, {"y"});
  addOutput(graph, "y");
  expectRefused(model, "node 'y' (ConstantOfShape): makes a tensor of shape "
                       "[-1*B]; needs sizes of 0 or more for every batch B");
}

TEST_F(OnnxShapesTest, SizesAtTheEndsOfTheirTypeAreComputed) {
  EXPECT_EQ(evaluateInts(makeBinary("Add", {kMost}, {1})), Ints{kLeast});
  EXPECT_EQ(evaluateInts(makeBinary("Sub", {kLeast}, {1})), Ints{kMost});
  EXPECT_EQ(evaluateInts(makeBinary("Mul", {kLeast}, {-1})), Ints{kLeast});
  EXPECT_EQ(evaluateInts(makeBinary("Div", {kLeast}, {-1})), Ints{kLeast});
  EXPECT_EQ(evaluateInts(makeBinary("Div", {-7, 7}, {2, -2})), (Ints{-3, -3}));
  EXPECT_EQ(evaluateInts(makeBinary("Mod", {-7, 7}, {3, -3})), (Ints{2, -2}));
  EXPECT_EQ(evaluateInts(makeBinary("Equal", {kLeast, 1}, {kMost, 1})),
            (Ints{0, -1}));
}

TEST_F(OnnxShapesTest, FormulasWithHugeNumbersAreNoSizes) {
  for (const std::string op : {"Add", "Mul", "Sub"}) {
    ModelProto model = makeReshape([&](GraphProto &graph) {
      addInts(graph, "huge", {kLeast});
      addNode(graph, op, {"batch", "huge"}, {"target"});
    });
    EXPECT_FALSE(importGraph(model));
    EXPECT_EQ(diagnostics.size(), 1u) << messages();
  }
  // Whether B - 2^63 is 0 asks for a quotient that does not exist.
  ModelProto model = makeReshape([&](GraphProto &graph) {
    addInts(graph, "huge", {kLeast});
    addInts(graph, "minus", {-1});
    addInts(graph, "zero", {0});
    addNode(graph, "Mul", {"batch", "minus"}, {"negative"});
    addNode(graph, "Add", {"negative", "huge"}, {"sum"});
    addNode(graph, "Equal", {"sum", "zero"}, {"same"});
    addNode(graph, "Where", {"same", "zero", "batch"}, {"target"});
  });
  EXPECT_FALSE(importGraph(model));
  EXPECT_EQ(diagnostics.size(), 1u) << messages();
}

TEST_F(OnnxShapesTest, UnsignedNumbersKeepTheirValue) {
  ModelProto model = makeModel();
  GraphProto &graph = *model.mutable_graph();
  addInitializer(graph, "u", TensorProto::UINT8, {2},
                 encode<uint8_t>({200, 3}));
  setInt(addNode(graph, "Cast", {"u"}, {"y"}), "to", TensorProto::INT64);
  addOutput(graph, "y");
  EXPECT_EQ(evaluateInts(model), (Ints{200, 3}));
}

TEST_F(OnnxShapesTest, UnsignedResultsStayUnsigned) {
  ModelProto model = makeModel();
  GraphProto &graph = *model.mutable_graph();
  addInitializer(graph, "a", TensorProto::UINT32, {1}, encode<uint32_t>({3}));
  addInts(graph, "b", {-1});
  setInt(addNode(graph, "Cast", {"b"}, {"c"}), "to", TensorProto::UINT32);
  addNode(graph, "Greater", {"c", "a"}, {"y"});
  addOutput(graph, "y");
  EXPECT_EQ(evaluateInts(model), Ints{-1});
}

TEST_F(OnnxShapesTest, UnsqueezeAddsEveryAxis) {
  ModelProto model = makeModel();
  GraphProto &graph = *model.mutable_graph();
  addInitializer(graph, "n", TensorProto::INT64, {}, encode<int64_t>({5}));
  addInts(graph, "axes", {0, 1});
  addNode(graph, "Unsqueeze", {"n", "axes"}, {"y"});
  addOutput(graph, "y");
  EXPECT_EQ(getResultShape(model), (Ints{1, 1}));
}

TEST_F(OnnxShapesTest, ReductionsOverNoAxesKeepTheirInput) {
  ModelProto model = makeModel();
  GraphProto &graph = *model.mutable_graph();
  addInts(graph, "x", {3, 4});
  addInts(graph, "axes", {});
  setInt(addNode(graph, "ReduceProd", {"x", "axes"}, {"y"}),
         "noop_with_empty_axes", 1);
  addOutput(graph, "y");
  EXPECT_EQ(evaluateInts(model), (Ints{3, 4}));
}
