//===- Normalization.cpp - ONNX's normalisations --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LayerNormalization and RMSNormalization are the vit ops on rows; group,
// instance and mean-variance normalisation are a vit.layer_norm of reshaped
// rows with scale and shift behind it; batch normalisation with known
// statistics is a scale and a shift.
//
//===----------------------------------------------------------------------===//

#include "Normalization.h"

#include "Operands.h"
#include "Product.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

namespace {
/// The dims of a tensor from an axis on, as the columns of rows.
struct Rows {
  Shape shape;   // of the tensor
  Shape outer;   // the dims before the axis
  Shape inner;   // the dims from the axis on
  int64_t width; // their product
};
} // namespace

static FailureOr<Rows> getRows(Node &node, int64_t axis) {
  FailureOr<SmallVector<int64_t>> inner = getStaticSizes(node, 0, axis);
  if (failed(inner))
    return failure();
  Rows rows;
  rows.shape = node.getShape(0);
  rows.outer = Shape(ArrayRef<Size>(rows.shape).take_front(axis));
  rows.inner = Shape(ArrayRef<Size>(rows.shape).drop_front(axis));
  rows.width = llvm::product_of(*inner);
  return rows;
}

/// At least two dims: a single row is one of one.
static Value flattenRows(TensorBuilder &b, Value tensor, const Rows &rows) {
  Shape flat = rows.outer;
  if (flat.empty())
    flat.push_back(1);
  flat.push_back(rows.width);
  return b.reshape(tensor, flat);
}

/// A parameter as one number for each column; it broadcasts to the inner dims.
static FailureOr<Value> getColumns(Node &node, unsigned index,
                                   const Rows &rows) {
  if (failed(verifyTypeOfFirst(node, index)))
    return failure();
  Shape own = node.getShape(index);
  // It may have outer dims of 1 as well.
  while (own.size() > rows.inner.size() && own.front() == Size(1))
    own.erase(own.begin());
  Shape shapes[] = {own, rows.inner};
  if (TensorBuilder::broadcast(shapes) != rows.inner)
    return node.emitError() << "input " << index << " has shape "
                            << Node::format(node.getShape(index))
                            << "; it has to broadcast to the normalised dims "
                            << Node::format(rows.inner);
  Value wide = node.b.broadcastTo(node.b.reshape(node.input(index).value, own),
                                  rows.inner);
  return node.b.reshape(wide, {rows.width});
}

Value vitc::onnx::buildLayerNorm(TensorBuilder &b, Value rows, Value scale,
                                 Value shift, double epsilon) {
  Value result = vit::LayerNormOp::create(b, rows.getType(), rows, scale, shift,
                                          b.getF64FloatAttr(epsilon));
  return b.setShape(result, b.getShape(rows));
}

Value vitc::onnx::buildRmsNorm(TensorBuilder &b, Value rows, Value scale,
                               double epsilon) {
  Value result = vit::RmsNormOp::create(b, rows.getType(), rows, scale,
                                        b.getF64FloatAttr(epsilon));
  return b.setShape(result, b.getShape(rows));
}

//===----------------------------------------------------------------------===//
// LayerNormalization and RMSNormalization
//===----------------------------------------------------------------------===//

static Value buildDifference(TensorBuilder &b, Value lhs, Value rhs) {
  return b.elementwise({lhs, rhs}, TensorBuilder::getElementType(lhs),
                       [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                         return arith::SubFOp::create(b, args[0], args[1]);
                       });
}

/// The sum of x, or of its square, over `axes`, which stay as 1.
static Value buildTotal(TensorBuilder &b, Value tensor, ArrayRef<int64_t> axes,
                        bool squared) {
  return b.reduce(tensor, axes, /*keepDims=*/true,
                  b.getScalarAttr(TensorBuilder::getElementType(tensor), 0),
                  [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                    Value term = args[0];
                    if (squared)
                      term = arith::MulFOp::create(b, term, term);
                    return arith::AddFOp::create(b, term, args[1]);
                  });
}

/// The mean of x, or of its square, of each row.
static Value buildRowMean(TensorBuilder &b, Value rows, int64_t width,
                          bool squared) {
  Type type = TensorBuilder::getElementType(rows);
  Value sum = buildTotal(b, rows, TensorBuilder::getRank(rows) - 1, squared);
  return b.generic(sum, type,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     return arith::DivFOp::create(
                         b, args[0], TensorBuilder::scalar(b, type, width));
                   });
}

/// 1 / sqrt(x + epsilon).
static Value buildInverseRoot(TensorBuilder &b, Value tensor, double epsilon) {
  Type type = TensorBuilder::getElementType(tensor);
  return b.generic(
      tensor, type, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value sum = arith::AddFOp::create(
            b, args[0], TensorBuilder::scalar(b, type, epsilon));
        return arith::DivFOp::create(b, TensorBuilder::scalar(b, type, 1),
                                     math::SqrtOp::create(b, sum));
      });
}

/// The optional outputs: each row's mean and 1 / standard deviation.
static void setStatistics(Node &node, Value flat, const Rows &rows,
                          double epsilon) {
  TensorBuilder &b = node.b;
  Shape kept = rows.outer;
  kept.resize(rows.shape.size(), Size(1));
  Value mean = buildRowMean(b, flat, rows.width, /*squared=*/false);
  if (node.hasOutput(1))
    node.setOutput(1, b.reshape(mean, kept));
  if (!node.hasOutput(2))
    return;
  Value centred = buildDifference(b, flat, mean);
  Value variance = buildRowMean(b, centred, rows.width, /*squared=*/true);
  node.setOutput(2, b.reshape(buildInverseRoot(b, variance, epsilon), kept));
}

static LogicalResult importLayerNormalization(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/1);
  if (failed(input))
    return failure();
  FailureOr<int64_t> axis = node.getAxis("axis", -1, input->getRank());
  if (failed(axis))
    return failure();
  FailureOr<Rows> rows = getRows(node, *axis);
  if (failed(rows))
    return failure();
  FailureOr<Value> scale = getColumns(node, 1, *rows);
  FailureOr<Value> shift =
      node.hasInput(2) ? getColumns(node, 2, *rows) : FailureOr<Value>(Value());
  if (failed(scale) || failed(shift))
    return failure();
  double epsilon = node.getFloat("epsilon", 1e-5);
  Value flat = flattenRows(b, input->value, *rows);
  Value result = buildLayerNorm(b, flat, *scale, *shift, epsilon);
  node.setOutput(0, b.reshape(result, rows->shape));
  if (node.hasOutput(1) || node.hasOutput(2))
    setStatistics(node, flat, *rows, epsilon);
  return success();
}

LogicalResult vitc::onnx::importRmsNormalization(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/1);
  if (failed(input))
    return failure();
  FailureOr<int64_t> axis = node.getAxis("axis", -1, input->getRank());
  if (failed(axis))
    return failure();
  FailureOr<Rows> rows = getRows(node, *axis);
  if (failed(rows))
    return failure();
  FailureOr<Value> scale = getColumns(node, 1, *rows);
  if (failed(scale))
    return failure();
  double epsilon = node.getFloat("epsilon", 1e-5);
  Value flat = flattenRows(b, input->value, *rows);
  Value result = buildRmsNorm(b, flat, *scale, epsilon);
  node.setOutput(0, b.reshape(result, rows->shape));
  return success();
}

//===----------------------------------------------------------------------===//
// Channels
//===----------------------------------------------------------------------===//

/// One number a channel as [C, 1, ..., 1], for an input [B, C, ...].
static FailureOr<Value> getChannels(Node &node, unsigned index) {
  Shape shape = node.getShape(0);
  if (failed(verifyTypeOfFirst(node, index)) ||
      failed(verifyShape(node, index, {shape[1]})))
    return failure();
  Shape wide(shape.size() - 1, Size(1));
  wide[0] = shape[1];
  return node.b.reshape(node.input(index).value, wide);
}

static Value buildProduct(TensorBuilder &b, Value lhs, Value rhs) {
  return b.elementwise({lhs, rhs}, TensorBuilder::getElementType(lhs),
                       [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                         return arith::MulFOp::create(b, args[0], args[1]);
                       });
}

/// The size of an axis that the op, as `does` says, takes together; an error
/// where it depends on the batch.
static FailureOr<int64_t> getStaticSize(Node &node, Value tensor, int64_t axis,
                                        StringRef does) {
  Size size = node.b.getShape(tensor)[axis];
  if (size.isStatic())
    return size.constant;
  return node.emitError()
         << does << " axis " << axis << " of size " << Node::format(size)
         << "; needs a size that does not depend on the batch (--batch=N "
            "fixes it)";
}

/// The mean of x, or of its square, over `axes`, which stay as 1; an error
/// where one of them depends on the batch.
static FailureOr<Value> buildMean(Node &node, Value tensor,
                                  ArrayRef<int64_t> axes, bool squared) {
  TensorBuilder &b = node.b;
  double count = 1;
  for (int64_t axis : axes) {
    FailureOr<int64_t> size = getStaticSize(node, tensor, axis, "averages");
    if (failed(size))
      return failure();
    count *= *size;
  }
  return buildScaled(b, buildTotal(b, tensor, axes, squared), 1 / count);
}

/// The statistics of the input itself, which replace `mean` and `variance`;
/// outputs 1 and 2 are the running ones.
static LogicalResult useBatchStatistics(Node &node, Value input, Value &mean,
                                        Value &variance) {
  TensorBuilder &b = node.b;
  SmallVector<int64_t> axes = {0};
  llvm::append_range(axes,
                     llvm::seq<int64_t>(2, TensorBuilder::getRank(input)));
  FailureOr<Value> ownMean = buildMean(node, input, axes, /*squared=*/false);
  if (failed(ownMean))
    return failure();
  FailureOr<Value> ownVariance = buildMean(
      node, buildDifference(b, input, *ownMean), axes, /*squared=*/true);
  if (failed(ownVariance))
    return failure();
  double momentum = node.getFloat("momentum", 0.9);
  auto setRunning = [&](unsigned index, Value before, Value own) {
    if (!node.hasOutput(index))
      return;
    Value running = buildSum(b, buildScaled(b, before, momentum),
                             buildScaled(b, own, 1 - momentum));
    node.setOutput(index, b.reshape(running, {node.getShape(0)[1]}));
  };
  setRunning(1, mean, *ownMean);
  setRunning(2, variance, *ownVariance);
  mean = *ownMean;
  variance = *ownVariance;
  return success();
}

static LogicalResult importBatchNormalization(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/2);
  if (failed(input))
    return failure();
  // Up to opset 8 each element could have its own statistics.
  if (node.getInt("spatial", 1) != 1)
    return node.emitError() << "spatial is " << node.getInt("spatial", 1)
                            << "; needs 1, statistics of channels";
  SmallVector<Value, 4> channels;
  for (unsigned index : {1, 2, 3, 4}) {
    FailureOr<Value> channel = getChannels(node, index);
    if (failed(channel))
      return failure();
    channels.push_back(*channel);
  }
  Value scale = channels[0], shift = channels[1];
  Value mean = channels[2], variance = channels[3];
  if (node.getInt("training_mode", 0) != 0) {
    if (failed(useBatchStatistics(node, input->value, mean, variance)))
      return failure();
  } else if (node.hasOutput(1)) {
    return node.emitError() << "output 1 is in use; it needs training_mode 1";
  }
  double epsilon = node.getFloat("epsilon", 1e-5);
  Value factor = buildProduct(b, scale, buildInverseRoot(b, variance, epsilon));
  Value offset =
      b.generic({shift, mean, factor}, input->getElementType(),
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  Value moved = arith::MulFOp::create(b, args[1], args[2]);
                  return arith::SubFOp::create(b, args[0], moved);
                });
  node.setOutput(0, buildSum(b, buildProduct(b, input->value, factor), offset));
  return success();
}

/// Normalises each of `groups` runs of channels of each item.
static FailureOr<Value> normalizeGroups(Node &node, int64_t groups,
                                        double epsilon) {
  TensorBuilder &b = node.b;
  FailureOr<SmallVector<int64_t>> sizes = getStaticSizes(node, 0, 1);
  if (failed(sizes))
    return failure();
  if (groups < 1 || sizes->front() % groups != 0)
    return node.emitError()
           << "num_groups is " << groups << " and the input "
           << "has " << sizes->front() << " channels, which it has to divide";
  Shape shape = node.getShape(0);
  int64_t width = llvm::product_of(*sizes) / groups;
  Value rows = b.reshape(node.input(0).value, {shape[0], groups, width});
  Value result = buildLayerNorm(b, rows, Value(), Value(), epsilon);
  return b.reshape(result, shape);
}

static LogicalResult importInstanceNormalization(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/3);
  if (failed(input))
    return failure();
  FailureOr<Value> scale = getChannels(node, 1), shift = getChannels(node, 2);
  if (failed(scale) || failed(shift))
    return failure();
  FailureOr<Value> result = normalizeGroups(node, node.getShape(0)[1].constant,
                                            node.getFloat("epsilon", 1e-5));
  if (failed(result))
    return failure();
  node.setOutput(0, buildSum(b, buildProduct(b, *result, *scale), *shift));
  return success();
}

/// Scale and shift are for groups in opset 18, for channels from 21 on.
static FailureOr<Value> getGroupParameter(Node &node, unsigned index,
                                          int64_t groups) {
  if (node.getOpset() >= 21)
    return getChannels(node, index);
  if (failed(verifyTypeOfFirst(node, index)) ||
      failed(verifyShape(node, index, {Size(groups)})))
    return failure();
  int64_t channels = node.getShape(0)[1].constant;
  Value wide = node.b.broadcastTo(
      node.b.reshape(node.input(index).value, {groups, Size(1)}),
      {groups, channels / groups});
  Shape shape(node.getShape(0).size() - 1, Size(1));
  shape[0] = channels;
  return node.b.reshape(wide, shape);
}

static LogicalResult importGroupNormalization(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/3);
  FailureOr<int64_t> groups = node.getRequiredInt("num_groups");
  if (failed(input) || failed(groups))
    return failure();
  FailureOr<Value> result =
      normalizeGroups(node, *groups, node.getFloat("epsilon", 1e-5));
  if (failed(result))
    return failure();
  FailureOr<Value> scale = getGroupParameter(node, 1, *groups);
  FailureOr<Value> shift = getGroupParameter(node, 2, *groups);
  if (failed(scale) || failed(shift))
    return failure();
  node.setOutput(0, buildSum(b, buildProduct(b, *result, *scale), *shift));
  return success();
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

/// (x - mean) / (standard deviation + 1e-9) over the axes.
static LogicalResult importMeanVarianceNormalization(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  FailureOr<SmallVector<int64_t>> axes =
      node.normalizeAxes(node.getInts("axes", {0, 2, 3}), input->getRank());
  if (failed(axes))
    return failure();
  Type type = input->getElementType();
  FailureOr<Value> mean =
      buildMean(node, input->value, *axes, /*squared=*/false);
  if (failed(mean))
    return failure();
  Value centred = buildDifference(b, input->value, *mean);
  FailureOr<Value> variance = buildMean(node, centred, *axes, /*squared=*/true);
  if (failed(variance))
    return failure();
  node.setOutput(
      0, b.generic({centred, *variance}, type,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value deviation = math::SqrtOp::create(b, args[1]);
                     deviation = arith::AddFOp::create(
                         b, deviation, TensorBuilder::scalar(b, type, 1e-9));
                     return arith::DivFOp::create(b, args[0], deviation);
                   }));
  return success();
}

/// Divides vectors along an axis by their length: the root of the sum of
/// squares or, of p = 1, the sum of magnitudes. Zeros stay zeros.
static LogicalResult importLpNormalization(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/1);
  if (failed(input))
    return failure();
  FailureOr<int64_t> axis = node.getAxis("axis", -1, input->getRank());
  if (failed(axis))
    return failure();
  if (failed(getStaticSize(node, input->value, *axis, "normalises")))
    return failure();
  int64_t p = node.getInt("p", 2);
  if (p != 1 && p != 2)
    return node.emitError() << "p is " << p << "; needs 1 or 2";
  Type type = input->getElementType();
  Value terms = input->value;
  if (p == 1)
    terms = b.generic(terms, type,
                      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                        return math::AbsFOp::create(b, args[0]);
                      });
  Value total = buildTotal(b, terms, *axis, /*squared=*/p == 2);
  node.setOutput(
      0, b.generic({input->value, total}, type,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value length = args[1];
                     if (p == 2)
                       length = math::SqrtOp::create(b, length);
                     Value zero = TensorBuilder::scalar(b, type, 0);
                     Value isZero = arith::CmpFOp::create(
                         b, arith::CmpFPredicate::OEQ, length, zero);
                     Value quotient = arith::DivFOp::create(b, args[0], length);
                     return arith::SelectOp::create(b, isZero, zero, quotient);
                   }));
  return success();
}

void vitc::onnx::registerNormOps(OpRegistry &registry) {
  registry.add("LpNormalization", importLpNormalization);
  registry.add("LayerNormalization", importLayerNormalization, 2);
  registry.add("RMSNormalization", importRmsNormalization, 2);
  registry.add("BatchNormalization", importBatchNormalization, 5);
  registry.add("InstanceNormalization", importInstanceNormalization, 3);
  registry.add("GroupNormalization", importGroupNormalization, 3);
  registry.add("MeanVarianceNormalization", importMeanVarianceNormalization);
}
