//===- StepStates.cpp - States of a step that grow ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An exported decoder gets the keys and values of all tokens before, and gives
// them with its token's put behind: copies that grow. The function has caches
// with room for all tokens instead, and writes one row of each.
//
// A state may have keys and values of all layers, [layers, 2, B, H, tokens, D].
// Then each box of it that the graph puts a row behind, apart from the others,
// is a cache of its own, and the output has to be made of all of them.
//
//===----------------------------------------------------------------------===//

#include "StepStates.h"
#include "GraphImporter.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

using onnx_proto::GraphProto;
using onnx_proto::NodeProto;
using onnx_proto::ValueInfoProto;

LogicalResult GraphImporter::addState(const ValueInfoProto &input) {
  const auto &tensor = input.type().tensor_type();
  FailureOr<DataType> type = getElementType(input);
  if (failed(type))
    return failure();
  const StateDims &dims = stateDims.at(input.name());
  GrowingState state;
  state.input = input.name();
  state.output = step->states.at(input.name());
  state.element = type->computed;
  state.dims = dims;
  int64_t elements = step->length;
  for (auto [index, dim] : llvm::enumerate(tensor.shape().dim())) {
    if (int64_t(index) == dims.token) {
      state.shape.push_back(Size::trip(1));
      continue;
    }
    if (int64_t(index) == dims.batch && !hasSize(dim)) {
      state.shape.push_back(options.batch ? Size(*options.batch)
                                          : Size::batch(1));
      continue;
    }
    FailureOr<int64_t> size = getInputSize(dim, input.name(), index);
    if (failed(size))
      return failure();
    if (*size < 1 || llvm::MulOverflow(elements, *size, elements) ||
        elements > kMaxSize)
      return emitError(loc)
             << "state '" << input.name() << "' has a size of " << *size
             << " and room for " << step->length << " tokens; needs 1 to "
             << kMaxSize << " elements in all";
    state.shape.push_back(*size);
  }
  // Nothing is known of where the rows lie, and the type has room for all.
  auto before = UnrealizedConversionCastOp::create(
      b, b.getType(state.shape, state.element), ValueRange());
  state.before = b.setShape(before.getResult(0), state.shape);
  GraphValue &value = scope.values[input.name()];
  value.value = state.before;
  value.isUnsigned = type->isUnsigned;
  value.narrow = type->getNarrow();
  states.push_back(std::move(state));
  return success();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// The state's dims that [B, tokens, columns] has when its columns are apart.
static SmallVector<int64_t> getRowDims(const GrowingState &state,
                                       const StatePart &part) {
  SmallVector<int64_t> dims = {state.dims.batch, state.dims.token};
  llvm::append_range(dims, part.columns);
  return dims;
}

/// Rows [B, tokens, columns], the columns apart or not, as a tensor whose dims
/// are these of the state, -1 being one of size 1.
static Value layOut(TensorBuilder &b, const GrowingState &state,
                    const StatePart &part, Value rows, Size tokens,
                    ArrayRef<int64_t> dims) {
  SmallVector<int64_t> own = getRowDims(state, part), perm;
  Size count = b.getShape(rows)[1];
  auto getSize = [&](int64_t dim, Size tokens) -> Size {
    if (dim == state.dims.token)
      return tokens;
    if (dim == state.dims.batch)
      return state.getBatch();
    return dim < 0 ? Size(1) : part.box.sizes[dim];
  };
  Shape apart = llvm::map_to_vector<6>(
      own, [&](int64_t dim) { return getSize(dim, count); });
  rows = b.reshape(rows, apart);
  // Sizes of 1 come last, to go.
  for (int64_t dim : dims)
    if (const auto *it = llvm::find(own, dim); dim >= 0 && it != own.end())
      perm.push_back(it - own.begin());
  for (size_t index = 0; index < own.size(); ++index)
    if (!llvm::is_contained(perm, int64_t(index)))
      perm.push_back(index);
  rows = b.transpose(rows, perm);
  Shape shape = llvm::map_to_vector<6>(
      dims, [&](int64_t dim) { return getSize(dim, count); });
  rows = b.reshape(rows, shape);
  for (auto [size, dim] : llvm::zip(shape, dims))
    size = getSize(dim, tokens);
  return b.setShape(rows, shape);
}

/// A row that is put behind a tensor with these dims of the state, as
/// [B, 1, columns].
static Value flattenRow(TensorBuilder &b, const GrowingState &state,
                        const StatePart &part, Value row,
                        ArrayRef<int64_t> dims) {
  SmallVector<int64_t> perm;
  for (int64_t own : getRowDims(state, part))
    if (const auto *it = llvm::find(dims, own); own >= 0 && it != dims.end())
      perm.push_back(it - dims.begin());
  for (size_t index = 0; index < dims.size(); ++index)
    if (!llvm::is_contained(perm, int64_t(index)))
      perm.push_back(index);
  row = b.transpose(row, perm);
  auto type = cast<RankedTensorType>(part.argument.getType());
  return b.reshape(row, {state.getBatch(), 1, type.getDimSize(2)});
}

/// The cache with this token's row. That of keys and values is written where
/// it lies.
static Value updateRows(TensorBuilder &b, Value cache, Value row,
                        Value position) {
  Shape shape = b.getShape(cache);
  Type element = TensorBuilder::getElementType(cache);
  if (element.isF32())
    return b.setShape(vit::CacheUpdateOp::create(b, cache, row, position),
                      shape);
  AffineMap identity = b.getMultiDimIdentityMap(3);
  AffineMap ofRow = identity.replace(
      b.getAffineDimExpr(1), b.getAffineConstantExpr(0), 3, /*numSyms=*/0);
  AffineMap first = AffineMap::get(3, 0, b.getAffineConstantExpr(0));
  return b.generic(
      {cache, row, position}, {identity, ofRow, first}, shape, element,
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value at = arith::IndexCastOp::create(b, b.getI64Type(),
                                              linalg::IndexOp::create(b, 1));
        Value isLast =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, at, args[2]);
        return arith::SelectOp::create(b, isLast, args[1], args[0]);
      });
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// Where what is put behind the box `of` of a state has the part `box` of it.
/// `dims` says which dims of the state the row has.
static TensorView traceRow(const TensorBuilder &b, const GrowingState &state,
                           Value row, ArrayRef<int64_t> dims,
                           const TensorBox &of, const TensorBox &box) {
  TensorBox inRow = TensorBox::all(b.getShape(row));
  for (auto [index, dim] : llvm::enumerate(dims))
    if (dim >= 0 && dim != state.dims.token) {
      inRow.offsets[index] = box.offsets[dim] - of.offsets[dim];
      inRow.sizes[index] = box.sizes[dim];
    }
  TensorView view = traceView(b, row, inRow);
  SmallVector<int64_t> ofState(state.shape.size(), -1);
  for (auto [index, dim] : llvm::enumerate(dims))
    if (dim >= 0 && dim != state.dims.token && box.sizes[dim] != Size(1))
      ofState[dim] = view.dims[index];
  view.dims = ofState;
  return view;
}

static bool areSame(const TensorView &lhs, const TensorView &rhs) {
  return lhs.source == rhs.source && lhs.box.offsets == rhs.box.offsets &&
         lhs.dims == rhs.dims;
}

/// Elements for a token.
static int64_t countElements(const GrowingState &state, const TensorBox &box) {
  int64_t count = 1;
  for (auto [dim, size] : llvm::enumerate(box.sizes))
    if (int64_t(dim) != state.dims.token && size.isStatic())
      count *= size.constant;
  return count;
}

/// The parts in a box, if they are all of it.
static SmallVector<const StatePart *> findParts(const GrowingState &state,
                                                const TensorBox &box) {
  SmallVector<const StatePart *> parts;
  int64_t left = countElements(state, box);
  for (const StatePart &part : state.parts)
    if (box.contains(part.box)) {
      parts.push_back(&part);
      left -= countElements(state, part.box);
    }
  if (left != 0)
    parts.clear();
  return parts;
}

/// A box of the state that parts are all of, of what `lay` makes of each.
static Value assemble(TensorBuilder &b, const GrowingState &state,
                      const TensorBox &box,
                      llvm::function_ref<Value(const StatePart &)> lay) {
  SmallVector<const StatePart *> parts = findParts(state, box);
  if (parts.empty())
    return nullptr;
  if (parts.size() == 1)
    return lay(*parts.front());
  for (size_t dim = 0; dim < box.sizes.size(); ++dim) {
    // Ends of the boxes that no part goes over.
    SmallVector<int64_t> ends;
    for (const StatePart *part : parts)
      if (part->box.sizes[dim].isStatic())
        ends.push_back(part->box.offsets[dim] + part->box.sizes[dim].constant);
    llvm::sort(ends);
    ends.erase(llvm::unique(ends), ends.end());
    if (ends.size() < 2)
      continue;
    SmallVector<Value> along;
    TensorBox slice = box;
    for (int64_t end : ends) {
      slice.sizes[dim] = end - slice.offsets[dim];
      Value part = assemble(b, state, slice, lay);
      if (!part)
        break;
      along.push_back(part);
      slice.offsets[dim] = end;
    }
    if (along.size() == ends.size())
      return b.concat(along, dim);
  }
  return nullptr;
}

std::string GraphImporter::namePart(const GrowingState &state,
                                    const TensorBox &box) {
  std::string name = state.input;
  for (auto [dim, size] : llvm::enumerate(state.shape))
    if (box.sizes[dim] != size)
      name += "." + std::to_string(box.offsets[dim]);
  if (name == state.input)
    return name;
  // Inputs and outputs of either graph have their names.
  const GraphProto &graph = file.getModel().graph();
  auto isNamed = [&](const ValueInfoProto &value) {
    return value.name() == name;
  };
  while (llvm::is_contained(argumentNames, name) || step->taken.count(name) ||
         llvm::any_of(graph.input(), isNamed) ||
         llvm::any_of(graph.output(), isNamed))
    name += "_";
  return name;
}

void GraphImporter::addPart(GrowingState &state, const TensorView &view,
                            Value row) {
  StatePart &part = state.parts.emplace_back();
  part.box = view.box;
  int64_t columns = 1;
  for (int64_t dim : view.dims)
    if (dim >= 0 && dim != state.dims.batch && dim != state.dims.token) {
      part.columns.push_back(dim);
      columns *= part.box.sizes[dim].constant;
    }
  part.name = namePart(state, part.box);
  Size batch = state.getBatch();
  Location here = b.getLoc();
  part.argument =
      addArgument(RankedTensorType::get(
                      {batch.isStatic() ? batch.constant : ShapedType::kDynamic,
                       step->length, columns},
                      state.element),
                  part.name);
  b.setLoc(here);
  part.row = traceRow(b, state, row, view.dims, view.box, view.box);
  Value flat = flattenRow(b, state, part, row, view.dims);
  part.updated = updateRows(b, part.argument, flat, position);
  Shape apart = {batch, step->length};
  for (int64_t dim : part.columns)
    apart.push_back(part.box.sizes[dim]);
  part.after = b.reshape(part.updated, apart);
}

Value GraphImporter::appendToState(Value tensor, Value row, int64_t axis) {
  TensorView view = traceView(b, tensor);
  auto found = llvm::find_if(states, [&](const GrowingState &each) {
    return each.before == view.source;
  });
  if (found == states.end() || view.dims[axis] != found->dims.token)
    return nullptr;
  GrowingState &state = *found;
  if (state.dims.batch >= 0 &&
      view.box.sizes[state.dims.batch] != state.shape[state.dims.batch])
    return nullptr;
  if (llvm::all_of(state.parts, [&](const StatePart &part) {
        return part.box.isApartFrom(view.box);
      }))
    addPart(state, view, row);
  // A row that is put behind twice is the same.
  SmallVector<const StatePart *> parts = findParts(state, view.box);
  for (const StatePart *part : parts)
    if (!areSame(part->row,
                 traceRow(b, state, row, view.dims, view.box, part->box)))
      return nullptr;
  Size tokens = Size::trip(1, 1);
  if (parts.size() == 1)
    return layOut(b, state, *parts.front(), parts.front()->after, tokens,
                  view.dims);
  SmallVector<int64_t> all =
      llvm::to_vector(llvm::seq<int64_t>(0, state.shape.size()));
  Value whole = assemble(b, state, view.box, [&](const StatePart &part) {
    return layOut(b, state, part, part.after, tokens, all);
  });
  if (!whole)
    return nullptr;
  // In the order of the tensor's dims, those that it lacks last.
  SmallVector<int64_t> perm;
  for (int64_t dim : view.dims)
    if (dim >= 0)
      perm.push_back(dim);
  for (int64_t dim : all)
    if (!llvm::is_contained(perm, dim))
      perm.push_back(dim);
  Shape shape = b.getShape(tensor);
  shape[axis] = tokens;
  return b.reshape(b.transpose(whole, perm), shape);
}

Value Node::append(Value tensor, Value row, int64_t axis) {
  Value grown = graph.appendToState(tensor, row, axis);
  return grown ? grown : b.append(tensor, row, axis);
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

FailureOr<const GrowingState *>
GraphImporter::findState(StringRef name, Value value, const GraphProto &graph) {
  auto state = llvm::find_if(
      states, [&](const GrowingState &each) { return each.output == name; });
  if (state == states.end())
    return nullptr;
  SmallVector<int64_t> all =
      llvm::to_vector(llvm::seq<int64_t>(0, state->shape.size()));
  Shape shape = state->shape;
  shape[state->dims.token] = Size::trip(1, 1);
  auto isNext = [&](const StatePart *part) {
    TensorBox box = part->box;
    box.sizes[state->dims.token] = shape[state->dims.token];
    Value own = layOut(b, *state, *part, part->after, Size::trip(1, 1), all);
    TensorView given = traceView(b, value, box), needed = traceView(b, own);
    // Sizes of 1 may be any.
    for (int64_t dim : all)
      if (box.sizes[dim] == Size(1))
        given.dims[dim] = needed.dims[dim] = -1;
    return areSame(given, needed);
  };
  SmallVector<const StatePart *> parts =
      findParts(*state, TensorBox::all(state->shape));
  if (!parts.empty() && b.getShape(value) == shape &&
      llvm::all_of(parts, isNext))
    return &*state;
  InFlightDiagnostic error = emitError(loc) << "output '" << name << "'";
  for (const NodeProto &node : graph.node())
    if (llvm::is_contained(node.output(), name))
      error << " of node '" << getNodeName(node) << "' (" << node.op_type()
            << ")";
  return error << " is not '" << state->input
               << "' with one position more behind it, by Concat or Attention; "
                  "a decoder's cache needs to be";
}

LogicalResult GraphImporter::verifyFixedStates(const NodeProto &node) {
  for (const std::string &name : node.output()) {
    auto state = fixedStates.find(name);
    GraphValue *next = scope.lookup(name);
    GraphValue *own =
        state == fixedStates.end() ? nullptr : scope.lookup(state->second);
    if (!own || !own->value || !next || !next->value)
      continue;
    Shape from = b.getShape(own->value), to = b.getShape(next->value);
    if (from == to)
      continue;
    return emitError(loc)
           << "output '" << name << "' of node '" << getNodeName(node) << "' ("
           << node.op_type() << ") has shape " << Node::format(to)
           << " and state '" << state->second << "', whose next value it is, "
           << Node::format(from)
           << "; needs one shape, or, for a state that grows with each token, "
              "no number for its tokens and no value in memory";
  }
  return success();
}

void GraphImporter::replaceStates() {
  for (GrowingState &state : states) {
    if (state.before.use_empty())
      continue;
    SmallVector<int64_t> all =
        llvm::to_vector(llvm::seq<int64_t>(0, state.shape.size()));
    Value before = b.atPreamble([&]() -> Value {
      return assemble(
          b, state, TensorBox::all(state.shape), [&](const StatePart &part) {
            // What is in its last positions, those from i on, does
            // not count.
            Value rows = b.sliceDim(part.argument, 1, 0, step->length - 1);
            return layOut(b, state, part, rows, Size::trip(1), all);
          });
    });
    state.before.replaceAllUsesWith(before);
  }
}
