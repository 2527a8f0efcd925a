//===- TensorBuilder.cpp - Sizes, constants and elementwise ops -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Type TensorBuilder::getElementType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType();
}

int64_t TensorBuilder::getRank(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getRank();
}

Shape TensorBuilder::getShape(Value tensor) const {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.hasStaticShape() && !isInStep())
    return Shape(type.getShape());
  if (auto it = shapes.find(tensor); it != shapes.end())
    return it->second;
  // An op built outside of this class keeps the sizes of its operands.
  Operation *op = tensor.getDefiningOp();
  if (auto destination = dyn_cast_if_present<DestinationStyleOpInterface>(op))
    return getShape(
        destination.getTiedOpOperand(cast<OpResult>(tensor))->get());
  if (type.hasStaticShape())
    return Shape(type.getShape());
  Shape shape;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      shape.push_back(size);
      continue;
    }
    for (Value operand : op->getOperands()) {
      auto operandType = dyn_cast<RankedTensorType>(operand.getType());
      if (operandType && int64_t(dim) < operandType.getRank() &&
          operandType.isDynamicDim(dim)) {
        shape.push_back(getShape(operand)[dim]);
        break;
      }
    }
    if (shape.size() != dim + 1)
      llvm::report_fatal_error("no operand of " + op->getName().getStringRef() +
                               " has its dynamic size");
  }
  return shape;
}

std::optional<Shape> TensorBuilder::broadcast(ArrayRef<Shape> shapes) {
  size_t rank = 0;
  for (const Shape &shape : shapes)
    rank = std::max<size_t>(rank, shape.size());
  Shape result(rank, Size(1));
  for (const Shape &shape : shapes)
    for (auto [size, wide] :
         llvm::zip(llvm::reverse(shape), llvm::reverse(result))) {
      if (wide == Size(1))
        wide = size;
      else if (size != Size(1) && size != wide)
        return std::nullopt;
    }
  return result;
}

RankedTensorType TensorBuilder::getType(ArrayRef<Size> shape,
                                        Type element) const {
  SmallVector<int64_t> sizes;
  for (Size size : shape) {
    Size extent = getExtent(size);
    sizes.push_back(extent.isStatic() ? extent.constant : ShapedType::kDynamic);
  }
  return RankedTensorType::get(sizes, element);
}

Value TensorBuilder::setShape(Value tensor, ArrayRef<Size> shape) {
  if (!cast<RankedTensorType>(tensor.getType()).hasStaticShape() ||
      llvm::any_of(shape, [](Size size) { return size.isOfTrip(); }))
    shapes[tensor] = Shape(shape);
  return tensor;
}

//===----------------------------------------------------------------------===//
// The preamble: constants and multiples of the batch
//===----------------------------------------------------------------------===//

Value TensorBuilder::atPreamble(llvm::function_ref<Value()> build) {
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointAfter(preambleEnd);
  Value value = build();
  preambleEnd = value.getDefiningOp();
  return value;
}

void TensorBuilder::startFunction(Block *body) {
  setInsertionPointToEnd(body);
  zeroIndex = arith::ConstantIndexOp::create(*this, 0);
  preambleEnd = zeroIndex.getDefiningOp();
}

void TensorBuilder::setBatchSource(Value tensor, int64_t dim) {
  batchSource = tensor;
  batchDim = dim;
}

Value TensorBuilder::getBatchFormula(Size size) {
  Value &value = formulas[{size.batchFactor, size.constant}];
  if (value)
    return value;
  Value result;
  if (size == Size::batch(1)) {
    result = atPreamble([&]() -> Value {
      Value dim =
          batchDim == 0
              ? zeroIndex
              : arith::ConstantIndexOp::create(*this, batchDim).getResult();
      return tensor::DimOp::create(*this, batchSource, dim);
    });
  } else if (size.constant == 0) {
    Value batch = getBatchFormula(Size::batch(1));
    result = atPreamble([&]() -> Value {
      Value factor = arith::ConstantIndexOp::create(*this, size.batchFactor);
      return arith::MulIOp::create(*this, batch, factor);
    });
  } else {
    Value multiple = getBatchFormula(Size::batch(size.batchFactor));
    result = atPreamble([&]() -> Value {
      Value constant = arith::ConstantIndexOp::create(*this, size.constant);
      return arith::AddIOp::create(*this, multiple, constant);
    });
  }
  // The calls above may have moved the map's entries.
  return formulas[{size.batchFactor, size.constant}] = result;
}

OpFoldResult TensorBuilder::getSize(Size size) {
  size = getExtent(size);
  if (size.isStatic())
    return getIndexAttr(size.constant);
  return getBatchFormula(size);
}

SmallVector<OpFoldResult> TensorBuilder::getSizes(ArrayRef<Size> shape) {
  return llvm::map_to_vector(shape, [&](Size size) { return getSize(size); });
}

Value TensorBuilder::sizesTensor(ArrayRef<Size> sizes, Type element,
                                 bool scalar) {
  auto needsBatch = [](Size size) { return size.batchFactor != 0; };
  if (llvm::any_of(sizes, [](Size size) { return size.isOfTrip(); }) &&
      llvm::none_of(sizes, needsBatch))
    return tripsTensor(sizes, element, scalar);
  SmallVector<Value> elements;
  for (Size size : sizes) {
    Value index =
        getValueOrCreateConstantIndexOp(*this, getLoc(), getSize(size));
    elements.push_back(arith::IndexCastOp::create(*this, element, index));
  }
  SmallVector<int64_t> shape;
  if (!scalar)
    shape.push_back(sizes.size());
  return tensor::FromElementsOp::create(
      *this, RankedTensorType::get(shape, element), elements);
}

//===----------------------------------------------------------------------===//
// Iterations
//===----------------------------------------------------------------------===//

void TensorBuilder::startLoop(Value index, Value count) {
  tripIndex = index;
  tripCount = count;
  tripEnd = nullptr;
  maxTrips = std::numeric_limits<int32_t>::max();
  shortened = false;
}

void TensorBuilder::endLoop() {
  tripIndex = tripCount = nullptr;
  tripEnd = nullptr;
}

Value TensorBuilder::atTripStart(llvm::function_ref<Value()> build) {
  if (isInStep())
    return atPreamble(build);
  OpBuilder::InsertionGuard guard(*this);
  if (tripEnd)
    setInsertionPointAfter(tripEnd);
  else
    setInsertionPointToStart(tripIndex.getParentBlock());
  Value value = build();
  tripEnd = value.getDefiningOp();
  return value;
}

bool TensorBuilder::limitTrips(Size size, int64_t bound) {
  if (size.tripFactor < 0 || size.batchFactor != 0 || size.constant > bound)
    return false;
  if (isInStep())
    return getExtent(size).constant <= bound;
  if (size.tripFactor > 0)
    if (std::optional<int64_t> left = llvm::checkedSub(bound, size.constant))
      maxTrips = std::min(maxTrips - 1, *left / size.tripFactor) + 1;
  return true;
}

Value TensorBuilder::getTripIndex(Size size) {
  auto number = [&](int64_t value) {
    return arith::ConstantIndexOp::create(*this, value);
  };
  Value scaled =
      createOrFold<arith::MulIOp>(tripIndex, number(size.tripFactor));
  return createOrFold<arith::AddIOp>(scaled, number(size.constant));
}

Value TensorBuilder::tripsTensor(ArrayRef<Size> sizes, Type element,
                                 bool scalar) {
  SmallVector<Value> elements;
  for (Size size : sizes)
    elements.push_back(generic(
        tripCount, element,
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          Type type = args[0].getType();
          Value scaled = arith::MulIOp::create(
              b, args[0],
              TensorBuilder::scalar(b, type, double(size.tripFactor)));
          Value number = arith::AddIOp::create(
              b, scaled, TensorBuilder::scalar(b, type, double(size.constant)));
          if (isa<FloatType>(element))
            return arith::SIToFPOp::create(b, element, number);
          return element == type
                     ? number
                     : arith::TruncIOp::create(b, element, number).getResult();
        }));
  Value all = elements.size() == 1 ? elements.front() : concat(elements, 0);
  return scalar ? reshape(all, {}) : all;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value TensorBuilder::empty(ArrayRef<Size> shape, Type element) {
  SmallVector<OpFoldResult> sizes = getSizes(shape);
  return setShape(tensor::EmptyOp::create(*this, sizes, element), shape);
}

Value TensorBuilder::fill(ArrayRef<Size> shape, TypedAttr scalar) {
  Value number = arith::ConstantOp::create(*this, scalar);
  Value init = empty(shape, scalar.getType());
  return setShape(linalg::FillOp::create(*this, number, init).getResult(0),
                  shape);
}

Value TensorBuilder::constant(DenseElementsAttr value) {
  return arith::ConstantOp::create(*this, value);
}

TypedAttr TensorBuilder::getScalarAttr(Type type, double value) {
  if (isa<FloatType>(type))
    return getFloatAttr(type, value);
  return getIntegerAttr(type, int64_t(value));
}

Value TensorBuilder::scalar(ImplicitLocOpBuilder &b, Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, int64_t(value)));
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// The number that every element of a small constant equals, else null.
static TypedAttr getScalarConstant(Value tensor) {
  DenseElementsAttr value;
  if (!matchPattern(tensor, m_Constant(&value)) || !value.isSplat() ||
      value.getNumElements() != 1)
    return {};
  return value.getSplatValue<TypedAttr>();
}

Value TensorBuilder::generic(ValueRange operands, ArrayRef<AffineMap> maps,
                             ArrayRef<Size> shape, Type element, Body body) {
  Value init = empty(shape, element);
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(getMultiDimIdentityMap(shape.size()));
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      *this, init.getType(), operands, ValueRange(init), allMaps, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        linalg::YieldOp::create(b, body(b, args.drop_back()));
      });
  return setShape(op.getResult(0), shape);
}

/// How an operand of `shape` is read for each element of `result`.
static AffineMap getBroadcastMap(ArrayRef<Size> shape, ArrayRef<Size> result,
                                 Builder &b) {
  SmallVector<AffineExpr> exprs;
  size_t offset = result.size() - shape.size();
  for (auto [dim, size] : llvm::enumerate(shape)) {
    bool broadcast = size == Size(1) && result[offset + dim] != Size(1);
    exprs.push_back(broadcast ? b.getAffineConstantExpr(0)
                              : b.getAffineDimExpr(offset + dim));
  }
  return AffineMap::get(result.size(), 0, exprs, b.getContext());
}

Value TensorBuilder::generic(ValueRange operands, Type resultElement,
                             Body body) {
  SmallVector<Shape> shapes = llvm::map_to_vector(
      operands, [&](Value operand) { return getShape(operand); });
  Shape result = *broadcast(shapes);
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  SmallVector<TypedAttr> scalars;
  for (auto [operand, shape] : llvm::zip(operands, shapes)) {
    scalars.push_back(getScalarConstant(operand));
    if (scalars.back())
      continue;
    tensors.push_back(operand);
    maps.push_back(getBroadcastMap(shape, result, *this));
  }
  return generic(tensors, maps, result, resultElement,
                 [&](ImplicitLocOpBuilder &b, ValueRange args) {
                   SmallVector<Value> all;
                   for (TypedAttr scalar : scalars) {
                     if (scalar) {
                       all.push_back(arith::ConstantOp::create(b, scalar));
                       continue;
                     }
                     all.push_back(args.front());
                     args = args.drop_front();
                   }
                   return body(b, all);
                 });
}

Value TensorBuilder::elementwise(ValueRange operands, Type resultElement,
                                 Body body) {
  Shape first = getShape(operands[0]);
  if (llvm::all_of(operands.drop_front(),
                   [&](Value operand) { return getShape(operand) == first; }))
    return setShape(body(*this, operands), first);
  return generic(operands, resultElement, body);
}

Value TensorBuilder::broadcastTo(Value tensor, ArrayRef<Size> shape) {
  Shape from = getShape(tensor);
  if (ArrayRef<Size>(from) == shape)
    return tensor;
  return generic(
      tensor, getBroadcastMap(from, shape, *this), shape,
      getElementType(tensor),
      [](ImplicitLocOpBuilder &, ValueRange args) { return args[0]; });
}

Value TensorBuilder::castTo(Value tensor, Type element, bool fromUnsigned,
                            bool toUnsigned) {
  Type from = getElementType(tensor);
  if (from == element)
    return tensor;
  if (TypedAttr filled = getFilled(tensor))
    return fill(getShape(tensor), filled == getScalarAttr(from, 0)
                                      ? getScalarAttr(element, 0)
                                      : getScalarAttr(element, 1));
  if (element.isInteger(1))
    return generic(tensor, element,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value zero = scalar(b, from, 0);
                     if (isa<FloatType>(from))
                       return arith::CmpFOp::create(
                           b, arith::CmpFPredicate::UNE, args[0], zero);
                     return arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                                  args[0], zero);
                   });
  bool unsignedSource = fromUnsigned || from.isInteger(1);
  return castNumbers(tensor, element, unsignedSource, toUnsigned);
}

Value TensorBuilder::castNumbers(Value tensor, Type element, bool fromUnsigned,
                                 bool toUnsigned) {
  Type from = getElementType(tensor);
  unsigned fromBits = from.getIntOrFloatBitWidth();
  unsigned toBits = element.getIntOrFloatBitWidth();
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(element);
  if (fromFloat && toFloat && fromBits == toBits) // f16 and bf16
    return castNumbers(castNumbers(tensor, getF32Type(), false, false), element,
                       false, false);
  return elementwise(
      tensor, element, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value x = args[0];
        auto shaped = dyn_cast<RankedTensorType>(x.getType());
        Type to = shaped ? Type(shaped.clone(element)) : element;
        if (fromFloat && toFloat)
          return toBits > fromBits ? arith::ExtFOp::create(b, to, x).getResult()
                                   : arith::TruncFOp::create(b, to, x);
        if (fromFloat)
          return toUnsigned ? arith::FPToUIOp::create(b, to, x).getResult()
                            : arith::FPToSIOp::create(b, to, x);
        if (toFloat)
          return fromUnsigned ? arith::UIToFPOp::create(b, to, x).getResult()
                              : arith::SIToFPOp::create(b, to, x);
        if (toBits == fromBits)
          return x;
        if (toBits < fromBits)
          return arith::TruncIOp::create(b, to, x);
        return fromUnsigned ? arith::ExtUIOp::create(b, to, x).getResult()
                            : arith::ExtSIOp::create(b, to, x);
      });
}
