//===- RecurrentCells.cpp - One step of RNN, GRU and LSTM -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Recurrent.h"

#include "Activations.h"
#include "Product.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

Value Cell::getGates(Value gates, int64_t first, int64_t count) const {
  return node.b.sliceDim(gates, TensorBuilder::getRank(gates) - 1,
                         first * hidden, count * hidden);
}

Value Cell::multiply(Value state, int64_t first, int64_t count) const {
  TensorBuilder &b = node.b;
  AffineExpr m = b.getAffineDimExpr(0), n = b.getAffineDimExpr(1),
             k = b.getAffineDimExpr(2);
  auto getMap = [&](AffineExpr first, AffineExpr second) {
    return AffineMap::get(3, 0, {first, second}, b.getContext());
  };
  Value weights = b.sliceDim(recurrent, 0, first * hidden, count * hidden);
  Shape shape = {b.getShape(state).front(), count * hidden};
  return b.contract(state, getMap(m, k), weights, getMap(n, k), shape,
                    getMap(m, n));
}

FailureOr<Value> Cell::activate(Value gate, unsigned index) const {
  FailureOr<Value> clipped = gate;
  if (node.hasAttr("clip")) {
    double bound = node.getFloat("clip", 0);
    clipped = buildActivation(node, gate, "Clip", {-bound, bound});
  }
  if (failed(clipped))
    return failure();
  const CellActivation &activation = activations[index];
  return buildActivation(node, *clipped, activation.name,
                         activation.parameters);
}

static Value buildProduct(TensorBuilder &b, Value lhs, Value rhs) {
  return b.elementwise({lhs, rhs}, TensorBuilder::getElementType(lhs),
                       [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                         return arith::MulFOp::create(b, args[0], args[1]);
                       });
}

/// 1 - x.
static Value buildComplement(TensorBuilder &b, Value x) {
  Type type = TensorBuilder::getElementType(x);
  return b.generic(x, type,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     return arith::SubFOp::create(
                         b, TensorBuilder::scalar(b, type, 1), args[0]);
                   });
}

FailureOr<CellState> onnx::stepRnn(const Cell &cell, Value projected,
                                   const CellState &state) {
  Value sum =
      buildSum(cell.node.b, projected, cell.multiply(state.hidden, 0, 1));
  FailureOr<Value> hidden = cell.activate(sum, 0);
  if (failed(hidden))
    return failure();
  return CellState{*hidden, {}};
}

/// Gates: update, reset, hidden.
FailureOr<CellState> onnx::stepGru(const Cell &cell, Value projected,
                                   const CellState &state) {
  TensorBuilder &b = cell.node.b;
  bool resetsProduct = cell.node.getInt("linear_before_reset", 0) != 0;
  Value product = cell.multiply(state.hidden, 0, resetsProduct ? 3 : 2);
  if (resetsProduct && cell.recurrentBias)
    product = buildSum(b, product, cell.recurrentBias);
  Value first =
      buildSum(b, cell.getGates(projected, 0, 2), cell.getGates(product, 0, 2));
  FailureOr<Value> update = cell.activate(cell.getGates(first, 0), 0);
  FailureOr<Value> reset = cell.activate(cell.getGates(first, 1), 0);
  if (failed(update) || failed(reset))
    return failure();
  Value recurrent =
      resetsProduct
          ? buildProduct(b, *reset, cell.getGates(product, 2))
          : cell.multiply(buildProduct(b, *reset, state.hidden), 2, 1);
  FailureOr<Value> candidate =
      cell.activate(buildSum(b, cell.getGates(projected, 2), recurrent), 1);
  if (failed(candidate))
    return failure();
  Value taken = buildProduct(b, buildComplement(b, *update), *candidate);
  return CellState{buildSum(b, taken, buildProduct(b, *update, state.hidden)),
                   {}};
}

/// Gates: input, output, forget, cell.
FailureOr<CellState> onnx::stepLstm(const Cell &cell, Value projected,
                                    const CellState &state) {
  TensorBuilder &b = cell.node.b;
  Value gates = buildSum(b, projected, cell.multiply(state.hidden, 0, 4));
  // Peepholes: input, output, forget.
  auto addPeephole = [&](Value gate, int64_t index, Value seen) {
    if (!cell.peepholes)
      return gate;
    return buildSum(
        b, gate, buildProduct(b, seen, cell.getGates(cell.peepholes, index)));
  };
  FailureOr<Value> input =
      cell.activate(addPeephole(cell.getGates(gates, 0), 0, state.cell), 0);
  FailureOr<Value> candidate = cell.activate(cell.getGates(gates, 3), 1);
  if (failed(input) || failed(candidate))
    return failure();
  FailureOr<Value> forget =
      cell.node.getInt("input_forget", 0) != 0
          ? FailureOr<Value>(buildComplement(b, *input))
          : cell.activate(addPeephole(cell.getGates(gates, 2), 2, state.cell),
                          0);
  if (failed(forget))
    return failure();
  Value kept = buildSum(b, buildProduct(b, *forget, state.cell),
                        buildProduct(b, *input, *candidate));
  FailureOr<Value> output =
      cell.activate(addPeephole(cell.getGates(gates, 1), 1, kept), 0);
  // The cell's own output is not clipped.
  FailureOr<Value> shown =
      buildActivation(cell.node, kept, cell.activations[2].name,
                      cell.activations[2].parameters);
  if (failed(output) || failed(shown))
    return failure();
  return CellState{buildProduct(b, *output, *shown), kept};
}
