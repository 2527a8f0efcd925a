//===- GenericBody.cpp - A scalar body on several elements ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenericBody.h"

#include "ElementLoop.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vitc::kernel;

/// The constant that an op of the body, or one above it, stands for.
static TypedAttr getScalarConstant(Value value) {
  TypedAttr constant;
  matchPattern(value, m_Constant(&constant));
  return constant;
}

static bool isScalarConstant(Operation &op) {
  return op.getNumResults() == 1 && getScalarConstant(op.getResult(0));
}

static Type cloneShape(Value like, Type element) {
  auto vector = dyn_cast<VectorType>(like.getType());
  return vector ? vector.clone(element) : element;
}

Value vitc::kernel::readElement(VectorBuilder &b, Value value, Type type) {
  if (getElementTypeOrSelf(value.getType()) == type)
    return value;
  return arith::TruncIOp::create(b, cloneShape(value, type), value);
}

Value vitc::kernel::writeElement(VectorBuilder &b, Value value, Value flat) {
  Type type = getElementTypeOrSelf(flat.getType());
  if (getElementTypeOrSelf(value.getType()) == type)
    return value;
  return arith::ExtUIOp::create(b, cloneShape(value, type), value);
}

bool vitc::kernel::isComputable(Type type) {
  return type.isIntOrIndex() ||
         isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type);
}

LogicalResult GenericBody::verify(GenericOp op) {
  Block &body = op.getBody().front();
  for (Operation &inner : body.without_terminator()) {
    for (Type type : inner.getResultTypes())
      if (!isComputable(type))
        return op.emitOpError()
               << "has '" << inner.getName() << "' of type " << type
               << " in its body; needs " << kComputable;
    if (isScalarConstant(inner) || isa<IndexOp, LoadOp>(inner))
      continue;
    if (!OpTrait::hasElementwiseMappableTraits(&inner) ||
        inner.getNumResults() != 1)
      return op.emitOpError() << "has '" << inner.getName()
                              << "' in its body, which has no vector form; "
                                 "needs elementwise ops";
  }
  WalkResult result = op.getBody().walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (operand.getParentRegion() != &op.getBody() &&
          !getScalarConstant(operand)) {
        op.emitOpError() << "uses a value of type " << operand.getType()
                         << " from outside of its body; needs an input or a "
                            "constant";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

int64_t GenericBody::getLanes(GenericOp op, unsigned lane,
                              const VectorBuilder &builder) {
  llvm::DenseSet<Value> varying;
  unsigned widest = 8;
  auto vary = [&](Value value) {
    varying.insert(value);
    if (value.getType().isIntOrFloat())
      widest = std::max(widest, value.getType().getIntOrFloatBitWidth());
  };
  Block &body = op.getBody().front();
  for (auto [argument, map] :
       llvm::zip(body.getArguments(),
                 op.getInputMaps().getAsValueRange<AffineMapAttr>()))
    if (map.isFunctionOfDim(lane))
      vary(argument);
  if (BlockArgument accumulator = op.getAccumulator())
    vary(accumulator);
  for (Operation &inner : body.without_terminator()) {
    auto index = dyn_cast<IndexOp>(inner);
    if ((index && index.getDim() == lane) ||
        llvm::any_of(inner.getOperands(),
                     [&](Value operand) { return varying.contains(operand); }))
      vary(inner.getResult(0));
  }
  vary(cast<YieldOp>(body.getTerminator()).getValue());
  return std::max<int64_t>(1, builder.lanes() * 32 / widest);
}

GenericBody::GenericBody(GenericOp op, KernelBuilder &builder)
    : op(op), b(builder) {
  for (auto [table, map] : llvm::zip(
           op.getTables(), op.getTableMaps().getAsValueRange<AffineMapAttr>()))
    tables.push_back(
        {b.getFlat(table), Access(map, cast<MemRefType>(table.getType()))});
}

bool GenericBody::LaneValue::isVector() const {
  return isa<VectorType>(value.getType());
}

GenericBody::LaneValue GenericBody::get(Value value, Values &values) {
  LaneValue &known = values[value];
  if (!known.value)
    known.value = arith::ConstantOp::create(b, getScalarConstant(value));
  return known;
}

Value GenericBody::getVector(LaneValue value, int64_t count) {
  Value vector = broadcastElements(b, value.value, count);
  if (count == 1 || value.isVector() || value.stride == 0)
    return vector;
  auto type = cast<VectorType>(vector.getType());
  SmallVector<Attribute> steps;
  for (int64_t lane = 0; lane < count; ++lane)
    steps.push_back(b.getIndexAttr(lane * value.stride));
  Value step =
      arith::ConstantOp::create(b, DenseElementsAttr::get(type, steps));
  return arith::AddIOp::create(b, vector, step);
}

/// How an index grows whose operands grow by `strides`, where it does evenly.
static std::optional<int64_t> getIndexStride(Operation &op,
                                             ArrayRef<Value> operands,
                                             ArrayRef<int64_t> strides) {
  if (!op.getResult(0).getType().isIndex())
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return strides[0] + strides[1];
  if (isa<arith::SubIOp>(op))
    return strides[0] - strides[1];
  if (isa<arith::MulIOp>(op))
    for (unsigned i : {0, 1})
      if (std::optional<int64_t> factor = getConstant(operands[i]))
        return *factor * strides[1 - i];
  return std::nullopt;
}

Value GenericBody::emitMultiplyAdd(Operation &inner,
                                   const BodyElements &elements,
                                   Values &values) {
  auto add = dyn_cast<arith::AddFOp>(inner);
  if (!add || !op.getAccumulator() || !b.hasFma() ||
      add.getType().getIntOrFloatBitWidth() < 32)
    return {};
  for (bool isLeft : {true, false}) {
    Value accumulator = isLeft ? add.getLhs() : add.getRhs();
    auto product =
        (isLeft ? add.getRhs() : add.getLhs()).getDefiningOp<arith::MulFOp>();
    if (accumulator != op.getAccumulator() || !product)
      continue;
    auto vector = [&](Value value) {
      return getVector(get(value, values), elements.count);
    };
    return math::FmaOp::create(b, vector(product.getLhs()),
                               vector(product.getRhs()), vector(accumulator));
  }
  return {};
}

GenericBody::LaneValue GenericBody::emitLoad(LoadOp load,
                                             const BodyElements &elements,
                                             ArrayRef<LaneValue> indices) {
  const Table &table = tables[load.getTable()];
  AffineExpr offset = table.access.getOffset();
  MLIRContext *context = b.getContext();
  bool hasVector = llvm::any_of(
      indices, [](const LaneValue &index) { return index.isVector(); });
  if (!hasVector) {
    SmallVector<Value> first;
    SmallVector<AffineExpr> next;
    for (auto [i, index] : llvm::enumerate(indices)) {
      first.push_back(index.value);
      next.push_back(getAffineDimExpr(i, context) + index.stride);
    }
    AffineExpr step = simplifyAffineExpr(offset.replaceDims(next) - offset,
                                         indices.size(), /*numSymbols=*/0);
    if (auto stride = dyn_cast<AffineConstantExpr>(step))
      return {readElement(b,
                          loadElements(b, table.flat, b.apply(offset, first),
                                       stride.getValue(), elements.count),
                          load.getType())};
  }
  SmallVector<Value> loaded;
  for (int64_t lane = 0; lane < elements.count; ++lane) {
    SmallVector<Value> position;
    for (const LaneValue &index : indices)
      position.push_back(index.isVector()
                             ? vector::ExtractOp::create(b, index.value, lane)
                             : b.add(index.value, lane * index.stride));
    loaded.push_back(
        readElement(b, b.loadScalar(table.flat, b.apply(offset, position)),
                    load.getType()));
  }
  return {vector::FromElementsOp::create(
      b, VectorType::get(elements.count, load.getType()), loaded)};
}

GenericBody::LaneValue GenericBody::emitOp(Operation &inner,
                                           const BodyElements &elements,
                                           Values &values) {
  if (auto index = dyn_cast<IndexOp>(inner)) {
    bool isLane = index.getDim() == elements.lane && elements.count > 1;
    return {elements.dims[index.getDim()], isLane ? 1 : 0};
  }
  SmallVector<LaneValue> lanes = llvm::map_to_vector(
      inner.getOperands(), [&](Value operand) { return get(operand, values); });
  if (auto load = dyn_cast<LoadOp>(inner))
    return emitLoad(load, elements, lanes);
  if (Value sum = emitMultiplyAdd(inner, elements, values))
    return {sum};

  SmallVector<Value> operands;
  SmallVector<int64_t> strides;
  for (const LaneValue &lane : lanes) {
    operands.push_back(lane.value);
    strides.push_back(lane.stride);
  }
  int64_t stride = 0;
  bool isScalar = llvm::all_of(
      lanes, [](const LaneValue &lane) { return lane.isUniform(); });
  if (!isScalar && llvm::none_of(lanes, [](const LaneValue &lane) {
        return lane.isVector();
      }))
    if (std::optional<int64_t> known =
            getIndexStride(inner, operands, strides)) {
      isScalar = true;
      stride = *known;
    }
  Type type = inner.getResult(0).getType();
  if (!isScalar) {
    type = VectorType::get(elements.count, type);
    for (auto [operand, lane] : llvm::zip(operands, lanes))
      operand = getVector(lane, elements.count);
  }
  OperationState state(op.getLoc(), inner.getName(), operands, type,
                       inner.getAttrs());
  state.propertiesAttr = inner.getPropertiesAsAttribute();
  return {b.create(state)->getResult(0), stride};
}

Value GenericBody::emit(const BodyElements &elements, ValueRange arguments) {
  Block &body = op.getBody().front();
  Values values;
  for (auto [argument, value] : llvm::zip(body.getArguments(), arguments))
    values[argument] = {readElement(b, value, argument.getType())};
  for (Operation &inner : body.without_terminator())
    if (!isScalarConstant(inner)) {
      LaneValue result = emitOp(inner, elements, values);
      values[inner.getResult(0)] = result;
    }
  Value yielded = cast<YieldOp>(body.getTerminator()).getValue();
  return getVector(get(yielded, values), elements.count);
}
