//===- RolledLoops.cpp - ONNX's Loop and Scan as a loop -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The body is imported once. What a loop hands on is one of four:
//   kept      the body gives it back as it is: the value outside
//   counted   a number that grows by 1: a formula in the iteration's number, so
//             that slices from i to i + 1 have a known size
//   replaced  the body does not read it: the last iteration's alone counts
//   carried   any other, of one type
// A Loop that takes position i of a tensor ends with that tensor. One whose end
// is computed is an scf.while. A Scan's body does not get the iteration's
// number, so that a Scan may be in another loop.
//
//===----------------------------------------------------------------------===//

#include "../ModelLimits.h"
#include "LoopBuilder.h"
#include "Loops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::GraphProto;

/// Of a loop that no number bounds.
static constexpr int64_t kMaxTrips = std::numeric_limits<int32_t>::max();
/// Rows of the largest stack of which a condition says how many there are.
static constexpr int64_t kMaxStackedTrips = 4096;
/// Formulas of larger numbers could overflow.
static constexpr int64_t kMaxCounted = int64_t(1) << 30;

namespace {
enum class Role { Kept, Counted, Replaced, Carried };

/// What a loop hands on to the next iteration.
struct Handed {
  Role role;
  GraphValue initial, next;
  int64_t start = 0;      // where counted
  BlockArgument argument; // in the probe, where carried
};
} // namespace

/// A body that was imported, in a loop that nothing uses.
struct GraphImporter::RolledBody {
  scf::ForOp probe;
  std::vector<Handed> handed;
  GraphValue condition;
  Results scans;
};

/// The one integer that a value is, if it is known.
static std::optional<int64_t> getKnownInteger(const GraphValue &value) {
  if (!value.constant || value.isUnsigned ||
      value.constant.getNumElements() != 1 ||
      value.constant.getType().getRank() > 1 ||
      !(value.constant.getElementType().isInteger(32) ||
        value.constant.getElementType().isInteger(64)))
    return std::nullopt;
  return (*value.constant.value_begin<APInt>()).getSExtValue();
}

static bool isOne(TensorBuilder &b, Value tensor) {
  return llvm::all_of(b.getShape(tensor),
                      [](Size size) { return size == Size(1); });
}

static bool canCount(std::optional<int64_t> start) {
  return start && -kMaxCounted <= *start && *start <= kMaxCounted;
}

/// i + start.
static GraphValue makeCounted(int64_t start, const GraphValue &like) {
  GraphValue value;
  value.sizes = Shape{Size::trip(1, start)};
  value.sizesElement = like.constant.getElementType();
  value.sizesAreScalar = like.constant.getType().getRank() == 0;
  return value;
}

//===----------------------------------------------------------------------===//
// Body
//===----------------------------------------------------------------------===//

static Value getPosition(LoopBuilder &loop, ScanAxis axis) {
  return axis.isReversed ? loop.getReversedIndex() : loop.getIndex();
}

/// The row of this iteration, without the axis.
static GraphValue getRow(TensorBuilder &b, LoopBuilder &loop,
                         const GraphValue &tensor, ScanAxis axis) {
  Shape shape = b.getShape(tensor.value);
  shape.erase(shape.begin() + axis.axis);
  GraphValue row;
  row.isUnsigned = tensor.isUnsigned;
  row.narrow = tensor.narrow;
  row.value = b.reshape(
      takeAt(b, tensor.value, axis.axis, getPosition(loop, axis)), shape);
  return row;
}

/// Imports the body with what it hands on in these roles.
LogicalResult GraphImporter::importRolledBody(Node &node, Scope &around,
                                              LoopState &state,
                                              RolledBody &rolled) {
  const GraphProto &body = *state.body;
  state.remarks.clear();
  SmallVector<Value> inits = {b.constant(DenseElementsAttr::get(
      RankedTensorType::get(1, b.getI64Type()), int64_t(0)))};
  for (Handed &each : rolled.handed)
    if (each.role == Role::Carried)
      inits.push_back(getValue(each.initial));
  for (GraphValue &tensor : state.rows)
    getValue(tensor);
  LoopBuilder loop(b, state.isScan ? *state.trips : kMaxTrips, inits);
  rolled.probe = cast<scf::ForOp>(loop.getLoop());
  Scope inner{&around, {}, around.opsets};
  if (!state.isScan) {
    b.startLoop(loop.getIndex(), loop.getCarried().front());
    GraphValue number;
    number.sizes = Shape{Size::trip(1)};
    number.sizesElement = b.getI64Type();
    number.sizesAreScalar =
        body.input(0).type().tensor_type().shape().dim_size() == 0;
    inner.values[body.input(0).name()] = number;
    GraphValue holds;
    holds.constant =
        DenseElementsAttr::get(RankedTensorType::get({}, b.getI1Type()), true);
    inner.values[body.input(1).name()] = holds;
  }
  unsigned position = 1;
  for (auto [index, each] : llvm::enumerate(rolled.handed)) {
    GraphValue value = each.initial;
    if (each.role == Role::Counted)
      value = makeCounted(each.start, each.initial);
    if (each.role == Role::Carried) {
      each.argument = rolled.probe.getRegionIterArg(position++);
      value.constant = {};
      value.sizes.reset();
      value.value = each.argument;
    }
    inner.values[body.input(state.getFirstInput() + index).name()] = value;
  }
  for (auto [index, axis] : llvm::enumerate(state.rowAxes))
    inner.values[body.input(state.getFirstRow() + index).name()] =
        getRow(b, loop, state.rows[index], axis);
  const GraphProto *outer = rolledGraph;
  if (!state.isScan)
    rolledGraph = &body;
  FailureOr<Results> results = importGraph(body, inner, node);
  rolledGraph = outer;
  // A loop hands on tensors without their counts.
  bool isCounted =
      succeeded(results) && llvm::any_of(*results, [&](GraphValue &result) {
        return failed(verifyNoCounts(node, &result));
      });
  if (isCounted)
    results = failure();
  b.setLoc(NameLoc::get(b.getStringAttr(node.getName())));
  if (succeeded(results)) {
    rolled.condition = state.isScan ? state.condition : results->front();
    for (auto [index, each] : llvm::enumerate(rolled.handed)) {
      each.next = (*results)[state.getFirstOutput() + index];
      if (each.role == Role::Carried || each.role == Role::Replaced)
        getValue(each.next);
      // One number keeps the rank that it had at first.
      if (each.role == Role::Carried && isOne(b, each.argument) &&
          isOne(b, each.next.value))
        each.next.value = b.reshape(each.next.value, b.getShape(each.argument));
    }
    rolled.scans.assign(results->begin() + state.getFirstScan(),
                        results->end());
    for (GraphValue &scan : rolled.scans)
      getValue(scan);
    if (!rolled.condition.constant)
      getValue(rolled.condition);
  }
  if (!state.isScan)
    b.endLoop();
  // Valid, and without a use, whatever becomes of it.
  scf::YieldOp::create(b, loop.getCarried());
  b.setInsertionPointAfter(rolled.probe);
  return failure(failed(results));
}

/// Whether two values can be one buffer's.
static bool areAlike(TensorBuilder &b, Value lhs, Value rhs) {
  return lhs.getType() == rhs.getType() && b.getShape(lhs) == b.getShape(rhs);
}

/// Finds what each value is by importing the body until all roles hold.
FailureOr<GraphImporter::RolledBody>
GraphImporter::probeLoop(Node &node, Scope &around, LoopState &state) {
  const GraphProto &body = *state.body;
  RolledBody rolled;
  for (auto [index, value] : llvm::enumerate(state.carried)) {
    std::optional<int64_t> known = getKnownInteger(value);
    bool isKept = body.input(state.getFirstInput() + index).name() ==
                  body.output(state.getFirstOutput() + index).name();
    bool isCounted = !state.isScan && canCount(known);
    rolled.handed.push_back({isKept      ? Role::Kept
                             : isCounted ? Role::Counted
                                         : Role::Carried,
                             value,
                             {},
                             known.value_or(0),
                             {}});
  }
  for (bool isSettled = false; !isSettled;) {
    if (failed(importRolledBody(node, around, state, rolled)))
      return failure();
    isSettled = true;
    for (auto [index, each] : llvm::enumerate(rolled.handed)) {
      if (each.role == Role::Counted) {
        bool grows =
            each.next.sizes && each.next.sizes->size() == 1 &&
            each.next.sizes->front() == Size::trip(1, each.start + 1) &&
            each.next.sizesAreScalar ==
                (each.initial.constant.getType().getRank() == 0);
        if (grows)
          continue;
      } else if (each.role == Role::Carried) {
        if (areAlike(b, each.argument, each.next.value))
          continue;
        // The probe alone hands it on.
        if (each.argument.hasOneUse()) {
          each.role = Role::Replaced;
          continue;
        }
        return node.emitError()
               << "hands on value " << index << " of shape "
               << Node::format(b.getShape(each.argument)) << " of "
               << TensorBuilder::getElementType(each.argument)
               << " and gets one of "
               << Node::format(b.getShape(each.next.value)) << " of "
               << TensorBuilder::getElementType(each.next.value)
               << "; a loop needs one type";
      } else {
        continue;
      }
      each.role = Role::Carried;
      isSettled = false;
    }
  }
  return rolled;
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

/// The number of iterations that ran, plus `start`, as `like` is.
static Value buildFinalNumber(TensorBuilder &b, Value count, int64_t start,
                              const GraphValue &like) {
  Type type = like.constant.getElementType();
  Value number = b.generic(
      count, type, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value first =
            TensorBuilder::scalar(b, args[0].getType(), double(start));
        Value sum = arith::AddIOp::create(b, args[0], first);
        return type == sum.getType() ? sum
                                     : arith::TruncIOp::create(b, type, sum);
      });
  return b.reshape(number, Shape(like.constant.getType().getShape()));
}

/// The dim that a stack of values of `shape` along `axis` has more, while it is
/// filled: the batch stays the first.
static int64_t getStackAxis(ArrayRef<Size> shape, int64_t axis) {
  return axis == 0 && !shape.empty() && !shape.front().isStatic() ? 1 : axis;
}

LogicalResult GraphImporter::rollLoop(Node &node, Scope &around,
                                      LoopState &state) {
  if (state.trips && *state.trips < 1)
    return node.emitError()
           << "has " << *state.trips << " iterations; a loop needs one or more";
  FailureOr<RolledBody> rolled = probeLoop(node, around, state);
  if (failed(rolled))
    return failure();
  scf::ForOp probe = rolled->probe;
  int64_t trips = state.trips.value_or(kMaxTrips);
  if (!state.isScan)
    trips = std::min(trips, b.getMaxTrips());
  std::optional<bool> first = getKnownBool(state.condition);
  std::optional<bool> later = getKnownBool(rolled->condition);
  if (later && !*later)
    trips = 1;
  bool isComputed = !first || !later;
  // With a condition a trip count is but a bound.
  if (!isComputed && !state.isScan && b.isShortened() && state.trips &&
      *state.trips > trips && *state.trips <= kMaxUnrolledTrips)
    return node.emitError()
           << "has " << *state.trips
           << " iterations, of which those behind the "
           << "first " << trips << " take no positions; needs to be unrolled";
  if (failed(verifyCondition(node, state.condition)) ||
      failed(verifyCondition(node, rolled->condition)))
    return failure();
  bool hasReplaced = llvm::any_of(rolled->handed, [](const Handed &each) {
    return each.role == Role::Replaced;
  });
  if (hasReplaced && !first)
    return node.emitError() << "may have no iteration, and the body gives "
                               "values that it does not get; needs a "
                               "condition that is known at first";
  if (!isComputed && trips == kMaxTrips)
    return node.emitError() << "has no end; needs a trip count or a condition";
  int64_t maxStacked = isComputed ? kMaxStackedTrips : import_::kMaxPositions;
  if (!state.isScan && !rolled->scans.empty() && trips > maxStacked)
    return node.emitError() << "gives values of " << trips
                            << " iterations; needs at most " << maxStacked;
  SmallVector<ScanAxis> scanAxes = state.scanAxes;
  for (auto [scan, axis] : llvm::zip(rolled->scans, scanAxes)) {
    FailureOr<int64_t> normalized =
        node.normalizeAxis(axis.axis, TensorBuilder::getRank(scan.value) + 1);
    if (failed(normalized))
      return failure();
    axis.axis = *normalized;
  }

  // What the loop carries: whether it goes on, how many iterations ran, then
  // values, then stacks of values.
  SmallVector<Value> inits, next;
  if (isComputed)
    inits.push_back(b.reshape(getValue(state.condition), {}));
  inits.push_back(probe.getInitArgs().front());
  for (Handed &each : rolled->handed) {
    if (each.role == Role::Carried)
      inits.push_back(getValue(each.initial));
    if (each.role == Role::Replaced) {
      Value value = each.next.value;
      inits.push_back(
          b.fill(b.getShape(value),
                 b.getScalarAttr(TensorBuilder::getElementType(value), 0)));
    }
  }
  for (auto [scan, axis] : llvm::zip(rolled->scans, scanAxes)) {
    Shape shape = b.getShape(scan.value);
    shape.insert(shape.begin() + getStackAxis(shape, axis.axis), Size(trips));
    inits.push_back(b.fill(
        shape, b.getScalarAttr(TensorBuilder::getElementType(scan.value), 0)));
  }

  LoopBuilder loop(b, trips, inits, isComputed);
  ValueRange carried = loop.getCarried();
  // The body moves here, from the probe.
  Block *target = b.getBlock();
  Operation *yield = probe.getBody()->getTerminator();
  yield->setOperands(probe.getInitArgs());
  target->getOperations().splice(
      b.getInsertionPoint(), probe.getBody()->getOperations(),
      probe.getBody()->begin(), yield->getIterator());
  b.setInsertionPointToEnd(target);
  probe.getInductionVar().replaceAllUsesWith(loop.getIndex());
  IRMapping arguments;
  unsigned position = isComputed ? 1 : 0;
  Value count = carried[position++];
  arguments.map(probe.getRegionIterArg(0), count);
  for (Handed &each : rolled->handed) {
    if (each.role == Role::Carried)
      arguments.map(each.argument, carried[position]);
    position += each.role == Role::Carried || each.role == Role::Replaced;
  }
  for (BlockArgument argument : probe.getRegionIterArgs())
    if (Value own = arguments.lookupOrNull(argument))
      argument.replaceAllUsesWith(own);

  // A value may be handed on as it came.
  auto find = [&](GraphValue &value) {
    return arguments.lookupOrDefault(getValue(value));
  };
  Value one = b.constant(DenseElementsAttr::get(
      RankedTensorType::get(1, b.getI64Type()), int64_t(1)));
  if (isComputed)
    next.push_back(b.reshape(find(rolled->condition), {}));
  next.push_back(arith::AddIOp::create(b, count, one));
  for (Handed &each : rolled->handed)
    if (each.role == Role::Carried || each.role == Role::Replaced)
      next.push_back(find(each.next));
  for (auto [scan, axis] : llvm::zip(rolled->scans, scanAxes)) {
    Value value = find(scan);
    Shape shape = b.getShape(value);
    int64_t dim = getStackAxis(shape, axis.axis);
    shape.insert(shape.begin() + dim, Size(1));
    next.push_back(putAt(b, carried[position++], b.reshape(value, shape), dim,
                         getPosition(loop, axis)));
  }
  SmallVector<Value> last = loop.finish(next);

  position = isComputed ? 1 : 0;
  count = last[position++];
  Results results;
  for (Handed &each : rolled->handed) {
    GraphValue result = each.initial;
    if (each.role == Role::Counted) {
      result.constant = {};
      result.value = buildFinalNumber(b, count, each.start, each.initial);
    } else if (each.role != Role::Kept) {
      result = GraphValue();
      result.isUnsigned = each.next.isUnsigned;
      result.narrow = each.next.narrow;
      result.value = last[position++];
    }
    results.push_back(result);
  }
  for (auto [scan, axis] : llvm::zip(rolled->scans, scanAxes)) {
    GraphValue result;
    result.isUnsigned = scan.isUnsigned;
    result.narrow = scan.narrow;
    result.value = last[position++];
    if (getStackAxis(b.getShape(scan.value), axis.axis) != axis.axis) {
      SmallVector<int64_t> order = llvm::to_vector(
          llvm::seq<int64_t>(0, TensorBuilder::getRank(result.value)));
      std::swap(order[0], order[1]);
      result.value = b.transpose(result.value, order);
    }
    if (isComputed)
      result.count = b.reshape(count, {});
    results.push_back(result);
  }
  return setResults(node, results);
}
