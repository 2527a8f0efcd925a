//===- GraphInterface.cpp - Inputs and outputs of an ONNX graph -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "InputFile.h"
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

/// Larger sizes of a model's inputs are mistakes.
static constexpr int64_t kMaxSize = int64_t(1) << 31;

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

/// What --shape calls a dimension without a name.
static std::string getDimName(const TensorShapeProto::Dimension &dim,
                              StringRef input, int64_t index) {
  if (!dim.dim_param().empty())
    return dim.dim_param();
  return (input + "." + Twine(index)).str();
}

FailureOr<int64_t>
GraphImporter::getInputSize(const TensorShapeProto::Dimension &dim,
                            StringRef input, int64_t index) {
  if (dim.has_dim_value()) {
    if (dim.dim_value() < 1 || dim.dim_value() > kMaxSize)
      return emitError(loc)
             << "input '" << input << "' has size " << dim.dim_value()
             << " in dimension " << index << "; needs 1 to " << kMaxSize;
    return dim.dim_value();
  }
  std::string name = getDimName(dim, input, index);
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
    return options.batch.value_or(ShapedType::kDynamic);
  }
  if (!llvm::is_contained(missingSizes, name))
    missingSizes.push_back(name);
  return 1;
}

FailureOr<RankedTensorType>
GraphImporter::getInputType(const ValueInfoProto &input) {
  StringRef name = input.name();
  if (!input.type().has_tensor_type())
    return emitError(loc) << "input '" << name
                          << "' is not a tensor; vitc reads tensors";
  const TypeProto::Tensor &tensor = input.type().tensor_type();
  std::optional<DataType> type =
      lookupDataType(tensor.elem_type(), loc.getContext());
  if (!type)
    return emitError(loc) << "input '" << name << "' has type "
                          << getDataTypeName(tensor.elem_type()) << "; "
                          << kComputedTypes;
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

/// A program's tensors have dimensions.
static LogicalResult verifyRank(StringRef role, StringRef name, int64_t rank,
                                Location loc) {
  if (rank > 0)
    return success();
  return emitError(loc) << role << " '" << name
                        << "' has rank 0; needs rank 1 or more";
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
  for (const ValueInfoProto &input : graph.input()) {
    if (!names.insert(input.name()).second)
      return emitError(loc) << "has two inputs named '" << input.name() << "'";
    // Versions before 4 of the format list every initializer as an input.
    if (initializers.contains(input.name()))
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
    if (failed(verifyRank("input", name, input.type.getRank(), loc)))
      return failure();
    if (isFirst && failed(verifyBatch(options, name, input.type, loc)))
      return failure();
    if (failed(verifyImageSize(options, name, input.type, loc)))
      return failure();
    isFirst = false;
    Location nameLoc = NameLoc::get(b.getStringAttr(name));
    BlockArgument argument =
        function.getBody().front().addArgument(input.type, nameLoc);
    argumentNames.push_back(name.str());
    if (!input.type.hasStaticShape()) {
      if (!hasBatch)
        b.setBatchSource(argument, 0);
      hasBatch = true;
      Shape shape(input.type.getShape());
      shape[0] = Size::batch(1);
      b.setShape(argument, shape);
    }
    b.setLoc(nameLoc);
    value.value = b.castTo(argument, input.dataType.computed);
  }
  return success();
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

static LogicalResult verifyOutput(StringRef name, ArrayRef<Size> shape,
                                  Location loc) {
  if (failed(verifyRank("output", name, shape.size(), loc)))
    return failure();
  if (llvm::is_contained(shape, Size(0)))
    return emitError(loc) << "output '" << name << "' has shape "
                          << Node::format(shape)
                          << ", without elements; needs sizes of 1 or more";
  return success();
}

LogicalResult GraphImporter::addOutputs(const GraphProto &graph) {
  SmallVector<Value> results;
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
    if (failed(verifyOutput(output.name(), b.getShape(result), loc)))
      return failure();
    // Types of 16 bits are computed in f32.
    std::optional<DataType> type = lookupDataType(
        output.type().tensor_type().elem_type(), loc.getContext());
    if (type && type->computed == TensorBuilder::getElementType(result))
      result = b.castTo(result, type->stored);
    results.push_back(result);
  }
  if (results.empty())
    return emitError(loc) << "has no outputs";
  b.setLoc(function.getLoc());
  func::ReturnOp::create(b, results);
  function.setFunctionType(
      b.getFunctionType(function.getBody().front().getArgumentTypes(),
                        TypeRange(ValueRange(results))));
  for (auto [index, name] : llvm::enumerate(argumentNames)) {
    function.setArgAttr(index, vit::VitDialect::kNameAttr,
                        b.getStringAttr(name));
    if (scope.lookup(name)->isUnsigned)
      function.setArgAttr(index, vit::VitDialect::kUnsignedAttr,
                          b.getUnitAttr());
  }
  for (auto [index, output] : llvm::enumerate(graph.output())) {
    function.setResultAttr(index, vit::VitDialect::kNameAttr,
                           b.getStringAttr(output.name()));
    if (scope.lookup(output.name())->isUnsigned)
      function.setResultAttr(index, vit::VitDialect::kUnsignedAttr,
                             b.getUnitAttr());
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
                          /*grid=*/vit::TokenGridAttr()));
}
