//===- Activations.cpp - ONNX's activations -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions of one float operand and constant parameters, each a single
// linalg.generic. Gelu is vit.gelu.
//
//===----------------------------------------------------------------------===//

#include "Activations.h"

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

namespace {
/// Writes formulas on one scalar.
struct Scalar {
  ImplicitLocOpBuilder &b;
  Value value;

  Scalar constant(double number) const {
    return {b, TensorBuilder::scalar(b, value.getType(), number)};
  }
  Scalar operator+(Scalar other) const {
    return {b, arith::AddFOp::create(b, value, other.value)};
  }
  Scalar operator-(Scalar other) const {
    return {b, arith::SubFOp::create(b, value, other.value)};
  }
  Scalar operator*(Scalar other) const {
    return {b, arith::MulFOp::create(b, value, other.value)};
  }
  Scalar operator/(Scalar other) const {
    return {b, arith::DivFOp::create(b, value, other.value)};
  }
  Scalar operator+(double number) const { return *this + constant(number); }
  Scalar operator*(double number) const { return *this * constant(number); }
  Scalar operator/(double number) const { return *this / constant(number); }
  Scalar operator-() const { return {b, arith::NegFOp::create(b, value)}; }
  /// Both propagate NaN.
  Scalar max(double number) const {
    return {b, arith::MaximumFOp::create(b, value, constant(number).value)};
  }
  Scalar min(double number) const {
    return {b, arith::MinimumFOp::create(b, value, constant(number).value)};
  }
  Scalar exp() const { return {b, math::ExpOp::create(b, value)}; }
  Scalar expm1() const { return {b, math::ExpM1Op::create(b, value)}; }
  Scalar log1p() const { return {b, math::Log1pOp::create(b, value)}; }
  Scalar tanh() const { return {b, math::TanhOp::create(b, value)}; }
  Scalar abs() const { return {b, math::AbsFOp::create(b, value)}; }
  /// `yes` where this is greater than `bound`, else `no`.
  Scalar ifAbove(double bound, Scalar yes, Scalar no) const {
    Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, value,
                                        constant(bound).value);
    return {b, arith::SelectOp::create(b, above, yes.value, no.value)};
  }

  Scalar sigmoid() const { return constant(1) / ((-*this).exp() + 1); }
  /// log(1 + e^x) without overflow.
  Scalar softplus() const { return max(0) + (-abs()).exp().log1p(); }
};
} // namespace

using Formula = llvm::function_ref<Scalar(Scalar x)>;

static Value buildFormula(TensorBuilder &b, Value input, Formula formula) {
  return b.generic(input, TensorBuilder::getElementType(input),
                   [&](ImplicitLocOpBuilder &b, ValueRange args) {
                     return formula({b, args[0]}).value;
                   });
}

static LogicalResult importFormula(Node &node, Formula formula) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  node.setOutput(0, buildFormula(node.b, input->value, formula));
  return success();
}

//===----------------------------------------------------------------------===//
// Piecewise linear
//===----------------------------------------------------------------------===//

static LogicalResult importRelu(Node &node) {
  Tensor input = node.input(0);
  Type type = input.getElementType();
  node.setOutput(
      0,
      node.b.generic(input.value, type,
                     [&](ImplicitLocOpBuilder &b, ValueRange args) {
                       return createByType<arith::MaximumFOp, arith::MaxSIOp,
                                           arith::MaxUIOp>(
                           b, input, args[0],
                           TensorBuilder::scalar(b, type, 0));
                     }),
      input.isUnsigned);
  return success();
}

static LogicalResult importLeakyRelu(Node &node) {
  double alpha = node.getFloat("alpha", 0.01);
  return importFormula(node,
                       [=](Scalar x) { return (-x).ifAbove(0, x * alpha, x); });
}

/// The slope broadcasts to the input's shape, not the other way.
static LogicalResult importPRelu(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  FailureOr<SmallVector<Tensor>> inputs = getBroadcastInputs(node, 2);
  if (failed(input) || failed(inputs))
    return failure();
  FailureOr<Shape> shape = node.getBroadcastShape(2);
  if (failed(shape) || *shape != node.getShape(0))
    return node.emitError()
           << "slope has shape " << Node::format(node.getShape(1))
           << "; it has to broadcast to the input's "
           << Node::format(node.getShape(0));
  node.setOutput(0,
                 node.b.generic({input->value, (*inputs)[1].value},
                                input->getElementType(),
                                [](ImplicitLocOpBuilder &b, ValueRange args) {
                                  Scalar x{b, args[0]}, slope{b, args[1]};
                                  return (-x).ifAbove(0, x * slope, x).value;
                                }));
  return success();
}

static LogicalResult importThresholdedRelu(Node &node) {
  double alpha = node.getFloat("alpha", 1);
  return importFormula(
      node, [=](Scalar x) { return x.ifAbove(alpha, x, x.constant(0)); });
}

static LogicalResult importShrink(Node &node) {
  double lambda = node.getFloat("lambd", 0.5), bias = node.getFloat("bias", 0);
  return importFormula(node, [=](Scalar x) {
    Scalar low = (-x).ifAbove(lambda, x + bias, x.constant(0));
    return x.ifAbove(lambda, x + -bias, low);
  });
}

static LogicalResult importHardSigmoid(Node &node) {
  double alpha = node.getFloat("alpha", 0.2), beta = node.getFloat("beta", 0.5);
  return importFormula(
      node, [=](Scalar x) { return (x * alpha + beta).max(0).min(1); });
}

static LogicalResult importHardSwish(Node &node) {
  return importFormula(
      node, [](Scalar x) { return x * (x / 6 + 0.5).max(0).min(1); });
}

//===----------------------------------------------------------------------===//
// Exponential
//===----------------------------------------------------------------------===//

static LogicalResult importSigmoid(Node &node) {
  return importFormula(node, [](Scalar x) { return x.sigmoid(); });
}

static LogicalResult importElu(Node &node) {
  double alpha = node.getFloat("alpha", 1);
  return importFormula(
      node, [=](Scalar x) { return x.ifAbove(0, x, x.expm1() * alpha); });
}

static LogicalResult importSelu(Node &node) {
  double alpha = node.getFloat("alpha", 1.67326319217681884765625);
  double gamma = node.getFloat("gamma", 1.05070102214813232421875);
  return importFormula(node, [=](Scalar x) {
    return x.ifAbove(0, x, x.expm1() * alpha) * gamma;
  });
}

static LogicalResult importCelu(Node &node) {
  double alpha = node.getFloat("alpha", 1);
  return importFormula(node, [=](Scalar x) {
    return x.ifAbove(0, x, (x / alpha).expm1() * alpha);
  });
}

static LogicalResult importSoftplus(Node &node) {
  return importFormula(node, [](Scalar x) { return x.softplus(); });
}

static LogicalResult importSoftsign(Node &node) {
  return importFormula(node, [](Scalar x) { return x / (x.abs() + 1); });
}

static LogicalResult importMish(Node &node) {
  return importFormula(node, [](Scalar x) { return x * x.softplus().tanh(); });
}

Value vitc::onnx::buildSwish(TensorBuilder &b, Value input, double alpha) {
  return buildFormula(b, input,
                      [=](Scalar x) { return x * (x * alpha).sigmoid(); });
}

static LogicalResult importSwish(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  node.setOutput(0,
                 buildSwish(node.b, input->value, node.getFloat("alpha", 1)));
  return success();
}

Value vitc::onnx::buildGelu(TensorBuilder &b, Value input, vit::GeluForm form) {
  if (TensorBuilder::getRank(input) == 0)
    return b.reshape(buildGelu(b, b.reshape(input, Size(1)), form), {});
  Value result = vit::GeluOp::create(b, input.getType(), input, form);
  return b.setShape(result, b.getShape(input));
}

static LogicalResult importGelu(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  std::string approximate = node.getString("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return node.emitError()
           << "approximate is '" << approximate << "'; none or tanh is needed";
  auto form =
      approximate == "tanh" ? vit::GeluForm::Tanh : vit::GeluForm::Exact;
  node.setOutput(0, buildGelu(node.b, input->value, form));
  return success();
}

FailureOr<Value> vitc::onnx::buildActivation(Node &node, Value input,
                                             StringRef name,
                                             ArrayRef<double> parameters) {
  auto parameter = [&](size_t index, double otherwise) {
    return index < parameters.size() ? parameters[index] : otherwise;
  };
  double first = parameter(0, 0), second = parameter(1, 0);
  TensorBuilder &b = node.b;
  if (name.empty())
    return input;
  if (name == "Relu")
    return buildFormula(b, input, [](Scalar x) { return x.max(0); });
  if (name == "Sigmoid")
    return buildFormula(b, input, [](Scalar x) { return x.sigmoid(); });
  if (name == "Tanh")
    return buildFormula(b, input, [](Scalar x) { return x.tanh(); });
  if (name == "LeakyRelu" && parameters.size() == 1)
    return buildFormula(
        b, input, [=](Scalar x) { return (-x).ifAbove(0, x * first, x); });
  if (name == "Clip" && parameters.size() == 2)
    return buildFormula(b, input,
                        [=](Scalar x) { return x.max(first).min(second); });
  if (name == "HardSigmoid" && parameters.size() == 2)
    return buildFormula(
        b, input, [=](Scalar x) { return (x * first + second).max(0).min(1); });
  return node.emitError() << "activation is '" << name << "' with "
                          << parameters.size()
                          << " parameters; Relu, Sigmoid, Tanh, LeakyRelu (1), "
                             "Clip (2) or HardSigmoid (2) is supported";
}

void vitc::onnx::registerActivationOps(OpRegistry &registry) {
  registry.add("Relu", importRelu);
  registry.add("LeakyRelu", importLeakyRelu);
  registry.add("PRelu", importPRelu, 2);
  registry.add("ThresholdedRelu", importThresholdedRelu);
  registry.add("Shrink", importShrink);
  registry.add("HardSigmoid", importHardSigmoid);
  registry.add("HardSwish", importHardSwish);
  registry.add("Sigmoid", importSigmoid);
  registry.add("Elu", importElu);
  registry.add("Selu", importSelu);
  registry.add("Celu", importCelu);
  registry.add("Softplus", importSoftplus);
  registry.add("Softsign", importSoftsign);
  registry.add("Mish", importMish);
  registry.add("Swish", importSwish);
  registry.add("Gelu", importGelu);
}
