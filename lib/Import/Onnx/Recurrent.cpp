//===- Recurrent.cpp - ONNX's RNN, GRU and LSTM ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The inputs of all steps are multiplied with the weights at once. A few steps
// are unrolled, more are a loop. Behind the end of a sequence the state stays
// and the output is 0; a text that is as long as it is ends so, too.
//
//===----------------------------------------------------------------------===//

#include "Recurrent.h"

#include "LoopBuilder.h"
#include "Operands.h"
#include "Product.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// More steps are a loop.
static constexpr int64_t kMaxUnrolled = 4;

namespace {

/// A kind of cell.
struct CellKind {
  int64_t gates;
  CellStep step;
  ArrayRef<StringRef> activations; // by default
  bool hasCell, hasPeepholes;
};

/// The sizes of a node: T steps, of which `length` are there, B sequences, I
/// inputs, H hidden numbers.
struct Sizes {
  int64_t steps, inputs, hidden, directions;
  Size length, batch;
};

/// What the directions give.
struct Results {
  SmallVector<Value> outputs; // [B, T, 1, H] each
  SmallVector<Value> hidden;  // [B, 1, H]
  SmallVector<Value> cell;
};

/// Imports one node.
class Recurrence {
public:
  Recurrence(Node &node, CellKind kind) : node(node), b(node.b), kind(kind) {}

  LogicalResult run();

private:
  LogicalResult readSizes();
  LogicalResult readOperands();
  LogicalResult readActivations();
  /// Row `direction` of an input [D, ...], or null.
  Value getOfDirection(unsigned index, int64_t direction);
  Value getInitial(unsigned index, int64_t direction);
  Cell getCell(int64_t direction);
  /// The inputs of all steps times the weights, plus what biases the step
  /// itself does not add, [T, B, G * H] or [B, T, G * H].
  Value project(int64_t direction, bool stepsFirst);
  /// `next` in the sequences that have a step `step`, `otherwise` in others.
  Value select(int64_t step, Value next, Value otherwise);
  /// Adds what the last step of a direction leaves to the results.
  void addStates(const CellState &state);
  LogicalResult unrollDirection(int64_t direction, bool reverse);
  /// Whether each step, [B, T], is within its sequence; null where all are.
  Value getActive();
  LogicalResult loopDirection(int64_t direction, bool reverse);
  void setOutputs();

  Node &node;
  TensorBuilder &b;
  CellKind kind;
  Sizes sizes;
  bool batchFirst = false;
  Value input;                             // [T, B, I]
  Value lengths;                           // [B]; null: all have T steps
  SmallVector<CellActivation> activations; // of all directions
  Results results;
};

} // namespace

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

LogicalResult Recurrence::readSizes() {
  if (failed(getFloatInput(node, 0)) || failed(verifyTypeOfFirst(node, 1)) ||
      failed(verifyTypeOfFirst(node, 2)))
    return failure();
  std::string direction = node.getString("direction", "forward");
  if (direction != "forward" && direction != "reverse" &&
      direction != "bidirectional")
    return node.emitError() << "direction is '" << direction
                            << "'; needs forward, reverse or bidirectional";
  batchFirst = node.getInt("layout", 0) != 0;
  Shape shape = node.getShape(0), recurrent = node.getShape(2);
  if (shape.size() != 3 || recurrent.size() != 3 ||
      !recurrent.back().isStatic() || !shape[2].isStatic() ||
      shape[batchFirst].batchFactor != 0 ||
      shape[batchFirst].crossFactor != 0 || shape[!batchFirst].isOfTrip())
    return node.emitError()
           << "input has shape " << Node::format(shape) << " and the recurrent "
           << "weights " << Node::format(recurrent)
           << "; needs 3 dims, of which only the batch depends on B";
  sizes = {b.getExtent(shape[batchFirst]).constant,
           shape[2].constant,
           recurrent.back().constant,
           direction == "bidirectional" ? 2 : 1,
           shape[batchFirst],
           shape[!batchFirst]};
  if (sizes.steps < 1)
    return node.emitError()
           << "has " << sizes.steps << " steps; needs 1 or more";
  int64_t hidden = node.getInt("hidden_size", sizes.hidden);
  if (hidden != sizes.hidden)
    return node.emitError() << "hidden_size is " << hidden
                            << "; the recurrent weights need " << sizes.hidden;
  return success();
}

LogicalResult Recurrence::readOperands() {
  int64_t rows = kind.gates * sizes.hidden, directions = sizes.directions;
  if (failed(verifyShape(node, 1, {directions, rows, sizes.inputs})) ||
      failed(verifyShape(node, 2, {directions, rows, sizes.hidden})))
    return failure();
  auto verify = [&](unsigned index, ArrayRef<Size> shape) {
    return success(!node.hasInput(index) ||
                   (succeeded(verifyTypeOfFirst(node, index)) &&
                    succeeded(verifyShape(node, index, shape))));
  };
  Shape state = {directions, sizes.batch, sizes.hidden};
  if (batchFirst)
    std::swap(state[0], state[1]);
  if (failed(verify(3, {directions, 2 * rows})) || failed(verify(5, state)) ||
      (kind.hasCell && failed(verify(6, state))) ||
      (kind.hasPeepholes && failed(verify(7, {directions, 3 * sizes.hidden}))))
    return failure();
  if (node.hasInput(4)) {
    if (!node.getElementType(4).isInteger(32))
      return node.emitError() << "input 4 has elements of type "
                              << node.getElementType(4) << "; needs i32";
    if (failed(verifyShape(node, 4, sizes.batch)))
      return failure();
    lengths = node.input(4).value;
  } else if (sizes.length.isOfTrip()) {
    lengths = b.broadcastTo(
        b.sizesTensor(sizes.length, b.getI64Type(), /*scalar=*/false),
        sizes.batch);
  }
  input = node.input(0).value;
  if (batchFirst)
    input = b.transpose(input, {1, 0, 2});
  return success();
}

/// The parameters that an activation has, and their defaults.
static SmallVector<double> getDefaults(StringRef name) {
  if (name == "LeakyRelu")
    return {0.01};
  if (name == "HardSigmoid")
    return {0.2, 0.5};
  return {};
}

LogicalResult Recurrence::readActivations() {
  SmallVector<std::string> names = node.getStrings("activations");
  size_t needed = kind.activations.size() * sizes.directions;
  if (names.empty())
    for (size_t index = 0; index < needed; ++index)
      names.push_back(kind.activations[index % kind.activations.size()].str());
  if (names.size() != needed)
    return node.emitError()
           << "has " << names.size() << " activations; needs " << needed;
  SmallVector<double> given[] = {node.getFloats("activation_alpha"),
                                 node.getFloats("activation_beta")};
  size_t used[] = {0, 0};
  for (std::string &name : names) {
    SmallVector<double> parameters = getDefaults(name);
    for (size_t index = 0; index < parameters.size(); ++index)
      if (used[index] < given[index].size())
        parameters[index] = given[index][used[index]++];
    activations.push_back({std::move(name), std::move(parameters)});
  }
  return success();
}

Value Recurrence::getOfDirection(unsigned index, int64_t direction) {
  if (!node.hasInput(index))
    return Value();
  Value row = b.sliceDim(node.input(index).value, 0, direction, 1);
  return b.reshape(row, ArrayRef<Size>(b.getShape(row)).drop_front());
}

Value Recurrence::getInitial(unsigned index, int64_t direction) {
  Shape shape = {sizes.batch, sizes.hidden};
  if (!node.hasInput(index))
    return b.fill(shape,
                  b.getScalarAttr(TensorBuilder::getElementType(input), 0));
  if (!batchFirst)
    return getOfDirection(index, direction);
  return b.reshape(b.sliceDim(node.input(index).value, 1, direction, 1), shape);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

Cell Recurrence::getCell(int64_t direction) {
  Cell cell{node, sizes.hidden, getOfDirection(2, direction), {}, {}, {}};
  if (kind.hasPeepholes)
    cell.peepholes = getOfDirection(7, direction);
  if (Value bias = getOfDirection(3, direction)) {
    int64_t rows = kind.gates * sizes.hidden;
    cell.recurrentBias = b.sliceDim(bias, 0, rows, rows);
  }
  size_t count = kind.activations.size();
  cell.activations.assign(activations.begin() + direction * count,
                          activations.begin() + (direction + 1) * count);
  return cell;
}

Value Recurrence::project(int64_t direction, bool stepsFirst) {
  int64_t rows = kind.gates * sizes.hidden;
  AffineExpr t = b.getAffineDimExpr(0), m = b.getAffineDimExpr(1),
             n = b.getAffineDimExpr(2), k = b.getAffineDimExpr(3);
  auto getMap = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(4, 0, exprs, b.getContext());
  };
  Shape shape = {sizes.steps, sizes.batch, rows};
  AffineMap map = getMap({t, m, n});
  if (!stepsFirst) {
    std::swap(shape[0], shape[1]);
    map = getMap({m, t, n});
  }
  Value projected =
      b.contract(input, getMap({t, m, k}), getOfDirection(1, direction),
                 getMap({n, k}), shape, map);
  Value bias = getOfDirection(3, direction);
  if (!bias)
    return projected;
  Value own = b.sliceDim(bias, 0, 0, rows);
  // The step adds the recurrent ones, one of which the reset gate scales.
  if (node.getInt("linear_before_reset", 0) != 0 && kind.gates == 3)
    return buildSum(b, projected, own);
  return buildSum(b, projected,
                  buildSum(b, own, b.sliceDim(bias, 0, rows, rows)));
}

Value Recurrence::select(int64_t step, Value next, Value otherwise) {
  if (!lengths)
    return next;
  Type type = TensorBuilder::getElementType(lengths);
  Value column = b.reshape(lengths, {sizes.batch, Size(1)});
  return b.generic(
      {column, next, otherwise}, TensorBuilder::getElementType(next),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isLonger =
            arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, args[0],
                                  TensorBuilder::scalar(b, type, step));
        return arith::SelectOp::create(b, isLonger, args[1], args[2]);
      });
}

void Recurrence::addStates(const CellState &state) {
  Shape shape = {sizes.batch, Size(1), sizes.hidden};
  results.hidden.push_back(b.reshape(state.hidden, shape));
  if (kind.hasCell)
    results.cell.push_back(b.reshape(state.cell, shape));
}

LogicalResult Recurrence::unrollDirection(int64_t direction, bool reverse) {
  int64_t rows = kind.gates * sizes.hidden;
  Cell cell = getCell(direction);
  CellState state{getInitial(5, direction), {}};
  if (kind.hasCell)
    state.cell = getInitial(6, direction);
  Value projected = project(direction, /*stepsFirst=*/true);
  Type type = TensorBuilder::getElementType(input);
  Value zeros;
  if (lengths)
    zeros = b.fill({sizes.batch, sizes.hidden}, b.getScalarAttr(type, 0));
  Shape outputShape = {sizes.batch, Size(1), Size(1), sizes.hidden};
  SmallVector<Value> outputs(sizes.steps);
  for (int64_t at = 0; at < sizes.steps; ++at) {
    int64_t step = reverse ? sizes.steps - 1 - at : at;
    Value own =
        b.reshape(b.sliceDim(projected, 0, step, 1), {sizes.batch, rows});
    FailureOr<CellState> next = kind.step(cell, own, state);
    if (failed(next))
      return failure();
    outputs[step] = b.reshape(select(step, next->hidden, zeros), outputShape);
    state.hidden = select(step, next->hidden, state.hidden);
    if (kind.hasCell)
      state.cell = select(step, next->cell, state.cell);
  }
  if (node.hasOutput(0))
    results.outputs.push_back(b.concat(outputs, 1));
  addStates(state);
  return success();
}

Value Recurrence::getActive() {
  if (!lengths)
    return Value();
  return b.gather({sizes.batch, Size(sizes.steps)}, b.getI1Type(),
                  [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
                    Value sequence = linalg::IndexOp::create(b, 0);
                    Value step = linalg::IndexOp::create(b, 1);
                    Value length =
                        tensor::ExtractOp::create(b, lengths, sequence);
                    step =
                        arith::IndexCastOp::create(b, length.getType(), step);
                    return arith::CmpIOp::create(b, arith::CmpIPredicate::sgt,
                                                 length, step);
                  });
}

/// `then` where `active`, [B, 1], holds.
static Value select(TensorBuilder &b, Value active, Value then,
                    Value otherwise) {
  if (!active)
    return then;
  return b.generic(
      {active, then, otherwise}, TensorBuilder::getElementType(then),
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::SelectOp::create(b, args[0], args[1], args[2]);
      });
}

LogicalResult Recurrence::loopDirection(int64_t direction, bool reverse) {
  int64_t rows = kind.gates * sizes.hidden;
  Type type = TensorBuilder::getElementType(input);
  Cell cell = getCell(direction);
  Value projected = project(direction, /*stepsFirst=*/false);
  Value active = getActive(), zeros;
  if (active)
    zeros = b.fill({sizes.batch, sizes.hidden}, b.getScalarAttr(type, 0));
  SmallVector<Value> inits = {getInitial(5, direction)};
  if (kind.hasCell)
    inits.push_back(getInitial(6, direction));
  if (node.hasOutput(0))
    inits.push_back(b.empty({sizes.batch, sizes.steps, sizes.hidden}, type));

  LoopBuilder loop(b, sizes.steps, inits);
  Value step = reverse ? loop.getReversedIndex() : loop.getIndex();
  auto take = [&](Value sequence, ArrayRef<Size> shape) {
    return b.reshape(takeAt(b, sequence, 1, step), shape);
  };
  SmallVector<Value> carried(loop.getCarried());
  CellState state{carried[0], kind.hasCell ? carried[1] : Value()};
  FailureOr<CellState> next =
      kind.step(cell, take(projected, {sizes.batch, rows}), state);
  if (failed(next))
    return failure();
  Value isActive = active ? take(active, {sizes.batch, Size(1)}) : Value();
  SmallVector<Value> left = {::select(b, isActive, next->hidden, state.hidden)};
  if (kind.hasCell)
    left.push_back(::select(b, isActive, next->cell, state.cell));
  if (node.hasOutput(0)) {
    Value row = b.reshape(::select(b, isActive, next->hidden, zeros),
                          {sizes.batch, Size(1), sizes.hidden});
    left.push_back(putAt(b, carried.back(), row, 1, step));
  }
  SmallVector<Value> last = loop.finish(left);

  if (node.hasOutput(0))
    results.outputs.push_back(b.reshape(
        last.back(), {sizes.batch, sizes.steps, Size(1), sizes.hidden}));
  addStates({last[0], kind.hasCell ? last[1] : Value()});
  return success();
}

void Recurrence::setOutputs() {
  auto join = [&](ArrayRef<Value> parts, int64_t axis) {
    return parts.size() == 1 ? parts.front() : b.concat(parts, axis);
  };
  if (node.hasOutput(0)) {
    Value outputs = join(results.outputs, 2);
    if (!batchFirst)
      outputs = b.transpose(outputs, {1, 2, 0, 3});
    Shape shape = b.getShape(outputs);
    shape[batchFirst] = sizes.length;
    node.setOutput(0, b.setShape(outputs, shape));
  }
  auto setState = [&](unsigned index, ArrayRef<Value> parts) {
    if (!node.hasOutput(index))
      return;
    Value state = join(parts, 1);
    node.setOutput(index, batchFirst ? state : b.transpose(state, {1, 0, 2}));
  };
  setState(1, results.hidden);
  if (kind.hasCell)
    setState(2, results.cell);
}

LogicalResult Recurrence::run() {
  if (failed(readSizes()) || failed(readOperands()) ||
      failed(readActivations()))
    return failure();
  bool reverse = node.getString("direction", "forward") == "reverse";
  for (int64_t direction = 0; direction < sizes.directions; ++direction) {
    bool isReversed = reverse || direction == 1;
    if (failed(sizes.steps > kMaxUnrolled
                   ? loopDirection(direction, isReversed)
                   : unrollDirection(direction, isReversed)))
      return failure();
  }
  setOutputs();
  return success();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static LogicalResult importRnn(Node &node) {
  static constexpr StringRef activations[] = {"Tanh"};
  return Recurrence(node, {1, stepRnn, activations, false, false}).run();
}

static LogicalResult importGru(Node &node) {
  static constexpr StringRef activations[] = {"Sigmoid", "Tanh"};
  return Recurrence(node, {3, stepGru, activations, false, false}).run();
}

static LogicalResult importLstm(Node &node) {
  static constexpr StringRef activations[] = {"Sigmoid", "Tanh", "Tanh"};
  return Recurrence(node, {4, stepLstm, activations, true, true}).run();
}

void onnx::registerRecurrentOps(OpRegistry &registry) {
  registry.add("RNN", importRnn, 3);
  registry.add("GRU", importGru, 3);
  registry.add("LSTM", importLstm, 3);
}
