//===- ElementwiseFunction.cpp - Elementwise expressions as numbers -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementwiseFunction.h"

#include "Match.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace vitc::vit;

/// The most tensors of an expression.
static constexpr size_t kMaxTensors = 24;

Samples vitc::vit::getSamplePoints() {
  Samples points;
  for (double x = -7.9; x < 8; x += 0.47)
    points.push_back(x);
  return points;
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

/// Whether the op that computes `tensor` element by element has an erf.
static bool usesErf(Value tensor) {
  if (linalg::GenericOp generic = getElementwiseGeneric(tensor))
    return !generic.getBody()->getOps<math::ErfOp>().empty();
  return tensor.getDefiningOp<math::ErfOp>() != nullptr;
}

std::optional<Samples> ElementwiseFunction::evaluate(Value tensor) {
  auto known = values.find(tensor);
  if (known != values.end())
    return known->second;
  if (values.size() > kMaxTensors)
    return std::nullopt;
  // Counted before its operands are: that also limits the depth.
  values[tensor] = std::nullopt;
  std::optional<Samples> result = compute(tensor);
  values[tensor] = result;
  return result;
}

std::optional<Samples> ElementwiseFunction::compute(Value tensor) {
  if (std::optional<double> number = getScalar(tensor))
    return Samples(getSamplePoints().size(), *number);
  erf |= usesErf(tensor);
  return computeElementwise(tensor,
                            [&](Value operand) { return evaluate(operand); });
}

static std::optional<Samples> computeBody(linalg::GenericOp generic,
                                          ReadSamples read) {
  DenseMap<Value, std::optional<Samples>> scalars;
  Block *body = generic.getBody();
  for (auto [index, input] : llvm::enumerate(generic.getInputs()))
    scalars[body->getArgument(index)] = read(input);
  auto readScalar = [&](Value scalar) -> std::optional<Samples> {
    if (std::optional<double> number = getScalar(scalar))
      return Samples(getSamplePoints().size(), *number);
    return scalars.lookup(scalar);
  };
  for (Operation &op : body->without_terminator()) {
    if (op.hasTrait<OpTrait::ConstantLike>())
      continue;
    SmallVector<std::optional<Samples>, 2> operands;
    for (Value operand : op.getOperands())
      operands.push_back(readScalar(operand));
    scalars[op.getResult(0)] = evaluate(&op, operands);
  }
  return readScalar(body->getTerminator()->getOperand(0));
}

bool vitc::vit::isElementwise(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  return getElementwiseGeneric(tensor) || (op && isAnalytic(op));
}

std::optional<Samples> vitc::vit::computeElementwise(Value tensor,
                                                     ReadSamples read) {
  if (linalg::GenericOp generic = getElementwiseGeneric(tensor))
    return computeBody(generic, read);
  Operation *op = tensor.getDefiningOp();
  if (!op || !isAnalytic(op))
    return std::nullopt;
  SmallVector<std::optional<Samples>, 2> operands;
  for (Value operand : op->getOperands())
    operands.push_back(read(operand));
  return evaluate(op, operands);
}

//===----------------------------------------------------------------------===//
// What matches ask
//===----------------------------------------------------------------------===//

llvm::SetVector<Value> vitc::vit::getExpressionTensors(Value root) {
  llvm::SetVector<Value> tensors;
  tensors.insert(root);
  for (size_t next = 0; next < tensors.size(); ++next)
    for (Value operand : getOperands(tensors[next]))
      if (tensors.size() < kMaxTensors)
        tensors.insert(operand);
  return tensors;
}

bool vitc::vit::isOnlyReadBy(Value argument, Value root) {
  llvm::SetVector<Value> tensors;
  llvm::SmallPtrSet<Operation *, 8> ops;
  tensors.insert(root);
  for (size_t next = 0; next < tensors.size(); ++next) {
    ops.insert(tensors[next].getDefiningOp());
    for (Value operand : getOperands(tensors[next]))
      if (operand != argument && !getScalar(operand))
        tensors.insert(operand);
  }
  auto isRead = [&](Value tensor) {
    return llvm::all_of(tensor.getUsers(),
                        [&](Operation *user) { return ops.contains(user); });
  };
  return isRead(argument) && llvm::all_of(llvm::drop_begin(tensors), isRead);
}

bool vitc::vit::isSigmoidal(Value tensor) {
  auto isOne = [](Operation &op) {
    return isa<math::ErfOp, math::ExpOp, math::TanhOp>(op);
  };
  if (linalg::GenericOp generic = getElementwiseGeneric(tensor))
    return llvm::any_of(*generic.getBody(), isOne);
  return tensor.getDefiningOp() && isOne(*tensor.getDefiningOp());
}

double vitc::vit::getDifference(ArrayRef<double> values,
                                llvm::function_ref<double(double)> function) {
  double largest = 0;
  for (auto [x, y] : llvm::zip_equal(getSamplePoints(), values)) {
    double expected = function(x);
    double difference = std::abs(y - expected) / (1 + std::abs(expected));
    if (std::isnan(difference))
      return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

double vitc::vit::getTolerance(FloatType type) {
  int precision = llvm::APFloat::semanticsPrecision(type.getFloatSemantics());
  return std::max(1e-6, std::ldexp(1.0, -precision));
}
