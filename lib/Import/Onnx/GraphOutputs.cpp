//===- GraphOutputs.cpp - Values that become outputs ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelFile.h"

#include "Outputs.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

LogicalResult ModelFile::setOutputs(ArrayRef<std::string> names) {
  onnx_proto::GraphProto &graph = *model.mutable_graph();
  // What the file knows of a value; of most it knows the name alone.
  llvm::StringMap<onnx_proto::ValueInfoProto> values;
  for (const auto *list :
       {&graph.output(), &graph.value_info(), &graph.input()})
    for (const onnx_proto::ValueInfoProto &value : *list)
      values.try_emplace(value.name(), value);
  SmallVector<StringRef> computed;
  for (const auto *list : {&graph.output(), &graph.input()})
    for (const onnx_proto::ValueInfoProto &value : *list)
      computed.push_back(value.name());
  for (const onnx_proto::NodeProto &node : graph.node())
    computed.append(node.output().begin(), node.output().end());

  google::protobuf::RepeatedPtrField<onnx_proto::ValueInfoProto> outputs;
  for (const std::string &text : names) {
    std::string name = import_::OutputRequest::parse(text).name;
    if (!llvm::is_contained(computed, name))
      return emitError(loc) << "has no value '" << name << "'"
                            << import_::suggestNames(name, computed);
    onnx_proto::ValueInfoProto *output = outputs.Add();
    *output = values.lookup(name);
    output->set_name(name);
  }
  graph.mutable_output()->Swap(&outputs);
  return success();
}
