//===- GroupNorm.cpp - Group norms of feature maps to linalg --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A group norm is a vit.layer_norm of a feature map [B, C, H, W] reshaped to
// [B, G, C/G * H * W]. What a convolution or a 1x1 convolution's product writes
// is stored [B, H, W, C], where such a row is not contiguous: a kernel.norm
// would need a copy of the map. As linalg
//   mean = sum(x) / n,  deviation = 1 / sqrt(sum((x - mean)^2) / n + epsilon)
//   (x - mean) * deviation
// reads the map as it lies, and the last line fuses with the scale, shift,
// activation and addition behind it. Sums run over columns first, which leaves
// the rows of pixels for the threads; means and deviations are stored for each
// channel, so that the loops over pixels run along contiguous channels.
//
//===----------------------------------------------------------------------===//

#include "Generic.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Conversion/Passes.h"
#include "llvm/ADT/TypeSwitch.h"
#include <optional>

namespace vitc {
#define GEN_PASS_DEF_CONVERTGROUPNORMTOLINALGPASS
#include "vitc/Conversion/Passes.h.inc"
} // namespace vitc

using namespace mlir;
using namespace vitc;

using ScalarBody = function_ref<Value(OpBuilder &, Location, Value)>;

/// The group that dim `dim` of the expanded type is in, if all others of the
/// group have size 1; none for a dim of size 1.
static std::optional<unsigned>
findOnlyDim(ArrayRef<ReassociationIndices> groups, RankedTensorType expanded,
            unsigned dim) {
  for (auto [whole, parts] : llvm::enumerate(groups))
    if (llvm::is_contained(parts, dim) && expanded.getDimSize(dim) != 1 &&
        llvm::all_of(parts, [&](int64_t part) {
          return part == dim || expanded.getDimSize(part) == 1;
        }))
      return whole;
  return std::nullopt;
}

/// Whether dim `dim` of `value` comes last where kernels store it: a channel of
/// a token or of what a convolution writes, moved or computed element by
/// element since.
static bool isStoredLast(Value value, unsigned dim) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](vit::Conv2dOp) { return dim == 1; })
      .Case([&](vit::LinearOp linear) {
        return dim + 1 == linear.getType().getRank();
      })
      .Case([&](linalg::TransposeOp transpose) {
        return isStoredLast(transpose.getInput(),
                            transpose.getPermutation()[dim]);
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        return slice.getDroppedDims().none() &&
               isStoredLast(slice.getSource(), dim);
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        std::optional<unsigned> source = findOnlyDim(
            expand.getReassociationIndices(), expand.getResultType(), dim);
        return source && isStoredLast(expand.getSrc(), *source);
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        for (int64_t part : collapse.getReassociationIndices()[dim])
          if (findOnlyDim(collapse.getReassociationIndices(),
                          collapse.getSrcType(), part))
            return isStoredLast(collapse.getSrc(), part);
        return false;
      })
      .Case([&](linalg::GenericOp generic) {
        if (generic.getNumResults() != 1 ||
            generic.getNumLoops() != generic.getNumParallelLoops())
          return false;
        return llvm::any_of(
            generic.getDpsInputOperands(), [&](OpOperand *operand) {
              return operand->get().getType() == value.getType() &&
                     generic.getMatchingIndexingMap(operand).isIdentity() &&
                     isStoredLast(operand->get(), dim);
            });
      })
      .Default(false);
}

/// The feature map whose groups `norm` normalises, or null.
static Value findFeatureMap(vit::LayerNormOp norm) {
  RankedTensorType rows = norm.getType();
  if (rows.getRank() != 3 || !rows.getElementType().isF32() ||
      norm.getScale() || norm.getShift())
    return {};
  Value map = norm.getInput();
  auto type = cast<RankedTensorType>(map.getType());
  while (type.getRank() != 4 &&
         isa_and_present<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
             map.getDefiningOp())) {
    map = map.getDefiningOp()->getOperand(0);
    type = cast<RankedTensorType>(map.getType());
  }
  bool isGrouped =
      type.getRank() == 4 && type.getDimSize(0) == rows.getDimSize(0) &&
      !llvm::is_contained(type.getShape().drop_front(), ShapedType::kDynamic) &&
      !llvm::is_contained(rows.getShape().drop_front(), ShapedType::kDynamic) &&
      type.getDimSize(1) % rows.getDimSize(1) == 0;
  return isGrouped && isStoredLast(map, /*dim=*/1) ? map : Value();
}

/// The sums of each row of pixels, [B, C, H], of what `body` adds to its last
/// argument; inputs behind the map have one element a channel.
static Value buildRowSums(ImplicitLocOpBuilder &builder, ValueRange inputs,
                          ElementBody body) {
  SmallVector<AffineMap> maps(inputs.size(), getLoopMap(builder, 4, {0, 1}));
  maps.front() = builder.getMultiDimIdentityMap(4);
  maps.push_back(getLoopMap(builder, 4, {0, 1, 2}));
  SmallVector<OpFoldResult> sizes = getSizes(builder, inputs.front());
  sizes.pop_back();
  return buildReduction(builder, sizes,
                        buildFloat(builder, builder.getF32Type(), 0.0), inputs,
                        maps, body);
}

/// For each channel, [B, C], what `body` makes of the sum over its group.
static Value buildChannels(ImplicitLocOpBuilder &builder, Value rowSums,
                           int64_t groups, ScalarBody body) {
  auto type = cast<RankedTensorType>(rowSums.getType());
  int64_t channels = type.getDimSize(1), rows = type.getDimSize(2);
  SmallVector<OpFoldResult> sizes = {
      getSizes(builder, rowSums).front(), builder.getIndexAttr(groups),
      builder.getIndexAttr(channels / groups), builder.getIndexAttr(rows)};
  Value grouped = tensor::ExpandShapeOp::create(
      builder,
      type.clone({type.getDimSize(0), groups, channels / groups, rows}),
      rowSums, ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3}}, sizes);
  Value totals = buildReduction(
      builder, ArrayRef(sizes).take_front(2),
      buildFloat(builder, type.getElementType(), 0.0), grouped,
      {builder.getMultiDimIdentityMap(4), getLoopMap(builder, 4, {0, 1})},
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::AddFOp::create(b, args[1], args[0]);
      });
  SmallVector<OpFoldResult> channelSizes = {sizes[0],
                                            builder.getIndexAttr(channels)};
  AffineExpr b, c;
  bindDims(builder.getContext(), b, c);
  AffineMap group = AffineMap::get(2, 0, {b, c.floorDiv(channels / groups)},
                                   builder.getContext());
  Value wide = buildElementwise(
      builder, channelSizes, type.getElementType(), totals, group,
      [](ImplicitLocOpBuilder &, ValueRange args) { return args[0]; });
  Value empty =
      tensor::EmptyOp::create(builder, channelSizes, type.getElementType());
  // The fusion of elementwise ops takes linalg.generic only. This is to stay:
  // fused, it would be computed for every pixel.
  return linalg::MapOp::create(
             builder, wide, empty,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               linalg::YieldOp::create(b, loc, body(b, loc, args[0]));
             })
      ->getResult(0);
}

/// The normalised map, [B, C, H, W].
static Value buildNormalizedMap(ImplicitLocOpBuilder &builder, Value map,
                                vit::LayerNormOp norm) {
  int64_t groups = norm.getType().getDimSize(1);
  int64_t count = norm.getType().getDimSize(2);
  auto divide = [&](OpBuilder &b, Location loc, Value sum) -> Value {
    Value divisor = arith::ConstantOp::create(
        b, loc, b.getF32FloatAttr(static_cast<float>(count)));
    return arith::DivFOp::create(b, loc, sum, divisor);
  };
  Value sums = buildRowSums(
      builder, map, [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::AddFOp::create(b, args[1], args[0]);
      });
  Value mean = buildChannels(builder, sums, groups, divide);

  // Two passes: mean((x - mean)^2) does not cancel as mean(x^2) - mean^2.
  Value squares =
      buildRowSums(builder, {map, mean},
                   [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value centred = arith::SubFOp::create(b, args[0], args[1]);
                     Value square = arith::MulFOp::create(b, centred, centred);
                     return arith::AddFOp::create(b, args[2], square);
                   });
  Value reciprocal = buildChannels(
      builder, squares, groups,
      [&](OpBuilder &b, Location loc, Value sum) -> Value {
        Value epsilon = arith::ConstantOp::create(
            b, loc, b.getF32FloatAttr(norm.getEpsilon().convertToFloat()));
        Value power =
            arith::AddFOp::create(b, loc, divide(b, loc, sum), epsilon);
        Value one = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1.0f));
        return arith::DivFOp::create(b, loc, one,
                                     math::SqrtOp::create(b, loc, power));
      });

  AffineMap channels = getLoopMap(builder, 4, {0, 1});
  return buildElementwise(
      builder, getSizes(builder, map), builder.getF32Type(),
      {map, mean, reciprocal},
      {builder.getMultiDimIdentityMap(4), channels, channels},
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value centred = arith::SubFOp::create(b, args[0], args[1]);
        return arith::MulFOp::create(b, centred, args[2]);
      });
}

namespace {
struct ConvertGroupNormToLinalgPass final
    : vitc::impl::ConvertGroupNormToLinalgPassBase<
          ConvertGroupNormToLinalgPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](vit::LayerNormOp norm) {
      Value map = findFeatureMap(norm);
      if (!map)
        return;
      rewriter.setInsertionPoint(norm);
      ImplicitLocOpBuilder builder(norm.getLoc(), rewriter);
      RankedTensorType rows = norm.getType();
      Value result = buildNormalizedMap(builder, map, norm);
      // As rows again, for whatever reshapes them to the map.
      SmallVector<OpFoldResult> sizes = {
          getSizes(builder, map).front(),
          builder.getIndexAttr(rows.getDimSize(1)),
          builder.getIndexAttr(rows.getDimSize(2))};
      result = tensor::CollapseShapeOp::create(
          builder, result, ArrayRef<ReassociationIndices>{{0}, {1, 2, 3}});
      rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(
          norm, rows, result, ArrayRef<ReassociationIndices>{{0}, {1, 2}},
          sizes);
      ++numConverted;
    });
  }
};
} // namespace
