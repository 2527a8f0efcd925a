//===- Subgraphs.cpp - Branches and functions of ONNX models --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A branch whose condition is known, and the body of a function, are imported
// in place of the node; of a condition computed at run time both branches are.
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::AttributeProto;
using onnx_proto::FunctionProto;
using onnx_proto::GraphProto;
using onnx_proto::NodeProto;

LogicalResult GraphImporter::importControlFlow(Node &node, Scope &scope) {
  if (failed(verifyNoCounts(node, node.inputs)))
    return failure();
  if (node.getOpType() == "If")
    return importIf(node, scope);
  return importLoop(node, scope);
}

FailureOr<const GraphProto *> GraphImporter::getGraph(Node &node,
                                                      StringRef name) {
  if (const AttributeProto *graph = node.lookup(name, AttributeProto::GRAPH))
    return &graph->g();
  if (node.failed)
    return failure();
  return node.emitError() << "has no attribute '" << name << "'; needs a graph";
}

FailureOr<GraphImporter::Results>
GraphImporter::importGraph(const GraphProto &graph, Scope &inner, Node &node) {
  std::vector<const NodeProto *> all;
  for (const NodeProto &each : graph.node())
    all.push_back(&each);
  SmallVector<StringRef> outputs;
  for (const auto &output : graph.output())
    outputs.push_back(output.name());
  return importBody(all, outputs, inner, node);
}

FailureOr<GraphImporter::Results>
GraphImporter::importBody(NodeList all, ArrayRef<StringRef> outputs,
                          Scope &inner, Node &node) {
  // Calls are sorted again each, so that nodes that are not needed count too,
  // and so do bodies without nodes.
  numNodes += all.size() + 1;
  FailureOr<std::vector<const NodeProto *>> nodes = sortNodes(
      all, outputs, [&](StringRef name) { return inner.lookup(name); }, loc);
  if (failed(nodes) || failed(importNodes(*nodes, inner)))
    return failure();
  Results results;
  for (StringRef name : outputs) {
    GraphValue *value = inner.lookup(name);
    if (failed(load(*value, name)))
      return failure();
    if (!value->isSet())
      return node.emitError()
             << "body returns '" << name << "', which is an absent input";
    results.push_back(*value);
  }
  return results;
}

LogicalResult GraphImporter::setResults(Node &node,
                                        ArrayRef<GraphValue> results) {
  if (node.outputs.size() > results.size())
    return node.emitError() << "has " << node.outputs.size()
                            << " outputs; its body has " << results.size();
  for (auto [output, result] : llvm::zip(node.outputs, results))
    if (output)
      *output = result;
  return success();
}

//===----------------------------------------------------------------------===//
// If
//===----------------------------------------------------------------------===//

static bool isOne(ArrayRef<Size> shape) {
  return llvm::all_of(shape, [](Size size) { return size == Size(1); });
}

FailureOr<GraphValue> GraphImporter::select(Node &node, Value condition,
                                            GraphValue &then,
                                            GraphValue &otherwise) {
  if (failed(verifyNoCounts(node, {&then, &otherwise})))
    return failure();
  Value values[] = {getValue(then), getValue(otherwise)};
  if (values[0] == values[1])
    return then;
  Shape shapes[] = {b.getShape(values[0]), b.getShape(values[1])};
  // One number is one, whatever its rank.
  if (isOne(shapes[0]) && isOne(shapes[1]) && shapes[0] != shapes[1]) {
    Shape shape = shapes[shapes[0].size() < shapes[1].size()];
    for (unsigned side : {0, 1}) {
      values[side] = b.reshape(values[side], shape);
      shapes[side] = shape;
    }
  }
  Type type = TensorBuilder::getElementType(values[0]);
  if (shapes[0] != shapes[1] ||
      type != TensorBuilder::getElementType(values[1]) ||
      then.isUnsigned != otherwise.isUnsigned)
    return node.emitError()
           << "gives a tensor of shape " << Node::format(shapes[0])
           << " and elements of type " << type << " or one of "
           << Node::format(shapes[1]) << " and "
           << TensorBuilder::getElementType(values[1])
           << "; a condition computed at run time needs the same";
  GraphValue result;
  result.isUnsigned = then.isUnsigned;
  result.narrow = then.narrow;
  result.value =
      b.generic({b.reshape(condition, {}), values[0], values[1]}, type,
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  return arith::SelectOp::create(b, args[0], args[1], args[2]);
                });
  return result;
}

LogicalResult GraphImporter::verifyCondition(Node &node,
                                             GraphValue &condition) {
  Type type;
  Shape shape;
  if (condition.constant) {
    type = condition.constant.getElementType();
    shape = Shape(condition.constant.getType().getShape());
  } else {
    Value value = getValue(condition);
    type = TensorBuilder::getElementType(value);
    shape = b.getShape(value);
  }
  if (type.isInteger(1) &&
      llvm::all_of(shape, [](Size size) { return size == Size(1); }))
    return success();
  return node.emitError() << "condition has shape " << Node::format(shape)
                          << " and elements of type " << type
                          << "; needs one bool";
}

LogicalResult GraphImporter::importIf(Node &node, Scope &scope) {
  if (!node.hasInput(0))
    return node.emitError() << "has no condition; needs one bool";
  if (failed(verifyCondition(node, *node.inputs[0])))
    return failure();
  auto importBranch = [&](bool taken) -> FailureOr<Results> {
    FailureOr<const GraphProto *> graph =
        getGraph(node, taken ? "then_branch" : "else_branch");
    Scope inner{&scope, {}, scope.opsets};
    if (failed(graph) || failed(addInitializers(**graph, inner)))
      return failure();
    return importGraph(**graph, inner, node);
  };
  if (node.isConstant(0)) {
    FailureOr<Results> results =
        importBranch(*getConstant(*node.inputs[0]).value_begin<bool>());
    return failed(results) ? failure() : setResults(node, *results);
  }

  // Both branches are computed.
  FailureOr<Results> then = importBranch(true);
  FailureOr<Results> otherwise = failed(then) ? then : importBranch(false);
  if (failed(then) || failed(otherwise))
    return failure();
  if (then->size() != otherwise->size())
    return node.emitError() << "has branches of " << then->size() << " and "
                            << otherwise->size() << " outputs; needs as many";
  b.setLoc(NameLoc::get(b.getStringAttr(node.getName())));
  Results results;
  for (auto [first, second] : llvm::zip(*then, *otherwise)) {
    FailureOr<GraphValue> result =
        select(node, node.input(0).value, first, second);
    if (failed(result)) {
      noteNeeded(*node.inputs[0]);
      return failure();
    }
    results.push_back(*result);
  }
  return setResults(node, results);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Replaces references to a function's attributes by those of the call, or by
/// their defaults.
static void bindAttributes(NodeProto &node, const NodeProto &call,
                           const FunctionProto &function) {
  auto find = [](const auto &attributes,
                 StringRef name) -> const AttributeProto * {
    for (const AttributeProto &attribute : attributes)
      if (attribute.name() == name)
        return &attribute;
    return nullptr;
  };
  for (int index = node.attribute_size() - 1; index >= 0; --index) {
    AttributeProto &attribute = *node.mutable_attribute(index);
    if (attribute.has_g())
      for (NodeProto &inner : *attribute.mutable_g()->mutable_node())
        bindAttributes(inner, call, function);
    if (attribute.ref_attr_name().empty())
      continue;
    const AttributeProto *value =
        find(call.attribute(), attribute.ref_attr_name());
    if (!value)
      value = find(function.attribute_proto(), attribute.ref_attr_name());
    if (!value) {
      node.mutable_attribute()->DeleteSubrange(index, 1);
      continue;
    }
    std::string name = attribute.name();
    attribute = *value;
    attribute.set_name(name);
  }
}

LogicalResult GraphImporter::importFunction(const FunctionProto &function,
                                            Node &node) {
  if (callDepth == kMaxCallDepth)
    return node.emitError()
           << "calls functions deeper than " << kMaxCallDepth << " levels";
  FailureOr<llvm::StringMap<int64_t>> opsets =
      readOpsets(function.opset_import(), loc);
  if (failed(opsets))
    return failure();
  if (int(node.inputs.size()) > function.input_size())
    return node.emitError()
           << "has " << node.inputs.size() << " inputs; the function has "
           << function.input_size();
  Scope inner;
  inner.opsets = *opsets;
  for (auto [index, name] : llvm::enumerate(function.input())) {
    GraphValue &value = inner.values[name];
    if (node.hasInput(index))
      value = *node.inputs[index];
  }
  FunctionProto body = function;
  std::vector<const NodeProto *> all;
  for (NodeProto &each : *body.mutable_node()) {
    bindAttributes(each, node.proto, function);
    all.push_back(&each);
  }
  SmallVector<StringRef> outputs(function.output().begin(),
                                 function.output().end());
  ++callDepth;
  FailureOr<Results> results = importBody(all, outputs, inner, node);
  --callDepth;
  return failed(results) ? failure() : setResults(node, *results);
}
