//===- RaiseRecurrentCells.cpp - GRU and LSTM cells from their gates ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %r = sigmoid(%i[0:H] + %g[0:H]);  %z = sigmoid(%i[H:2H] + %g[H:2H])
//   %n = tanh(%i[2H:3H] + %r * %g[2H:3H])
//   %y = (%h - %n) * %z + %n
// becomes
//   %y = vit.gru_cell %i, %g, %h order [0, 1, 2]
// and likewise for an LSTM, whose cell state goes along. Gates come in any
// order, formulas in any form: what computes %y is evaluated with random
// numbers for each slice, and compared with the formula. All of its ops are
// analytic, so that functions that agree there are the same.
//
//===----------------------------------------------------------------------===//

#include "ColumnFunction.h"
#include "DeadOps.h"
#include "Match.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

namespace vitc::vit {
#define GEN_PASS_DEF_RAISERECURRENTCELLSPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

namespace {
/// Gates side by side in the last dim of a tensor.
struct Gates {
  Value tensor;
  int64_t offset = 0;
  SmallVector<Samples, 0> samples; // of each gate
};
} // namespace

/// The columns that a function reads as gates of the width and element type of
/// a state, `count` of each tensor; empty when they are otherwise.
static SmallVector<Gates> findGates(const ColumnFunction &function,
                                    RankedTensorType state, size_t count) {
  int64_t width = state.getShape().back();
  llvm::MapVector<Value, SmallVector<const Columns *>> byTensor;
  for (const Columns &columns : function.getColumns())
    byTensor[columns.tensor].push_back(&columns);
  SmallVector<Gates> found;
  for (auto &[tensor, parts] : byTensor) {
    if (parts.size() != count || !isMovable(tensor) ||
        getElementTypeOrSelf(tensor) != state.getElementType())
      return {};
    llvm::sort(parts, [](const Columns *a, const Columns *b) {
      return a->offset < b->offset;
    });
    Gates gates{tensor, parts.front()->offset, {}};
    for (auto [number, part] : llvm::enumerate(parts)) {
      if (part->offset != gates.offset + static_cast<int64_t>(number) * width)
        return {};
      gates.samples.push_back(part->samples);
    }
    found.push_back(std::move(gates));
  }
  return found;
}

/// Whether the values are those of the formula at each point.
static bool agree(ArrayRef<double> values, double tolerance,
                  llvm::function_ref<double(size_t point)> formula) {
  for (auto [point, value] : llvm::enumerate(values)) {
    double expected = formula(point);
    // Not so for NaN either.
    if (!(std::abs(value - expected) <= tolerance * (1 + std::abs(expected))))
      return false;
  }
  return true;
}

/// Calls `visit` with each order of `count` gates until that is true.
static bool visitOrders(int64_t count,
                        llvm::function_ref<bool(ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, count));
  do {
    if (visit(order))
      return true;
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

/// `tensor` [..., C] as [B, C].
static Value flatten(OpBuilder &builder, Location loc, Value tensor) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(tensor.getType()).getShape();
  return reshape(builder, loc, tensor, mergeDims(shape, 0, shape.size() - 1));
}

/// The columns of the gates, [B, count * width].
static Value buildGates(OpBuilder &builder, Location loc, const Gates &gates,
                        int64_t width) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, gates.tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  auto columns = static_cast<int64_t>(gates.samples.size() * width);
  Value tensor = gates.tensor;
  if (cast<RankedTensorType>(tensor.getType()).getShape().back() != columns) {
    offsets.back() = builder.getIndexAttr(gates.offset);
    sizes.back() = builder.getIndexAttr(columns);
    tensor = tensor::ExtractSliceOp::create(builder, loc, tensor, offsets,
                                            sizes, strides);
  }
  return flatten(builder, loc, tensor);
}

namespace {
/// An expression that may be the hidden state of a cell.
struct Candidate {
  Value root;
  RankedTensorType type;
  llvm::SetVector<Value> tensors; // of the expression

  int64_t getWidth() const { return type.getShape().back(); }
  double getTolerance() const {
    return vitc::vit::getTolerance(cast<FloatType>(type.getElementType()));
  }
  /// `tensor` [B, H] in the shape of the root.
  Value restore(OpBuilder &builder, Value tensor) const {
    return reshape(builder, root.getLoc(), tensor, type.getShape());
  }
};
} // namespace

/// The expression of `op`, if it has so many tensors computed with an exp or a
/// tanh.
static std::optional<Candidate> getCandidate(Operation *op,
                                             unsigned numActivations) {
  if (op->getNumResults() != 1 || !isElementwise(op->getResult(0)))
    return std::nullopt;
  Value root = op->getResult(0);
  auto type = dyn_cast<RankedTensorType>(root.getType());
  if (!type || type.getRank() < 2 || !isMovable(root) ||
      !isa<FloatType>(type.getElementType()))
    return std::nullopt;
  Candidate candidate{root, type, getExpressionTensors(root)};
  if (llvm::count_if(candidate.tensors, isSigmoidal) < numActivations)
    return std::nullopt;
  return candidate;
}

//===----------------------------------------------------------------------===//
// GRU
//===----------------------------------------------------------------------===//

namespace {
struct GruMatch {
  Gates input, recurrent;
  SmallVector<int64_t> order;
};
} // namespace

static std::optional<GruMatch> matchGru(const Candidate &candidate,
                                        ColumnFunction &function,
                                        ArrayRef<double> values) {
  enum : unsigned { kReset, kUpdate, kCandidate, kNumGates };
  SmallVector<Gates> gates = findGates(function, candidate.type, kNumGates);
  if (gates.size() != 2)
    return std::nullopt;
  GruMatch match;
  auto isGru = [&](ArrayRef<int64_t> order) {
    return agree(values, candidate.getTolerance(), [&](size_t point) {
      auto input = [&](unsigned gate) {
        return match.input.samples[order[gate]][point];
      };
      auto recurrent = [&](unsigned gate) {
        return match.recurrent.samples[order[gate]][point];
      };
      double r = sigmoid(input(kReset) + recurrent(kReset));
      double z = sigmoid(input(kUpdate) + recurrent(kUpdate));
      double n = std::tanh(input(kCandidate) + r * recurrent(kCandidate));
      return (1 - z) * n + z * function.getState()[point];
    });
  };
  for (unsigned first : {0, 1}) {
    match.input = gates[first];
    match.recurrent = gates[1 - first];
    bool found = visitOrders(kNumGates, [&](ArrayRef<int64_t> order) {
      match.order.assign(order.begin(), order.end());
      return isGru(order);
    });
    if (found)
      return match;
  }
  return std::nullopt;
}

static void replaceByGru(const Candidate &candidate, Value state,
                         const GruMatch &match, RewriterBase &rewriter) {
  Operation *op = candidate.root.getDefiningOp();
  rewriter.setInsertionPoint(op);
  Location loc = op->getLoc();
  int64_t width = candidate.getWidth();
  Value result = GruCellOp::create(
      rewriter, loc, buildGates(rewriter, loc, match.input, width),
      buildGates(rewriter, loc, match.recurrent, width),
      flatten(rewriter, loc, state), match.order);
  rewriter.replaceOp(op, candidate.restore(rewriter, result));
}

//===----------------------------------------------------------------------===//
// LSTM
//===----------------------------------------------------------------------===//

namespace {
struct LstmMatch {
  SmallVector<Gates> gates; // added up
  SmallVector<int64_t> order;
  Value nextCell; // in the shape of the root
};
} // namespace

static std::optional<LstmMatch> matchLstm(const Candidate &candidate,
                                          ColumnFunction &function,
                                          ArrayRef<double> values) {
  enum : unsigned { kInput, kForget, kCandidate, kOutput, kNumGates };
  LstmMatch match;
  match.gates = findGates(function, candidate.type, kNumGates);
  if (match.gates.empty())
    return std::nullopt;
  auto getGate = [&](unsigned gate, size_t point) {
    double sum = 0;
    for (const Gates &gates : match.gates)
      sum += gates.samples[match.order[gate]][point];
    return sum;
  };
  auto getNextCell = [&](size_t point) {
    return sigmoid(getGate(kForget, point)) * function.getState()[point] +
           sigmoid(getGate(kInput, point)) *
               std::tanh(getGate(kCandidate, point));
  };
  double tolerance = candidate.getTolerance();
  bool found = visitOrders(kNumGates, [&](ArrayRef<int64_t> order) {
    match.order.assign(order.begin(), order.end());
    return agree(values, tolerance, [&](size_t point) {
      return sigmoid(getGate(kOutput, point)) * std::tanh(getNextCell(point));
    });
  });
  if (!found)
    return std::nullopt;
  for (Value tensor : candidate.tensors) {
    std::optional<Samples> own = tensor.getType() == candidate.type
                                     ? function.evaluate(tensor)
                                     : std::nullopt;
    if (own && agree(*own, tolerance, getNextCell)) {
      match.nextCell = tensor;
      return match;
    }
  }
  return std::nullopt;
}

static void replaceByLstm(const Candidate &candidate, Value state,
                          const LstmMatch &match, RewriterBase &rewriter) {
  // All that it reads is known where the next cell state is.
  Operation *cell = match.nextCell.getDefiningOp();
  rewriter.setInsertionPointAfter(cell);
  Location loc =
      rewriter.getFusedLoc({candidate.root.getLoc(), cell->getLoc()});
  int64_t width = candidate.getWidth();
  Value gates;
  for (const Gates &part : match.gates) {
    Value columns = buildGates(rewriter, loc, part, width);
    gates =
        gates ? arith::AddFOp::create(rewriter, loc, gates, columns) : columns;
  }
  auto lstm = LstmCellOp::create(rewriter, loc, gates,
                                 flatten(rewriter, loc, state), match.order);
  rewriter.replaceAllUsesWith(match.nextCell,
                              candidate.restore(rewriter, lstm.getNextCell()));
  rewriter.replaceAllUsesWith(candidate.root,
                              candidate.restore(rewriter, lstm.getHidden()));
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
/// A kind of cell: how its formula is found and what takes its place.
template <typename Match> struct Cell {
  const char *name;
  unsigned numActivations; // at least
  std::optional<Match> (*match)(const Candidate &, ColumnFunction &,
                                ArrayRef<double> values);
  void (*replace)(const Candidate &, Value state, const Match &,
                  RewriterBase &);
};
} // namespace

/// Two gates and the tanh.
static constexpr Cell<GruMatch> kGru = {"GRU", 3, matchGru, replaceByGru};
/// Three gates and the tanh of the candidate and of the cell.
static constexpr Cell<LstmMatch> kLstm = {"LSTM", 5, matchLstm, replaceByLstm};

/// Each tensor of the expression may be the state.
template <typename Match>
static LogicalResult raiseCell(Operation *op, const Cell<Match> &cell,
                               RewriterBase &rewriter) {
  std::optional<Candidate> candidate = getCandidate(op, cell.numActivations);
  if (!candidate)
    return rewriter.notifyMatchFailure(op, "has too few activations");
  for (Value state : llvm::drop_begin(candidate->tensors)) {
    if (state.getType() != candidate->type || getScalar(state))
      continue;
    ColumnFunction function(state);
    std::optional<Samples> values = function.evaluate(candidate->root);
    std::optional<Match> match =
        values ? cell.match(*candidate, function, *values) : std::nullopt;
    if (!match)
      continue;
    cell.replace(*candidate, state, *match, rewriter);
    return success();
  }
  return rewriter.notifyMatchFailure(op, "is no " + Twine(cell.name) +
                                             " of its slices");
}

namespace {
struct RaiseRecurrentCellsPass final
    : vitc::vit::impl::RaiseRecurrentCellsPassBase<RaiseRecurrentCellsPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // The state of a step before its readers: that ends their expressions.
    getOperation().walk([&](Operation *op) {
      if (succeeded(raiseCell(op, kGru, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
    getOperation().walk([&](Operation *op) {
      if (succeeded(raiseCell(op, kLstm, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
