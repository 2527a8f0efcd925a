//===- GridSample.cpp - ONNX's GridSample ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads a picture where a grid says, from -1 to 1 in each dim, the last dim
// first; one linalg.generic that reads all neighbours of a position.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// Positions up to this have no gaps in f32.
static constexpr int64_t kMaxSize = int64_t(1) << 24;

namespace {

enum class SampleMode { Nearest, Linear, Cubic };
/// What lies outside of the picture.
enum class SamplePadding { Zeros, Border, Reflection };

/// One position that is read along a dim.
struct Neighbour {
  Value weight;
  Value index;    // in bounds
  Value isInside; // null where the padding has a value everywhere
};

/// Builds scalars of the grid's type.
class Sampler {
public:
  Sampler(ImplicitLocOpBuilder &b, Type type, SampleMode mode,
          SamplePadding padding, bool alignCorners)
      : b(b), type(type), mode(mode), padding(padding),
        alignCorners(alignCorners) {}

  /// The neighbours of a grid's coordinate in a dim of `size`.
  SmallVector<Neighbour> getNeighbours(Value coordinate, int64_t size);

private:
  Value number(double value) { return TensorBuilder::scalar(b, type, value); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value floor(Value x) { return math::FloorOp::create(b, x); }
  Value select(arith::CmpFPredicate predicate, Value x, Value y, Value then,
               Value otherwise) {
    Value holds = arith::CmpFOp::create(b, predicate, x, y);
    return arith::SelectOp::create(b, holds, then, otherwise);
  }
  /// NaN becomes `low`.
  Value clamp(Value x, double low, double high);
  Value reflect(Value x, int64_t size);
  Value bound(Value x, int64_t size);
  Value getPosition(Value coordinate, int64_t size);
  SmallVector<Value> getWeights(Value ratio);

  ImplicitLocOpBuilder &b;
  Type type;
  SampleMode mode;
  SamplePadding padding;
  bool alignCorners;
};

} // namespace

Value Sampler::clamp(Value x, double low, double high) {
  Value least = number(low), largest = number(high);
  x = select(arith::CmpFPredicate::OGT, x, least, x, least);
  return select(arith::CmpFPredicate::OLT, x, largest, x, largest);
}

/// Mirrors x at the borders, which are the centres of the outermost elements or
/// their edges, till it is within them.
Value Sampler::reflect(Value x, int64_t size) {
  double low = alignCorners ? 0 : -0.5;
  double span = alignCorners ? size - 1 : size;
  if (span == 0)
    return number(0);
  Value distance = math::AbsFOp::create(b, sub(x, number(low))),
        width = number(span);
  Value flips = floor(arith::DivFOp::create(b, distance, width));
  Value rest = sub(distance, mul(flips, width));
  Value pairs = mul(floor(mul(flips, number(0.5))), number(2));
  Value reflected =
      select(arith::CmpFPredicate::OEQ, pairs, flips, rest, sub(width, rest));
  reflected = add(reflected, number(low));
  x = select(arith::CmpFPredicate::OLT, x, number(low), reflected, x);
  return select(arith::CmpFPredicate::OGT, x, number(low + span), reflected, x);
}

/// What the padding makes of a position.
Value Sampler::bound(Value x, int64_t size) {
  if (padding == SamplePadding::Border)
    return clamp(x, 0, size - 1);
  return padding == SamplePadding::Reflection ? reflect(x, size) : x;
}

Value Sampler::getPosition(Value coordinate, int64_t size) {
  Value fromZero = add(coordinate, number(1));
  Value position =
      alignCorners
          ? mul(mul(fromZero, number(0.5)), number(size - 1))
          : mul(sub(mul(fromZero, number(size)), number(1)), number(0.5));
  if (mode == SampleMode::Nearest)
    position = math::RoundEvenOp::create(b, position);
  // As in PyTorch and ONNX Runtime, of four neighbours each is bounded alone.
  return mode == SampleMode::Cubic ? position : bound(position, size);
}

/// Weights of the neighbours of a position `ratio` behind an element; of four
/// those of Keys' cubic convolution.
SmallVector<Value> Sampler::getWeights(Value ratio) {
  if (mode == SampleMode::Nearest)
    return {Value()};
  Value rest = sub(number(1), ratio);
  if (mode == SampleMode::Linear)
    return {rest, ratio};
  constexpr double a = -0.75;
  // At distances of 0 to 1, and of 1 to 2.
  auto getNear = [&](Value x) {
    Value inner = sub(mul(number(a + 2), x), number(a + 3));
    return add(mul(mul(inner, x), x), number(1));
  };
  auto getFar = [&](Value x) {
    Value inner = sub(mul(number(a), x), number(5 * a));
    inner = add(mul(inner, x), number(8 * a));
    return sub(mul(inner, x), number(4 * a));
  };
  return {getFar(add(ratio, number(1))), getNear(ratio), getNear(rest),
          getFar(add(rest, number(1)))};
}

SmallVector<Neighbour> Sampler::getNeighbours(Value coordinate, int64_t size) {
  Value position = getPosition(coordinate, size);
  Value base = mode == SampleMode::Nearest ? position : floor(position);
  SmallVector<Value> weights = getWeights(sub(position, base));
  int64_t first = mode == SampleMode::Cubic ? -1 : 0;
  SmallVector<Neighbour> neighbours;
  for (auto [tap, weight] : llvm::enumerate(weights)) {
    int64_t offset = first + int64_t(tap);
    Value x = offset == 0 ? base : add(base, number(offset));
    Value isInside;
    if (padding == SamplePadding::Zeros)
      isInside = arith::AndIOp::create(
          b, arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, x, number(0)),
          arith::CmpFOp::create(b, arith::CmpFPredicate::OLE, x,
                                number(size - 1)));
    else
      x = bound(x, size);
    Value index =
        arith::FPToSIOp::create(b, b.getI64Type(), clamp(x, 0, size - 1));
    index = arith::IndexCastOp::create(b, b.getIndexType(), index);
    neighbours.push_back({weight, index, isInside});
  }
  return neighbours;
}

namespace {

/// Sums the weighted neighbours of all dims.
struct Interpolator {
  ImplicitLocOpBuilder &b;
  Value picture;
  ArrayRef<SmallVector<Neighbour>> dims;

  /// `position` has the dims before `dim`.
  Value build(size_t dim, SmallVectorImpl<Value> &position, Value isInside);
};

} // namespace

Value Interpolator::build(size_t dim, SmallVectorImpl<Value> &position,
                          Value isInside) {
  if (dim == dims.size()) {
    Value element = tensor::ExtractOp::create(b, picture, position);
    if (!isInside)
      return element;
    Value zero = TensorBuilder::scalar(b, element.getType(), 0);
    return arith::SelectOp::create(b, isInside, element, zero);
  }
  Value sum;
  for (const Neighbour &neighbour : dims[dim]) {
    Value inside = neighbour.isInside;
    if (inside && isInside)
      inside = arith::AndIOp::create(b, isInside, inside);
    position.push_back(neighbour.index);
    Value term = build(dim + 1, position, inside ? inside : isInside);
    position.pop_back();
    if (neighbour.weight) {
      Value weight = neighbour.weight;
      if (weight.getType() != term.getType())
        weight = weight.getType().isF32()
                     ? Value(arith::ExtFOp::create(b, term.getType(), weight))
                     : arith::TruncFOp::create(b, term.getType(), weight);
      term = arith::MulFOp::create(b, term, weight);
    }
    sum = sum ? Value(arith::AddFOp::create(b, sum, term)) : term;
  }
  return sum;
}

static FailureOr<SampleMode> getMode(Node &node) {
  std::string mode = node.getString("mode", "linear");
  if (mode == "nearest")
    return SampleMode::Nearest;
  if (mode == "linear" || mode == "bilinear")
    return SampleMode::Linear;
  if (mode == "cubic" || mode == "bicubic")
    return SampleMode::Cubic;
  return node.emitError()
         << "mode is '" << mode
         << "'; needs nearest, linear, bilinear, cubic or bicubic";
}

static FailureOr<SamplePadding> getPadding(Node &node) {
  std::string padding = node.getString("padding_mode", "zeros");
  if (padding == "zeros")
    return SamplePadding::Zeros;
  if (padding == "border")
    return SamplePadding::Border;
  if (padding == "reflection")
    return SamplePadding::Reflection;
  return node.emitError() << "padding_mode is '" << padding
                          << "'; needs zeros, border or reflection";
}

static LogicalResult importGridSample(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<SampleMode> mode = getMode(node);
  FailureOr<SamplePadding> padding = getPadding(node);
  FailureOr<Tensor> grid = getFloatInput(node, 1);
  if (failed(mode) || failed(padding) || failed(grid) ||
      (*mode != SampleMode::Nearest && failed(getFloatInput(node, 0))))
    return failure();
  bool alignCorners = node.getInt("align_corners", 0) != 0;
  Tensor picture = node.input(0);
  Shape shape = node.getShape(0), gridShape = node.getShape(1);
  int64_t rank = int64_t(shape.size()) - 2;
  if ((rank != 2 && rank != 3) || gridShape.size() != shape.size() ||
      gridShape.front() != shape.front() || gridShape.back() != Size(rank))
    return node.emitError()
           << "input has shape " << Node::format(shape) << " and grid "
           << Node::format(gridShape)
           << "; needs [B, C, H, W] and [B, H', W', 2], or one dim more";
  FailureOr<SmallVector<int64_t>> sizes = getStaticSizes(node, 0, 2);
  if (failed(sizes))
    return failure();
  if (llvm::any_of(*sizes,
                   [](int64_t size) { return size < 1 || size > kMaxSize; }))
    return node.emitError() << "input has shape " << Node::format(shape)
                            << "; needs spatial sizes from 1 to " << kMaxSize;

  // Loops: batch, channel, position in the grid. Coordinates are read last
  // first, as the grid has them.
  SmallVector<AffineExpr> exprs = {b.getAffineDimExpr(0)};
  for (int64_t dim = 0; dim < rank; ++dim) {
    shape[dim + 2] = gridShape[dim + 1];
    exprs.push_back(b.getAffineDimExpr(dim + 2));
  }
  SmallVector<AffineMap> maps;
  for (int64_t dim = 0; dim < rank; ++dim) {
    SmallVector<AffineExpr> all(exprs);
    all.push_back(b.getAffineConstantExpr(rank - 1 - dim));
    maps.push_back(AffineMap::get(shape.size(), 0, all, b.getContext()));
  }
  SmallVector<Value> coordinates(rank, grid->value);
  Value sampled = b.generic(
      coordinates, maps, shape, picture.getElementType(),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Sampler sampler(b, grid->getElementType(), *mode, *padding,
                        alignCorners);
        SmallVector<SmallVector<Neighbour>> dims;
        for (auto [coordinate, size] : llvm::zip(args, *sizes))
          dims.push_back(sampler.getNeighbours(coordinate, size));
        SmallVector<Value> position = {linalg::IndexOp::create(b, 0),
                                       linalg::IndexOp::create(b, 1)};
        return Interpolator{b, picture.value, dims}.build(0, position, Value());
      });
  node.setOutput(0, sampled, picture.isUnsigned);
  return success();
}

void onnx::registerGridSampleOps(OpRegistry &registry) {
  registry.add("GridSample", importGridSample, 2);
}
