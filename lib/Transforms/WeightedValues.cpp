//===- WeightedValues.cpp - Softmax before a product ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightedValues.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"

#include <algorithm>

using namespace mlir;
using namespace vitc::vit;

/// How far a product may be below its softmax, in ops.
static constexpr unsigned kMaxDepth = 16;

/// What `op` tests for NaN; none for another op.
static std::optional<ElementwiseOperand> getTestedForNan(Operation *op) {
  std::optional<Elementwise> test = op->getNumResults() == 1
                                        ? matchElementwise(op->getResult(0))
                                        : std::nullopt;
  if (!test || !test->is<arith::CmpFOp>() ||
      cast<arith::CmpFOp>(test->scalarOp).getPredicate() !=
          arith::CmpFPredicate::UNO ||
      !test->operands[0].tensor ||
      test->operands[0].tensor != test->operands[1].tensor ||
      test->operands[0].map != test->operands[1].map)
    return std::nullopt;
  return test->operands[0];
}

/// The ops that read probabilities, but for a test of one of these:
///   %n = arith.cmpf uno, %p, %p
///   %q = arith.select %n, 0, %p
/// is what PyTorch's export of a safe softmax leaves, and vit.attention's rule.
static llvm::SmallSetVector<Operation *, 2> getReaders(Value value) {
  llvm::SmallSetVector<Operation *, 2> readers;
  for (Operation *user : value.getUsers())
    if (!getTestedForNan(user) || !user->hasOneUse())
      readers.insert(user);
  return readers;
}

/// Looks through one cast, or through one select of zero for NaN.
static bool stepThroughProbabilities(Value &value, DimAxes &dims) {
  std::optional<Elementwise> match = matchElementwise(value);
  if (!match)
    return false;
  unsigned index;
  if (match->is<arith::ExtFOp, arith::TruncFOp>()) {
    index = 0;
  } else if (match->is<arith::SelectOp>()) {
    index = 2;
    std::optional<double> zero = match->operands[1].scalar;
    const ElementwiseOperand &condition = match->operands[0];
    Operation *test =
        condition.tensor ? condition.tensor.getDefiningOp() : nullptr;
    std::optional<ElementwiseOperand> tested =
        test ? getTestedForNan(test) : std::nullopt;
    if (!zero || *zero != 0 || !tested ||
        tested->tensor != match->operands[2].tensor ||
        tested->map.compose(condition.map) != match->operands[2].map)
      return false;
  } else {
    return false;
  }
  if (!match->operands[index].tensor)
    return false;
  dims = AxisSpace::compose(match->operands[index].map, dims);
  value = match->operands[index].tensor;
  return true;
}

LogicalResult vitc::vit::matchWeightedValues(linalg::SoftmaxOp softmax,
                                             AxisSpace &space,
                                             WeightedValues &match,
                                             std::string &reason) {
  auto fail = [&](const Twine &why) {
    reason = why.str();
    return failure();
  };
  Value probabilities = softmax->getResult(0);
  std::optional<Contraction> product;
  for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
    llvm::SmallSetVector<Operation *, 2> readers = getReaders(probabilities);
    if (readers.size() > 1)
      return fail("more than one op reads the probabilities");
    if (readers.empty() || readers[0]->getNumResults() != 1)
      break;
    Value result = readers[0]->getResult(0);
    product = matchContraction(result);
    if (product)
      break;
    probabilities = result;
  }
  if (!product)
    return fail("no product with values follows");
  if (product->lhs != probabilities)
    product = product->swapped();
  if (product->lhs != probabilities || product->rhs == probabilities)
    return fail("the probabilities are multiplied with themselves");

  std::optional<DimAxes> dims = space.addDims(product->lhs);
  std::optional<DimAxes> value = space.addDims(product->rhs);
  if (!dims || !value)
    return fail("an operand is empty or has a dynamic size that is no known "
                "multiple of the batch");
  DimAxes loops(product->sizes.size());
  bindLoops(loops, product->lhsMap, *dims);
  bindLoops(loops, product->rhsMap, *value);
  for (unsigned loop : product->n)
    llvm::append_range(match.valueChannels, loops[loop]);
  AxisList contracted;
  for (unsigned loop : product->k)
    llvm::append_range(contracted, loops[loop]);
  match.product = product->op;
  match.resultDims = AxisSpace::compose(product->resultMap, loops);
  match.value = {product->rhs, AxisSpace::compose(product->rhsMap, loops)};

  Value source = probabilities;
  while (source != softmax->getResult(0))
    if (!space.stepUp(source, *dims) &&
        !stepThroughProbabilities(source, *dims))
      return fail("the probabilities are changed before the product with "
                  "values");
  match.scoreDims = space.resolveDims(*dims);
  match.keys = match.scoreDims[softmax.getDimension()];
  AxisList summed = space.resolve(contracted);
  if (!std::is_permutation(summed.begin(), summed.end(), match.keys.begin(),
                           match.keys.end()))
    return fail("the product with values sums over another axis than softmax");
  if (match.keys.empty())
    return fail("there is one key only");
  return success();
}
