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
#include "ElementwiseFunction.h"
#include "Match.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEGELUPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

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

/// The form of GELU with these values at the sample points.
static std::optional<GeluForm> getForm(ArrayRef<double> values, bool hasErf,
                                       double tolerance) {
  for (GeluForm form : {GeluForm::Exact, GeluForm::Tanh, GeluForm::Quick})
    if (hasErf == (form == GeluForm::Exact) &&
        getDifference(values, [=](double x) { return getGelu(form, x); }) <=
            tolerance)
      return form;
  return std::nullopt;
}

/// The element type of a tensor that vit.gelu takes; null for other values.
static FloatType getElementType(Value root) {
  auto type = dyn_cast<RankedTensorType>(root.getType());
  return type && isMovable(root) ? dyn_cast<FloatType>(type.getElementType())
                                 : FloatType();
}

/// Calls `visit` with the tensors that `root` is a function of, and its values
/// at the sample points, until that is true.
static bool
visitFunctions(Value root,
               llvm::function_ref<bool(Value, ArrayRef<double>, bool)> visit) {
  llvm::SetVector<Value> tensors = getExpressionTensors(root);
  if (llvm::none_of(tensors, isSigmoidal))
    return false;
  for (Value tensor : llvm::drop_begin(tensors)) {
    if (tensor.getType() != root.getType() || getScalar(tensor))
      continue;
    ElementwiseFunction function(tensor);
    std::optional<Samples> values = function.evaluate(root);
    if (values && visit(tensor, *values, function.hasErf()))
      return true;
  }
  return false;
}

static LogicalResult raiseGelu(Operation *op, RewriterBase &rewriter) {
  Value root = op->getResult(0);
  FloatType type = getElementType(root);
  if (!type)
    return rewriter.notifyMatchFailure(op, "computes no tensor that vit takes");
  auto raise = [&](Value tensor, ArrayRef<double> values, bool hasErf) {
    std::optional<GeluForm> form = getForm(values, hasErf, getTolerance(type));
    if (!form)
      return false;
    rewriter.setInsertionPoint(op);
    rewriter.replaceOpWithNewOp<GeluOp>(op, tensor, *form);
    return true;
  };
  if (!visitFunctions(root, raise))
    return rewriter.notifyMatchFailure(op, "is no GELU of one of its tensors");
  return success();
}

/// Names an expression that is nearly a GELU: nearer than other activations
/// are.
static void remarkOnMiss(Operation *op) {
  constexpr double kNear = 0.02;
  Value root = op->getResult(0);
  FloatType type = getElementType(root);
  if (!type)
    return;
  visitFunctions(root, [&](Value, ArrayRef<double> values, bool hasErf) {
    // A remark at the erf says more.
    if (hasErf)
      return false;
    double tanh = getDifference(
        values, [](double x) { return getGelu(GeluForm::Tanh, x); });
    double quick = getDifference(
        values, [](double x) { return getGelu(GeluForm::Quick, x); });
    if (std::min(tanh, quick) > kNear)
      return false;
    op->emitRemark("not raised to vit.gelu: it differs from the ")
        << stringifyGeluForm(tanh < quick ? GeluForm::Tanh : GeluForm::Quick)
        << " form by " << llvm::formatv("{0:E1}", std::min(tanh, quick)).str()
        << "; needs at most "
        << llvm::formatv("{0:E1}", getTolerance(type)).str();
    return true;
  });
}

static bool mayBeGelu(Operation *op) {
  return isa<arith::MulFOp, arith::DivFOp, linalg::GenericOp>(op) &&
         op->getNumResults() == 1;
}

namespace {
struct RaiseGeluPass final : vitc::vit::impl::RaiseGeluPassBase<RaiseGeluPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      if (mayBeGelu(op) && succeeded(raiseGelu(op, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
    getOperation().walk([](Operation *op) {
      if (isa<math::ErfOp>(op))
        op->emitRemark("not raised to vit.gelu: its users do not compute "
                       "x * (1 + erf(x / sqrt 2)) / 2");
      else if (mayBeGelu(op))
        remarkOnMiss(op);
    });
  }
};
} // namespace
