//===- Quantization.cpp - ONNX's quantised tensors ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
//
//===----------------------------------------------------------------------===//

#include "Quantization.h"

#include "Operands.h"
#include "Reduce.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

static LogicalResult verifyQuantizedType(Node &node, StringRef what,
                                         Type type) {
  if (type.isInteger(8) || type.isInteger(16))
    return success();
  return node.emitError() << what << " has elements of type " << type
                          << "; needs integers of 8 or 16 bits";
}

static LogicalResult verifyPresent(Node &node, unsigned index) {
  if (node.hasInput(index))
    return success();
  return node.emitError() << "input " << index << " is absent; needs it";
}

FailureOr<Tensor> onnx::getQuantizedInput(Node &node, unsigned index) {
  if (failed(verifyPresent(node, index)))
    return failure();
  if (failed(verifyQuantizedType(node, ("input " + Twine(index)).str(),
                                 node.getElementType(index))))
    return failure();
  return node.input(index);
}

//===----------------------------------------------------------------------===//
// Scales and zero points
//===----------------------------------------------------------------------===//

/// Repeats each position of `axis` `blockSize` times, up to `size`.
static Value repeatBlocks(TensorBuilder &b, Value tensor, int64_t axis,
                          int64_t blockSize, int64_t size) {
  SmallVector<int64_t> positions;
  for (int64_t position = 0; position < size; ++position)
    positions.push_back(position / blockSize);
  return b.take(tensor, axis, positions);
}

/// Input `index`, one parameter for a tensor of `shape`, so that it broadcasts
/// to it.
static FailureOr<Value> getParameter(Node &node, unsigned index,
                                     ArrayRef<Size> shape, int64_t axis,
                                     int64_t blockSize) {
  TensorBuilder &b = node.b;
  Value value = node.input(index).value;
  Shape own = node.getShape(index);
  if (blockSize == 0) {
    if (own.empty() || ArrayRef<Size>(own) == ArrayRef<Size>(Size(1)))
      return b.reshape(value, {});
    if (own.size() == 1 && axis < int64_t(shape.size()) &&
        own.front() == shape[axis]) {
      Shape spread(shape.size() - axis, Size(1));
      spread.front() = own.front();
      return b.reshape(value, spread);
    }
    return node.emitError()
           << "input " << index << " has shape " << Node::format(own)
           << "; needs one number, or one for each position of axis " << axis
           << " of " << Node::format(shape);
  }
  Shape needed(shape);
  bool fits = axis < int64_t(shape.size()) && shape[axis].isStatic();
  if (fits)
    needed[axis] = llvm::divideCeil(shape[axis].constant, blockSize);
  if (!fits || own != needed)
    return node.emitError() << "input " << index << " has shape "
                            << Node::format(own) << " and block_size is "
                            << blockSize << "; needs " << Node::format(needed)
                            << " for a tensor of " << Node::format(shape);
  return repeatBlocks(b, value, axis, blockSize, shape[axis].constant);
}

FailureOr<QuantizedForm>
onnx::getQuantizedForm(Node &node, unsigned scale, unsigned zeroPoint,
                       ArrayRef<Size> shape, int64_t axis, int64_t blockSize) {
  if (blockSize < 0)
    return node.emitError()
           << "block_size is " << blockSize << "; needs 0 or more";
  if (failed(verifyPresent(node, scale)))
    return failure();
  if (!node.getElementType(scale).isF32())
    return node.emitError()
           << "input " << scale << " has elements of type "
           << node.getElementType(scale) << "; needs floats of 16 or 32 bits";
  FailureOr<Value> scales = getParameter(node, scale, shape, axis, blockSize);
  if (failed(scales))
    return failure();
  QuantizedForm form{*scales, {}};
  if (!node.hasInput(zeroPoint))
    return form;
  Type type = node.getElementType(zeroPoint);
  if (!type.isInteger(8) && !type.isInteger(16) && !type.isInteger(32))
    return node.emitError() << "input " << zeroPoint << " has elements of type "
                            << type << "; needs integers of 8, 16 or 32 bits";
  FailureOr<Value> zeros =
      getParameter(node, zeroPoint, shape, axis, blockSize);
  if (failed(zeros))
    return failure();
  form.zeroPoint = {*zeros, node.isUnsigned(zeroPoint)};
  return form;
}

FailureOr<QuantizedForm> onnx::getUniformForm(Node &node, unsigned scale,
                                              unsigned zeroPoint) {
  return getQuantizedForm(node, scale, zeroPoint, {}, /*axis=*/0);
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// An integer of up to 32 bits as i32.
static Value widen(ImplicitLocOpBuilder &b, Value x, bool isUnsigned) {
  if (x.getType().isInteger(32))
    return x;
  if (isUnsigned)
    return arith::ExtUIOp::create(b, b.getI32Type(), x);
  return arith::ExtSIOp::create(b, b.getI32Type(), x);
}

Value onnx::dequantize(TensorBuilder &b, const Tensor &tensor,
                       const QuantizedForm &form) {
  Type type = TensorBuilder::getElementType(form.scale);
  SmallVector<Value> operands = {tensor.value, form.scale};
  if (form.zeroPoint.value)
    operands.push_back(form.zeroPoint.value);
  return b.generic(
      operands, type, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value number = widen(b, args[0], tensor.isUnsigned);
        if (args.size() == 3)
          number = arith::SubIOp::create(
              b, number, widen(b, args[2], form.zeroPoint.isUnsigned));
        return arith::MulFOp::create(
            b, arith::SIToFPOp::create(b, type, number), args[1]);
      });
}

/// A float, NaN being the least, as the nearest integer of `type`.
static Value saturate(ImplicitLocOpBuilder &b, Value x, QuantizedType type) {
  unsigned width = type.getWidth();
  APInt least = type.isUnsigned ? APInt::getMinValue(width)
                                : APInt::getSignedMinValue(width);
  APInt largest = type.isUnsigned ? APInt::getMaxValue(width)
                                  : APInt::getSignedMaxValue(width);
  auto getBound = [&](const APInt &bound) {
    return TensorBuilder::scalar(
        b, x.getType(), bound.roundToDouble(/*isSigned=*/!type.isUnsigned));
  };
  Value low = getBound(least), high = getBound(largest);
  Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, low);
  x = arith::SelectOp::create(b, above, x, low);
  Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, high);
  x = arith::SelectOp::create(b, below, x, high);
  Value wide = arith::FPToSIOp::create(b, b.getI32Type(), x);
  return arith::TruncIOp::create(b, type.element, wide);
}

Value onnx::quantize(TensorBuilder &b, Value tensor, const QuantizedForm &form,
                     QuantizedType type) {
  Type computed = TensorBuilder::getElementType(tensor);
  SmallVector<Value> operands = {tensor};
  for (Value parameter : {form.scale, form.zeroPoint.value})
    if (parameter)
      operands.push_back(parameter);
  return b.generic(operands, type.element,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value x = args[0];
                     if (form.scale)
                       x = arith::DivFOp::create(b, x, args[1]);
                     x = math::RoundEvenOp::create(b, x);
                     if (form.zeroPoint.value) {
                       Value zero =
                           widen(b, args.back(), form.zeroPoint.isUnsigned);
                       x = arith::AddFOp::create(
                           b, x, arith::SIToFPOp::create(b, computed, zero));
                     }
                     return saturate(b, x, type);
                   });
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// The axis of the parameters; tensors of rank 0 have none.
static FailureOr<int64_t> getParameterAxis(Node &node) {
  int64_t rank = node.getShape(0).size();
  return rank == 0 ? FailureOr<int64_t>(0) : node.getAxis("axis", 1, rank);
}

/// One scale needs no axis: that attribute's default suits no vector.
static bool isUniform(Node &node, unsigned scale) {
  Shape shape = node.getShape(scale);
  return shape.empty() || ArrayRef<Size>(shape) == ArrayRef<Size>(Size(1));
}

static FailureOr<QuantizedForm> getFormOfInputs(Node &node) {
  int64_t blockSize = node.getInt("block_size", 0);
  if (blockSize == 0 && isUniform(node, 1))
    return getUniformForm(node, 1, 2);
  FailureOr<int64_t> axis = getParameterAxis(node);
  if (failed(axis))
    return failure();
  return getQuantizedForm(node, 1, 2, node.getShape(0), *axis, blockSize);
}

FailureOr<QuantizedType> onnx::getResultType(Node &node, unsigned index) {
  if (!node.hasInput(index))
    return QuantizedType{IntegerType::get(node.b.getContext(), 8), true};
  FailureOr<Tensor> zeroPoint = getQuantizedInput(node, index);
  if (failed(zeroPoint))
    return failure();
  return QuantizedType{cast<IntegerType>(zeroPoint->getElementType()),
                       zeroPoint->isUnsigned};
}

static LogicalResult importQuantizeLinear(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<QuantizedForm> form = getFormOfInputs(node);
  if (failed(form))
    return failure();
  FailureOr<QuantizedType> type = getResultType(node, 2);
  if (int64_t number = node.getInt("output_dtype", 0)) {
    FailureOr<DataType> given = node.getDataType(number);
    if (failed(given) ||
        failed(verifyQuantizedType(node, "the result", given->stored)))
      return failure();
    type = QuantizedType{cast<IntegerType>(given->stored), given->isUnsigned};
  }
  if (failed(type))
    return failure();
  Tensor input = node.input(0);
  Type computed = TensorBuilder::getElementType(form->scale);
  Value numbers = b.castTo(input.value, computed, input.isUnsigned);
  node.setOutput(0, quantize(b, numbers, *form, *type), type->isUnsigned);
  return success();
}

static LogicalResult importDequantizeLinear(Node &node) {
  FailureOr<QuantizedForm> form = getFormOfInputs(node);
  if (failed(form))
    return failure();
  Tensor input = node.input(0);
  auto type = dyn_cast<IntegerType>(input.getElementType());
  if (!type || type.getWidth() == 1 || type.getWidth() > 32)
    return node.emitError()
           << "input 0 has elements of type " << input.getElementType()
           << "; needs integers of 8, 16 or 32 bits";
  if (node.hasInput(2) && failed(verifyTypeOfFirst(node, 2)))
    return failure();
  Value numbers = dequantize(node.b, input, *form);
  if (int64_t number = node.getInt("output_dtype", 0)) {
    FailureOr<DataType> given = node.getDataType(number);
    if (failed(given))
      return failure();
    node.setOutput(0, node.b.castTo(numbers, given->computed), *given);
    return success();
  }
  node.setOutput(0, numbers, node.getDataTypeOf(1));
  return success();
}

/// The smallest or the largest of all elements and 0, of rank 0.
static Value buildExtremeWithZero(TensorBuilder &b, Value tensor,
                                  bool largest) {
  auto axes =
      llvm::to_vector(llvm::seq<int64_t>(0, TensorBuilder::getRank(tensor)));
  Type type = TensorBuilder::getElementType(tensor);
  Value extreme = axes.empty() ? tensor
                               : reduceToExtreme(b, Tensor{tensor}, axes,
                                                 /*keepDims=*/false, largest);
  return b.generic(extreme, type,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value zero = TensorBuilder::scalar(b, type, 0);
                     if (largest)
                       return arith::MaximumFOp::create(b, args[0], zero);
                     return arith::MinimumFOp::create(b, args[0], zero);
                   });
}

DynamicallyQuantized onnx::quantizeDynamically(TensorBuilder &b, Value tensor) {
  Type type = TensorBuilder::getElementType(tensor);
  QuantizedType quantized{IntegerType::get(b.getContext(), 8), true};
  Value low = buildExtremeWithZero(b, tensor, /*largest=*/false);
  Value high = buildExtremeWithZero(b, tensor, /*largest=*/true);
  Value scale = b.generic(
      {low, high}, type,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value range = arith::SubFOp::create(b, args[1], args[0]);
        Value zero = TensorBuilder::scalar(b, type, 0);
        Value isEmpty =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, range, zero);
        Value one = TensorBuilder::scalar(b, type, 1);
        range = arith::SelectOp::create(b, isEmpty, one, range);
        return arith::DivFOp::create(b, range,
                                     TensorBuilder::scalar(b, type, 255));
      });
  Value zeroPoint = b.generic(
      {low, scale}, quantized.element,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value zero =
            arith::SubFOp::create(b, TensorBuilder::scalar(b, type, 0),
                                  arith::DivFOp::create(b, args[0], args[1]));
        return saturate(b, math::RoundEvenOp::create(b, zero), quantized);
      });
  QuantizedForm form{scale, {zeroPoint, /*isUnsigned=*/true}};
  return {quantize(b, tensor, form, quantized), scale, zeroPoint};
}

static LogicalResult importDynamicQuantizeLinear(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input) || failed(getStaticSizes(node, 0, 0)))
    return failure();
  DynamicallyQuantized result = quantizeDynamically(node.b, input->value);
  node.setOutput(0, result.integers, /*isUnsigned=*/true);
  node.setOutput(1, result.scale);
  node.setOutput(2, result.zeroPoint, /*isUnsigned=*/true);
  return success();
}

void onnx::registerQuantizationOps(OpRegistry &registry) {
  for (StringRef domain : {"", "com.microsoft"}) {
    registry.add("QuantizeLinear", importQuantizeLinear, 2, 1, domain);
    registry.add("DequantizeLinear", importDequantizeLinear, 2, 1, domain);
  }
  registry.add("DynamicQuantizeLinear", importDynamicQuantizeLinear);
  registerQuantizedProductOps(registry);
  registerContribQuantizedOps(registry);
}
