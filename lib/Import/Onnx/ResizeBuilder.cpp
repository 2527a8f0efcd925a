//===- ResizeBuilder.cpp - Ops that resize a tensor -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dim by dim: a product with the dense matrix of weights where that is small,
// which the gemm kernels are best at, else a sum of the few weighted elements
// that each result needs. Nearest neighbours of all dims are one gather.
//
//===----------------------------------------------------------------------===//

#include "ResizeBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc::onnx;

/// Up to these sizes the zeros of a dense matrix cost less than gathers.
constexpr int64_t kMaxDenseInputs = 128, kMaxDenseElements = 32768;

static bool isUnchanged(const ResizedDim &dim) {
  return dim.input == dim.output && dim.scale == 1 && dim.roiBegin == 0 &&
         dim.roiEnd == 1;
}

static Value buildTable(TensorBuilder &b, ArrayRef<int64_t> shape, Type type,
                        ArrayRef<double> numbers) {
  SmallVector<Attribute> elements;
  for (double number : numbers)
    elements.push_back(b.getScalarAttr(type, number));
  return b.constant(
      DenseElementsAttr::get(RankedTensorType::get(shape, type), elements));
}

static Value buildIndexTable(TensorBuilder &b, ArrayRef<int64_t> indices) {
  return b.constant(DenseElementsAttr::get(
      RankedTensorType::get(indices.size(), b.getI64Type()), indices));
}

static Value extractIndex(ImplicitLocOpBuilder &b, Value table,
                          Value position) {
  Value entry = tensor::ExtractOp::create(b, table, position);
  return arith::IndexCastOp::create(b, b.getIndexType(), entry);
}

/// result[.., o, ..] = sum over i of matrix[o, i] * tensor[.., i, ..].
static Value buildDense(TensorBuilder &b, Value tensor, int64_t axis,
                        const ResizedDim &dim, const Taps &taps) {
  std::vector<double> matrix(dim.output * dim.input);
  for (int64_t o = 0; o != dim.output; ++o)
    for (int64_t tap = o * taps.numTaps; tap != (o + 1) * taps.numTaps; ++tap)
      matrix[o * dim.input + taps.indices[tap]] += taps.weights[tap];
  Value weights = buildTable(b, {dim.output, dim.input},
                             TensorBuilder::getElementType(tensor), matrix);
  Shape shape = b.getShape(tensor);
  // Loops: the result's dims, then i.
  unsigned rank = shape.size();
  SmallVector<AffineExpr> exprs;
  for (unsigned loop = 0; loop != rank; ++loop)
    exprs.push_back(b.getAffineDimExpr(loop == axis ? rank : loop));
  AffineMap tensorMap = AffineMap::get(rank + 1, 0, exprs, b.getContext());
  AffineMap weightsMap = AffineMap::get(
      rank + 1, 0, {b.getAffineDimExpr(axis), b.getAffineDimExpr(rank)},
      b.getContext());
  exprs[axis] = b.getAffineDimExpr(axis);
  AffineMap resultMap = AffineMap::get(rank + 1, 0, exprs, b.getContext());
  shape[axis] = dim.output;
  return b.contract(tensor, tensorMap, weights, weightsMap, shape, resultMap);
}

/// The same as a sum over the taps of each o.
static Value buildSparse(TensorBuilder &b, Value tensor, int64_t axis,
                         const ResizedDim &dim, const Taps &taps) {
  Type type = TensorBuilder::getElementType(tensor);
  Value indices = buildIndexTable(b, taps.indices);
  Value weights =
      buildTable(b, int64_t(taps.weights.size()), type, taps.weights);
  Shape shape = b.getShape(tensor);
  shape[axis] = dim.output;
  return b.gather(
      shape, type, [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
        SmallVector<Value> position;
        for (unsigned d = 0; d != shape.size(); ++d)
          position.push_back(linalg::IndexOp::create(b, d));
        Value first = arith::MulIOp::create(
            b, position[axis], arith::ConstantIndexOp::create(b, taps.numTaps));
        Value sum;
        for (int64_t tap = 0; tap != taps.numTaps; ++tap) {
          Value entry = arith::AddIOp::create(
              b, first, arith::ConstantIndexOp::create(b, tap));
          position[axis] = extractIndex(b, indices, entry);
          Value weight = tensor::ExtractOp::create(b, weights, entry);
          Value term = arith::MulFOp::create(
              b, weight, tensor::ExtractOp::create(b, tensor, position));
          sum = sum ? Value(arith::AddFOp::create(b, sum, term)) : term;
        }
        return sum;
      });
}

static Value buildExtrapolated(TensorBuilder &b, Value tensor, int64_t axis,
                               const Taps &taps, double extrapolation) {
  if (llvm::none_of(taps.outside, [](bool outside) { return outside; }))
    return tensor;
  SmallVector<int64_t> shape(TensorBuilder::getRank(tensor), 1);
  shape[axis] = taps.outside.size();
  SmallVector<bool> outside(taps.outside.begin(), taps.outside.end());
  Value mask = b.constant(DenseElementsAttr::get(
      RankedTensorType::get(shape, b.getI1Type()), outside));
  Type type = TensorBuilder::getElementType(tensor);
  return b.generic(
      {mask, tensor}, type,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::SelectOp::create(
            b, args[0], TensorBuilder::scalar(b, type, extrapolation), args[1]);
      });
}

/// All dims in one gather, each with a table of where it reads.
static Value buildNearest(TensorBuilder &b, Value tensor,
                          ArrayRef<ResizedDim> dims, ArrayRef<Taps> taps) {
  Shape shape = b.getShape(tensor);
  SmallVector<Value> tables(dims.size());
  for (auto [axis, dim] : llvm::enumerate(dims)) {
    if (isUnchanged(dim))
      continue;
    SmallVector<int64_t> indices;
    for (int64_t o = 0; o != dim.output; ++o)
      indices.push_back(taps[axis].indices[2 * o] * taps[axis].weights[2 * o] +
                        taps[axis].indices[2 * o + 1] *
                            taps[axis].weights[2 * o + 1]);
    tables[axis] = buildIndexTable(b, indices);
    shape[axis] = dim.output;
  }
  return b.gather(shape, TensorBuilder::getElementType(tensor),
                  [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
                    SmallVector<Value> position;
                    for (auto [axis, table] : llvm::enumerate(tables)) {
                      Value index = linalg::IndexOp::create(b, axis);
                      position.push_back(table ? extractIndex(b, table, index)
                                               : index);
                    }
                    return tensor::ExtractOp::create(b, tensor, position);
                  });
}

Value vitc::onnx::buildResize(TensorBuilder &b, Value tensor,
                              const Interpolation &interpolation,
                              ArrayRef<ResizedDim> dims, double extrapolation) {
  SmallVector<Taps> taps(dims.size());
  for (auto [axis, dim] : llvm::enumerate(dims))
    if (!isUnchanged(dim))
      taps[axis] = getTaps(interpolation, dim);
  if (llvm::all_of(dims, isUnchanged))
    return tensor;
  bool nearest = interpolation.mode == InterpolationMode::Nearest;
  if (nearest)
    tensor = buildNearest(b, tensor, dims, taps);
  for (auto [axis, dim] : llvm::enumerate(dims)) {
    if (isUnchanged(dim))
      continue;
    if (!nearest) {
      bool dense = dim.input <= taps[axis].numTaps ||
                   (dim.input <= kMaxDenseInputs &&
                    dim.input * dim.output <= kMaxDenseElements);
      tensor = dense ? buildDense(b, tensor, axis, dim, taps[axis])
                     : buildSparse(b, tensor, axis, dim, taps[axis]);
    }
    tensor = buildExtrapolated(b, tensor, axis, taps[axis], extrapolation);
  }
  return tensor;
}
