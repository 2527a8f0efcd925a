//===- ContribQuantized.cpp - ONNX Runtime's quantised ops ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What its optimiser makes of a float op between DequantizeLinear and
// QuantizeLinear: products are those of integers, the other ops are computed on
// floats.
//
//===----------------------------------------------------------------------===//

#include "Activations.h"
#include "Contrib.h"
#include "Operands.h"
#include "Product.h"
#include "Quantization.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// Input `index` as floats; its scale and zero point are the inputs behind it.
static FailureOr<Value> getNumbers(Node &node, unsigned index) {
  FailureOr<Tensor> tensor = getQuantizedInput(node, index);
  FailureOr<QuantizedForm> form = getUniformForm(node, index + 1, index + 2);
  if (failed(tensor) || failed(form) ||
      (node.hasInput(index + 2) &&
       failed(verifySameType(node, index + 2, index))))
    return failure();
  return dequantize(node.b, *tensor, *form);
}

/// Floats as output 0, whose scale and zero point are inputs `scale` and on.
static LogicalResult setNumbers(Node &node, Value numbers, unsigned scale) {
  FailureOr<QuantizedForm> form = getUniformForm(node, scale, scale + 1);
  FailureOr<QuantizedType> type = getResultType(node, scale + 1);
  if (failed(form) || failed(type))
    return failure();
  node.setOutput(0, quantize(node.b, numbers, *form, *type), type->isUnsigned);
  return success();
}

//===----------------------------------------------------------------------===//
// One tensor or two
//===----------------------------------------------------------------------===//

template <typename Op> static LogicalResult importBinary(Node &node) {
  FailureOr<Value> lhs = getNumbers(node, 0), rhs = getNumbers(node, 3);
  if (failed(lhs) || failed(rhs))
    return failure();
  Shape shapes[] = {node.getShape(0), node.getShape(3)};
  if (!TensorBuilder::broadcast(shapes))
    return node.emitError() << "shapes " << Node::format(shapes[0]) << " and "
                            << Node::format(shapes[1])
                            << " do not broadcast; each size needs to be 1 or "
                               "the same";
  Value result =
      node.b.elementwise({*lhs, *rhs}, TensorBuilder::getElementType(*lhs),
                         [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                           return Op::create(b, args[0], args[1]);
                         });
  return setNumbers(node, result, 6);
}

static LogicalResult importSigmoid(Node &node) {
  FailureOr<Value> input = getNumbers(node, 0);
  if (failed(input))
    return failure();
  FailureOr<Value> result = buildActivation(node, *input, "Sigmoid", {});
  return failed(result) ? failure() : setNumbers(node, *result, 3);
}

static LogicalResult importLeakyRelu(Node &node) {
  FailureOr<Value> input = getNumbers(node, 0);
  if (failed(input))
    return failure();
  FailureOr<Value> result =
      buildActivation(node, *input, "LeakyRelu", node.getFloat("alpha", 0.01f));
  return failed(result) ? failure() : setNumbers(node, *result, 3);
}

static LogicalResult importSoftmax(Node &node) {
  FailureOr<Value> input = getNumbers(node, 0);
  FailureOr<int64_t> axis =
      node.getAxis("axis", -1, int64_t(node.getShape(0).size()));
  if (failed(input) || failed(axis) || failed(getStaticSizes(node, 0, *axis)))
    return failure();
  int64_t last = int64_t(node.getShape(0).size()) - 1;
  if (node.getInt("opset", 13) < 13 && *axis != last)
    return node.emitError()
           << "axis is " << *axis << " in opset " << node.getInt("opset", 13)
           << "; needs the last axis there";
  return setNumbers(node, node.b.softmax(*input, *axis), 3);
}

static LogicalResult importGlobalAveragePool(Node &node) {
  FailureOr<Value> input = getNumbers(node, 0);
  if (failed(input))
    return failure();
  TensorBuilder &b = node.b;
  Shape shape = node.getShape(0);
  bool channelsLast = node.getInt("channels_last", 0) != 0;
  FailureOr<SmallVector<int64_t>> sizes = getStaticSizes(node, 0, 1);
  if (failed(sizes))
    return failure();
  SmallVector<int64_t> axes;
  int64_t count = 1, channels = channelsLast ? shape.size() - 1 : 1;
  for (int64_t dim = 1; dim < int64_t(shape.size()); ++dim)
    if (dim != channels) {
      axes.push_back(dim);
      count *= shape[dim].constant;
    }
  if (axes.empty() || count == 0)
    return node.emitError() << "input has shape " << Node::format(shape)
                            << "; needs spatial dims with elements";
  Type type = TensorBuilder::getElementType(*input);
  Value sum =
      b.reduce(*input, axes, /*keepDims=*/true, b.getScalarAttr(type, 0),
               [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                 return arith::AddFOp::create(b, args[0], args[1]);
               });
  Value mean = b.generic(
      sum, type, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::DivFOp::create(b, args[0],
                                     TensorBuilder::scalar(b, type, count));
      });
  return setNumbers(node, mean, 3);
}

/// Inputs: scale and zero point of the result, then each tensor with its own.
static LogicalResult importConcat(Node &node) {
  if (node.getNumInputs() < 5 || (node.getNumInputs() - 2) % 3 != 0)
    return node.emitError() << "has " << node.getNumInputs()
                            << " inputs; needs 2, and 3 for each tensor";
  SmallVector<Value> parts;
  for (unsigned index = 2; index < node.getNumInputs(); index += 3) {
    if (!node.hasInput(index) || !node.hasInput(index + 1))
      return node.emitError() << "input " << index << " or its scale is "
                              << "absent; needs both";
    FailureOr<Value> part = getNumbers(node, index);
    if (failed(part))
      return failure();
    parts.push_back(*part);
  }
  Shape first = node.getShape(2);
  FailureOr<int64_t> axis = node.getRequiredInt("axis");
  if (succeeded(axis))
    axis = node.normalizeAxis(*axis, int64_t(first.size()));
  if (failed(axis))
    return failure();
  for (unsigned index = 2; index < node.getNumInputs(); index += 3) {
    Shape shape = node.getShape(index);
    if (shape.size() == first.size())
      shape[*axis] = first[*axis];
    if (shape != first || !node.getShape(index)[*axis].isStatic())
      return node.emitError()
             << "joins shapes " << Node::format(node.getShape(2)) << " and "
             << Node::format(node.getShape(index)) << " along axis " << *axis
             << "; needs sizes that are the same but for that axis, which must "
                "not depend on B";
  }
  return setNumbers(node, node.b.concat(parts, *axis), 0);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// An i32 product times both scales, plus a bias of floats or null.
static Value scaleProduct(TensorBuilder &b, Value product, Value lhsScale,
                          Value rhsScale, Value bias) {
  Type type = TensorBuilder::getElementType(lhsScale);
  auto multiply = [&](Value lhs, Value rhs) {
    return b.elementwise({lhs, rhs}, type,
                         [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                           return arith::MulFOp::create(b, args[0], args[1]);
                         });
  };
  Value result =
      multiply(b.castTo(product, type), multiply(lhsScale, rhsScale));
  return bias ? buildSum(b, result, bias) : result;
}

static LogicalResult verifyF32(Node &node, unsigned index) {
  if (node.getElementType(index).isF32())
    return success();
  return node.emitError() << "input " << index << " has elements of type "
                          << node.getElementType(index) << "; needs f32";
}

/// Input `index`, a float for each column of the result, or null.
static FailureOr<Value> getBias(Node &node, unsigned index, Size columns) {
  if (!node.hasInput(index))
    return Value();
  if (failed(verifyF32(node, index)) ||
      failed(verifyShape(node, index, columns)))
    return failure();
  return node.input(index).value;
}

static LogicalResult verifyInnerDim(Node &node) {
  Shape lhs = node.getShape(0), rhs = node.getShape(1);
  if (failed(verifyMatmul(node, lhs, rhs)))
    return failure();
  if (rhs.size() < 2 || !lhs.back().isStatic())
    return node.emitError() << "multiplies shapes " << Node::format(lhs)
                            << " and " << Node::format(rhs)
                            << "; needs matrices, and an inner dim that does "
                               "not depend on the batch";
  return success();
}

static LogicalResult importMatMulIntegerToFloat(Node &node) {
  if (failed(verifyInnerDim(node)))
    return failure();
  Shape lhs = node.getShape(0), rhs = node.getShape(1);
  int64_t column = int64_t(rhs.size()) - 1;
  FailureOr<IntegerOperand> left =
      getIntegerOperand(node, 0, 4, int64_t(lhs.size()) - 2);
  FailureOr<IntegerOperand> right = getIntegerOperand(node, 1, 5, column);
  FailureOr<QuantizedForm> leftForm = getUniformForm(node, 2, 4);
  FailureOr<QuantizedForm> rightForm =
      getQuantizedForm(node, 3, 5, rhs, column);
  FailureOr<Value> bias = getBias(node, 6, rhs.back());
  if (failed(left) || failed(right) || failed(leftForm) || failed(rightForm) ||
      failed(bias))
    return failure();
  FailureOr<Value> product = buildIntegerMatmul(node, *left, *right);
  if (failed(product))
    return failure();
  node.setOutput(0, scaleProduct(node.b, *product, leftForm->scale,
                                 rightForm->scale, *bias));
  return success();
}

static LogicalResult importDynamicQuantizeMatMul(Node &node) {
  if (failed(verifyF32(node, 0)) || failed(verifyInnerDim(node)) ||
      failed(getStaticSizes(node, 0, 0)))
    return failure();
  Shape rhs = node.getShape(1);
  int64_t column = int64_t(rhs.size()) - 1;
  FailureOr<IntegerOperand> right = getIntegerOperand(node, 1, 3, column);
  FailureOr<QuantizedForm> rightForm =
      getQuantizedForm(node, 2, 3, rhs, column);
  FailureOr<Value> bias = getBias(node, 4, rhs.back());
  if (failed(right) || failed(rightForm) || failed(bias))
    return failure();
  TensorBuilder &b = node.b;
  DynamicallyQuantized quantized = quantizeDynamically(b, node.input(0).value);
  IntegerOperand left = makeIntegerOperand(b, {quantized.integers, true},
                                           {quantized.zeroPoint, true});
  FailureOr<Value> product = buildIntegerMatmul(node, left, *right);
  if (failed(product))
    return failure();
  node.setOutput(
      0, scaleProduct(b, *product, quantized.scale, rightForm->scale, *bias));
  return success();
}

/// op(A) * op(B) + C in integers; floats, or integers where the result has a
/// scale.
static LogicalResult importQGemm(Node &node) {
  TensorBuilder &b = node.b;
  Shape lhs = node.getShape(0), rhs = node.getShape(3);
  bool transA = node.getInt("transA", 0), transB = node.getInt("transB", 0);
  if (lhs.size() != 2 || rhs.size() != 2 || lhs[!transA] != rhs[transB] ||
      !lhs[!transA].isStatic() || !rhs[!transB].isStatic())
    return node.emitError()
           << "operands have shapes " << Node::format(lhs)
           << (transA ? " (transposed)" : "") << " and " << Node::format(rhs)
           << (transB ? " (transposed)" : "")
           << "; needs matrices whose inner dims agree";
  int64_t column = transB ? 0 : 1;
  FailureOr<IntegerOperand> left = getIntegerOperand(node, 0, 2, -1);
  FailureOr<IntegerOperand> right = getIntegerOperand(node, 3, 5, column);
  FailureOr<QuantizedForm> leftForm = getUniformForm(node, 1, 2);
  FailureOr<QuantizedForm> rightForm =
      getQuantizedForm(node, 4, 5, rhs, column);
  if (failed(left) || failed(right) || failed(leftForm) || failed(rightForm))
    return failure();
  if (transA)
    left->numbers = b.transpose(left->numbers, {1, 0});
  if (transB)
    right->numbers = b.transpose(right->numbers, {1, 0});
  FailureOr<Value> product = buildIntegerMatmul(node, *left, *right);
  if (failed(product))
    return failure();
  if (node.hasInput(6)) {
    Shape shapes[] = {b.getShape(*product), node.getShape(6)};
    if (!node.getElementType(6).isInteger(32) ||
        TensorBuilder::broadcast(shapes) != shapes[0])
      return node.emitError()
             << "input 6 has shape " << Node::format(shapes[1])
             << " and elements of type " << node.getElementType(6)
             << "; needs i32 that broadcast to " << Node::format(shapes[0]);
    product = buildSum(b, *product, node.input(6).value);
  }
  // A scale for each column is one for each row of B transposed.
  Value rightScale = rightForm->scale;
  if (b.getShape(rightScale).size() == 2)
    rightScale = b.reshape(rightScale, rhs[!transB]);
  Value numbers = scaleProduct(
      b, *product, buildScaled(b, leftForm->scale, node.getFloat("alpha", 1)),
      rightScale, Value());
  if (node.hasInput(7))
    return setNumbers(node, numbers, 7);
  node.setOutput(0, numbers);
  return success();
}

void onnx::registerContribQuantizedOps(OpRegistry &registry) {
  auto add = [&](StringRef name, ImportFn import, unsigned requiredInputs) {
    registry.add(name, import, requiredInputs, /*since=*/1, kContribDomain);
  };
  add("QLinearAdd", importBinary<arith::AddFOp>, 2);
  add("QLinearMul", importBinary<arith::MulFOp>, 2);
  add("QLinearSigmoid", importSigmoid, 2);
  add("QLinearLeakyRelu", importLeakyRelu, 2);
  add("QLinearSoftmax", importSoftmax, 2);
  add("QLinearGlobalAveragePool", importGlobalAveragePool, 5);
  add("QLinearConcat", importConcat, 1);
  add("MatMulIntegerToFloat", importMatMulIntegerToFloat, 4);
  add("DynamicQuantizeMatMul", importDynamicQuantizeMatMul, 3);
  add("QGemm", importQGemm, 6);
}
