//===- Loops.cpp - ONNX's Loop and Scan -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop of more than a few iterations stays one where its body can be imported
// once. Any other whose trip count is known is unrolled: what is known of a
// value in one iteration is known in the next, so that sizes and positions stay
// constants. Where only the condition is computed at run time, an iteration
// behind the end keeps the values as they are.
//
//===----------------------------------------------------------------------===//

#include "Loops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::GraphProto;

/// Iterations of a loop that always is unrolled.
static constexpr int64_t kFewTrips = 4;

/// A number of rank 0.
static GraphValue makeScalar(Type type, int64_t number) {
  GraphValue value;
  auto tensor = RankedTensorType::get({}, type);
  unsigned width = type.getIntOrFloatBitWidth();
  value.constant = DenseElementsAttr::get(
      tensor, APInt(64, number, /*isSigned=*/true).trunc(width));
  return value;
}

std::optional<bool> onnx::getKnownBool(const GraphValue &value) {
  if (!value.constant || value.constant.getNumElements() != 1 ||
      !value.constant.getElementType().isInteger(1))
    return std::nullopt;
  return *value.constant.value_begin<bool>();
}

/// Parts of one type along a new axis, all of them constants.
static DenseElementsAttr stackConstants(ArrayRef<GraphValue> parts,
                                        RankedTensorType type) {
  SmallVector<Attribute> elements;
  for (const GraphValue &part : parts)
    llvm::append_range(elements, part.constant.getValues<Attribute>());
  return DenseElementsAttr::get(type, elements);
}

FailureOr<GraphValue> GraphImporter::stack(Node &node,
                                           MutableArrayRef<GraphValue> parts,
                                           int64_t axis) {
  for (GraphValue &part : parts)
    if (failed(verifyNoCounts(node, &part)))
      return failure();
  GraphValue result;
  result.isUnsigned = parts.front().isUnsigned;
  result.narrow = parts.front().narrow;
  auto isConstant = [](const GraphValue &part) { return bool(part.constant); };
  if (axis == 0 && llvm::all_of(parts, isConstant)) {
    auto type = cast<RankedTensorType>(parts.front().constant.getType());
    bool alike = llvm::all_of(parts, [&](const GraphValue &part) {
      return part.constant.getType() == type;
    });
    if (alike) {
      SmallVector<int64_t> shape(type.getShape());
      shape.insert(shape.begin(), parts.size());
      result.constant = stackConstants(parts, type.clone(shape));
      return result;
    }
  }
  Value front = getValue(parts.front());
  Shape first = b.getShape(front);
  Type type = TensorBuilder::getElementType(front);
  int64_t rank = int64_t(first.size()) + 1;
  FailureOr<int64_t> at = node.normalizeAxis(axis, rank);
  if (failed(at))
    return failure();
  SmallVector<Value> rows;
  for (GraphValue &part : parts) {
    Value value = getValue(part);
    Shape shape = b.getShape(value);
    if (shape != first)
      return node.emitError()
             << "gives a tensor of shape " << Node::format(first)
             << " in one iteration and of " << Node::format(shape)
             << " in another; needs one shape to put them together";
    if (TensorBuilder::getElementType(value) != type ||
        part.isUnsigned != result.isUnsigned)
      return node.emitError()
             << "gives elements of type " << type << " in one iteration and of "
             << TensorBuilder::getElementType(value)
             << " in another; needs one type to put them together";
    shape.insert(shape.begin() + *at, Size(1));
    rows.push_back(b.reshape(value, shape));
  }
  result.value = rows.size() == 1 ? rows.front() : b.concat(rows, *at);
  return result;
}

GraphValue GraphImporter::takeRow(GraphValue &tensor, int64_t axis,
                                  int64_t position) {
  Value value = getValue(tensor);
  Shape shape = b.getShape(value);
  shape.erase(shape.begin() + axis);
  GraphValue row;
  row.isUnsigned = tensor.isUnsigned;
  row.narrow = tensor.narrow;
  row.value = b.reshape(b.sliceDim(value, axis, position, 1), shape);
  return row;
}

/// A result of no iterations, if its body declares what it is.
static FailureOr<GraphValue>
makeEmptyStack(Node &node, const onnx_proto::ValueInfoProto &output,
               MLIRContext *context) {
  const auto &tensor = output.type().tensor_type();
  std::optional<DataType> type = lookupDataType(tensor.elem_type(), context);
  SmallVector<int64_t> shape = {0};
  bool isKnown = type && tensor.has_shape();
  for (const auto &dim : tensor.shape().dim()) {
    isKnown &= dim.has_dim_value() && dim.dim_value() >= 0;
    shape.push_back(dim.dim_value());
  }
  if (!isKnown)
    return node.emitError() << "has no iterations, and its body does not "
                               "declare the shape of '"
                            << output.name() << "'; needs fixed sizes";
  GraphValue value;
  value.isUnsigned = type->isUnsigned;
  value.narrow = type->getNarrow();
  value.constant = DenseElementsAttr::get(
      RankedTensorType::get(shape, type->computed), ArrayRef<Attribute>());
  return value;
}

//===----------------------------------------------------------------------===//
// Iterations
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::verifyTrips(Node &node, ArrayRef<Size> sizes) {
  if (llvm::none_of(sizes, [](Size size) { return size.isOfTrip(); }))
    return success();
  InFlightDiagnostic error = node.emitError() << "has iterations whose number ";
  if (part.text)
    return error << "grows with the text '" << part.text->ids
                 << "'; needs a known number, or --shape " << textSize << "="
                 << part.text->length << " for texts with padding";
  return error << "grows with each token; needs a known number";
}

LogicalResult GraphImporter::readLoop(Node &node, LoopState &state) {
  const GraphProto &body = *state.body;
  int64_t numCarried = std::max<int64_t>(node.getNumInputs(), 2) - 2;
  int64_t numScans = body.output_size() - 1 - numCarried;
  if (body.input_size() != numCarried + 2 || numScans < 0)
    return node.emitError()
           << "body has " << body.input_size() << " inputs and "
           << body.output_size() << " outputs; needs " << numCarried + 2
           << " inputs and " << numCarried + 1 << " outputs or more";
  if (node.hasInput(0)) {
    if (std::optional<Shape> sizes = node.getFormulasOf(0);
        sizes && failed(verifyTrips(node, *sizes)))
      return failure();
    FailureOr<SmallVector<int64_t>> trips = node.getIntsOf(0);
    if (failed(trips))
      return failure();
    if (trips->size() != 1)
      return node.emitError()
             << "has " << trips->size() << " trip counts; needs one";
    state.trips = trips->front();
  }
  if (node.hasInput(1))
    state.condition = *node.inputs[1];
  for (int64_t index = 2; index < numCarried + 2; ++index) {
    if (!node.hasInput(index))
      return node.emitError()
             << "input " << index << " is absent; needs a value to start with";
    state.carried.push_back(*node.inputs[index]);
  }
  state.scanAxes.resize(numScans);
  return success();
}

/// Notes that iterations count as long as the condition, which is computed at
/// run time, holds.
LogicalResult GraphImporter::narrowActive(Node &node, LoopState &state) {
  if (failed(verifyCondition(node, state.condition)))
    return failure();
  if (!state.trips || !state.scanAxes.empty()) {
    noteNeeded(state.condition);
    return node.emitError()
           << "ends when its condition, which is computed at run time, says "
              "so; needs a trip count and no values of all iterations, or a "
              "known condition";
  }
  Value holds = b.reshape(getValue(state.condition), {});
  if (state.active.isSet())
    holds =
        b.elementwise({getValue(state.active), holds}, b.getI1Type(),
                      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                        return arith::AndIOp::create(b, args[0], args[1]);
                      });
  state.active = GraphValue();
  state.active.value = holds;
  return success();
}

LogicalResult GraphImporter::importIteration(Node &node, Scope &around,
                                             int64_t trip, LoopState &state) {
  const GraphProto &body = *state.body;
  Scope inner{&around, {}, around.opsets};
  if (!state.isScan) {
    inner.values[body.input(0).name()] = makeScalar(b.getI64Type(), trip);
    inner.values[body.input(1).name()] = makeScalar(b.getI1Type(), 1);
  }
  for (auto [index, value] : llvm::enumerate(state.carried))
    inner.values[body.input(state.getFirstInput() + index).name()] = value;
  for (auto [index, axis] : llvm::enumerate(state.rowAxes)) {
    int64_t at = axis.isReversed ? *state.trips - 1 - trip : trip;
    inner.values[body.input(state.getFirstRow() + index).name()] =
        takeRow(state.rows[index], axis.axis, at);
  }
  FailureOr<Results> results = importGraph(body, inner, node);
  if (failed(results))
    return failure();
  b.setLoc(NameLoc::get(b.getStringAttr(node.getName())));
  if (!state.isScan)
    state.condition = results->front();
  for (auto [index, value] : llvm::enumerate(state.carried)) {
    FailureOr<GraphValue> next = (*results)[state.getFirstOutput() + index];
    if (state.active.isSet())
      next = select(node, getValue(state.active), *next, value);
    if (failed(next))
      return failure();
    value = *next;
  }
  for (auto [index, scan] : llvm::enumerate(state.scans))
    scan.push_back((*results)[state.getFirstScan() + index]);
  return success();
}

LogicalResult GraphImporter::unrollLoop(Node &node, Scope &around,
                                        LoopState &state) {
  state.scans.assign(state.scanAxes.size(), {});
  for (int64_t trip = 0; !state.trips || trip < *state.trips; ++trip) {
    std::optional<bool> known = getKnownBool(state.condition);
    if (known && !*known)
      break;
    if (trip == kMaxUnrolledTrips)
      return node.emitError() << "has more than " << kMaxUnrolledTrips
                              << " iterations; needs at most so many, as loops "
                                 "are unrolled";
    if ((!known && failed(narrowActive(node, state))) ||
        failed(importIteration(node, around, trip, state)))
      return failure();
  }
  Results results = state.carried;
  for (auto [index, axis] : llvm::enumerate(state.scanAxes)) {
    Results &scan = state.scans[index];
    if (axis.isReversed)
      std::reverse(scan.begin(), scan.end());
    FailureOr<GraphValue> stacked =
        scan.empty()
            ? makeEmptyStack(node,
                             state.body->output(state.getFirstScan() + index),
                             b.getContext())
            : stack(node, scan, axis.axis);
    if (failed(stacked))
      return failure();
    results.push_back(*stacked);
  }
  return setResults(node, results);
}

//===----------------------------------------------------------------------===//
// Loop and Scan
//===----------------------------------------------------------------------===//

/// Keeps what is not known yet.
static void addNew(std::vector<Diagnostic> &known, Diagnostic &diagnostic) {
  bool isKnown = llvm::any_of(known, [&](const Diagnostic &other) {
    return other.getLocation() == diagnostic.getLocation() &&
           other.str() == diagnostic.str();
  });
  if (!isKnown)
    known.push_back(std::move(diagnostic));
}

LogicalResult GraphImporter::rollOrUnroll(Node &node, Scope &around,
                                          LoopState &state) {
  std::vector<Diagnostic> reasons;
  bool isRolled = false;
  {
    ScopedDiagnosticHandler handler(
        b.getContext(), [&](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return failure();
          addNew(reasons, diagnostic);
          return success();
        });
    isRolled = succeeded(rollLoop(node, around, state));
  }
  if (!isRolled && state.trips && *state.trips <= kMaxUnrolledTrips) {
    node.failed = false;
    state.remarks.clear();
    if (!reasons.empty())
      emitRemark(reasons.front().getLocation())
          << "a loop is unrolled: " << reasons.front().str();
    return unrollLoop(node, around, state);
  }
  for (Diagnostic &reason : reasons)
    b.getContext()->getDiagEngine().emit(std::move(reason));
  return success(isRolled);
}

LogicalResult GraphImporter::importLoop(Node &node, Scope &scope) {
  FailureOr<const GraphProto *> body = getGraph(node, "body");
  if (failed(body))
    return failure();
  LoopState state;
  state.body = *body;
  state.isScan = node.getOpType() == "Scan";
  state.condition = makeScalar(b.getI1Type(), 1);
  Scope around{&scope, {}, scope.opsets};
  if (failed(state.isScan ? readScan(node, state) : readLoop(node, state)) ||
      failed(addInitializers(**body, around)))
    return failure();
  bool isShort = getKnownBool(state.condition) == false ||
                 (state.trips && *state.trips <= kFewTrips);
  // A body sees the number of one Loop's iteration.
  bool mayRoll = !isShort && (state.isScan || !b.isInLoop());
  LogicalResult result = failure();
  {
    // A body that is imported again says the same again.
    ScopedDiagnosticHandler handler(
        b.getContext(), [&](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
            return failure();
          addNew(state.remarks, diagnostic);
          return success();
        });
    result = mayRoll ? rollOrUnroll(node, around, state)
                     : unrollLoop(node, around, state);
  }
  for (Diagnostic &remark : state.remarks)
    b.getContext()->getDiagEngine().emit(std::move(remark));
  return result;
}
