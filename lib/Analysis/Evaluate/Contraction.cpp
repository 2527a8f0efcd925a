//===- Contraction.cpp - Evaluation of sums of products -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "vitc/Target/StridedCopy.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;

/// Rows and columns of the right operand that stay in the second cache.
static constexpr int64_t kBlockRows = 128;
static constexpr int64_t kBlockColumns = 512;

/// Whether the body is result + lhs * rhs, of floats, in any order.
static bool isSumOfProducts(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      body->getOperations().size() != 3)
    return false;
  auto add =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || add->getBlock() != body)
    return false;
  Value init = body->getArgument(2);
  Value product = add.getLhs() == init ? add.getRhs() : add.getLhs();
  auto mul = product.getDefiningOp<arith::MulFOp>();
  if (!mul || mul->getBlock() != body || add.getLhs() == add.getRhs() ||
      (add.getLhs() != init && add.getRhs() != init))
    return false;
  Value lhs = body->getArgument(0), rhs = body->getArgument(1);
  return (mul.getLhs() == lhs && mul.getRhs() == rhs) ||
         (mul.getLhs() == rhs && mul.getRhs() == lhs);
}

namespace {
/// Loops by the operands that they index.
struct Dims {
  SmallVector<int64_t> batch, rows, columns, reduced;
};
} // namespace

static std::optional<Dims> getDims(linalg::LinalgOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (AffineMap map : maps)
    if (!map.isProjectedPermutation())
      return std::nullopt;
  Dims dims;
  for (int64_t dim = 0; dim < op.getNumLoops(); ++dim) {
    bool lhs = maps[0].isFunctionOfDim(dim), rhs = maps[1].isFunctionOfDim(dim);
    bool result = maps[2].isFunctionOfDim(dim);
    if (lhs && rhs && result)
      dims.batch.push_back(dim);
    else if (lhs && result)
      dims.rows.push_back(dim);
    else if (rhs && result)
      dims.columns.push_back(dim);
    else if (lhs && rhs)
      dims.reduced.push_back(dim);
    else
      return std::nullopt;
  }
  return dims;
}

/// For each loop of `order`, the dim of the tensor that it indexes.
static SmallVector<int64_t> getPermutation(AffineMap map,
                                           ArrayRef<int64_t> order) {
  return llvm::map_to_vector(order, [&](int64_t dim) -> int64_t {
    return *map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
  });
}

/// The elements with dims in the order of the loops, in f64.
static std::vector<double> load(const ConstantTensor &tensor, AffineMap map,
                                ArrayRef<int64_t> order) {
  ConstantTensor moved(tensor.getType());
  transposeElements(tensor.data(), tensor.getShape(),
                    getPermutation(map, order), moved.data(),
                    *getElementBytes(tensor.getElementType()));
  Lanes lanes;
  loadLanes(moved, 0, moved.size(), lanes);
  return std::move(lanes.floats);
}

/// result[m, n] += sum over k of lhs[m, k] * rhs[k, n]
static void multiply(const double *lhs, const double *rhs, double *result,
                     int64_t rows, int64_t depth, int64_t columns) {
  for (int64_t k0 = 0; k0 < depth; k0 += kBlockRows)
    for (int64_t n0 = 0; n0 < columns; n0 += kBlockColumns) {
      int64_t kEnd = std::min(depth, k0 + kBlockRows);
      int64_t n = std::min(kBlockColumns, columns - n0);
      for (int64_t m = 0; m < rows; ++m) {
        double *out = result + m * columns + n0;
        for (int64_t k = k0; k < kEnd; ++k) {
          double scale = lhs[m * depth + k];
          const double *row = rhs + k * columns + n0;
          for (int64_t i = 0; i < n; ++i)
            out[i] += scale * row[i];
        }
      }
    }
}

FailureOr<ConstantTensor> vitc::evaluateContraction(linalg::LinalgOp op,
                                                    ValueLookup lookup) {
  if (!isSumOfProducts(op))
    return failure();
  std::optional<Dims> dims = getDims(op);
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  int64_t products = 1;
  for (int64_t size : sizes)
    if (ShapedType::isDynamic(size) ||
        llvm::MulOverflow(products, size, products) || products > kMaxProducts)
      return failure();
  const ConstantTensor *lhs = lookup(op->getOperand(0));
  const ConstantTensor *rhs = lookup(op->getOperand(1));
  const ConstantTensor *init = lookup(op->getOperand(2));
  if (!dims || products == 0 || !lhs || !rhs || !init)
    return failure();

  auto count = [&](ArrayRef<int64_t> loops) {
    int64_t product = 1;
    for (int64_t loop : loops)
      product *= sizes[loop];
    return product;
  };
  int64_t batch = count(dims->batch), rows = count(dims->rows);
  int64_t depth = count(dims->reduced), columns = count(dims->columns);
  auto order = [&](ArrayRef<int64_t> second, ArrayRef<int64_t> third) {
    SmallVector<int64_t> loops = dims->batch;
    loops.append(second.begin(), second.end());
    loops.append(third.begin(), third.end());
    return loops;
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  std::vector<double> a = load(*lhs, maps[0], order(dims->rows, dims->reduced));
  std::vector<double> b =
      load(*rhs, maps[1], order(dims->reduced, dims->columns));
  SmallVector<int64_t> resultLoops = order(dims->rows, dims->columns);
  Lanes total;
  total.floats = load(*init, maps[2], resultLoops);
  for (int64_t i = 0; i < batch; ++i)
    multiply(a.data() + i * rows * depth, b.data() + i * depth * columns,
             total.floats.data() + i * rows * columns, rows, depth, columns);

  // From the order of the loops back to the result's own.
  SmallVector<int64_t> shape = llvm::map_to_vector(
      resultLoops, [&](int64_t loop) { return sizes[loop]; });
  ConstantTensor ordered(RankedTensorType::get(shape, init->getElementType()));
  storeLanes(total, 0, ordered.size(), ordered);
  ConstantTensor result(init->getType());
  transposeElements(
      ordered.data(), shape,
      invertPermutationVector(getPermutation(maps[2], resultLoops)),
      result.data(), *getElementBytes(init->getElementType()));
  return result;
}
