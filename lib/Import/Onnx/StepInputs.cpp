//===- StepInputs.cpp - Inputs of a decoder's step ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The step of an exported decoder gets states that grow with each token, and is
// told in other ways how many tokens there are. Here is which inputs these are:
// states are in StepStates.cpp, and positions and masks are computed from the
// position.
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::GraphProto;
using onnx_proto::TensorShapeProto;
using onnx_proto::ValueInfoProto;

/// The name of a dim, or "".
static StringRef getDimName(const ValueInfoProto &input, int dim) {
  const TensorShapeProto &shape = input.type().tensor_type().shape();
  StringRef name;
  if (dim < shape.dim_size())
    name = shape.dim(dim).dim_param();
  return name == "?" ? StringRef() : name;
}

static const ValueInfoProto *findInput(const GraphProto &graph,
                                       StringRef name) {
  for (const ValueInfoProto &input : graph.input())
    if (input.name() == name)
      return &input;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

GraphImporter::OpenDims
GraphImporter::findOpenDims(const ValueInfoProto &input) const {
  OpenDims open;
  const auto &dims = input.type().tensor_type().shape().dim();
  for (auto [index, dim] : llvm::enumerate(dims))
    if (std::string name = getSizeName(dim, input.name(), index);
        !hasSize(dim) && !options.shapes.count(name))
      open.emplace_back(index, name);
  return open;
}

FailureOr<StateDims> GraphImporter::findStateDims(const ValueInfoProto &input,
                                                  const ValueInfoProto &token) {
  StateDims dims;
  OpenDims open = findOpenDims(input), ofToken = findOpenDims(token);
  const auto &sizes = token.type().tensor_type().shape().dim();
  int64_t batch = sizes.empty() ? 1 : sizes[0].dim_value();
  bool hasOpenBatch = !ofToken.empty() && ofToken.front().first == 0;
  if (hasOpenBatch) {
    auto *named = llvm::find_if(open, [&](const auto &each) {
      return each.second == ofToken.front().second;
    });
    // The batch of a state may have another name.
    if (named == open.end() && !open.empty() && open.front().first == 0)
      named = open.begin();
    if (named != open.end()) {
      dims.batch = named->first;
      open.erase(named);
    }
  } else if (batch > 1 && !open.empty()) {
    const auto &own = input.type().tensor_type().shape().dim();
    for (int64_t index = own.size() - 1; index >= 0; --index)
      if (own[index].dim_value() == batch) {
        if (dims.batch >= 0)
          return emitError(loc)
                 << "state '" << input.name() << "' has sizes of " << batch
                 << " in dims " << index << " and " << dims.batch
                 << ", and the batch of '" << token.name()
                 << "' is that; needs a batch without a number, or of 1";
        dims.batch = index;
      }
  }
  // What the encoder gives has all sizes.
  if (open.empty() || part.inputTypes.count(input.name()))
    return dims;
  if (open.size() > 1)
    return emitError(loc) << "state '" << input.name() << "' has sizes '"
                          << open[0].second << "' and '" << open[1].second
                          << "' without a number; needs one that grows with "
                             "each token, beside the batch, and --shape "
                          << open[0].second << "=64 for another";
  if (dims.batch < 0 && (hasOpenBatch || batch > 1))
    return emitError(loc) << "state '" << input.name()
                          << "' grows with each token and has no size of the "
                             "batch, which '"
                          << token.name() << "' has; needs one";
  dims.token = open.front().first;
  return dims;
}

/// Whether dim 0 of a state may have the number that --batch gives.
static bool takesBatch(const ValueInfoProto &state,
                       const import_::ImportOptions &options) {
  return options.batch && state.type().tensor_type().shape().dim_size() > 0;
}

LogicalResult GraphImporter::readStepSizes(const GraphProto &graph) {
  const ValueInfoProto *token = findInput(graph, part.token);
  if (token)
    tokenSize = getDimName(*token, 1).str();
  step = part.step;
  if (!step)
    return success();
  bool hasOpenBatch = false; // of the token
  if (token && step->growing) {
    if (!token->type().tensor_type().has_shape())
      return getInputType(*token);
    tokenSize.clear();
    for (const auto &[index, name] : findOpenDims(*token)) {
      hasOpenBatch |= index == 0;
      tokenSize = index == 1 ? name : tokenSize;
    }
    if (!tokenSize.empty() && getDimName(*token, 0) == tokenSize)
      return emitError(loc)
             << "input '" << part.token << "' has the size '" << tokenSize
             << "' of the batch and of the tokens; needs a name for each";
    if (!tokenSize.empty() && step->states.empty())
      return emitError(loc)
             << "'" << part.token << "' has tokens '" << tokenSize
             << "' without a number, and no state keeps those before; needs "
                "states, or --shape "
             << tokenSize << "=1 for a step that reads the last token alone";
  }
  for (const auto &[name, output] : part.step->states) {
    const ValueInfoProto *input = findInput(graph, name);
    if (!input && !step->growing)
      return emitError(loc) << "has no input '" << name
                            << "', whose next value is '" << output << "'";
    FailureOr<StateDims> dims = StateDims();
    if (input && token)
      dims = findStateDims(*input, *token);
    if (failed(dims))
      return failure();
    if (dims->token < 0 && !step->growing)
      return emitError(loc) << "state '" << name
                            << "' has no size that grows with each token; "
                               "needs one without a number";
    if (dims->token < 0) {
      if (dims->batch > 0)
        return emitError(loc) << "state '" << name
                              << "' does not grow and has the batch in dim "
                              << dims->batch << "; needs it in dim 0";
      if (hasOpenBatch && dims->batch < 0 && input &&
          input->type().tensor_type().has_shape() &&
          !takesBatch(*input, options))
        return emitError(loc) << "state '" << name
                              << "' does not grow and has no size of the "
                                 "batch, which '"
                              << part.token << "' has; needs it in dim 0";
      fixedStates[output] = name;
      step->states.erase(name);
      continue;
    }
    stateDims[name] = *dims;
    if (StringRef size = getDimName(*input, dims->token); !size.empty())
      pastSizes.insert(size);
  }
  // A name that the token has, too, says nothing of other inputs.
  if (token) {
    isTokenSizePast = pastSizes.erase(tokenSize);
    pastSizes.erase(getDimName(*token, 0));
  }
  if (!step->states.empty() && step->length < 2)
    return emitError(loc) << "state '" << step->states.begin()->first
                          << "' grows with each token, and the most are "
                          << step->length << " tokens; needs 2 or more";
  if (step->growing) {
    for (const auto &state : step->states)
      step->growing->insert(state.first);
    if (step->states.empty())
      step.reset();
    return success();
  }
  if (isWithoutPast() && tokenSize.empty())
    return emitError(loc) << "'" << part.token
                          << "' is no input of named size [batch, tokens], and "
                             "there is none of tokens before; needs one";
  return success();
}

std::optional<Size>
GraphImporter::getStepSize(const TensorShapeProto::Dimension &dim) const {
  if (!step || pastSizes.empty())
    return std::nullopt;
  SmallVector<StringRef> terms;
  StringRef(dim.dim_param()).split(terms, '+');
  Size size;
  for (StringRef term : terms) {
    int64_t number = 0;
    term = term.trim();
    if (pastSizes.contains(term))
      size.tripFactor += 1;
    else if (term == tokenSize)
      size.constant += 1;
    else if (!term.getAsInteger(10, number) && (number == 0 || number == 1))
      size.constant += number;
    else
      return std::nullopt;
  }
  if (size.tripFactor != 1 || size.constant < 0 || size.constant > 1)
    return std::nullopt;
  return size;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

bool GraphImporter::isPosition(const ValueInfoProto &input) const {
  return !step->graphPosition.empty() && input.name() == step->graphPosition;
}

bool GraphImporter::isComputedInput(const ValueInfoProto &input) const {
  if (part.flags.count(input.name()))
    return true;
  if (!step)
    return false;
  bool isOfTokens = isWithoutPast() && getDimName(input, 1) == tokenSize;
  if (step->states.count(input.name()) || isPosition(input) || isOfTokens ||
      step->masks.count(input.name()))
    return true;
  // Others grow by their sizes' names, but for these.
  return input.name() != part.token && !part.step->states.count(input.name()) &&
         !part.inputTypes.count(input.name()) &&
         llvm::any_of(input.type().tensor_type().shape().dim(),
                      [&](const auto &dim) { return getStepSize(dim); });
}

LogicalResult GraphImporter::addStepInputs(const GraphProto &graph) {
  for (const auto &[name, flag] : part.flags)
    scope.values[name].constant =
        DenseElementsAttr::get(RankedTensorType::get(1, b.getI1Type()), flag);
  if (!step)
    return success();
  position =
      addArgument(RankedTensorType::get(1, b.getI64Type()), step->position);
  b.startStep(position, step->length);
  for (const ValueInfoProto &input : graph.input()) {
    if (!isComputedInput(input) || part.flags.count(input.name()))
      continue;
    bool isState = step->states.count(input.name());
    bool isToken = input.name() == part.token;
    if (failed(isState   ? addState(input)
               : isToken ? addTokens(input)
                         : addComputedInput(input)))
      return failure();
  }
  return success();
}

LogicalResult GraphImporter::addTokens(const ValueInfoProto &input) {
  const auto &tensor = input.type().tensor_type();
  std::optional<DataType> type =
      lookupDataType(tensor.elem_type(), b.getContext());
  if (!type || !type->computed.isInteger() || tensor.shape().dim_size() != 2)
    return emitError(loc) << "input '" << input.name()
                          << "' are the tokens so far; needs integers "
                             "[batch, tokens]";
  auto getTokens = [&](int64_t count) {
    return RankedTensorType::get({ShapedType::kDynamic, count}, type->computed);
  };
  Value token = addArgument(getTokens(1), input.name());
  Value before = addArgument(getTokens(step->length), step->tokens);
  AffineExpr row = b.getAffineDimExpr(0), zero = b.getAffineConstantExpr(0);
  auto getMap = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(2, 0, exprs, b.getContext());
  };
  tokens = b.generic(
      {before, token, position},
      {b.getMultiDimIdentityMap(2), getMap({row, zero}), getMap(zero)},
      b.getShape(before), type->computed,
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value at = arith::IndexCastOp::create(b, b.getI64Type(),
                                              linalg::IndexOp::create(b, 1));
        Value isLast =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, at, args[2]);
        return arith::SelectOp::create(b, isLast, args[1], args[0]);
      });
  scope.values[input.name()].value = tokens;
  return success();
}

LogicalResult GraphImporter::addComputedInput(const ValueInfoProto &input) {
  FailureOr<DataType> type = getElementType(input);
  if (failed(type))
    return failure();
  GraphValue &value = scope.values[input.name()];
  value.isUnsigned = type->isUnsigned;
  value.narrow = type->getNarrow();
  FailureOr<Value> computed =
      isPosition(input) ? buildPosition(input, *type) : buildMask(input, *type);
  if (failed(computed))
    return failure();
  value.value = *computed;
  if (!isPosition(input) || isWithoutPast())
    return success();
  Shape shape = b.getShape(*computed);
  if (shape.size() > 1 ||
      llvm::any_of(shape, [](Size size) { return size != Size(1); })) {
    positions = *computed;
    return success();
  }
  // One number may be where a slice begins.
  value.value = nullptr;
  value.sizes = Shape{Size::trip(1)};
  value.sizesElement = type->computed;
  value.sizesAreScalar = shape.empty();
  return success();
}

FailureOr<Value> GraphImporter::buildPosition(const ValueInfoProto &input,
                                              const DataType &type) {
  if (!type.computed.isIntOrIndex())
    return emitError(loc) << "input '" << input.name() << "' has type "
                          << getDataTypeName(
                                 input.type().tensor_type().elem_type())
                          << "; positions need to be integers";
  if (isWithoutPast())
    return b.gather({Size::batch(1), step->length}, type.computed,
                    [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
                      return arith::IndexCastOp::create(
                          b, type.computed, linalg::IndexOp::create(b, 1));
                    });
  Shape shape;
  for (auto [index, dim] :
       llvm::enumerate(input.type().tensor_type().shape().dim())) {
    bool isOne = dim.dim_value() == 1 || (index == 1 && !hasSize(dim)) ||
                 (!tokenSize.empty() && dim.dim_param() == tokenSize);
    if (!isOne && (index > 0 || hasSize(dim)))
      return emitError(loc) << "input '" << input.name()
                            << "' is the position; needs [], [1], [batch] or "
                               "[batch, 1]";
    shape.push_back(isOne           ? Size(1)
                    : options.batch ? Size(*options.batch)
                                    : Size::batch(1));
  }
  Value one =
      b.reshape(b.castTo(position, type.computed), Shape(shape.size(), 1));
  return b.broadcastTo(one, shape);
}

/// Whether a type has `number`, rounded if it is one of floats.
static bool holdsNumber(Type type, double number) {
  if (auto floating = dyn_cast<FloatType>(type)) {
    bool lossy = false;
    llvm::APFloat value(number);
    value.convert(floating.getFloatSemantics(),
                  llvm::APFloat::rmNearestTiesToEven, &lossy);
    return value.isFinite();
  }
  // What the type cannot hold rounds away, or is refused.
  unsigned width = type.getIntOrFloatBitWidth();
  llvm::APSInt integer(width, /*isUnsigned=*/width == 1);
  bool isExact = false;
  llvm::APFloat(number).convertToInteger(integer, llvm::APFloat::rmTowardZero,
                                         &isExact);
  return isExact;
}

FailureOr<Value> GraphImporter::buildMask(const ValueInfoProto &input,
                                          const DataType &type) {
  auto listed = step->masks.find(input.name());
  bool isListed = listed != step->masks.end();
  if (!isListed && !step->otherMasks)
    return emitError(loc) << "input '" << input.name()
                          << "' grows with each token and is no state; masks "
                             "needs the number that it holds for each token";
  Shape shape;
  bool grows = isWithoutPast();
  const auto &dims = input.type().tensor_type().shape().dim();
  for (auto [index, dim] : llvm::enumerate(dims)) {
    if (std::optional<Size> size = getStepSize(dim))
      shape.push_back(*size);
    else if (isWithoutPast() && dim.dim_param() == tokenSize)
      shape.push_back(step->length);
    else if (dim.dim_value() == 1 || (!tokenSize.empty() && !isTokenSizePast &&
                                      dim.dim_param() == tokenSize))
      shape.push_back(1);
    else if (index == 0 && dims.size() > 1 && !hasSize(dim))
      shape.push_back(options.batch ? Size(*options.batch) : Size::batch(1));
    else if (isListed && !grows && !hasSize(dim))
      shape.push_back(Size::trip(1, 1));
    else
      return emitError(loc) << "input '" << input.name()
                            << "' grows with each token; needs to be a mask "
                               "of them, [batch, tokens]";
    grows |= shape.back().isOfTrip();
  }
  if (!grows)
    return emitError(loc) << "masks names '" << input.name()
                          << "', which has a size for all tokens; needs one "
                             "that grows with each";
  double number = isListed ? listed->second : *step->otherMasks;
  if (!holdsNumber(type.computed, number))
    return emitError(loc) << "masks has "
                          << llvm::formatv("{0}", llvm::json::Value(number))
                          << " for '" << input.name() << "' of type "
                          << getDataTypeName(
                                 input.type().tensor_type().elem_type())
                          << "; needs a number that it can hold";
  return b.fill(shape, b.getScalarAttr(type.computed, number));
}

LogicalResult GraphImporter::verifyStatic(StringRef output, Value value) {
  Shape shape = b.getShape(value);
  if (llvm::none_of(shape, [](Size size) { return size.isOfTrip(); }))
    return success();
  InFlightDiagnostic error = emitError(loc)
                             << "output '" << output << "' has shape "
                             << Node::format(shape);
  if (part.text)
    return error << ", which grows with the text '" << part.text->ids
                 << "'; needs sizes that do not, or --shape " << textSize << "="
                 << part.text->length << " for texts with padding";
  return error << ", which grows with each token; needs to be the next value "
                  "of an input of tokens before";
}

/// Whether an op makes each position of its result of positions that there are,
/// or knows that sizes may grow.
static bool knowsGrownTensors(StringRef op) {
  return llvm::StringSwitch<bool>(op)
      .Cases({"Abs", "Add", "And", "Attention", "Cast", "CastLike", "Ceil",
              "Clip"},
             true)
      .Cases({"Concat", "ConstantOfShape", "Cos", "Div", "Dropout", "Equal"},
             true)
      .Cases({"Erf", "Exp", "Expand", "Flatten", "Floor", "GRU", "Gather"},
             true)
      .Cases({"Greater", "GreaterOrEqual", "Identity", "IsInf", "IsNaN"}, true)
      .Cases({"LSTM", "Less", "LessOrEqual", "Log", "LogSoftmax", "MatMul"},
             true)
      .Case("Max", true)
      .Cases({"Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Range"}, true)
      .Cases({"RNN", "Reciprocal", "Relu", "Reshape", "Round", "ScatterND",
              "Shape"},
             true)
      .Cases({"Sigmoid", "Sign", "Sin", "Size", "Slice", "Softmax", "Split"},
             true)
      .Cases({"Sqrt", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze"}, true)
      .Cases({"Where", "Xor"}, true)
      .Default(false);
}

/// Whether an op takes the first positions of a grown size as those that are
/// there.
static bool readsFirstPositions(StringRef op) {
  return llvm::StringSwitch<bool>(op)
      .Cases({"Attention", "Concat", "LogSoftmax", "MatMul", "Slice"}, true)
      .Cases({"Softmax", "Split"}, true)
      .Default(false);
}

/// Whether positions that are there are not the first of a size.
static bool isInterleaved(Size size) {
  return size.isOfTrip() && (size.crossFactor != 0 || size.batchFactor != 0);
}

LogicalResult GraphImporter::verifyGrown(Node &node) {
  auto grows = [&](GraphValue *value) {
    return value && value->value &&
           llvm::any_of(b.getShape(value->value),
                        [](Size size) { return size.isOfTrip(); });
  };
  bool isKnown = normalizeDomain(node.proto.domain()).empty() &&
                 knowsGrownTensors(node.getOpType());
  if (isKnown && readsFirstPositions(node.getOpType()))
    for (GraphValue *value : node.inputs)
      if (Shape shape =
              value && value->value ? b.getShape(value->value) : Shape();
          llvm::any_of(shape, isInterleaved))
        return node.emitError()
               << "input has shape " << Node::format(shape)
               << ", where tokens of one item are behind those of another; "
                  "needs a size that grows with each token apart from the "
                  "batch";
  if (isKnown || llvm::none_of(node.inputs, grows))
    return success();
  if (part.text)
    return node.emitError()
           << "reads a tensor that grows with the text '" << part.text->ids
           << "'; needs to be an op that vitc can keep from positions that are "
              "not there, or --shape "
           << textSize << "=" << part.text->length << " for texts with padding";
  return node.emitError()
         << "reads a tensor that grows with each token; needs to be an op that "
            "vitc can keep from positions that are not there yet";
}
