//===- Evaluator.cpp - Ops on constants, computed at compile time ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/Evaluate.h"

#include "Lanes.h"
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
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Threading.h"

using namespace mlir;
using namespace vitc;

using Outcome = Evaluator::Outcome;

/// The values on the way to one may have this many times its bytes.
static constexpr int64_t kMaxBytesFactor = 16;

/// More scalar ops than this take too long at all numbers, at some 5 ns each.
static constexpr int64_t kMaxSteps = int64_t(1) << 29;

namespace {
/// Values by now; null for what is not a constant.
struct Memo {
  llvm::DenseMap<Value, std::shared_ptr<ConstantTensor>> values;
  int64_t bytes = 0;
  /// Those that are computed from a given one, and that one.
  llvm::DenseSet<Value> reached;
  /// Scalar ops that were run.
  int64_t steps = 0;

  void forgetReached();
};

void Memo::forgetReached() {
  for (Value value : reached) {
    auto found = values.find(value);
    if (found->second)
      bytes -= getConstantBytes(found->second->getType());
    values.erase(found);
  }
  reached.clear();
}

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
  Outcome computeEach(Value value, Value given, ArrayRef<int64_t> numbers,
                      llvm::function_ref<bool(int64_t, ArrayRef<double>)>);
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

/// Scalar ops that `op` runs, about.
static int64_t getSteps(Operation *op) {
  uint64_t steps = 0;
  if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
    steps = structured.getBlock()->getOperations().size();
    for (int64_t size : structured.getStaticLoopRanges())
      steps = llvm::SaturatingMultiply<uint64_t>(steps, size);
  } else {
    for (Type type : op->getResultTypes())
      steps += getConstantType(type).getNumElements();
  }
  return std::min<uint64_t>(steps, kMaxSteps);
}

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
    bool isConstant = true, isReached = false;
    size_t known = pending.size();
    for (Value source : sources) {
      auto found = memo.values.find(source);
      isReached |= memo.reached.contains(source);
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
      if (isReached)
        memo.reached.insert(result);
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

Outcome Evaluator::Implementation::computeEach(
    Value value, Value given, ArrayRef<int64_t> numbers,
    llvm::function_ref<bool(int64_t, ArrayRef<double>)> visit) {
  RankedTensorType givenType = getConstantType(given.getType());
  RankedTensorType type = getConstantType(value.getType());
  if (!givenType || !type || isa<FloatType>(givenType.getElementType()) ||
      !isa<FloatType>(type.getElementType()))
    return Outcome::NoValue;
  Memo memo;
  Lanes lanes;
  for (auto [i, number] : llvm::enumerate(numbers)) {
    auto tensor = std::make_shared<ConstantTensor>(givenType);
    lanes.integers.assign(tensor->size(), number);
    storeLanes(lanes, 0, tensor->size(), *tensor);
    memo.forgetReached();
    memo.bytes += getConstantBytes(givenType);
    memo.values[given] = std::move(tensor);
    memo.reached.insert(given);
    memo.steps = type.getNumElements();
    const ConstantTensor *result = compute(value, memo);
    if (!result)
      return Outcome::NoValue;
    loadLanes(*result, 0, result->size(), lanes);
    if (!visit(number, lanes.floats))
      return Outcome::Stopped;
    // By now the rest of the numbers costs only what they reach.
    int64_t left = numbers.size() - i - 1;
    if (i > 0 && left > 0 && memo.steps > kMaxSteps / left)
      return Outcome::TooLong;
  }
  return Outcome::AllVisited;
}

FailureOr<ConstantTensors> Evaluator::Implementation::run(Operation *op,
                                                          Memo &memo) {
  if (op->getNumResults() == 0 || !areResultsSmall(op))
    return failure();
  memo.steps += getSteps(op);
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
  memo.steps += scratch.steps;
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

Outcome Evaluator::evaluateEach(
    Value value, Value given, ArrayRef<int64_t> numbers,
    llvm::function_ref<bool(int64_t, ArrayRef<double>)> visit) {
  return implementation->computeEach(value, given, numbers, visit);
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
