//===- RaiseGelu.cpp - GELU from elementwise ops --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = %x / 1.41421;  %1 = math.erf %0;  %2 = %1 + 1
//   %3 = %x * %2;  %y = %3 * 0.5
// becomes
//   %y = vit.gelu %x
// and likewise for x * sigmoid(1.702 x) and the form with tanh. Factors come in
// any order, cubes as a power or as products: the function from %x to %y is
// evaluated at sample points and compared with each form, up to the rounding of
// constants to the element type. All of its ops are analytic, so that functions
// that agree there are the same. The exact form and the one with tanh are
// nearer to each other than half precision resolves: erf alone tells them
// apart.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Match.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEGELUPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// The values of a tensor of the expression at each sample point.
using Samples = SmallVector<double>;

/// The most tensors of an expression.
static constexpr size_t kMaxTensors = 24;

/// Points between -8 and 8, where the forms of GELU differ.
static Samples getSamplePoints() {
  Samples points;
  for (double x = -7.9; x < 8; x += 0.47)
    points.push_back(x);
  return points;
}

static double getGelu(GeluForm form, double x) {
  switch (form) {
  case GeluForm::Exact:
    return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
  case GeluForm::Tanh:
    return x *
           (1 + std::tanh(std::sqrt(2 / llvm::numbers::pi) *
                          (x + 0.044715 * x * x * x))) /
           2;
  case GeluForm::Quick:
    return x / (1 + std::exp(-1.702 * x));
  }
  llvm_unreachable("unknown form");
}

/// What a scalar op computes; none for an op that is not analytic.
static std::optional<double> evaluate(Operation *op, ArrayRef<double> args) {
  return llvm::TypeSwitch<Operation *, std::optional<double>>(op)
      .Case<arith::AddFOp>([&](auto) { return args[0] + args[1]; })
      .Case<arith::SubFOp>([&](auto) { return args[0] - args[1]; })
      .Case<arith::MulFOp>([&](auto) { return args[0] * args[1]; })
      .Case<arith::DivFOp>([&](auto) { return args[0] / args[1]; })
      .Case<math::PowFOp, math::FPowIOp>(
          [&](auto) { return std::pow(args[0], args[1]); })
      .Case<arith::NegFOp>([&](auto) { return -args[0]; })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) { return args[0]; })
      .Case<math::ErfOp>([&](auto) { return std::erf(args[0]); })
      .Case<math::ExpOp>([&](auto) { return std::exp(args[0]); })
      .Case<math::TanhOp>([&](auto) { return std::tanh(args[0]); })
      .Default([](Operation *) { return std::nullopt; });
}

static bool isAnalytic(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
             math::PowFOp, math::FPowIOp, arith::NegFOp, arith::ExtFOp,
             arith::TruncFOp, math::ErfOp, math::ExpOp, math::TanhOp>(op);
}

static std::optional<Samples>
evaluate(Operation *op, ArrayRef<std::optional<Samples>> operands) {
  if (llvm::is_contained(operands, std::nullopt))
    return std::nullopt;
  Samples results;
  for (size_t point = 0; point < operands.front()->size(); ++point) {
    SmallVector<double, 2> args;
    for (const std::optional<Samples> &operand : operands)
      args.push_back((*operand)[point]);
    std::optional<double> result = evaluate(op, args);
    if (!result)
      return std::nullopt;
    results.push_back(*result);
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

/// The linalg.generic that computes a tensor element by element from tensors of
/// the same indices and from numbers; null for another op.
static linalg::GenericOp getElementwiseGeneric(Value tensor) {
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic->getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops())
    return {};
  AffineMap resultMap = generic.getIndexingMapsArray().back();
  for (OpOperand *input : generic.getDpsInputOperands())
    if (generic.getMatchingIndexingMap(input) != resultMap &&
        !getScalar(input->get()))
      return {};
  for (Operation &op : generic.getBody()->without_terminator())
    if (!isAnalytic(&op) && !op.hasTrait<OpTrait::ConstantLike>())
      return {};
  return generic;
}

/// Tensors that `tensor` is computed from, element by element; empty when it is
/// no such expression.
static SmallVector<Value> getOperands(Value tensor) {
  if (linalg::GenericOp generic = getElementwiseGeneric(tensor))
    return generic.getInputs();
  Operation *op = tensor.getDefiningOp();
  if (op && isAnalytic(op))
    return op->getOperands();
  return {};
}

namespace {
/// An elementwise expression as a function of one of its tensors.
class Expression {
public:
  explicit Expression(Value argument) {
    values.try_emplace(argument, getSamplePoints());
  }
  /// None where `tensor` depends on more than the argument.
  std::optional<Samples> evaluate(Value tensor);
  /// Whether what was evaluated has an erf.
  bool hasErf() const { return erf; }

private:
  std::optional<Samples> compute(Value tensor);
  std::optional<Samples> compute(linalg::GenericOp generic);

  bool erf = false;
  DenseMap<Value, std::optional<Samples>> values;
};
} // namespace

std::optional<Samples> Expression::evaluate(Value tensor) {
  auto known = values.find(tensor);
  if (known != values.end())
    return known->second;
  if (values.size() > kMaxTensors)
    return std::nullopt;
  std::optional<Samples> result = compute(tensor);
  values.try_emplace(tensor, result);
  return result;
}

std::optional<Samples> Expression::compute(Value tensor) {
  if (std::optional<double> number = getScalar(tensor))
    return Samples(getSamplePoints().size(), *number);
  if (linalg::GenericOp generic = getElementwiseGeneric(tensor))
    return compute(generic);
  Operation *op = tensor.getDefiningOp();
  if (!op || !isAnalytic(op))
    return std::nullopt;
  SmallVector<std::optional<Samples>, 2> operands;
  for (Value operand : op->getOperands())
    operands.push_back(evaluate(operand));
  erf |= isa<math::ErfOp>(op);
  return ::evaluate(op, operands);
}

std::optional<Samples> Expression::compute(linalg::GenericOp generic) {
  DenseMap<Value, std::optional<Samples>> scalars;
  Block *body = generic.getBody();
  for (auto [index, input] : llvm::enumerate(generic.getInputs()))
    scalars[body->getArgument(index)] = evaluate(input);
  auto read = [&](Value scalar) -> std::optional<Samples> {
    if (std::optional<double> number = getScalar(scalar))
      return Samples(getSamplePoints().size(), *number);
    return scalars.lookup(scalar);
  };
  for (Operation &op : body->without_terminator()) {
    if (op.hasTrait<OpTrait::ConstantLike>())
      continue;
    SmallVector<std::optional<Samples>, 2> operands;
    for (Value operand : op.getOperands())
      operands.push_back(read(operand));
    erf |= isa<math::ErfOp>(op);
    scalars[op.getResult(0)] = ::evaluate(&op, operands);
  }
  return read(body->getTerminator()->getOperand(0));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// How far GELU may be from its form: the rounding of a constant to `type`, and
/// of those that exporters write with seven digits.
static double getTolerance(FloatType type) {
  int precision = llvm::APFloat::semanticsPrecision(type.getFloatSemantics());
  return std::max(1e-6, std::ldexp(1.0, -precision));
}

/// The form of GELU with these values at the sample points.
static std::optional<GeluForm> getForm(ArrayRef<double> values, bool hasErf,
                                       double tolerance) {
  Samples points = getSamplePoints();
  for (GeluForm form : {GeluForm::Exact, GeluForm::Tanh, GeluForm::Quick}) {
    bool agrees = hasErf == (form == GeluForm::Exact);
    for (auto [x, y] : llvm::zip_equal(points, values)) {
      double expected = getGelu(form, x);
      agrees &= std::abs(y - expected) <= tolerance * (1 + std::abs(expected));
    }
    if (agrees)
      return form;
  }
  return std::nullopt;
}

/// Whether a tensor is computed by an op that every form of GELU has one of.
static bool isSigmoidal(Value tensor) {
  auto isOne = [](Operation &op) {
    return isa<math::ErfOp, math::ExpOp, math::TanhOp>(op);
  };
  if (linalg::GenericOp generic = getElementwiseGeneric(tensor))
    return llvm::any_of(*generic.getBody(), isOne);
  return tensor.getDefiningOp() && isOne(*tensor.getDefiningOp());
}

static LogicalResult raiseGelu(Operation *op, RewriterBase &rewriter) {
  Value root = op->getResult(0);
  auto type = dyn_cast<RankedTensorType>(root.getType());
  if (!type || !isa<FloatType>(type.getElementType()) || !isMovable(root))
    return rewriter.notifyMatchFailure(op, "computes no tensor that vit takes");
  // The expression's tensors, the nearest first.
  llvm::SetVector<Value> tensors;
  tensors.insert(root);
  for (size_t next = 0; next < tensors.size(); ++next)
    for (Value operand : getOperands(tensors[next]))
      if (tensors.size() < kMaxTensors)
        tensors.insert(operand);
  if (llvm::none_of(tensors, isSigmoidal))
    return rewriter.notifyMatchFailure(op, "has no erf, tanh or exp");

  double tolerance = getTolerance(cast<FloatType>(type.getElementType()));
  for (Value tensor : llvm::drop_begin(tensors)) {
    if (tensor.getType() != type || getScalar(tensor))
      continue;
    Expression expression(tensor);
    std::optional<Samples> values = expression.evaluate(root);
    std::optional<GeluForm> form =
        values ? getForm(*values, expression.hasErf(), tolerance)
               : std::nullopt;
    if (!form)
      continue;
    rewriter.setInsertionPoint(op);
    rewriter.replaceOpWithNewOp<GeluOp>(op, tensor, *form);
    return success();
  }
  return rewriter.notifyMatchFailure(op, "is no GELU of one of its tensors");
}

namespace {
struct RaiseGeluPass final : vitc::vit::impl::RaiseGeluPassBase<RaiseGeluPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      if (isa<arith::MulFOp, arith::DivFOp, linalg::GenericOp>(op) &&
          op->getNumResults() == 1 && succeeded(raiseGelu(op, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
    getOperation().walk([](math::ErfOp erf) {
      erf.emitRemark("not raised to vit.gelu: its users do not compute "
                     "x * (1 + erf(x / sqrt 2)) / 2");
    });
  }
};
} // namespace
