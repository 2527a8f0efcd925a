//===- GraphOrder.cpp - Order and liveness of ONNX nodes ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::GraphProto;
using onnx_proto::NodeProto;

StringRef onnx::getNodeName(const NodeProto &node) {
  if (!node.name().empty() || node.output().empty())
    return node.name();
  return node.output(0);
}

/// Calls `use` with the names that a subgraph takes from around it.
static void forEachCapture(const GraphProto &graph,
                           llvm::function_ref<void(StringRef)> use) {
  llvm::StringSet<> defined;
  for (const auto &input : graph.input())
    defined.insert(input.name());
  for (const auto &initializer : graph.initializer())
    defined.insert(initializer.name());
  for (const NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      defined.insert(output);
  auto useOuter = [&](StringRef name) {
    if (!defined.contains(name))
      use(name);
  };
  for (const NodeProto &node : graph.node())
    forEachInput(node, useOuter);
  for (const auto &output : graph.output())
    useOuter(output.name());
}

void onnx::forEachInput(const NodeProto &node,
                        llvm::function_ref<void(StringRef)> use) {
  for (const std::string &input : node.input())
    if (!input.empty())
      use(input);
  for (const auto &attribute : node.attribute()) {
    if (attribute.has_g())
      forEachCapture(attribute.g(), use);
    for (const GraphProto &graph : attribute.graphs())
      forEachCapture(graph, use);
  }
}

namespace {

/// A depth-first walk from the outputs to what they need, without recursion.
class NodeSorter {
public:
  NodeSorter(NodeList nodes, llvm::function_ref<bool(StringRef)> isDefined,
             Location loc)
      : nodes(nodes), isDefined(isDefined), loc(loc),
        states(nodes.size(), State::Unseen) {}

  LogicalResult addProducers();
  LogicalResult visitOutput(StringRef name);
  std::vector<const NodeProto *> getOrder() const;

private:
  enum class State : uint8_t { Unseen, Open, Done };
  struct Frame {
    size_t node;
    SmallVector<size_t> needs;
  };
  LogicalResult open(size_t node);
  LogicalResult visit(size_t node);

  NodeList nodes;
  llvm::function_ref<bool(StringRef)> isDefined;
  Location loc;
  llvm::StringMap<size_t> producers;
  std::vector<State> states;
  std::vector<Frame> stack;
  std::vector<size_t> order;
  bool fileIsSorted = true;
};

} // namespace

LogicalResult NodeSorter::addProducers() {
  for (auto [index, node] : llvm::enumerate(nodes))
    for (const std::string &output : node->output())
      if (!output.empty() && !producers.try_emplace(output, index).second)
        return emitError(loc)
               << "nodes '" << getNodeName(*nodes[producers[output]])
               << "' and '" << getNodeName(*node) << "' both make '" << output
               << "'";
  return success();
}

LogicalResult NodeSorter::open(size_t node) {
  Frame frame{node, {}};
  StringRef undefined;
  forEachInput(*nodes[node], [&](StringRef name) {
    auto producer = producers.find(name);
    if (producer != producers.end())
      frame.needs.push_back(producer->second);
    else if (!isDefined(name) && undefined.empty())
      undefined = name;
  });
  if (!undefined.empty())
    return emitError(loc) << "node '" << getNodeName(*nodes[node]) << "' ("
                          << nodes[node]->op_type() << ") has input '"
                          << undefined
                          << "', which no node, input or initializer makes";
  for (size_t need : frame.needs)
    fileIsSorted &= need < node;
  states[node] = State::Open;
  stack.push_back(std::move(frame));
  return success();
}

LogicalResult NodeSorter::visit(size_t node) {
  if (states[node] == State::Done)
    return success();
  if (failed(open(node)))
    return failure();
  while (!stack.empty()) {
    Frame &frame = stack.back();
    if (frame.needs.empty()) {
      states[frame.node] = State::Done;
      order.push_back(frame.node);
      stack.pop_back();
      continue;
    }
    size_t need = frame.needs.pop_back_val();
    if (states[need] == State::Open)
      return emitError(loc) << "node '" << getNodeName(*nodes[need]) << "' ("
                            << nodes[need]->op_type()
                            << ") needs its own result; the graph has a cycle";
    if (states[need] == State::Unseen && failed(open(need)))
      return failure();
  }
  return success();
}

LogicalResult NodeSorter::visitOutput(StringRef name) {
  auto producer = producers.find(name);
  if (producer != producers.end())
    return visit(producer->second);
  if (isDefined(name))
    return success();
  return emitError(loc) << "output '" << name
                        << "' is made by no node, input or initializer";
}

std::vector<const NodeProto *> NodeSorter::getOrder() const {
  std::vector<size_t> indices = order;
  if (fileIsSorted)
    llvm::sort(indices);
  std::vector<const NodeProto *> result;
  for (size_t index : indices)
    result.push_back(nodes[index]);
  return result;
}

FailureOr<std::vector<const NodeProto *>>
onnx::sortNodes(NodeList nodes, ArrayRef<StringRef> outputs,
                llvm::function_ref<bool(StringRef)> isDefined, Location loc) {
  NodeSorter sorter(nodes, isDefined, loc);
  if (failed(sorter.addProducers()))
    return failure();
  for (StringRef output : outputs)
    if (failed(sorter.visitOutput(output)))
      return failure();
  return sorter.getOrder();
}
