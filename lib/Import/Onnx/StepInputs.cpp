//===- StepInputs.cpp - Inputs of a decoder's step ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An exported decoder gets the keys and values of all tokens before, and gives
// them with its token's put behind: copies that grow. The function has caches
// with room for all tokens instead, and writes one row of each. What else tells
// the graph how many tokens there are, positions and masks of ones, is computed
// from the position.
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::GraphProto;
using onnx_proto::TensorShapeProto;
using onnx_proto::ValueInfoProto;

/// Where [B, H, tokens, D] has its tokens.
static constexpr int kTokenDim = 2;

/// The name of a dim, or "".
static StringRef getDimName(const ValueInfoProto &input, int dim) {
  const TensorShapeProto &shape = input.type().tensor_type().shape();
  return dim < shape.dim_size() ? StringRef(shape.dim(dim).dim_param())
                                : StringRef();
}

LogicalResult GraphImporter::readStepSizes(const GraphProto &graph) {
  for (const ValueInfoProto &input : graph.input())
    if (input.name() == part.token)
      tokenSize = getDimName(input, 1).str();
  if (!part.step)
    return success();
  for (const ValueInfoProto &input : graph.input()) {
    if (part.step->caches.count(input.name()) && pastSize.empty())
      pastSize = getDimName(input, kTokenDim).str();
  }
  for (const auto &cache : part.step->caches)
    if (llvm::none_of(graph.input(), [&](const ValueInfoProto &input) {
          return input.name() == cache.first;
        }))
      return emitError(loc)
             << "has no input '" << cache.first << "', whose next value is '"
             << cache.second << "'";
  if (isWithoutPast() && tokenSize.empty())
    return emitError(loc) << "'" << part.token
                          << "' is no input of named size [batch, tokens], and "
                             "there is none of tokens before; needs one";
  if (!part.step->caches.empty() && pastSize.empty())
    return emitError(loc) << "'" << part.step->caches.begin()->first
                          << "' has a fixed number of tokens; needs one with a "
                             "name, [batch, heads, tokens, width]";
  return success();
}

std::optional<Size>
GraphImporter::getStepSize(const TensorShapeProto::Dimension &dim) const {
  if (!part.step || pastSize.empty())
    return std::nullopt;
  SmallVector<StringRef> terms;
  StringRef(dim.dim_param()).split(terms, '+');
  Size size;
  for (StringRef term : terms) {
    int64_t number = 0;
    term = term.trim();
    if (term == pastSize)
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

/// Integers [B, 1]: the position of each row's token.
static bool arePositions(const ValueInfoProto &input) {
  return StringRef(input.name()) == "position_ids";
}

bool GraphImporter::isComputedInput(const ValueInfoProto &input) const {
  if (part.flags.count(input.name()))
    return true;
  if (!part.step)
    return false;
  bool isOfTokens = isWithoutPast() && getDimName(input, 1) == tokenSize;
  return part.step->caches.count(input.name()) || arePositions(input) ||
         isOfTokens ||
         llvm::any_of(input.type().tensor_type().shape().dim(),
                      [&](const auto &dim) { return getStepSize(dim); });
}

LogicalResult GraphImporter::addStepInputs(const GraphProto &graph) {
  for (const auto &[name, flag] : part.flags)
    scope.values[name].constant =
        DenseElementsAttr::get(RankedTensorType::get(1, b.getI1Type()), flag);
  if (!part.step)
    return success();
  position = addArgument(RankedTensorType::get(1, b.getI64Type()),
                         part.step->position);
  b.startStep(position, part.step->length);
  for (const ValueInfoProto &input : graph.input()) {
    if (!isComputedInput(input) || part.flags.count(input.name()))
      continue;
    bool isCache = part.step->caches.count(input.name());
    bool isToken = input.name() == part.token;
    if (failed(isCache   ? addCache(input)
               : isToken ? addTokens(input)
                         : addComputedInput(input)))
      return failure();
  }
  return success();
}

LogicalResult GraphImporter::addCache(const ValueInfoProto &input) {
  const auto &tensor = input.type().tensor_type();
  std::optional<DataType> type =
      lookupDataType(tensor.elem_type(), b.getContext());
  const auto &dims = tensor.shape().dim();
  bool fits = type && type->computed.isF32() && dims.size() == 4 &&
              getStepSize(dims[kTokenDim]) == Size::trip(1) &&
              dims[1].dim_value() > 0 && dims[3].dim_value() > 0;
  if (!fits)
    return emitError(loc) << "'" << input.name()
                          << "' are tokens before; needs floats of shape "
                             "[batch, heads, tokens, width], heads and width "
                             "being numbers";
  int64_t heads = dims[1].dim_value(), width = dims[3].dim_value();
  int64_t length = part.step->length, columns = 0, elements = 0;
  if (llvm::MulOverflow(heads, width, columns) ||
      llvm::MulOverflow(columns, length, elements) || elements > kMaxSize)
    return emitError(loc) << "'" << input.name() << "' has " << heads
                          << " heads of " << width << " for " << length
                          << " tokens; needs at most " << kMaxSize
                          << " elements";
  Value argument =
      addArgument(RankedTensorType::get({ShapedType::kDynamic, length, columns},
                                        type->computed),
                  input.name());
  TokenCache cache;
  cache.input = input.name();
  cache.output = part.step->caches.at(input.name());
  cache.argument = argument;
  Size batch = Size::batch(1);
  Value split = b.reshape(argument, {batch, length, heads, width});
  split = b.sliceDim(split, 1, 0, length - 1);
  split = b.transpose(split, {0, kTokenDim, 1, 3});
  // What is in its last positions, those from i on, does not count.
  b.setShape(split, {batch, heads, Size::trip(1), width});
  cache.before = split;
  GraphValue &value = scope.values[input.name()];
  value.value = split;
  value.narrow = type->getNarrow();
  caches.push_back(cache);
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
  Value before = addArgument(getTokens(part.step->length), part.step->tokens);
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
  const auto &tensor = input.type().tensor_type();
  std::optional<DataType> type =
      lookupDataType(tensor.elem_type(), b.getContext());
  if (!type)
    return emitError(loc) << "input '" << input.name() << "' has type "
                          << getDataTypeName(tensor.elem_type()) << "; "
                          << kComputedTypes;
  if (arePositions(input) && !type->computed.isIntOrIndex())
    return emitError(loc) << "input '" << input.name() << "' has type "
                          << getDataTypeName(tensor.elem_type())
                          << "; positions need to be integers";
  GraphValue &value = scope.values[input.name()];
  value.isUnsigned = type->isUnsigned;
  value.narrow = type->getNarrow();
  Size batch = Size::batch(1), length = part.step->length;
  if (arePositions(input) && isWithoutPast()) {
    value.value =
        b.gather({batch, length}, type->computed,
                 [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
                   return arith::IndexCastOp::create(
                       b, type->computed, linalg::IndexOp::create(b, 1));
                 });
    return success();
  }
  if (arePositions(input)) {
    Value one = b.reshape(b.castTo(position, type->computed), {1, 1});
    value.value = b.broadcastTo(one, {Size::batch(1), Size(1)});
    return success();
  }
  // A mask of which tokens there are.
  Shape shape;
  for (auto [index, dim] : llvm::enumerate(tensor.shape().dim())) {
    if (std::optional<Size> size = getStepSize(dim))
      shape.push_back(*size);
    else if (isWithoutPast() && dim.dim_param() == tokenSize)
      shape.push_back(length);
    else if (index == 0 && !dim.has_dim_value())
      shape.push_back(Size::batch(1));
    else if (dim.dim_value() == 1 || dim.dim_param() == tokenSize)
      shape.push_back(1);
    else
      return emitError(loc) << "input '" << input.name()
                            << "' grows with each token; needs to be a mask "
                               "of them, [batch, tokens]";
  }
  value.value = b.fill(shape, b.getScalarAttr(type->computed, 1));
  return success();
}

Value GraphImporter::appendToCache(Value tensor, Value row, int64_t axis) {
  auto cache = llvm::find_if(
      caches, [&](const TokenCache &each) { return each.before == tensor; });
  if (cache == caches.end() || axis != kTokenDim || cache->after)
    return nullptr;
  Shape shape = b.getShape(row);
  auto type = cast<RankedTensorType>(cache->argument.getType());
  int64_t width = type.getDimSize(2);
  Value rows = b.transpose(row, {0, kTokenDim, 1, 3});
  rows = b.reshape(rows, {shape[0], 1, width});
  cache->updated =
      vit::CacheUpdateOp::create(b, cache->argument, rows, position);
  b.setShape(cache->updated, {shape[0], type.getDimSize(1), width});
  Value split = b.reshape(cache->updated,
                          {shape[0], type.getDimSize(1), shape[1], shape[3]});
  cache->after = b.transpose(split, {0, kTokenDim, 1, 3});
  shape[kTokenDim] = Size::trip(1, 1);
  b.setShape(cache->after, shape);
  return cache->after;
}

Value Node::append(Value tensor, Value row, int64_t axis) {
  Value grown = graph.appendToCache(tensor, row, axis);
  return grown ? grown : b.append(tensor, row, axis);
}

FailureOr<TokenCache *> GraphImporter::findCache(StringRef name, Value value) {
  auto cache = llvm::find_if(
      caches, [&](const TokenCache &each) { return each.output == name; });
  if (cache == caches.end())
    return nullptr;
  if (value == cache->after)
    return &*cache;
  return emitError(loc) << "output '" << name << "' is not '" << cache->input
                        << "' with one position more behind it, by Concat or "
                           "Attention; a decoder's cache needs to be";
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
