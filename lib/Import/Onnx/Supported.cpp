//===- Supported.cpp - Which ops of a model vitc imports ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <map>

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::AttributeProto;
using onnx_proto::NodeProto;

static constexpr int64_t kMinOpset = 7, kMaxOpset = 28;
/// Nodes that the message names for each op, and elements of a list attribute.
static constexpr size_t kListedNodes = 3;
static constexpr int kListedElements = 8;

StringRef onnx::normalizeDomain(StringRef domain) {
  return domain == "ai.onnx" ? StringRef() : domain;
}

//===----------------------------------------------------------------------===//
// The registry
//===----------------------------------------------------------------------===//

static std::string getKey(StringRef domain, StringRef name) {
  return (domain + ":" + name).str();
}

std::string onnx::getFunctionKey(StringRef domain, StringRef name,
                                 StringRef overload) {
  std::string key = getKey(normalizeDomain(domain), name);
  return overload.empty() ? key : getKey(key, overload);
}

void OpRegistry::add(StringRef name, ImportFn import, unsigned requiredInputs,
                     int64_t since, StringRef domain) {
  entries[getKey(domain, name)].push_back({import, since, requiredInputs});
}

const OpRegistry::Entry *OpRegistry::lookup(StringRef name, StringRef domain,
                                            int64_t opset) const {
  auto it = entries.find(getKey(domain, name));
  if (it == entries.end())
    return nullptr;
  const Entry *best = nullptr;
  for (const Entry &entry : it->second)
    if (entry.since <= opset && (!best || entry.since > best->since))
      best = &entry;
  return best;
}

static constexpr StringRef kControlFlow[] = {"If", "Loop", "Scan"};

bool onnx::isControlFlow(StringRef domain, StringRef name) {
  return domain.empty() && llvm::is_contained(kControlFlow, name);
}

SmallVector<StringRef> OpRegistry::getNames() const {
  SmallVector<StringRef> names = llvm::to_vector(ArrayRef(kControlFlow));
  for (const auto &entry : entries) {
    StringRef name = entry.getKey();
    name.consume_front(":");
    names.push_back(name);
  }
  llvm::sort(names);
  return names;
}

//===----------------------------------------------------------------------===//
// Versions
//===----------------------------------------------------------------------===//

FailureOr<llvm::StringMap<int64_t>> onnx::readOpsets(
    const google::protobuf::RepeatedPtrField<onnx_proto::OperatorSetIdProto>
        &imports,
    Location loc) {
  llvm::StringMap<int64_t> opsets;
  for (const auto &import : imports)
    opsets[normalizeDomain(import.domain())] = import.version();
  auto standard = opsets.find("");
  if (standard == opsets.end())
    return emitError(loc) << "imports no version of the standard operators; "
                             "vitc reads opset "
                          << kMinOpset << " to " << kMaxOpset;
  if (standard->second < kMinOpset || standard->second > kMaxOpset)
    return emitError(loc) << "has opset " << standard->second
                          << "; vitc reads opset " << kMinOpset << " to "
                          << kMaxOpset;
  return opsets;
}

FailureOr<FunctionTable> onnx::getFunctions(const onnx_proto::ModelProto &model,
                                            Location loc) {
  FunctionTable functions;
  for (const auto &function : model.functions()) {
    std::string key =
        getFunctionKey(function.domain(), function.name(), function.overload());
    if (!functions.try_emplace(key, &function).second)
      return emitError(loc)
             << "has two functions named '" << function.name()
             << "' of domain '" << function.domain() << "' and overload '"
             << function.overload() << "'; needs one of each";
  }
  return functions;
}

//===----------------------------------------------------------------------===//
// Unsupported ops
//===----------------------------------------------------------------------===//

template <typename List>
static void printList(const List &list, llvm::raw_ostream &os) {
  os << '[';
  for (int i = 0; i < std::min(list.size(), kListedElements); ++i)
    os << (i ? ", " : "") << list[i];
  os << (list.size() > kListedElements ? ", ...]" : "]");
}

static void printAttribute(const AttributeProto &attribute,
                           llvm::raw_ostream &os) {
  os << attribute.name() << " = ";
  switch (attribute.type()) {
  case AttributeProto::INT:
    os << attribute.i();
    return;
  case AttributeProto::FLOAT:
    os << attribute.f();
    return;
  case AttributeProto::STRING:
    os << '"' << llvm::StringRef(attribute.s()).take_front(64) << '"';
    return;
  case AttributeProto::INTS:
    printList(attribute.ints(), os);
    return;
  case AttributeProto::FLOATS:
    printList(attribute.floats(), os);
    return;
  default:
    os << llvm::StringRef(AttributeProto_AttributeType_Name(attribute.type()))
              .lower();
  }
}

namespace {

/// Gathers the unsupported nodes of a model by op.
class SupportCheck {
public:
  SupportCheck(const FunctionTable &functions, const OpRegistry &registry)
      : functions(functions), registry(registry) {}

  void visit(const NodeProto &node, const llvm::StringMap<int64_t> &opsets,
             int callDepth = 0);
  bool succeeded() const { return unsupported.empty(); }
  std::string print() const;

private:
  const FunctionTable &functions;
  const OpRegistry &registry;
  llvm::StringSet<> visited;
  std::map<std::string, std::vector<const NodeProto *>> unsupported;
};

} // namespace

void SupportCheck::visit(const NodeProto &node,
                         const llvm::StringMap<int64_t> &opsets,
                         int callDepth) {
  std::string key =
      getFunctionKey(node.domain(), node.op_type(), node.overload());
  if (auto function = functions.find(key); function != functions.end()) {
    if (callDepth > kMaxCallDepth || !visited.insert(key).second)
      return;
    llvm::StringMap<int64_t> inner;
    for (const auto &import : function->second->opset_import())
      inner[normalizeDomain(import.domain())] = import.version();
    for (const NodeProto &each : function->second->node())
      visit(each, inner, callDepth + 1);
    return;
  }
  StringRef domain = normalizeDomain(node.domain());
  auto opset = opsets.find(domain);
  int64_t version = opset == opsets.end() ? 1 : opset->second;
  if (!isControlFlow(domain, node.op_type()) &&
      !registry.lookup(node.op_type(), domain, version)) {
    StringRef name = key;
    name.consume_front(":");
    unsupported[name.str()].push_back(&node);
  }
  for (const AttributeProto &attribute : node.attribute())
    if (attribute.has_g())
      for (const NodeProto &each : attribute.g().node())
        visit(each, opsets, callDepth);
}

/// Ops that no program of fixed sizes can have.
static constexpr StringRef kDataDependent[] = {"Unique"};

std::string SupportCheck::print() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(unsupported, os, [&](const auto &entry) {
    const auto &[op, nodes] = entry;
    os << op << " x" << nodes.size() << " (";
    llvm::interleaveComma(ArrayRef(nodes).take_front(kListedNodes), os,
                          [&](const NodeProto *node) {
                            os << '\'' << getNodeName(*node) << '\'';
                          });
    if (nodes.size() > kListedNodes)
      os << ", ...";
    for (const AttributeProto &attribute : nodes.front()->attribute()) {
      os << "; ";
      printAttribute(attribute, os);
    }
    if (registry.lookup(nodes.front()->op_type(),
                        normalizeDomain(nodes.front()->domain()), kMaxOpset))
      os << "; in an opset that is too old";
    if (llvm::is_contained(kDataDependent, op))
      os << "; the size of its result depends on data";
    os << ')';
  });
  return text;
}

LogicalResult onnx::verifySupported(NodeList nodes,
                                    const FunctionTable &functions,
                                    const OpRegistry &registry,
                                    const llvm::StringMap<int64_t> &opsets,
                                    Location loc) {
  SupportCheck check(functions, registry);
  for (const NodeProto *node : nodes)
    check.visit(*node, opsets);
  if (check.succeeded())
    return success();
  InFlightDiagnostic error =
      emitError(loc) << "has ops that vitc does not import: " << check.print();
  error.attachNote(loc) << "imported are: "
                        << llvm::join(registry.getNames(), ", ");
  return error;
}
