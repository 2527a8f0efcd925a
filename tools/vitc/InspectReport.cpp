//===- InspectReport.cpp - What vitc inspect says -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InspectReport.h"

#include "InspectTable.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Analysis/SourceName.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;

static std::string printType(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  StringRef shape = text;
  shape.consume_front("tensor<");
  shape.consume_back(">");
  return shape.str();
}

//===----------------------------------------------------------------------===//
// Gathering
//===----------------------------------------------------------------------===//

void InspectReport::collect(Operation *op) {
  if (op->hasTrait<OpTrait::IsTerminator>() ||
      op->hasTrait<OpTrait::ConstantLike>() || op->getNumResults() == 0 ||
      !isa<RankedTensorType>(op->getResultTypes().front()))
    return;
  Footprint footprint = getFootprint(op);
  Ops &kind = ops[op->getName().getStringRef().str()];
  ++kind.count;
  kind.footprint += footprint;
  total += footprint;
  layers.push_back({getSourceName(op->getLoc()).str(),
                    op->getName().getStringRef().str(),
                    printType(op->getResultTypes().front()), footprint});
  if (auto attention = dyn_cast<vit::AttentionOp>(op))
    attentions.push_back(
        {layers.back().name, getAttentionCost(attention, batch)});
}

void InspectReport::collect(ModuleOp module) {
  if (auto attr =
          module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr)) {
    model = attr.getName().getValue().str();
    task = attr.getTask().getValue().str();
    source = attr.getSource().getValue().str();
    parameters = attr.getParameters();
  }
  for (auto weight : module.getOps<vit::WeightOp>()) {
    auto type = cast<RankedTensorType>(weight.getType());
    weightBytes[printType(type.getElementType())] +=
        *vit::WeightExprAttr::getStoredBytes(type);
  }
  for (StringRef name : {"forward", "text", "encode", "step"})
    if (auto entry = module.lookupSymbol<func::FuncOp>(name))
      collect(entry);
}

void InspectReport::collect(func::FuncOp entry) {
  auto getName = [](StringAttr name) {
    return name ? name.getValue().str() : std::string();
  };
  for (auto [index, type] : llvm::enumerate(entry.getArgumentTypes()))
    inputs.push_back({getName(entry.getArgAttrOfType<StringAttr>(
                          index, vit::VitDialect::kNameAttr)),
                      printType(type)});
  // The batch is dim 0 of every input.
  if (!entry.getArgumentTypes().empty())
    if (auto type = dyn_cast<RankedTensorType>(entry.getArgumentTypes()[0]);
        type && type.getRank() > 1 && !type.isDynamicDim(0))
      batch = std::max<int64_t>(type.getDimSize(0), 1);
  for (auto [index, type] : llvm::enumerate(entry.getResultTypes()))
    outputs.push_back({getName(entry.getResultAttrOfType<StringAttr>(
                           index, vit::VitDialect::kNameAttr)),
                       printType(type)});
  for (Operation &op : entry.getBody().front())
    collect(&op);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static void printTensors(llvm::raw_ostream &os, StringRef what,
                         ArrayRef<InspectReport::Tensor> tensors) {
  for (const InspectReport::Tensor &tensor : tensors)
    os << llvm::formatv("{0,-12} {1} {2}\n", what, tensor.name, tensor.type);
}

static constexpr auto kLeft = InspectTable::Align::Left;

void InspectReport::printOps(llvm::raw_ostream &os) const {
  InspectTable raised({{"building block", kLeft},
                       {"count"},
                       {"multiply-adds"},
                       {"other FLOPs"}});
  InspectTable written(
      {{"other op", kLeft}, {"count"}, {"multiply-adds"}, {"other FLOPs"}});
  for (const auto &[name, kind] : ops)
    (StringRef(name).starts_with("vit.") ? raised : written)
        .addRow({name, std::to_string(kind.count),
                 formatCount(kind.footprint.multiplyAdds),
                 formatCount(kind.footprint.otherFlops)});
  for (const InspectTable &table : {raised, written})
    if (!table.empty())
      table.print(os);
}

void InspectReport::printAttentions(llvm::raw_ostream &os) const {
  InspectTable table(
      {{batch == 1 ? "attention layer" : "attention layer, one image", kLeft},
       {"kind", kLeft},
       {"n"},
       {"keys"},
       {"heads"},
       {"C"},
       {"multiply-adds"},
       {"formula", kLeft},
       {"gives"}});
  for (const Attention &attention : attentions) {
    const AttentionCost &cost = attention.cost;
    table.addRow({attention.layer, getName(cost.kind).str(),
                  std::to_string(cost.tokens), std::to_string(cost.keys),
                  std::to_string(cost.heads), std::to_string(cost.width),
                  formatCount(cost.multiplyAdds), getFormula(cost.kind).str(),
                  formatCount(cost.formula)});
  }
  if (!table.empty())
    table.print(os);
}

void InspectReport::printLayers(llvm::raw_ostream &os) const {
  InspectTable table({{"layer", kLeft},
                      {"op", kLeft},
                      {"result", kLeft},
                      {"multiply-adds"},
                      {"other FLOPs"}});
  for (const Layer &layer : layers)
    table.addRow({layer.name, layer.op, layer.shape,
                  formatCount(layer.footprint.multiplyAdds),
                  formatCount(layer.footprint.otherFlops)});
  table.print(os);
}

void InspectReport::print(llvm::raw_ostream &os, bool verbose) const {
  os << llvm::formatv("{0,-12} {1}, {2}\n", "model", model, task);
  printTensors(os, "input", inputs);
  printTensors(os, "output", outputs);
  os << llvm::formatv("{0,-12} {1}\n", "parameters", parameters);
  for (const auto &[type, bytes] : weightBytes)
    os << llvm::formatv("{0,-12} {1}B in {2}\n", "weights", formatCount(bytes),
                        type);
  os << llvm::formatv("{0,-12} {1}, for {2} image{3}: {4} multiply-adds of "
                      "products (2 each), {5} others\n",
                      "FLOPs", formatCount(total.getFlops()), batch,
                      batch == 1 ? "" : "s", formatCount(total.multiplyAdds),
                      formatCount(total.otherFlops));

  printOps(os);
  printAttentions(os);
  if (verbose)
    printLayers(os);
  if (!remarks.empty())
    os << "\nnot raised\n";
  for (const Remark &remark : remarks)
    os << "  " << remark.layer << ": " << remark.text << '\n';
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static llvm::json::Object toJson(const Footprint &footprint) {
  return llvm::json::Object{{"multiply_adds", footprint.multiplyAdds},
                            {"other_flops", footprint.otherFlops},
                            {"flops", footprint.getFlops()},
                            {"bytes", footprint.bytes}};
}

static llvm::json::Array toJson(ArrayRef<InspectReport::Tensor> tensors) {
  llvm::json::Array list;
  for (const InspectReport::Tensor &tensor : tensors)
    list.push_back(
        llvm::json::Object{{"name", tensor.name}, {"type", tensor.type}});
  return list;
}

void InspectReport::printJson(llvm::raw_ostream &os) const {
  llvm::json::Object weights, kinds;
  for (const auto &[type, bytes] : weightBytes)
    weights[type] = bytes;
  for (const auto &[name, kind] : ops) {
    llvm::json::Object object = toJson(kind.footprint);
    object["count"] = kind.count;
    kinds[name] = std::move(object);
  }
  llvm::json::Array layerList, attentionList, remarkList;
  for (const Layer &layer : layers) {
    llvm::json::Object object = toJson(layer.footprint);
    object["name"] = layer.name;
    object["op"] = layer.op;
    object["result"] = layer.shape;
    layerList.push_back(std::move(object));
  }
  for (const Attention &attention : attentions) {
    const AttentionCost &cost = attention.cost;
    attentionList.push_back(
        llvm::json::Object{{"layer", attention.layer},
                           {"kind", getName(cost.kind)},
                           {"tokens", cost.tokens},
                           {"window_tokens", cost.windowTokens},
                           {"keys", cost.keys},
                           {"heads", cost.heads},
                           {"width", cost.width},
                           {"multiply_adds", cost.multiplyAdds},
                           {"formula", getFormula(cost.kind)},
                           {"formula_multiply_adds", cost.formula}});
  }
  for (const Remark &remark : remarks)
    remarkList.push_back(
        llvm::json::Object{{"layer", remark.layer}, {"reason", remark.text}});
  llvm::json::Object report{{"model", model},
                            {"task", task},
                            {"source", source},
                            {"inputs", toJson(inputs)},
                            {"outputs", toJson(outputs)},
                            {"batch", batch},
                            {"parameters", parameters},
                            {"weight_bytes", std::move(weights)},
                            {"total", toJson(total)},
                            {"ops", std::move(kinds)},
                            {"attention", std::move(attentionList)},
                            {"layers", std::move(layerList)},
                            {"not_raised", std::move(remarkList)}};
  os << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(report)));
}
