//===- QuantizedProduct.cpp - ONNX's products of integers -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MatMulInteger, QLinearMatMul, ConvInteger, QLinearConv. Products of 8-bit
// numbers are exact in f32, and so are sums of a few hundred: a product is made
// of as few f32 products as that allows, whose sum is i32.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"
#include "Operands.h"
#include "Product.h"
#include "Quantization.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// Whole numbers up to this have no gaps in f32.
static constexpr int64_t kExactInF32 = int64_t(1) << 24;
/// f32 products that one product becomes.
static constexpr int64_t kMaxParts = 4096;

//===----------------------------------------------------------------------===//
// Exact products
//===----------------------------------------------------------------------===//

IntegerOperand onnx::makeIntegerOperand(TensorBuilder &b, const Tensor &tensor,
                                        const Tensor &zeroPoint) {
  Type type = b.getF32Type();
  Value numbers = b.castTo(tensor.value, type, tensor.isUnsigned);
  if (!zeroPoint.value)
    return {numbers, tensor.isUnsigned ? 255 : 128};
  Value zeros = b.castTo(zeroPoint.value, type, zeroPoint.isUnsigned);
  numbers =
      b.elementwise({numbers, zeros}, type,
                    [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                      return arith::SubFOp::create(b, args[0], args[1]);
                    });
  return {numbers, 255};
}

int64_t onnx::getExactTerms(const IntegerOperand &lhs,
                            const IntegerOperand &rhs) {
  return kExactInF32 / (lhs.magnitude * rhs.magnitude);
}

/// Adds a part, whole numbers as floats, to an i32 sum, which may be null.
static Value addPart(TensorBuilder &b, Value sum, Value part) {
  part = b.castTo(part, b.getI32Type());
  return sum ? buildSum(b, sum, part) : part;
}

/// Errors where `count` of what is summed makes too many parts of `step`.
static LogicalResult verifyParts(Node &node, StringRef what, int64_t count,
                                 int64_t step) {
  if (count <= kMaxParts * step)
    return success();
  return node.emitError() << "sums " << count << ' ' << what
                          << "; needs at most " << kMaxParts * step;
}

FailureOr<Value> onnx::buildIntegerMatmul(Node &node, const IntegerOperand &lhs,
                                          const IntegerOperand &rhs) {
  TensorBuilder &b = node.b;
  int64_t lhsDim = TensorBuilder::getRank(lhs.numbers) - 1;
  int64_t rhsDim =
      std::max<int64_t>(TensorBuilder::getRank(rhs.numbers) - 2, 0);
  int64_t inner = b.getShape(lhs.numbers)[lhsDim].constant;
  int64_t terms = getExactTerms(lhs, rhs);
  if (failed(verifyParts(node, "products", inner, terms)))
    return failure();
  Value sum;
  for (int64_t first = 0; first < std::max<int64_t>(inner, 1); first += terms) {
    int64_t count = std::min(terms, inner - first);
    Value part = b.matmul(b.sliceDim(lhs.numbers, lhsDim, first, count),
                          b.sliceDim(rhs.numbers, rhsDim, first, count));
    sum = addPart(b, sum, part);
  }
  return sum;
}

/// The convolution of input and filter as i32, [O, C / groups, ...] in parts of
/// the channels.
static FailureOr<Value> buildIntegerConv(Node &node,
                                         const IntegerOperand &input,
                                         const IntegerOperand &filter) {
  TensorBuilder &b = node.b;
  Shape shape = b.getShape(input.numbers);
  Shape filterShape = b.getShape(filter.numbers);
  if (shape.size() < 3 || filterShape.size() != shape.size())
    return buildConv(node, input.numbers, filter.numbers, Value());
  uint64_t positions = 1;
  for (Size size : llvm::drop_begin(filterShape, 2))
    positions = llvm::SaturatingMultiply<uint64_t>(positions, size.constant);
  int64_t channels = filterShape[1].constant;
  int64_t groups = node.getInt("group", 1);
  int64_t step =
      uint64_t(getExactTerms(input, filter)) / std::max<uint64_t>(positions, 1);
  bool fits =
      groups > 0 && channels > 0 &&
      shape[1] == Size(llvm::SaturatingMultiply<uint64_t>(channels, groups));
  if (fits && step == 0)
    return node.emitError()
           << "filter has " << positions << " positions a channel; needs at "
           << "most " << getExactTerms(input, filter);
  if (!fits || step >= channels) {
    FailureOr<Value> whole =
        buildConv(node, input.numbers, filter.numbers, Value());
    if (failed(whole))
      return failure();
    return addPart(b, Value(), *whole);
  }
  if (failed(verifyParts(node, "channels", channels, step)))
    return failure();
  // Each part has as many channels of every group.
  Shape grouped(shape);
  grouped[1] = groups;
  grouped.insert(grouped.begin() + 2, Size(channels));
  Value spread = b.reshape(input.numbers, grouped);
  Value sum;
  for (int64_t first = 0; first < channels; first += step) {
    int64_t count = std::min(step, channels - first);
    Shape partShape(shape);
    partShape[1] = count * groups;
    Value part = b.reshape(b.sliceDim(spread, 2, first, count), partShape);
    FailureOr<Value> result = buildConv(
        node, part, b.sliceDim(filter.numbers, 1, first, count), Value());
    if (failed(result))
      return failure();
    sum = addPart(b, sum, *result);
  }
  return sum;
}

//===----------------------------------------------------------------------===//
// Zero points
//===----------------------------------------------------------------------===//

static LogicalResult verifyBytes(Node &node, unsigned index) {
  if (node.getElementType(index).isInteger(8))
    return success();
  return node.emitError() << "input " << index << " has elements of type "
                          << node.getElementType(index)
                          << "; needs integers of 8 bits";
}

/// The zero point of an operand in a shape that broadcasts to it.
static FailureOr<Tensor> getZeroPoint(Node &node, unsigned index,
                                      unsigned operand, int64_t axis) {
  if (!node.hasInput(index))
    return Tensor{};
  if (failed(verifySameType(node, index, operand)))
    return failure();
  Shape own = node.getShape(index), shape = node.getShape(operand);
  Tensor zeroPoint = node.input(index);
  if (own.empty() || ArrayRef<Size>(own) == ArrayRef<Size>(Size(1))) {
    zeroPoint.value = node.b.reshape(zeroPoint.value, {});
    return zeroPoint;
  }
  if (own.size() == 1 && axis >= 0 && axis < int64_t(shape.size()) &&
      own.front() == shape[axis]) {
    Shape spread(shape.size() - axis, Size(1));
    spread.front() = own.front();
    zeroPoint.value = node.b.reshape(zeroPoint.value, spread);
    return zeroPoint;
  }
  if (own.size() == shape.size() &&
      TensorBuilder::broadcast({own, shape}) == shape)
    return zeroPoint;
  return node.emitError() << "input " << index << " has shape "
                          << Node::format(own) << "; input " << operand
                          << " of shape " << Node::format(shape)
                          << " needs one number, or one for each position of "
                             "dim "
                          << axis;
}

FailureOr<IntegerOperand> onnx::getIntegerOperand(Node &node, unsigned index,
                                                  unsigned zeroPoint,
                                                  int64_t axis) {
  if (failed(verifyBytes(node, index)))
    return failure();
  FailureOr<Tensor> zero = getZeroPoint(node, zeroPoint, index, axis);
  if (failed(zero))
    return failure();
  return makeIntegerOperand(node.b, node.input(index), *zero);
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

/// The product of inputs `lhs` and `rhs` as i32.
static FailureOr<Value> buildMatmul(Node &node, unsigned lhs, unsigned lhsZero,
                                    unsigned rhs, unsigned rhsZero) {
  Shape lhsShape = node.getShape(lhs), rhsShape = node.getShape(rhs);
  if (failed(verifyMatmul(node, lhsShape, rhsShape)))
    return failure();
  if (!lhsShape.back().isStatic())
    return node.emitError() << "multiplies shapes " << Node::format(lhsShape)
                            << " and " << Node::format(rhsShape)
                            << "; needs an inner dim that does not depend on "
                               "the batch";
  FailureOr<IntegerOperand> left =
      getIntegerOperand(node, lhs, lhsZero, int64_t(lhsShape.size()) - 2);
  FailureOr<IntegerOperand> right =
      getIntegerOperand(node, rhs, rhsZero, int64_t(rhsShape.size()) - 1);
  if (failed(left) || failed(right))
    return failure();
  return buildIntegerMatmul(node, *left, *right);
}

static LogicalResult importMatMulInteger(Node &node) {
  FailureOr<Value> product = buildMatmul(node, 0, 2, 1, 3);
  if (failed(product))
    return failure();
  node.setOutput(0, *product);
  return success();
}

/// A product as integers of the result's form.
static Value requantize(TensorBuilder &b, Value product, Value lhsScale,
                        Value rhsScale, const QuantizedForm &form,
                        QuantizedType type) {
  Type computed = TensorBuilder::getElementType(form.scale);
  Value factor =
      b.generic({lhsScale, rhsScale, form.scale}, computed,
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  Value scale = arith::MulFOp::create(b, args[0], args[1]);
                  return arith::DivFOp::create(b, scale, args[2]);
                });
  Value numbers =
      b.elementwise({b.castTo(product, computed), factor}, computed,
                    [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                      return arith::MulFOp::create(b, args[0], args[1]);
                    });
  return quantize(b, numbers, {/*scale=*/Value(), form.zeroPoint}, type);
}

static LogicalResult importQLinearMatMul(Node &node) {
  FailureOr<Value> product = buildMatmul(node, 0, 2, 3, 5);
  if (failed(product))
    return failure();
  Shape lhs = node.getShape(0), rhs = node.getShape(3);
  FailureOr<QuantizedForm> left = getQuantizedForm(
      node, 1, 2, lhs, std::max<int64_t>(int64_t(lhs.size()) - 2, 0));
  FailureOr<QuantizedForm> right =
      getQuantizedForm(node, 4, 5, rhs, int64_t(rhs.size()) - 1);
  FailureOr<QuantizedForm> result = getUniformForm(node, 6, 7);
  FailureOr<QuantizedType> type = getResultType(node, 7);
  if (failed(left) || failed(right) || failed(result) || failed(type))
    return failure();
  node.setOutput(
      0,
      requantize(node.b, *product, left->scale, right->scale, *result, *type),
      type->isUnsigned);
  return success();
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

static LogicalResult importConvInteger(Node &node) {
  FailureOr<IntegerOperand> input = getIntegerOperand(node, 0, 2, /*axis=*/-1);
  FailureOr<IntegerOperand> filter = getIntegerOperand(node, 1, 3, /*axis=*/0);
  if (failed(input) || failed(filter))
    return failure();
  FailureOr<Value> result = buildIntegerConv(node, *input, *filter);
  if (failed(result))
    return failure();
  node.setOutput(0, *result);
  return success();
}

/// One number for each output channel, [O, 1, ...] of a filter, as it
/// broadcasts to the result.
static Value getOfChannels(TensorBuilder &b, Value ofFilter, int64_t rank) {
  Shape shape = b.getShape(ofFilter);
  if (shape.empty())
    return ofFilter;
  Shape spread(rank - 1, Size(1));
  spread.front() = shape.front();
  return b.reshape(ofFilter, spread);
}

static LogicalResult importQLinearConv(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<IntegerOperand> input = getIntegerOperand(node, 0, 2, /*axis=*/-1);
  FailureOr<IntegerOperand> filter = getIntegerOperand(node, 3, 5, /*axis=*/0);
  FailureOr<QuantizedForm> inputForm = getUniformForm(node, 1, 2);
  FailureOr<QuantizedForm> filterForm =
      getQuantizedForm(node, 4, 5, node.getShape(3), /*axis=*/0);
  FailureOr<QuantizedForm> resultForm = getUniformForm(node, 6, 7);
  FailureOr<QuantizedType> type = getResultType(node, 7);
  if (failed(input) || failed(filter) || failed(inputForm) ||
      failed(filterForm) || failed(resultForm) || failed(type))
    return failure();
  FailureOr<Value> result = buildIntegerConv(node, *input, *filter);
  if (failed(result))
    return failure();
  int64_t rank = node.getShape(0).size();
  if (node.hasInput(8)) {
    if (!node.getElementType(8).isInteger(32))
      return node.emitError() << "bias has elements of type "
                              << node.getElementType(8) << "; needs i32";
    if (failed(verifyShape(node, 8, node.getShape(3).front())))
      return failure();
    result = buildSum(b, *result, getOfChannels(b, node.input(8).value, rank));
  }
  node.setOutput(0,
                 requantize(b, *result, inputForm->scale,
                            getOfChannels(b, filterForm->scale, rank),
                            *resultForm, *type),
                 type->isUnsigned);
  return success();
}

void onnx::registerQuantizedProductOps(OpRegistry &registry) {
  registry.add("MatMulInteger", importMatMulInteger, 2);
  registry.add("QLinearMatMul", importQLinearMatMul, 8);
  registry.add("ConvInteger", importConvInteger, 2);
  registry.add("QLinearConv", importQLinearConv, 8);
}
