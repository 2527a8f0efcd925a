//===- GraphInterface.cpp - Inputs and outputs of an ONNX graph -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "InputFile.h"
#include "LoopBuilder.h"
#include "NpyFile.h"
#include "Vit/VitDialect.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::GraphProto;
using onnx_proto::TensorShapeProto;
using onnx_proto::TypeProto;
using onnx_proto::ValueInfoProto;

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

/// Paddle's converter writes '?' for a size without a name.
std::string onnx::getSizeName(const TensorShapeProto::Dimension &dim,
                              StringRef input, int64_t index) {
  if (!dim.dim_param().empty() && dim.dim_param() != "?")
    return dim.dim_param();
  return (input + "." + Twine(index)).str();
}

/// Older converters write -1 for a size without a name.
bool onnx::hasSize(const TensorShapeProto::Dimension &dim) {
  return dim.has_dim_value() && dim.dim_value() != -1;
}

FailureOr<int64_t>
GraphImporter::getInputSize(const TensorShapeProto::Dimension &dim,
                            StringRef input, int64_t index) {
  if (hasSize(dim)) {
    if (dim.dim_value() < 0 || dim.dim_value() > kMaxSize)
      return emitError(loc)
             << "input '" << input << "' has size " << dim.dim_value()
             << " in dimension " << index << "; needs 0 to " << kMaxSize;
    return dim.dim_value();
  }
  std::string name = getSizeName(dim, input, index);
  if (!tokenSize.empty() && name == tokenSize &&
      !part.inputTypes.count(input.str()))
    return isWithoutPast() ? step->length : 1;
  if (!textSize.empty() && name == textSize)
    return part.text->length;
  if (auto it = part.sizes.find(name); it != part.sizes.end())
    return it->second;
  if (auto it = options.shapes.find(name); it != options.shapes.end()) {
    usedShapes.insert(name);
    if (it->second < 1 || it->second > kMaxSize)
      return emitError(loc) << "has --shape " << name << "=" << it->second
                            << "; needs 1 to " << kMaxSize;
    return it->second;
  }
  if (options.constants.count(input.str())) // The file decides.
    return ShapedType::kDynamic;
  if (index == 0 && (batchName.empty() || batchName == name)) {
    batchName = name;
    return options.batch.value_or(textSize.empty() ? ShapedType::kDynamic : 1);
  }
  if (auto it = part.inputTypes.find(input.str());
      it != part.inputTypes.end() && name != batchName &&
      index < it->second.getRank() && !it->second.isDynamicDim(index))
    return it->second.getDimSize(index);
  if (part.otherSize)
    return *part.otherSize;
  if (!llvm::is_contained(missingSizes, name))
    missingSizes.push_back(name);
  return 1;
}

FailureOr<DataType> GraphImporter::getElementType(const ValueInfoProto &input) {
  int32_t number = input.type().tensor_type().elem_type();
  if (std::optional<DataType> type = lookupDataType(number, loc.getContext()))
    return *type;
  return emitError(loc) << "input '" << input.name() << "' has type "
                        << getDataTypeName(number) << "; " << kComputedTypes;
}

FailureOr<RankedTensorType>
GraphImporter::getInputType(const ValueInfoProto &input) {
  StringRef name = input.name();
  if (!input.type().has_tensor_type())
    return emitError(loc) << "input '" << name
                          << "' is not a tensor; vitc reads tensors";
  const TypeProto::Tensor &tensor = input.type().tensor_type();
  FailureOr<DataType> type = getElementType(input);
  if (failed(type))
    return failure();
  if (!tensor.has_shape())
    return emitError(loc) << "input '" << name
                          << "' has no shape; needs one, of fixed or named "
                             "sizes";
  SmallVector<int64_t> shape;
  int64_t elements = 1;
  if (tensor.shape().dim_size() > kMaxRank)
    return emitError(loc) << "input '" << name << "' has rank "
                          << tensor.shape().dim_size() << "; needs at most "
                          << kMaxRank;
  for (auto [index, dim] : llvm::enumerate(tensor.shape().dim())) {
    FailureOr<int64_t> size = getInputSize(dim, name, index);
    if (failed(size))
      return failure();
    shape.push_back(*size);
    if (!ShapedType::isDynamic(*size) &&
        (llvm::MulOverflow(elements, *size, elements) || elements > kMaxSize))
      return emitError(loc) << "input '" << name << "' has shape "
                            << import_::formatShape(shape) << "; needs at most "
                            << kMaxSize << " elements";
  }
  return RankedTensorType::get(shape, type->stored);
}

/// --batch asks for what the file has, or sets what it leaves open.
static LogicalResult verifyBatch(const import_::ImportOptions &options,
                                 StringRef input, RankedTensorType type,
                                 Location loc) {
  if (!options.batch || type.getRank() == 0 ||
      type.getDimSize(0) == *options.batch)
    return success();
  return emitError(loc) << "input '" << input << "' has a fixed batch of "
                        << type.getDimSize(0) << "; --batch=" << *options.batch
                        << " needs a file whose batch has a name";
}

/// --image-size only confirms the two last sizes of a picture; --shape sets
/// those that have a name in the file.
static LogicalResult verifyImageSize(const import_::ImportOptions &options,
                                     StringRef input, RankedTensorType type,
                                     Location loc) {
  if (!options.imageSize || type.getRank() != 4)
    return success();
  auto [height, width] = *options.imageSize;
  if (type.getDimSize(2) == height && type.getDimSize(3) == width)
    return success();
  return emitError(loc) << "input '" << input << "' has pictures of "
                        << type.getDimSize(2) << "x" << type.getDimSize(3)
                        << "; --image-size=" << height << "x" << width
                        << " needs a file that was exported with it";
}

/// Adds an argument whose dim 0, if it is dynamic, is the batch.
Value GraphImporter::addArgument(RankedTensorType type, StringRef name) {
  Location nameLoc = NameLoc::get(b.getStringAttr(name));
  BlockArgument argument =
      function.getBody().front().addArgument(type, nameLoc);
  argumentNames.push_back(name.str());
  if (!type.hasStaticShape()) {
    if (!hasBatch)
      b.setBatchSource(argument, 0);
    hasBatch = true;
    Shape shape(type.getShape());
    shape[0] = Size::batch(1);
    b.setShape(argument, shape);
  }
  b.setLoc(nameLoc);
  return argument;
}

LogicalResult GraphImporter::addInputs(const GraphProto &graph) {
  llvm::StringSet<> initializers, names;
  for (const auto &initializer : graph.initializer())
    initializers.insert(initializer.name());
  struct Input {
    const ValueInfoProto *proto;
    RankedTensorType type;
    DataType dataType;
  };
  SmallVector<Input> inputs;
  readTextSize(graph);
  if (failed(readStepSizes(graph)))
    return failure();
  for (const ValueInfoProto &input : graph.input()) {
    if (!names.insert(input.name()).second)
      return emitError(loc) << "has two inputs named '" << input.name() << "'";
    // Versions before 4 of the format list every initializer as an input.
    if (initializers.contains(input.name()) || isComputedInput(input))
      continue;
    FailureOr<RankedTensorType> type = getInputType(input);
    if (failed(type))
      return failure();
    std::optional<DataType> dataType = lookupDataType(
        input.type().tensor_type().elem_type(), loc.getContext());
    inputs.push_back({&input, *type, *dataType});
  }
  if (!missingSizes.empty()) {
    InFlightDiagnostic error = emitError(loc) << "has symbolic sizes ";
    llvm::interleaveComma(missingSizes, error, [&](const std::string &name) {
      error << '\'' << name << '\'';
    });
    return error << "; needs a number for each, as in --shape "
                 << missingSizes[0] << "=64";
  }

  if (!textSize.empty()) {
    const Input *ids = llvm::find_if(inputs, [&](const Input &input) {
      return input.proto->name() == part.text->ids;
    });
    if (!names.insert(part.text->mask).second)
      return emitError(loc)
             << "has an input '" << part.text->mask
             << "'; needs that name for the mask of '" << part.text->ids << "'";
    if (failed(addTextMask(ids->type)))
      return failure();
  }

  bool isFirst = true;
  for (const Input &input : inputs) {
    StringRef name = input.proto->name();
    GraphValue &value = scope.values[name];
    value.isUnsigned = input.dataType.isUnsigned;
    value.narrow = input.dataType.getNarrow();
    if (auto it = options.constants.find(name.str());
        it != options.constants.end()) {
      usedConstants.insert(name);
      if (failed(bindConstant(name, input.type, it->second)))
        return failure();
      continue;
    }
    if (isFirst && failed(verifyBatch(options, name, input.type, loc)))
      return failure();
    if (failed(verifyImageSize(options, name, input.type, loc)))
      return failure();
    isFirst = false;
    Value argument = addArgument(input.type, name);
    noteTextSize(*input.proto, argument);
    // Without elements there is nothing to read.
    if (input.type.hasStaticShape() && input.type.getNumElements() == 0)
      value.constant = DenseElementsAttr::get(
          RankedTensorType::get(input.type.getShape(), input.dataType.computed),
          ArrayRef<Attribute>());
    else
      value.value = b.castTo(argument, input.dataType.computed);
  }
  return addStepInputs(graph);
}

LogicalResult GraphImporter::bindConstant(StringRef input,
                                          RankedTensorType type,
                                          StringRef path) {
  TensorData data;
  if (failed(readNpy(path, *loc.getContext(), data)))
    return failure();
  bool fits = int64_t(data.shape.size()) == type.getRank() &&
              data.type.stored == type.getElementType();
  for (size_t dim = 0; fits && dim < data.shape.size(); ++dim)
    fits = type.isDynamicDim(dim) || type.getDimSize(dim) == data.shape[dim];
  if (!fits)
    return emitError(loc) << "input '" << input << "' is a " << type << "; '"
                          << path << "' has shape "
                          << import_::formatShape(data.shape)
                          << " and elements of type " << data.type.stored;
  scope.values[input].constant = data.getAttr();
  return success();
}

LogicalResult GraphImporter::verifyOptions() {
  for (const auto &[name, size] : options.shapes)
    if (!usedShapes.contains(name))
      return emitError(loc) << "has no symbolic size '" << name
                            << "' in its inputs, which --shape sets";
  for (const auto &[name, path] : options.constants)
    if (!usedConstants.contains(name))
      return emitError(loc)
             << "has no input '" << name << "', which --constant sets";
  return success();
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

namespace {
/// A result of the function.
struct Result {
  Value value;
  std::string name;
  bool isUnsigned = false;
  /// Where not all positions of a dim count: the dim, and the result that says
  /// how many.
  SmallVector<int64_t> counted;
};
} // namespace

FailureOr<Value> GraphImporter::buildOutput(const ValueInfoProto &output,
                                            Value result) {
  if (failed(verifyStatic(output.name(), result)))
    return failure();
  if (isWithoutPast()) {
    Shape shape = b.getShape(result);
    if (shape.size() != 3 || shape[1] != Size(step->length))
      return emitError(loc)
             << "output '" << output.name() << "' has shape "
             << Node::format(shape) << " where the tokens are " << step->length
             << "; needs [batch, tokens, vocabulary]";
    return takeAt(b, result, 1, b.getTripIndex(Size::trip(1)));
  }
  // Types of 16 bits are computed in f32.
  std::optional<DataType> type =
      lookupDataType(output.type().tensor_type().elem_type(), loc.getContext());
  if (type && type->computed == TensorBuilder::getElementType(result))
    result = b.castTo(result, type->stored);
  return result;
}

LogicalResult GraphImporter::addOutputs(const GraphProto &graph) {
  SmallVector<Result> results;
  llvm::StringSet<> names;
  for (const ValueInfoProto &output : graph.output()) {
    if (!names.insert(output.name()).second)
      return emitError(loc)
             << "has two outputs named '" << output.name() << "'";
    GraphValue *value = scope.lookup(output.name());
    if (failed(load(*value, output.name())))
      return failure();
    b.setLoc(NameLoc::get(b.getStringAttr(output.name())));
    Value result = getValue(*value);
    FailureOr<const GrowingState *> state =
        findState(output.name(), result, graph);
    if (failed(state))
      return failure();
    if (*state) {
      for (const StatePart &part : (*state)->parts)
        results.push_back({part.updated, part.name, value->isUnsigned, {}});
      continue;
    }
    FailureOr<Value> built = buildOutput(output, result);
    if (failed(built))
      return failure();
    results.push_back({*built, output.name(), value->isUnsigned, {}});
  }
  if (results.empty())
    return emitError(loc) << "has no outputs";
  if (isWithoutPast())
    results.push_back({tokens, step->tokens, false, {}});
  // What counts positions of outputs comes behind them.
  for (size_t index = 0, end = results.size(); index < end; ++index) {
    const GraphValue *value = scope.lookup(results[index].name);
    if (!value || !value->count || !names.contains(results[index].name))
      continue;
    std::string name = results[index].name + ".count";
    while (!names.insert(name).second)
      name += "_";
    results[index].counted = {value->countedDim, int64_t(results.size())};
    results.push_back({value->count, name, false, {}});
  }
  b.setLoc(function.getLoc());
  SmallVector<Value> values = llvm::map_to_vector(
      results, [](const Result &result) { return result.value; });
  func::ReturnOp::create(b, values);
  function.setFunctionType(
      b.getFunctionType(function.getBody().front().getArgumentTypes(),
                        TypeRange(ValueRange(values))));
  for (auto [index, name] : llvm::enumerate(argumentNames)) {
    function.setArgAttr(index, vit::VitDialect::kNameAttr,
                        b.getStringAttr(name));
    if (GraphValue *value = scope.lookup(name); value && value->isUnsigned)
      function.setArgAttr(index, vit::VitDialect::kUnsignedAttr,
                          b.getUnitAttr());
  }
  for (auto [index, result] : llvm::enumerate(results)) {
    function.setResultAttr(index, vit::VitDialect::kNameAttr,
                           b.getStringAttr(result.name));
    if (result.isUnsigned)
      function.setResultAttr(index, vit::VitDialect::kUnsignedAttr,
                             b.getUnitAttr());
    if (!result.counted.empty())
      function.setResultAttr(index, vit::VitDialect::kCountedAttr,
                             b.getDenseI64ArrayAttr(result.counted));
  }
  return success();
}

/// One row of two scores or more for each picture.
static bool isClassifier(FunctionType type) {
  auto isFloatOfRank = [](Type type, int64_t rank) {
    auto tensor = cast<RankedTensorType>(type);
    return tensor.getRank() == rank && isa<FloatType>(tensor.getElementType());
  };
  if (type.getNumInputs() != 1 || type.getNumResults() != 1 ||
      !isFloatOfRank(type.getInput(0), 4) ||
      !isFloatOfRank(type.getResult(0), 2))
    return false;
  auto pictures = cast<RankedTensorType>(type.getInput(0));
  auto scores = cast<RankedTensorType>(type.getResult(0));
  return scores.getDimSize(0) == pictures.getDimSize(0) &&
         scores.getDimSize(1) >= 2;
}

void GraphImporter::setModelAttr() {
  const onnx_proto::ModelProto &model = file.getModel();
  std::string name = model.graph().name();
  if (name.empty())
    name = model.producer_name().empty() ? "onnx" : model.producer_name();
  StringRef task =
      isClassifier(function.getFunctionType()) ? "classification" : "tensor";
  (*module)->setAttr(
      vit::VitDialect::kModelAttr,
      vit::ModelAttr::get(b.getContext(), b.getStringAttr(name),
                          b.getStringAttr(task),
                          b.getStringAttr(file.getHash()), numParameters,
                          /*licence=*/StringAttr(), /*labels=*/ArrayAttr(),
                          /*preprocess=*/vit::PreprocessAttr(),
                          /*grid=*/vit::TokenGridAttr(),
                          /*text=*/vit::TextAttr(), /*sigmoid=*/false,
                          /*ranking=*/vit::RankingAttr(),
                          /*generation=*/vit::GenerationAttr()));
}
