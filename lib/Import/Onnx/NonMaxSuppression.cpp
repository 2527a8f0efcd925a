//===- NonMaxSuppression.cpp - Boxes that no better one overlaps ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of each picture and class the best box that is left is taken, and those that
// overlap it too much are dropped, until none is left. Each round looks at all
// boxes of all classes at once.
//
//===----------------------------------------------------------------------===//

#include "Compaction.h"
#include "LoopBuilder.h"
#include "Node.h"
#include "Operands.h"
#include "Reduce.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

/// More rounds are a loop.
static constexpr int64_t kMaxUnrolled = 4;

namespace {
struct Suppression {
  int64_t batch, boxes, classes, rounds;
  /// Corners or centre and size of the boxes, [B, N, 4]; scores [B, C, N].
  Value corners, scores;
  bool byCenter;
  /// One number each; null: no limit, and 0.
  Value maxBoxes, minScore, maxOverlap;

  Shape getShape(int64_t last) const {
    return {Size(batch), Size(classes), Size(last)};
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// Input `index`, one number, as a tensor of rank 0; null where it is absent.
static FailureOr<Value> getNumber(Node &node, unsigned index, Type type) {
  if (!node.hasInput(index))
    return Value();
  Shape shape = node.getShape(index);
  if (node.getElementType(index) != type ||
      !llvm::all_of(shape, [](Size size) { return size == Size(1); }))
    return node.emitError()
           << "input " << index << " has shape " << Node::format(shape)
           << " and elements of type " << node.getElementType(index)
           << "; needs one " << type;
  return node.b.reshape(node.input(index).value, {});
}

/// The most boxes that are taken of a class.
static FailureOr<int64_t> getRounds(Node &node, int64_t boxes) {
  int64_t rounds = boxes;
  if (!node.hasInput(2))
    return 0;
  if (node.isConstant(2)) {
    FailureOr<SmallVector<int64_t>> most = node.getIntsOf(2);
    if (failed(most))
      return failure();
    rounds = std::clamp<int64_t>(most->front(), 0, boxes);
  }
  return rounds;
}

static FailureOr<Suppression> getSuppression(Node &node) {
  TensorBuilder &b = node.b;
  FailureOr<SmallVector<int64_t>> boxes = getStaticSizes(node, 0, 0);
  FailureOr<SmallVector<int64_t>> scores = getStaticSizes(node, 1, 0);
  if (failed(boxes) || failed(scores))
    return failure();
  for (unsigned index : {0, 1})
    if (!node.getElementType(index).isF32())
      return node.emitError() << "input " << index << " has elements of type "
                              << node.getElementType(index) << "; needs f32";
  if (boxes->size() != 3 || scores->size() != 3 || (*boxes)[2] != 4 ||
      (*boxes)[0] != (*scores)[0] || (*boxes)[1] != (*scores)[2])
    return node.emitError()
           << "inputs 0 and 1 have shapes " << Node::format(node.getShape(0))
           << " and " << Node::format(node.getShape(1))
           << "; needs [B, N, 4] and [B, C, N]";
  Suppression result;
  result.batch = (*boxes)[0];
  result.boxes = (*boxes)[1];
  result.classes = (*scores)[1];
  result.corners = node.input(0).value;
  result.scores = node.input(1).value;
  int64_t form = node.getInt("center_point_box", 0);
  if (form != 0 && form != 1)
    return node.emitError()
           << "center_point_box is " << form << "; needs 0 or 1";
  result.byCenter = form == 1;
  FailureOr<Value> maxBoxes = getNumber(node, 2, b.getI64Type());
  FailureOr<Value> maxOverlap = getNumber(node, 3, b.getF32Type());
  FailureOr<Value> minScore = getNumber(node, 4, b.getF32Type());
  if (failed(maxBoxes) || failed(maxOverlap) || failed(minScore))
    return failure();
  result.maxBoxes = *maxBoxes;
  result.maxOverlap = *maxOverlap;
  result.minScore = *minScore;
  FailureOr<int64_t> rounds = getRounds(node, result.boxes);
  if (failed(rounds))
    return failure();
  result.rounds = *rounds;
  return result;
}

//===----------------------------------------------------------------------===//
// Overlap
//===----------------------------------------------------------------------===//

namespace {
/// An interval of a box along one axis of the picture.
struct Extent {
  Value low, high;

  Value getLength(ImplicitLocOpBuilder &b) const {
    return arith::SubFOp::create(b, high, low);
  }
};
} // namespace

/// A box's extents along both axes.
static std::array<Extent, 2> readBox(ImplicitLocOpBuilder &b,
                                     const Suppression &from, Value item,
                                     Value box) {
  auto read = [&](int64_t part) -> Value {
    Value index = arith::ConstantIndexOp::create(b, part);
    return tensor::ExtractOp::create(b, from.corners,
                                     ValueRange{item, box, index});
  };
  std::array<Extent, 2> extents;
  for (int64_t axis : {0, 1}) {
    Value first = read(axis), second = read(axis + 2);
    if (from.byCenter) {
      Value half = arith::MulFOp::create(
          b, second, TensorBuilder::scalar(b, b.getF32Type(), 0.5));
      extents[axis] = {arith::SubFOp::create(b, first, half),
                       arith::AddFOp::create(b, first, half)};
      continue;
    }
    extents[axis] = {arith::MinimumFOp::create(b, first, second),
                     arith::MaximumFOp::create(b, first, second)};
  }
  return extents;
}

static Value buildArea(ImplicitLocOpBuilder &b,
                       const std::array<Extent, 2> &box) {
  return arith::MulFOp::create(b, box[0].getLength(b), box[1].getLength(b));
}

/// Whether the intersection over the union is more than `limit`; of an empty
/// box it is not.
static Value buildOverlaps(ImplicitLocOpBuilder &b,
                           const std::array<Extent, 2> &lhs,
                           const std::array<Extent, 2> &rhs, Value limit) {
  Value zero = TensorBuilder::scalar(b, b.getF32Type(), 0);
  auto isAbove = [&](Value value, Value bound) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, value, bound);
  };
  std::array<Extent, 2> common;
  Value isBox;
  for (int64_t axis : {0, 1}) {
    common[axis] = {
        arith::MaximumFOp::create(b, lhs[axis].low, rhs[axis].low),
        arith::MinimumFOp::create(b, lhs[axis].high, rhs[axis].high)};
    Value isLong = isAbove(common[axis].high, common[axis].low);
    isBox = isBox ? Value(arith::AndIOp::create(b, isBox, isLong)) : isLong;
  }
  Value shared = buildArea(b, common);
  Value own = buildArea(b, lhs), other = buildArea(b, rhs);
  Value all =
      arith::SubFOp::create(b, arith::AddFOp::create(b, own, other), shared);
  for (Value area : {shared, own, other, all})
    isBox = arith::AndIOp::create(b, isBox, isAbove(area, zero));
  Value share = arith::DivFOp::create(b, shared, all);
  return arith::AndIOp::create(b, isBox, isAbove(share, limit));
}

//===----------------------------------------------------------------------===//
// Rounds
//===----------------------------------------------------------------------===//

/// Which boxes have a score that counts, [B, C, N].
static Value buildCandidates(TensorBuilder &b, const Suppression &from) {
  SmallVector<Value> operands = {from.scores};
  if (from.minScore)
    operands.push_back(from.minScore);
  return b.generic(operands, b.getI1Type(),
                   [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     // NaN is no score.
                     return arith::CmpFOp::create(
                         b,
                         args.size() == 2 ? arith::CmpFPredicate::OGT
                                          : arith::CmpFPredicate::ORD,
                         args[0], args.back());
                   });
}

/// The best of the boxes that are left, the first of equal ones, as i64
/// [B, C, 1]; the number of boxes where none is left.
static Value findBest(TensorBuilder &b, const Suppression &from, Value left) {
  Type type = b.getI64Type();
  Value scores = b.generic(
      {from.scores, left}, b.getF32Type(),
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value least = TensorBuilder::scalar(
            b, b.getF32Type(), -std::numeric_limits<double>::infinity());
        return arith::SelectOp::create(b, args[1], args[0], least);
      });
  Value best = reduceToExtreme(b, Tensor{scores}, 2, /*keepDims=*/true,
                               /*largest=*/true);
  Value numbers = b.generic(
      {from.scores, left, best}, type,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isBest = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                             args[0], args[2]);
        isBest = arith::AndIOp::create(b, isBest, args[1]);
        Value number =
            arith::IndexCastOp::create(b, type, linalg::IndexOp::create(b, 2));
        return arith::SelectOp::create(
            b, isBest, number, TensorBuilder::scalar(b, type, from.boxes));
      });
  return reduceToExtreme(b, Tensor{numbers}, 2, /*keepDims=*/true,
                         /*largest=*/false);
}

/// Which boxes are left once `taken` is: neither it nor what overlaps it.
static Value dropOverlapping(TensorBuilder &b, const Suppression &from,
                             Value left, Value taken) {
  SmallVector<Value> operands = {left, taken};
  if (from.maxOverlap)
    operands.push_back(from.maxOverlap);
  return b.generic(
      operands, b.getI1Type(),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value item = linalg::IndexOp::create(b, 0);
        Value box = linalg::IndexOp::create(b, 2);
        Value best = arith::IndexCastOp::create(b, b.getIndexType(), args[1]);
        // None is left, and any will do.
        best = arith::MinSIOp::create(
            b, best, arith::ConstantIndexOp::create(b, from.boxes - 1));
        Value limit = args.size() == 3
                          ? args[2]
                          : TensorBuilder::scalar(b, b.getF32Type(), 0);
        Value overlaps = buildOverlaps(b, readBox(b, from, item, best),
                                       readBox(b, from, item, box), limit);
        Value isOther =
            arith::CmpIOp::create(b, arith::CmpIPredicate::ne, box, best);
        Value no = TensorBuilder::scalar(b, b.getI1Type(), 0);
        Value stays = arith::SelectOp::create(b, overlaps, no, isOther);
        return arith::AndIOp::create(b, args[0], stays);
      });
}

/// Whether any box is left, one i1.
static Value buildAny(TensorBuilder &b, Value left) {
  return b.reduce(left, {0, 1, 2}, /*keepDims=*/false,
                  b.getScalarAttr(b.getI1Type(), 0),
                  [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                    return arith::OrIOp::create(b, args[0], args[1]);
                  });
}

/// The boxes taken in each round, [B, C, rounds].
static Value buildRounds(TensorBuilder &b, const Suppression &from) {
  Value left = buildCandidates(b, from);
  if (from.rounds <= kMaxUnrolled) {
    SmallVector<Value> taken;
    for (int64_t round = 0; round < from.rounds; ++round) {
      taken.push_back(findBest(b, from, left));
      left = dropOverlapping(b, from, left, taken.back());
    }
    return taken.size() == 1 ? taken.front() : b.concat(taken, 2);
  }
  Value none = b.fill(from.getShape(from.rounds),
                      b.getScalarAttr(b.getI64Type(), from.boxes));
  LoopBuilder loop(b, from.rounds, {buildAny(b, left), left, none},
                   /*isComputed=*/true);
  left = loop.getCarried()[1];
  Value best = findBest(b, from, left);
  left = dropOverlapping(b, from, left, best);
  Value taken = putAt(b, loop.getCarried()[2], best, 2, loop.getIndex());
  return loop.finish({buildAny(b, left), left, taken})[2];
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

/// Picture, class and box of every one that was taken, [B * C * rounds, 3].
static void setTaken(Node &node, const Suppression &from, Value taken) {
  TensorBuilder &b = node.b;
  Type type = b.getI64Type();
  SmallVector<Value> operands = {taken};
  if (from.maxBoxes)
    operands.push_back(from.maxBoxes);
  Value flags = b.generic(
      operands, b.getI1Type(),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isBox =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, args[0],
                                  TensorBuilder::scalar(b, type, from.boxes));
        Value round =
            arith::IndexCastOp::create(b, type, linalg::IndexOp::create(b, 2));
        Value counts = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                             round, args.back());
        return arith::AndIOp::create(b, isBox, counts);
      });
  int64_t count = from.batch * from.classes * from.rounds;
  SetPositions set = findSetPositions(b, b.reshape(flags, {Size(count)}));
  Value all = b.reshape(taken, {Size(count)});
  Value result = b.gather(
      {Size(count), Size(3)}, type,
      [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
        auto number = [&](int64_t value) {
          return TensorBuilder::scalar(b, type, value);
        };
        Value at = tensor::ExtractOp::create(
            b, set.positions, Value(linalg::IndexOp::create(b, 0)));
        Value box = tensor::ExtractOp::create(
            b, all, Value(arith::IndexCastOp::create(b, b.getIndexType(), at)));
        Value row = arith::DivUIOp::create(b, at, number(from.rounds));
        Value item = arith::DivUIOp::create(b, row, number(from.classes));
        Value label = arith::RemUIOp::create(b, row, number(from.classes));
        Value column = linalg::IndexOp::create(b, 1);
        auto isColumn = [&](int64_t index) -> Value {
          return arith::CmpIOp::create(
              b, arith::CmpIPredicate::eq, column,
              arith::ConstantIndexOp::create(b, index));
        };
        Value last = arith::SelectOp::create(b, isColumn(1), label, box);
        return arith::SelectOp::create(b, isColumn(0), item, last);
      });
  node.setOutput(0, result);
  node.setCount(0, /*dim=*/0, set.count);
}

static LogicalResult importNonMaxSuppression(Node &node) {
  FailureOr<Suppression> from = getSuppression(node);
  if (failed(from))
    return failure();
  if (from->batch * from->classes * from->rounds == 0) {
    auto type = RankedTensorType::get({0, 3}, node.b.getI64Type());
    node.setConstant(0, DenseElementsAttr::get(type, ArrayRef<Attribute>()));
    return success();
  }
  setTaken(node, *from, buildRounds(node.b, *from));
  return success();
}

void onnx::registerNonMaxSuppressionOps(OpRegistry &registry) {
  registry.add("NonMaxSuppression", importNonMaxSuppression, 2);
}
