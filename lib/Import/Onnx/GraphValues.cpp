//===- GraphValues.cpp - Initializers and constants of a graph ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// Floats of more elements than this are referred to, not copied into the IR.
static constexpr int64_t kSmallElements = 64;

GraphValue *Scope::lookup(StringRef name) {
  for (Scope *scope = this; scope; scope = scope->parent)
    if (auto it = scope->values.find(name); it != scope->values.end())
      return &it->second;
  return nullptr;
}

std::string GraphImporter::getUniqueSymbol(StringRef name) {
  std::string symbol = name.str();
  for (int64_t suffix = 1; symbol.empty() || !symbols.insert(symbol).second;
       ++suffix)
    symbol = (name + "_" + Twine(suffix)).str();
  return symbol;
}

LogicalResult GraphImporter::defineWeight(GraphValue &value, StringRef name,
                                          const TensorData &data) {
  OpBuilder builder(function);
  FlatSymbolRefAttr &fileSymbol = fileSymbols[data.file];
  if (!fileSymbol) {
    fileSymbol = FlatSymbolRefAttr::get(b.getContext(),
                                        getUniqueSymbol(data.file->symbol));
    vit::WeightFileOp::create(builder, loc, fileSymbol.getValue(),
                              data.file->path, data.file->getHash());
  }
  auto stored = RankedTensorType::get(data.shape, data.type.stored);
  std::string symbol = getUniqueSymbol(name);
  vit::WeightOp::create(builder, b.getLoc(), symbol, stored, fileSymbol,
                        b.getI64IntegerAttr(int64_t(data.offset)),
                        /*seed=*/IntegerAttr(), /*mean=*/FloatAttr(),
                        /*scale=*/FloatAttr());
  auto expr = vit::WeightExprAttr::castTo(
      vit::WeightExprAttr::ref(FlatSymbolRefAttr::get(b.getContext(), symbol),
                               stored),
      data.type.computed);
  value.value =
      b.atPreamble([&]() -> Value { return vit::ConstantOp::create(b, expr); });
  return success();
}

LogicalResult GraphImporter::readValue(const onnx_proto::TensorProto &proto,
                                       StringRef name, GraphValue &value) {
  TensorData data;
  if (failed(file.readTensor(proto, name, data)))
    return failure();
  value.isUnsigned = data.type.isUnsigned;
  value.narrow = data.type.getNarrow();
  b.setLoc(NameLoc::get(b.getStringAttr(name)));
  if (isa<FloatType>(data.type.stored) && data.file &&
      data.numElements > kSmallElements)
    return defineWeight(value, name, data);
  value.constant = data.getAttr();
  return success();
}

LogicalResult GraphImporter::load(GraphValue &value, StringRef name) {
  if (!value.initializer)
    return success();
  const onnx_proto::TensorProto &proto = *value.initializer;
  value.initializer = nullptr;
  if (failed(readValue(proto, name, value)))
    return failure();
  auto type = cast<ShapedType>(value.value ? value.value.getType()
                                           : Type(value.constant.getType()));
  // Single numbers are the exporter's.
  if (isa<FloatType>(type.getElementType()) && type.getRank() > 0)
    numParameters += type.getNumElements();
  return success();
}

Value GraphImporter::getValue(GraphValue &value) {
  if (value.value)
    return value.value;
  auto build = [&]() -> Value {
    return value.constant ? b.constant(value.constant)
                          : b.sizesTensor(*value.sizes, value.sizesElement,
                                          value.sizesAreScalar);
  };
  bool isOfTrip = value.sizes && llvm::any_of(*value.sizes, [](Size size) {
                    return size.isOfTrip();
                  });
  // Outlives the body that is being imported, which may be imported again.
  value.value = isOfTrip ? b.atTripStart(build) : b.atPreamble(build);
  return value.value;
}

DenseElementsAttr GraphImporter::getConstant(GraphValue &value) {
  return value.constant;
}

/// Whether all that read `name` in a body, one or more, read it as the end of
/// positions: none are behind it.
static bool isEndOfPositions(const onnx_proto::GraphProto &body, StringRef name,
                             int depth = 0) {
  constexpr int maxDepth = 8;
  bool isRead = false;
  for (const auto &output : body.output())
    if (output.name() == name)
      return false;
  for (const onnx_proto::NodeProto &node : body.node()) {
    bool isEnd = true;
    forEachInput(node, [&, position = -1](StringRef input) mutable {
      ++position;
      if (input != name)
        return;
      isRead = true;
      StringRef op = node.op_type();
      bool isSame = op == "Squeeze" || op == "Unsqueeze" || op == "Reshape";
      isEnd &= (op == "Slice" && position == 2) ||
               (op == "Range" && position == 1) ||
               (isSame && position == 0 && node.output_size() == 1 &&
                depth < maxDepth &&
                isEndOfPositions(body, node.output(0), depth + 1));
    });
    if (!isEnd)
      return false;
  }
  return isRead;
}

bool Node::endsPositions() const {
  const onnx_proto::GraphProto *body = graph.rolledGraph;
  if (!body || proto.output_size() == 0)
    return false;
  bool isOfBody = llvm::any_of(
      body->node(), [&](const auto &each) { return &each == &proto; });
  return isOfBody && isEndOfPositions(*body, proto.output(0));
}

/// Whether an input may tell an op what it must know to be compiled: sizes,
/// scales, indices, masks, but no pictures or features.
static bool mayDecide(BlockArgument argument) {
  auto type = cast<RankedTensorType>(argument.getType());
  return type.getRank() <= 1 || !isa<FloatType>(type.getElementType());
}

/// Finds the inputs that a value is computed from.
void GraphImporter::noteNeeded(GraphValue &value) {
  SmallVector<Value> pending = {getValue(value)};
  llvm::DenseSet<Value> seen;
  while (!pending.empty()) {
    Value next = pending.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(next)) {
      if (argument.getOwner() == &function.getBody().front() &&
          mayDecide(argument))
        neededInputs.push_back(argumentNames[argument.getArgNumber()]);
      continue;
    }
    next.getDefiningOp()->walk([&](Operation *op) {
      pending.append(op->operand_begin(), op->operand_end());
    });
  }
}
