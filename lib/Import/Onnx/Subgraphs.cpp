//===- Subgraphs.cpp - Branches and functions of ONNX models --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A branch whose condition is known, and the body of a function, are imported
// in place of the node.
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::AttributeProto;
using onnx_proto::FunctionProto;
using onnx_proto::GraphProto;
using onnx_proto::NodeProto;

LogicalResult GraphImporter::importIf(Node &node, Scope &scope) {
  if (!node.hasInput(0))
    return node.emitError() << "has no condition; needs one bool";
  FailureOr<DenseElementsAttr> condition = node.getConstant(0);
  if (failed(condition))
    return failure();
  if (condition->getNumElements() != 1 ||
      !condition->getElementType().isInteger(1))
    return node.emitError()
           << "condition is a " << condition->getType() << "; needs one bool";
  StringRef name =
      *condition->value_begin<bool>() ? "then_branch" : "else_branch";
  const AttributeProto *branch = node.lookup(name, AttributeProto::GRAPH);
  if (!branch)
    return node.failed ? failure()
                       : node.emitError() << "has no attribute '" << name
                                          << "'; needs a graph";
  return importGraph(branch->g(), scope, node);
}

LogicalResult GraphImporter::importGraph(const GraphProto &graph, Scope &outer,
                                         Node &node) {
  Scope inner;
  inner.parent = &outer;
  inner.opsets = outer.opsets;
  if (failed(addInitializers(graph, inner)))
    return failure();
  std::vector<const NodeProto *> all;
  for (const NodeProto &each : graph.node())
    all.push_back(&each);
  SmallVector<StringRef> outputs;
  for (const auto &output : graph.output())
    outputs.push_back(output.name());
  return importBody(all, outputs, inner, node);
}

LogicalResult GraphImporter::importBody(NodeList all,
                                        ArrayRef<StringRef> outputs,
                                        Scope &inner, Node &node) {
  // Calls are sorted again each, so that nodes that are not needed count too.
  numNodes += all.size();
  FailureOr<std::vector<const NodeProto *>> nodes = sortNodes(
      all, outputs, [&](StringRef name) { return inner.lookup(name); }, loc);
  if (failed(nodes) || failed(importNodes(*nodes, inner)))
    return failure();
  if (node.outputs.size() > outputs.size())
    return node.emitError() << "has " << node.outputs.size()
                            << " outputs; its body has " << outputs.size();
  for (auto [result, name] : llvm::zip(node.outputs, outputs)) {
    if (!result)
      continue;
    GraphValue *value = inner.lookup(name);
    if (failed(load(*value, name)))
      return failure();
    if (!value->isSet())
      return node.emitError()
             << "body returns '" << name << "', which is an absent input";
    *result = *value;
  }
  return success();
}

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
  LogicalResult result = importBody(all, outputs, inner, node);
  --callDepth;
  return result;
}
