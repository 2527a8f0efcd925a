//===- Constants.cpp - Constants and casts --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Node.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// More elements than any table that a model computes.
static constexpr int64_t kMaxRange = int64_t(1) << 20;

static LogicalResult importConstant(Node &node) {
  Builder &b = node.b;
  if (node.hasAttr("value"))
    return node.setTensor(0, "value");
  auto set = [&](RankedTensorType type, auto values) {
    node.setConstant(0, DenseElementsAttr::get(type, ArrayRef(values)));
    return success();
  };
  if (node.hasAttr("value_float"))
    return set(RankedTensorType::get({}, b.getF32Type()),
               SmallVector<float>{float(node.getFloat("value_float", 0))});
  if (node.hasAttr("value_int"))
    return set(RankedTensorType::get({}, b.getI64Type()),
               SmallVector<int64_t>{node.getInt("value_int", 0)});
  if (node.hasAttr("value_floats")) {
    SmallVector<double> wide = node.getFloats("value_floats");
    SmallVector<float> values(wide.begin(), wide.end());
    return set(RankedTensorType::get(values.size(), b.getF32Type()), values);
  }
  if (node.hasAttr("value_ints")) {
    SmallVector<int64_t> values = node.getInts("value_ints", {});
    return set(RankedTensorType::get(values.size(), b.getI64Type()), values);
  }
  return node.emitError() << "has no value of numbers; needs the attribute "
                             "value, value_float(s) or value_int(s)";
}

static LogicalResult importConstantOfShape(Node &node) {
  FailureOr<Shape> shape = node.getRequiredSizes(0);
  if (failed(shape))
    return failure();
  for (Size size : *shape)
    if (size.isStatic() && size.constant < 0)
      return node.emitError() << "shape is " << Node::format(*shape)
                              << "; needs sizes of 0 or more";
  TypedAttr number = node.b.getF32FloatAttr(0);
  bool isUnsigned = false;
  if (node.hasAttr("value")) {
    FailureOr<DenseElementsAttr> value = node.getTensor("value", &isUnsigned);
    if (failed(value))
      return failure();
    if (value->getNumElements() != 1)
      return node.emitError()
             << "value has " << value->getNumElements() << " elements; needs 1";
    number = *value->value_begin<TypedAttr>();
  }
  if (llvm::all_of(*shape, [](Size size) { return size.isStatic(); })) {
    node.setOutput(
        0,
        node.b.constant(DenseElementsAttr::get(
            node.b.getType(*shape, number.getType()), Attribute(number))),
        isUnsigned);
    return success();
  }
  node.setOutput(0, node.b.fill(*shape, number), isUnsigned);
  return success();
}

static LogicalResult importIdentity(Node &node) {
  node.forward(0, 0);
  return success();
}

/// Inference drops nothing, and keeps everything in its mask.
static LogicalResult importDropout(Node &node) {
  if (node.hasInput(2)) {
    FailureOr<DenseElementsAttr> training = node.getConstant(2);
    if (failed(training))
      return failure();
    if (!training->isSplat() || !training->getElementType().isInteger(1) ||
        training->getSplatValue<bool>())
      return node.emitError() << "training_mode is true; vitc compiles "
                                 "inference, where it is false";
  }
  node.forward(0, 0);
  if (node.hasOutput(1))
    node.setOutput(1, node.b.fill(node.getShape(0), node.b.getBoolAttr(true)));
  return success();
}

/// A type of 16 bits rounds the numbers, which are kept in f32.
static void castInput(Node &node, const DataType &type) {
  Tensor x = node.input(0);
  Value value =
      node.b.castTo(x.value, type.stored, x.isUnsigned, type.isUnsigned);
  node.setOutput(0, node.b.castTo(value, type.computed), type);
}

static LogicalResult importCast(Node &node) {
  FailureOr<int64_t> number = node.getRequiredInt("to");
  if (failed(number))
    return failure();
  FailureOr<DataType> type = node.getDataType(*number);
  if (failed(type))
    return failure();
  castInput(node, *type);
  return success();
}

static LogicalResult importCastLike(Node &node) {
  castInput(node, node.getDataTypeOf(1));
  return success();
}

template <typename T, typename Elements>
static DenseElementsAttr makeRange(TensorBuilder &b, Type element, T start,
                                   T delta, int64_t count, Elements convert) {
  SmallVector<Attribute> values;
  for (int64_t index = 0; index < count; ++index)
    values.push_back(convert(start + T(index) * delta));
  return DenseElementsAttr::get(RankedTensorType::get(count, element), values);
}

/// How many numbers a Range with steps of 1 makes whose limit depends on the
/// batch; none for any other.
static std::optional<Size> getBatchCount(Node &node) {
  std::optional<Shape> start = node.getSizesOf(0), limit = node.getSizesOf(1),
                       delta = node.getSizesOf(2);
  if (!start || !limit || !delta || start->size() != 1 || limit->size() != 1 ||
      delta->size() != 1 || delta->front() != Size(1) ||
      !start->front().isStatic() || limit->front().isStatic())
    return std::nullopt;
  Size count = limit->front();
  count.constant -= start->front().constant;
  // For a batch of 1 there are the fewest.
  if (count.batchFactor < 0 || count.batchFactor + count.constant < 0)
    return std::nullopt;
  return count;
}

static void importBatchRange(Node &node, Type element, Size count) {
  int64_t start = node.getSizesOf(0)->front().constant;
  Value numbers = node.b.gather(
      {count}, element, [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
        Value index = linalg::IndexOp::create(b, 0);
        index = arith::IndexCastOp::create(b, element, index);
        return arith::AddIOp::create(
            b, index, TensorBuilder::scalar(b, element, double(start)));
      });
  node.setOutput(0, numbers);
}

static LogicalResult importRange(Node &node) {
  Type element = node.getElementType(0);
  for (unsigned index : {0, 1, 2})
    if (node.isConstant(index) && (node.getShape(index).size() > 1 ||
                                   (node.getShape(index).size() == 1 &&
                                    node.getShape(index)[0] != Size(1)) ||
                                   node.getElementType(index) != element))
      return node.emitError() << "input " << index << " has shape "
                              << Node::format(node.getShape(index))
                              << "; needs one number of the type of input 0";
  auto verifyCount = [&](double count) -> LogicalResult {
    if (count > double(kMaxRange) || count != count)
      return node.emitError()
             << "makes " << count << " numbers; needs at most " << kMaxRange;
    return success();
  };
  if (isa<FloatType>(element)) {
    double bounds[3];
    for (unsigned index : {0, 1, 2}) {
      FailureOr<SmallVector<double>> value = node.getFloatsOf(index);
      if (failed(value))
        return failure();
      bounds[index] = value->front();
    }
    double count = std::ceil((bounds[1] - bounds[0]) / bounds[2]);
    if (failed(verifyCount(count)))
      return failure();
    node.setConstant(0, makeRange(node.b, element, bounds[0], bounds[2],
                                  int64_t(std::max(count, 0.0)), [&](double x) {
                                    return node.b.getFloatAttr(element, x);
                                  }));
    return success();
  }
  if (std::optional<Size> count = getBatchCount(node)) {
    importBatchRange(node, element, *count);
    return success();
  }
  int64_t bounds[3];
  for (unsigned index : {0, 1, 2}) {
    FailureOr<SmallVector<int64_t>> value = node.getIntsOf(index);
    if (failed(value))
      return failure();
    bounds[index] = value->front();
  }
  if (bounds[2] == 0)
    return node.emitError() << "delta is 0; needs another number";
  double count =
      std::ceil((double(bounds[1]) - double(bounds[0])) / double(bounds[2]));
  if (failed(verifyCount(count)))
    return failure();
  node.setConstant(
      0, makeRange(node.b, element, uint64_t(bounds[0]), uint64_t(bounds[2]),
                   int64_t(std::max(count, 0.0)), [&](uint64_t x) {
                     return node.b.getIntegerAttr(element, int64_t(x));
                   }));
  return success();
}

void onnx::registerConstantOps(OpRegistry &registry) {
  registry.add("Cast", importCast);
  registry.add("CastLike", importCastLike, 2);
  registry.add("Constant", importConstant, 0);
  registry.add("ConstantOfShape", importConstantOfShape);
  registry.add("Dropout", importDropout);
  registry.add("Identity", importIdentity);
  registry.add("Range", importRange, 3);
}
