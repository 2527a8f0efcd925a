//===- Node.cpp - Attributes, inputs and outputs of a node ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::AttributeProto;

/// Bytes of the largest tensor of a graph, which keeps products of sizes within
/// 63 bits.
static constexpr int64_t kMaxTensorBytes = int64_t(1) << 46;

Node::Node(GraphImporter &graph, const onnx_proto::NodeProto &proto,
           int64_t opset)
    : b(graph.b), graph(graph), proto(proto), opset(opset) {}

StringRef Node::getOpType() const { return proto.op_type(); }

StringRef Node::getName() const { return getNodeName(proto); }

InFlightDiagnostic Node::emitError() {
  InFlightDiagnostic error = mlir::emitError(graph.loc)
                             << "node '" << getName() << "' (" << getOpType()
                             << "): ";
  // What is wrong behind a node's first mistake is often its consequence.
  if (std::exchange(failed, true))
    error.abandon();
  return error;
}

std::string Node::format(ArrayRef<Size> shape) {
  std::string text = "[";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(shape, os, [&](Size size) {
    if (size.isStatic()) {
      os << size.constant;
      return;
    }
    if (size.batchFactor != 0 && size.batchFactor != 1)
      os << size.batchFactor << '*';
    if (size.batchFactor != 0)
      os << 'B';
    if (size.crossFactor != 0)
      os << (size.batchFactor != 0 ? "+" : "") << size.crossFactor << "*B*i";
    if (size.tripFactor != 0)
      os << (size.batchFactor != 0 ? "+" : "") << size.tripFactor << "*i";
    if (size.constant != 0)
      os << (size.constant > 0 ? "+" : "") << size.constant;
  });
  os << ']';
  return text;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const AttributeProto *Node::lookup(StringRef name, int kind) {
  for (const AttributeProto &attribute : proto.attribute()) {
    if (attribute.name() != name)
      continue;
    if (int(attribute.type()) == kind)
      return &attribute;
    auto print = [](int type) {
      return StringRef(
                 AttributeProto_AttributeType_Name(
                     static_cast<onnx_proto::AttributeProto_AttributeType>(
                         type)))
          .lower();
    };
    emitError() << "attribute '" << name << "' is of kind "
                << print(attribute.type()) << "; needs " << print(kind);
    return nullptr;
  }
  return nullptr;
}

bool Node::hasAttr(StringRef name) const {
  return llvm::any_of(proto.attribute(), [&](const AttributeProto &attribute) {
    return attribute.name() == name;
  });
}

int64_t Node::getInt(StringRef name, int64_t otherwise) {
  const AttributeProto *attribute = lookup(name, AttributeProto::INT);
  return attribute ? attribute->i() : otherwise;
}

double Node::getFloat(StringRef name, double otherwise) {
  const AttributeProto *attribute = lookup(name, AttributeProto::FLOAT);
  return attribute ? attribute->f() : otherwise;
}

std::string Node::getString(StringRef name, StringRef otherwise) {
  const AttributeProto *attribute = lookup(name, AttributeProto::STRING);
  return attribute ? attribute->s() : otherwise.str();
}

SmallVector<int64_t> Node::getInts(StringRef name,
                                   ArrayRef<int64_t> otherwise) {
  const AttributeProto *attribute = lookup(name, AttributeProto::INTS);
  if (!attribute)
    return SmallVector<int64_t>(otherwise);
  return {attribute->ints().begin(), attribute->ints().end()};
}

SmallVector<double> Node::getFloats(StringRef name) {
  const AttributeProto *attribute = lookup(name, AttributeProto::FLOATS);
  if (!attribute)
    return {};
  return {attribute->floats().begin(), attribute->floats().end()};
}

SmallVector<std::string> Node::getStrings(StringRef name) {
  const AttributeProto *attribute = lookup(name, AttributeProto::STRINGS);
  if (!attribute)
    return {};
  return {attribute->strings().begin(), attribute->strings().end()};
}

FailureOr<int64_t> Node::getRequiredInt(StringRef name) {
  if (const AttributeProto *attribute = lookup(name, AttributeProto::INT))
    return attribute->i();
  if (failed)
    return failure();
  return emitError() << "has no attribute '" << name << "'; needs an int";
}

FailureOr<std::string> Node::getRequiredString(StringRef name) {
  if (const AttributeProto *attribute = lookup(name, AttributeProto::STRING))
    return attribute->s();
  if (failed)
    return failure();
  return emitError() << "has no attribute '" << name << "'; needs a string";
}

FailureOr<DenseElementsAttr> Node::getTensor(StringRef name, bool *isUnsigned) {
  const AttributeProto *attribute = lookup(name, AttributeProto::TENSOR);
  if (!attribute)
    return failed ? failure()
                  : emitError()
                        << "has no attribute '" << name << "'; needs a tensor";
  TensorData data;
  if (mlir::failed(graph.file.readTensor(attribute->t(), getName(), data)))
    return failure();
  if (isUnsigned)
    *isUnsigned = data.type.isUnsigned;
  return data.getAttr();
}

FailureOr<int64_t> Node::getAxis(StringRef name, int64_t otherwise,
                                 int64_t rank) {
  return normalizeAxis(getInt(name, otherwise), rank);
}

FailureOr<int64_t> Node::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return emitError() << "axis is " << axis << "; a tensor of rank " << rank
                       << " needs " << -rank << " to " << rank - 1;
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> Node::normalizeAxes(ArrayRef<int64_t> axes,
                                                    int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    FailureOr<int64_t> normalized = normalizeAxis(axis, rank);
    if (mlir::failed(normalized))
      return failure();
    if (llvm::is_contained(result, *normalized))
      return emitError() << "names axis " << *normalized
                         << " twice; needs different axes";
    result.push_back(*normalized);
  }
  return result;
}

FailureOr<DataType> Node::getDataType(int64_t number) {
  std::optional<DataType> type = lookupDataType(number, b.getContext());
  if (type)
    return *type;
  return emitError() << "asks for type " << getDataTypeName(number) << "; "
                     << kComputedTypes;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

unsigned Node::getNumInputs() const { return inputs.size(); }

bool Node::hasInput(unsigned index) const {
  return index < inputs.size() && inputs[index];
}

StringRef Node::getInputName(unsigned index) const {
  return index < inputs.size() ? StringRef(proto.input(index)) : "";
}

Tensor Node::input(unsigned index) {
  if (!hasInput(index))
    llvm::report_fatal_error("read an absent input of " + Twine(getOpType()));
  return {graph.getValue(*inputs[index]), inputs[index]->isUnsigned};
}

Shape Node::getShape(unsigned index) {
  const GraphValue &input = *inputs[index];
  if (input.constant)
    return Shape(input.constant.getType().getShape());
  if (input.sizes)
    return input.sizesAreScalar ? Shape()
                                : Shape(1, Size(int64_t(input.sizes->size())));
  return b.getShape(input.value);
}

Type Node::getElementType(unsigned index) {
  const GraphValue &input = *inputs[index];
  if (input.constant)
    return input.constant.getElementType();
  if (input.sizes)
    return input.sizesElement;
  return TensorBuilder::getElementType(input.value);
}

bool Node::isUnsigned(unsigned index) { return inputs[index]->isUnsigned; }

DataType Node::getDataTypeOf(unsigned index) {
  Type computed = getElementType(index), narrow = inputs[index]->narrow;
  return {narrow ? narrow : computed, computed, inputs[index]->isUnsigned};
}

bool Node::isConstant(unsigned index) {
  return hasInput(index) && graph.getConstant(*inputs[index]);
}

FailureOr<DenseElementsAttr> Node::getConstant(unsigned index) {
  if (hasInput(index))
    if (DenseElementsAttr constant = graph.getConstant(*inputs[index]))
      return constant;
  return needsConstant(index);
}

void Node::noteNeeded(unsigned index) {
  if (hasInput(index))
    graph.noteNeeded(*inputs[index]);
}

InFlightDiagnostic Node::needsConstant(unsigned index) {
  noteNeeded(index);
  return emitError() << "input " << index << ", '" << getInputName(index)
                     << "', is computed at run time; needs a constant (for "
                        "inputs of the model: --constant NAME=FILE.npy)";
}

FailureOr<Shape> Node::getRequiredSizes(unsigned index) {
  std::optional<Shape> sizes = getSizesOf(index);
  if (!sizes)
    return needsConstant(index);
  for (Size size : *sizes) {
    Size extent = size.isOfTrip() ? b.getExtent(size) : Size();
    if (std::max(extent.constant, extent.batchFactor) > kMaxSize)
      return emitError() << "input " << index << ", '" << getInputName(index)
                         << "', is " << format(*sizes)
                         << "; needs sizes of at most " << kMaxSize
                         << " at the last token";
  }
  return *sizes;
}

/// The number that the bits are; those that need 64 bits unsigned are the
/// largest.
static int64_t getNumber(const APInt &value, bool isUnsigned) {
  constexpr uint64_t largest = std::numeric_limits<int64_t>::max();
  return isUnsigned ? int64_t(std::min(value.getZExtValue(), largest))
                    : value.getSExtValue();
}

FailureOr<SmallVector<int64_t>> Node::getIntsOf(unsigned index) {
  FailureOr<DenseElementsAttr> constant = getConstant(index);
  if (mlir::failed(constant))
    return failure();
  if (!isa<IntegerType>(constant->getElementType()))
    return emitError() << "input " << index << " has elements of type "
                       << constant->getElementType() << "; needs integers";
  return llvm::map_to_vector(
      constant->getValues<APInt>(), [&](const APInt &value) {
        return getNumber(value, inputs[index]->isUnsigned);
      });
}

FailureOr<SmallVector<double>> Node::getFloatsOf(unsigned index) {
  FailureOr<DenseElementsAttr> constant = getConstant(index);
  if (mlir::failed(constant))
    return failure();
  if (!isa<FloatType>(constant->getElementType()))
    return emitError() << "input " << index << " has elements of type "
                       << constant->getElementType() << "; needs floats";
  return llvm::map_to_vector(
      constant->getValues<APFloat>(),
      [](const APFloat &value) { return value.convertToDouble(); });
}

std::optional<Shape> Node::getSizesOf(unsigned index) {
  std::optional<Shape> sizes = getFormulasOf(index);
  auto isOfTrip = [](Size size) { return size.isOfTrip(); };
  if (sizes && !b.isInStep() && llvm::any_of(*sizes, isOfTrip))
    return std::nullopt;
  return sizes;
}

std::optional<Shape> Node::getFormulasOf(unsigned index) {
  if (!hasInput(index))
    return std::nullopt;
  if (inputs[index]->sizes)
    return inputs[index]->sizes;
  DenseElementsAttr constant = graph.getConstant(*inputs[index]);
  if (!constant || !isa<IntegerType>(constant.getElementType()) ||
      constant.getType().getRank() > 1 || constant.getNumElements() > kMaxRank)
    return std::nullopt;
  Shape sizes;
  for (const APInt &value : constant.getValues<APInt>())
    sizes.push_back(getNumber(value, inputs[index]->isUnsigned));
  return sizes;
}

std::optional<int64_t> Node::getLargestOf(unsigned index) {
  if (!b.isInStep() || !hasInput(index))
    return std::nullopt;
  const GraphValue &value = *inputs[index];
  if (value.value && graph.positions &&
      traceView(b, value.value).source == graph.positions)
    return b.getExtent(Size::trip(1)).constant;
  std::optional<int64_t> largest;
  for (Size size : value.sizes.value_or(Shape()))
    if (size.tripFactor != 0 && size.batchFactor == 0 && size.crossFactor == 0)
      largest = std::max(largest.value_or(0), b.getExtent(size).constant);
  return largest;
}

FailureOr<SmallVector<int64_t>>
Node::getIntsOrInput(StringRef name, unsigned index,
                     ArrayRef<int64_t> otherwise) {
  if (hasInput(index))
    return getIntsOf(index);
  return getInts(name, otherwise);
}

FailureOr<Shape> Node::getBroadcastShape(unsigned count) {
  SmallVector<Shape> shapes;
  for (unsigned index = 0; index < count; ++index)
    shapes.push_back(getShape(index));
  if (std::optional<Shape> shape = TensorBuilder::broadcast(shapes))
    return *shape;
  InFlightDiagnostic error = emitError() << "shapes ";
  llvm::interleaveComma(shapes, error,
                        [&](const Shape &shape) { error << format(shape); });
  return error << " do not broadcast; each size needs to be 1 or the same";
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

unsigned Node::getNumOutputs() const { return outputs.size(); }

bool Node::hasOutput(unsigned index) const {
  return index < outputs.size() && outputs[index];
}

void Node::setOutput(unsigned index, Value value, bool isUnsigned) {
  if (!hasOutput(index))
    return;
  uint64_t bytes = 8;
  Shape shape = b.getShape(value);
  if (int64_t(shape.size()) > kMaxRank) {
    emitError() << "makes a tensor of rank " << shape.size()
                << "; needs at most " << kMaxRank;
    return;
  }
  for (Size size : shape) {
    std::optional<int64_t> least =
        llvm::checkedAdd(size.constant, size.batchFactor);
    if (size.batchFactor < 0 || (least && *least < 0)) {
      emitError() << "makes a tensor of shape " << format(shape)
                  << "; needs sizes of 0 or more for every batch B";
      return;
    }
    bytes = llvm::SaturatingMultiply<uint64_t>(
        bytes, least ? std::max<int64_t>(*least, 1) : kMaxTensorBytes);
  }
  if (bytes > kMaxTensorBytes)
    emitError() << "makes a tensor of shape " << format(shape)
                << "; needs less than " << kMaxTensorBytes / 8 << " elements";
  outputs[index]->isUnsigned = isUnsigned;
  // Without elements there is nothing to compute.
  auto type = cast<RankedTensorType>(value.getType());
  if (type.hasStaticShape() && type.getNumElements() == 0)
    outputs[index]->constant =
        DenseElementsAttr::get(type, ArrayRef<Attribute>());
  else
    outputs[index]->value = value;
  if (TensorBuilder::getElementType(value).isF32())
    outputs[index]->narrow = getNarrowOfInputs();
}

void Node::setOutput(unsigned index, Value value, const DataType &type) {
  setOutput(index, value, type.isUnsigned);
  if (hasOutput(index))
    outputs[index]->narrow = type.getNarrow();
}

Type Node::getNarrowOfInputs() {
  for (unsigned index = 0; index < inputs.size(); ++index)
    if (hasInput(index) && isa<FloatType>(getElementType(index)))
      return inputs[index]->narrow;
  return {};
}

void Node::setCount(unsigned index, int64_t dim, Value count) {
  if (!hasOutput(index))
    return;
  outputs[index]->countedDim = dim;
  outputs[index]->count = count;
}

void Node::forward(unsigned output, unsigned input) {
  if (hasOutput(output))
    *outputs[output] = *inputs[input];
}

LogicalResult Node::setTensor(unsigned index, StringRef name) {
  const AttributeProto *attribute = lookup(name, AttributeProto::TENSOR);
  if (!attribute || !hasOutput(index))
    return failure(failed);
  return graph.readValue(attribute->t(), proto.output(index), *outputs[index]);
}

void Node::setConstant(unsigned index, DenseElementsAttr value,
                       bool isUnsigned) {
  if (!hasOutput(index))
    return;
  outputs[index]->constant = value;
  outputs[index]->isUnsigned = isUnsigned;
  if (value.getElementType().isF32())
    outputs[index]->narrow = getNarrowOfInputs();
}

void Node::setSizes(unsigned index, ArrayRef<Size> sizes, Type element,
                    bool scalar) {
  if (!hasOutput(index))
    return;
  GraphValue &output = *outputs[index];
  if (llvm::all_of(sizes, [](Size size) { return size.isStatic(); })) {
    SmallVector<int64_t> shape;
    if (!scalar)
      shape.push_back(sizes.size());
    unsigned width = element.getIntOrFloatBitWidth();
    SmallVector<APInt> values;
    for (Size size : sizes)
      values.push_back(APInt(64, size.constant).trunc(width));
    output.constant =
        DenseElementsAttr::get(RankedTensorType::get(shape, element), values);
    return;
  }
  output.sizes = Shape(sizes);
  output.sizesElement = element;
  output.sizesAreScalar = scalar;
}
