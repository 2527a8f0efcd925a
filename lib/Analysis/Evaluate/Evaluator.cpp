//===- Evaluator.cpp - Ops on constants, computed at compile time ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/Evaluate.h"

#include "Ops.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/RegionUtils.h"
#include "vitc/Conversion/Passes.h"
#include "vitc/Target/Weights.h"
#include "llvm/Support/Threading.h"

using namespace mlir;
using namespace vitc;

/// The values on the way to one may have this many times its bytes.
static constexpr int64_t kMaxBytesFactor = 16;

namespace {
/// Values by now; null for what is not a constant.
struct Memo {
  llvm::DenseMap<Value, std::shared_ptr<ConstantTensor>> values;
  int64_t bytes = 0;
};

/// Drops this thread's diagnostics: what cannot be evaluated is no error.
class SilenceDiagnostics : public ScopedDiagnosticHandler {
public:
  explicit SilenceDiagnostics(MLIRContext *context)
      : ScopedDiagnosticHandler(context) {
    setHandler([thread = llvm::get_threadid()](Diagnostic &) {
      return success(llvm::get_threadid() == thread);
    });
  }
};
} // namespace

class Evaluator::Implementation {
public:
  Implementation(ModuleOp module, int64_t maxBytes)
      : module(module), maxBytes(std::min(maxBytes, kMost)),
        weights(module.getLoc()) {}

  const ConstantTensor *compute(Value value, Memo &memo);
  /// The operands are in `memo`.
  FailureOr<ConstantTensors> run(Operation *op, Memo &memo);
  /// Computes `value`; forgets all others when they have become many.
  std::optional<ConstantTensor> computeRoot(Value value);

private:
  static constexpr int64_t kMost =
      std::numeric_limits<int64_t>::max() / kMaxBytesFactor;

  bool areResultsSmall(Operation *op) const;
  FailureOr<ConstantTensor> readConstant(Operation *op);
  FailureOr<ConstantTensor> readWeight(vit::WeightExprAttr expr);
  LogicalResult addWeights(vit::WeightExprAttr expr);
  FailureOr<ConstantTensors> runThroughLinalg(Operation *op, Memo &memo);

  ModuleOp module;
  int64_t maxBytes;
  Memo memo;
  WeightEvaluator weights;
  std::optional<FrozenRewritePatternSet> vitToLinalg;
};

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

bool Evaluator::Implementation::areResultsSmall(Operation *op) const {
  return llvm::all_of(op->getResultTypes(), [&](Type type) {
    RankedTensorType tensor = getConstantType(type);
    return tensor && getConstantBytes(tensor) <= maxBytes;
  });
}

FailureOr<ConstantTensor>
Evaluator::Implementation::readConstant(Operation *op) {
  if (auto constant = dyn_cast<vit::ConstantOp>(op))
    return readWeight(constant.getValue());
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (!constant)
    return failure();
  auto values = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (isa<IntegerAttr, FloatAttr>(constant.getValue()))
    values = DenseElementsAttr::get(getConstantType(constant.getType()),
                                    constant.getValue());
  std::optional<ConstantTensor> tensor;
  if (values)
    tensor = ConstantTensor::get(values);
  if (!tensor)
    return failure();
  return *tensor;
}

/// Weights that an importer has added since the last time are looked up.
LogicalResult Evaluator::Implementation::addWeights(vit::WeightExprAttr expr) {
  SmallVector<vit::WeightExprAttr> pending = {expr};
  while (!pending.empty()) {
    vit::WeightExprAttr next = pending.pop_back_val();
    for (Attribute operand : next.getOperands()) {
      auto name = dyn_cast<FlatSymbolRefAttr>(operand);
      if (name && !weights.contains(name.getValue()))
        return weights.add(module, /*compareHashes=*/false);
      if (auto inner = dyn_cast<vit::WeightExprAttr>(operand))
        pending.push_back(inner);
    }
  }
  return success();
}

FailureOr<ConstantTensor>
Evaluator::Implementation::readWeight(vit::WeightExprAttr expr) {
  SilenceDiagnostics silence(module.getContext());
  ConstantTensor tensor(expr.getType());
  if (failed(addWeights(expr)) ||
      failed(weights.read(expr, 0, tensor.size(), tensor.data())))
    return failure();
  return tensor;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

const ConstantTensor *Evaluator::Implementation::compute(Value root,
                                                         Memo &memo) {
  // Chains may be longer than the stack is deep.
  SmallVector<Value> pending = {root};
  while (!pending.empty()) {
    Value value = pending.back();
    if (memo.values.contains(value)) {
      pending.pop_back();
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (!op || !areResultsSmall(op)) {
      memo.values[value] = nullptr;
      continue;
    }
    llvm::SetVector<Value> sources(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), sources);
    bool isConstant = true;
    size_t known = pending.size();
    for (Value source : sources) {
      auto found = memo.values.find(source);
      if (found == memo.values.end())
        pending.push_back(source);
      else
        isConstant &= found->second != nullptr;
    }
    if (isConstant && pending.size() > known)
      continue;
    pending.truncate(known);
    FailureOr<ConstantTensors> results = failure();
    if (isConstant && memo.bytes <= kMaxBytesFactor * maxBytes)
      results = run(op, memo);
    for (auto [i, result] : llvm::enumerate(op->getResults())) {
      std::shared_ptr<ConstantTensor> &entry = memo.values[result];
      if (failed(results))
        continue;
      entry = std::make_shared<ConstantTensor>((*results)[i]);
      memo.bytes += getConstantBytes(entry->getType());
    }
  }
  return memo.values.lookup(root).get();
}

std::optional<ConstantTensor>
Evaluator::Implementation::computeRoot(Value value) {
  std::optional<ConstantTensor> result;
  if (const ConstantTensor *tensor = compute(value, memo))
    result = *tensor;
  if (memo.bytes > maxBytes)
    memo = Memo();
  return result;
}

FailureOr<ConstantTensors> Evaluator::Implementation::run(Operation *op,
                                                          Memo &memo) {
  if (op->getNumResults() == 0 || !areResultsSmall(op))
    return failure();
  auto lookup = [&](Value value) { return compute(value, memo); };
  auto single = [](FailureOr<ConstantTensor> result) {
    return succeeded(result) ? FailureOr<ConstantTensors>({*result})
                             : FailureOr<ConstantTensors>(failure());
  };
  if (op->hasTrait<OpTrait::ConstantLike>())
    return single(readConstant(op));
  if (isa<vit::VitDialect>(op->getDialect()))
    return runThroughLinalg(op, memo);
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op))
    return single(evaluateSoftmaxOp(softmax, lookup));
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return evaluateStructuredOp(structured, lookup);
  if (isa<tensor::TensorDialect>(op->getDialect()))
    return single(evaluateTensorOp(op, lookup));
  if (isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
    return single(evaluateElementwiseOp(op, lookup));
  return failure();
}

FailureOr<ConstantTensors>
Evaluator::Implementation::runThroughLinalg(Operation *op, Memo &memo) {
  SilenceDiagnostics silence(op->getContext());
  if (!vitToLinalg) {
    RewritePatternSet patterns(op->getContext());
    populateVitToLinalgConversionPatterns(patterns);
    vitToLinalg.emplace(std::move(patterns));
  }
  OpBuilder builder(op->getContext());
  OwningOpRef<func::FuncOp> function = func::FuncOp::create(
      builder, op->getLoc(), "scratch",
      builder.getFunctionType(op->getOperandTypes(), op->getResultTypes()));
  Block *body = function->addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  mapping.map(op->getOperands(), body->getArguments());
  Operation *copy = builder.clone(*op, mapping);
  auto results =
      func::ReturnOp::create(builder, op->getLoc(), copy->getResults());
  ConversionTarget target(*op->getContext());
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  target.addIllegalDialect<vit::VitDialect>();
  if (failed(applyFullConversion(*function, target, *vitToLinalg)))
    return failure();

  Memo scratch;
  for (auto [argument, operand] :
       llvm::zip_equal(body->getArguments(), op->getOperands()))
    scratch.values[argument] = memo.values.lookup(operand);
  ConstantTensors tensors;
  for (Value result : results.getOperands()) {
    const ConstantTensor *tensor = compute(result, scratch);
    if (!tensor)
      return failure();
    tensors.push_back(*tensor);
  }
  return tensors;
}

//===----------------------------------------------------------------------===//
// Evaluator
//===----------------------------------------------------------------------===//

Evaluator::Evaluator(ModuleOp module, int64_t maxBytes)
    : implementation(std::make_unique<Implementation>(module, maxBytes)) {}

Evaluator::~Evaluator() = default;

DenseElementsAttr Evaluator::evaluate(Value value) {
  std::optional<ConstantTensor> tensor = implementation->computeRoot(value);
  return tensor ? tensor->toAttr() : nullptr;
}

DenseElementsAttr Evaluator::evaluate(Value value, Value given,
                                      DenseElementsAttr number) {
  std::optional<ConstantTensor> constant = ConstantTensor::get(number);
  if (!constant)
    return nullptr;
  Memo memo;
  memo.values[given] = std::make_shared<ConstantTensor>(std::move(*constant));
  const ConstantTensor *tensor = implementation->compute(value, memo);
  return tensor ? tensor->toAttr() : nullptr;
}

FailureOr<SmallVector<DenseElementsAttr>>
Evaluator::evaluate(Operation *op, ArrayRef<DenseElementsAttr> operands) {
  Memo memo;
  for (auto [value, attr] : llvm::zip_equal(op->getOperands(), operands)) {
    std::optional<ConstantTensor> tensor;
    RankedTensorType type = getConstantType(value.getType());
    if (attr)
      tensor = ConstantTensor::get(attr);
    else if (type && value.getDefiningOp<tensor::EmptyOp>())
      tensor.emplace(type);
    if (tensor)
      memo.values[value] = std::make_shared<ConstantTensor>(std::move(*tensor));
  }
  for (Value operand : op->getOperands())
    if (!implementation->compute(operand, memo))
      return failure();
  FailureOr<ConstantTensors> results = implementation->run(op, memo);
  if (failed(results))
    return failure();
  SmallVector<DenseElementsAttr> attrs;
  for (const ConstantTensor &result : *results)
    attrs.push_back(result.toAttr());
  return attrs;
}
