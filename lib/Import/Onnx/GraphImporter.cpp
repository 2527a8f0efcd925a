//===- GraphImporter.cpp - ONNX graph to vit module -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "vitc/Analysis/Evaluate.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::GraphProto;
using onnx_proto::NodeProto;

GraphImporter::GraphImporter(ModelFile &file, const OpRegistry &registry,
                             const import_::ImportOptions &options,
                             const import_::OnnxPart &part)
    : file(file), registry(registry), options(options), part(part),
      loc(file.getLoc()), b(loc, loc.getContext()) {}

OwningOpRef<ModuleOp> GraphImporter::run() {
  const onnx_proto::ModelProto &model = file.getModel();
  const GraphProto &graph = model.graph();
  FailureOr<llvm::StringMap<int64_t>> opsets =
      readOpsets(model.opset_import(), loc);
  FailureOr<FunctionTable> ownFunctions = getFunctions(model, loc);
  if (failed(opsets) || failed(ownFunctions))
    return nullptr;
  scope.opsets = *opsets;
  functions = std::move(*ownFunctions);

  // What is wrong with the graph itself comes before any work.
  llvm::StringSet<> inputs;
  for (const auto &input : graph.input())
    inputs.insert(input.name());
  if (failed(addInitializers(graph, scope)))
    return nullptr;
  std::vector<const NodeProto *> all;
  for (const NodeProto &node : graph.node())
    all.push_back(&node);
  SmallVector<StringRef> outputs;
  for (const auto &output : graph.output())
    outputs.push_back(output.name());
  auto isDefined = [&](StringRef name) {
    return inputs.contains(name) || scope.lookup(name);
  };
  FailureOr<std::vector<const NodeProto *>> nodes =
      sortNodes(all, outputs, isDefined, loc);
  if (failed(nodes) ||
      failed(verifySupported(*nodes, functions, registry, scope.opsets, loc)))
    return nullptr;

  module = ModuleOp::create(loc);
  symbols.insert("forward");
  b.setInsertionPointToEnd(module->getBody());
  function =
      func::FuncOp::create(b, NameLoc::get(b.getStringAttr(graph.name())),
                           "forward", b.getFunctionType({}, {}));
  b.startFunction(function.addEntryBlock());
  if (failed(addInputs(graph)) || failed(verifyOptions()) ||
      failed(importNodes(*nodes, scope)) || failed(addOutputs(graph)))
    return nullptr;
  replaceStates();
  eraseDeadOps();
  if (failed(verifyNoSizeIsData()))
    return nullptr;
  setModelAttr();
  if (failed(verify(*module)))
    return nullptr;
  return std::move(module);
}

LogicalResult GraphImporter::addInitializers(const GraphProto &graph,
                                             Scope &scope) {
  for (const auto &initializer : graph.initializer()) {
    GraphValue &value = scope.values[initializer.name()];
    if (value.isSet())
      return emitError(loc)
             << "has two initializers named '" << initializer.name() << "'";
    value.initializer = &initializer;
  }
  if (graph.sparse_initializer_size() > 0)
    return emitError(loc) << "has " << graph.sparse_initializer_size()
                          << " sparse initializers; vitc reads dense ones";
  return success();
}

LogicalResult GraphImporter::importNodes(NodeList nodes, Scope &scope) {
  for (const NodeProto *node : nodes)
    if (failed(importNode(*node, scope)) ||
        (&scope == &this->scope && failed(verifyFixedStates(*node))))
      return failure();
  return success();
}

LogicalResult GraphImporter::importNode(const NodeProto &proto, Scope &scope) {
  if (++numNodes > kMaxNodes)
    return emitError(loc)
           << "has more than " << kMaxNodes
           << " nodes, counting calls of functions and iterations";
  StringRef domain = normalizeDomain(proto.domain());
  auto opset = scope.opsets.find(domain);
  Node node(*this, proto, opset == scope.opsets.end() ? 1 : opset->second);
  for (const std::string &name : proto.input()) {
    GraphValue *value = name.empty() ? nullptr : scope.lookup(name);
    if (value && failed(load(*value, name)))
      return failure();
    node.inputs.push_back(value && value->isSet() ? value : nullptr);
  }
  for (const std::string &name : proto.output()) {
    GraphValue *value = name.empty() ? nullptr : &scope.values[name];
    if (value && value->isSet())
      return node.emitError()
             << "makes '" << name << "', which is an input or initializer";
    node.outputs.push_back(value);
  }
  b.setLoc(NameLoc::get(b.getStringAttr(node.getName())));

  auto called =
      functions.find(getFunctionKey(domain, proto.op_type(), proto.overload()));
  if (called != functions.end())
    return importFunction(*called->second, node);
  if (isControlFlow(domain, proto.op_type()))
    return importControlFlow(node, scope);
  return runImport(node, *registry.lookup(proto.op_type(), domain, node.opset));
}

LogicalResult GraphImporter::runImport(Node &node,
                                       const OpRegistry::Entry &entry) {
  for (unsigned index = 0; index < entry.requiredInputs; ++index)
    if (!node.hasInput(index))
      return node.emitError() << "input " << index << " is absent; needs "
                              << entry.requiredInputs << " inputs";
  bool isCounted = llvm::any_of(
      node.inputs, [](GraphValue *value) { return value && value->count; });
  if (!isCounted && importSizes(node))
    return failure(node.failed);
  if (b.isInStep() && failed(verifyGrown(node)))
    return failure();
  Operation *before = b.getBlock()->empty() ? nullptr : &b.getBlock()->back();
  if (failed(entry.import(node)) || node.failed)
    return failure();
  for (auto [index, output] : llvm::enumerate(node.outputs))
    if (output && !output->isSet())
      return node.emitError()
             << "output " << index << ", '" << node.proto.output(index)
             << "', is not computed by vitc";
  if (failed(propagateCounts(node)))
    return failure();
  return foldNode(node, before);
}

/// The first positions of a dim, as many as `count` says.
static DenseElementsAttr takeCounted(DenseElementsAttr tensor, int64_t dim,
                                     DenseElementsAttr count) {
  if (!count)
    return {};
  ShapedType type = tensor.getType();
  SmallVector<int64_t> shape(type.getShape());
  int64_t kept = *count.value_begin<int64_t>(), size = shape[dim];
  int64_t inner =
      ShapedType::getNumElements(ArrayRef(shape).drop_front(dim + 1));
  SmallVector<Attribute> elements;
  for (auto [at, element] : llvm::enumerate(tensor.getValues<Attribute>()))
    if (int64_t(at) / inner % size < kept)
      elements.push_back(element);
  shape[dim] = kept;
  return DenseElementsAttr::get(type.clone(shape), elements);
}

/// Replaces what a node of constants built by its value.
LogicalResult GraphImporter::foldNode(Node &node, Operation *before) {
  auto isConstant = [](GraphValue *value) { return !value || value->constant; };
  // Of its second input CastLike takes the type alone.
  ArrayRef<GraphValue *> read = node.inputs;
  if (node.getOpType() == "CastLike")
    read = read.take_front();
  if (read.empty() || !llvm::all_of(read, isConstant))
    return success();
  Evaluator evaluator(*module);
  SmallVector<DenseElementsAttr> constants;
  for (GraphValue *output : node.outputs) {
    if (!output || !output->value)
      continue;
    DenseElementsAttr constant = evaluator.evaluate(output->value);
    if (constant && output->count)
      constant = takeCounted(constant, output->countedDim,
                             evaluator.evaluate(output->count));
    if (!constant)
      return success();
    constants.push_back(constant);
  }
  for (GraphValue *output : node.outputs)
    if (output && output->value) {
      output->value = output->count = nullptr;
      output->constant = constants.front();
      constants.erase(constants.begin());
    }
  // The constants that the node read stay where they are.
  Block &block = *b.getBlock();
  while (!block.empty() && &block.back() != before && !b.endsWithPreamble())
    block.back().erase();
  return success();
}

void GraphImporter::eraseDeadOps() {
  Block &body = function.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// Sizes that depend on the batch are formulas of the program, not tensors.
LogicalResult GraphImporter::verifyNoSizeIsData() {
  for (auto sizes : function.getOps<tensor::FromElementsOp>()) {
    StringRef name = cast<NameLoc>(sizes.getLoc()).getName();
    return emitError(loc) << "'" << name
                          << "' takes sizes that depend on the batch as data; "
                             "needs a fixed batch (--batch=N)";
  }
  return success();
}
