//===- Window.cpp - vit's window ops to linalg ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generic.h"
#include "Patterns.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace vitc;

/// The sizes of a map [B, H, W, C] cut into cells: [B, H / Ch, Ch, W / Cw, Cw,
/// C].
static SmallVector<OpFoldResult> getCellSizes(ImplicitLocOpBuilder &builder,
                                              OpFoldResult batch,
                                              ArrayRef<int64_t> shape,
                                              ArrayRef<int64_t> cell) {
  SmallVector<OpFoldResult> sizes = {batch};
  for (int64_t size :
       {shape[1] / cell[0], cell[0], shape[2] / cell[1], cell[1], shape[3]})
    sizes.push_back(builder.getIndexAttr(size));
  return sizes;
}

/// The type of a tensor of `sizes`, dynamic where they are values.
static RankedTensorType getTensorType(ArrayRef<OpFoldResult> sizes, Type type) {
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, type);
}

/// A map [B, H, W, C] -> its cells [B, H / Ch, Ch, W / Cw, Cw, C].
static Value buildCells(ImplicitLocOpBuilder &builder, Value map,
                        ArrayRef<int64_t> cell) {
  auto type = cast<RankedTensorType>(map.getType());
  SmallVector<OpFoldResult> sizes =
      getCellSizes(builder, getSizes(builder, map)[0], type.getShape(), cell);
  return tensor::ExpandShapeOp::create(
      builder, getTensorType(sizes, type.getElementType()), map,
      ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3, 4}, {5}}, sizes);
}

namespace {

struct ConvertWindowPartitionOp final
    : OpConversionPattern<vit::WindowPartitionOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::WindowPartitionOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value cells = buildCells(builder, adaptor.getInput(), op.getWindow());
    Value windows = buildTransposed(builder, cells, {0, 1, 3, 2, 4, 5});
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, op.getType(), windows,
        ArrayRef<ReassociationIndices>{{0, 1, 2}, {3, 4}, {5}});
    return success();
  }
};

struct ConvertWindowReverseOp final
    : OpConversionPattern<vit::WindowReverseOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::WindowReverseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    RankedTensorType type = op.getType();
    ArrayRef<int64_t> window = op.getWindow();
    OpFoldResult batch = builder.getIndexAttr(type.getDimSize(0));
    if (type.isDynamicDim(0)) {
      int64_t numWindows =
          type.getDimSize(1) / window[0] * (type.getDimSize(2) / window[1]);
      Value windows =
          tensor::DimOp::create(builder, adaptor.getInput(), /*index=*/0);
      Value divisor = arith::ConstantIndexOp::create(builder, numWindows);
      batch = arith::DivUIOp::create(builder, windows, divisor).getResult();
    }
    SmallVector<OpFoldResult> sizes =
        getCellSizes(builder, batch, type.getShape(), window);
    std::swap(sizes[2], sizes[3]);
    Value windows = tensor::ExpandShapeOp::create(
        builder, getTensorType(sizes, type.getElementType()),
        adaptor.getInput(),
        ArrayRef<ReassociationIndices>{{0, 1, 2}, {3, 4}, {5}}, sizes);
    Value cells = buildTransposed(builder, windows, {0, 1, 3, 2, 4, 5});
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, type, cells,
        ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3, 4}, {5}});
    return success();
  }
};

struct ConvertPatchMergingOp final : OpConversionPattern<vit::PatchMergingOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::PatchMergingOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value cells = buildCells(builder, adaptor.getInput(), {2, 2});
    // Channels are in the order column, row, c.
    Value merged = buildTransposed(builder, cells, {0, 1, 3, 4, 2, 5});
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, op.getType(), merged,
        ArrayRef<ReassociationIndices>{{0}, {1}, {2}, {3, 4, 5}});
    return success();
  }
};

struct ConvertCyclicShiftOp final : OpConversionPattern<vit::CyclicShiftOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::CyclicShiftOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    RankedTensorType type = op.getType();
    AffineExpr b, y, x, c;
    bindDims(builder.getContext(), b, y, x, c);
    // An affine mod is never negative.
    auto map = AffineMap::get(4, 0,
                              {b, (y + op.getShift()[0]) % type.getDimSize(1),
                               (x + op.getShift()[1]) % type.getDimSize(2), c},
                              builder.getContext());
    rewriter.replaceOp(
        op, buildElementwise(builder, getSizes(builder, adaptor.getInput()),
                             type.getElementType(), adaptor.getInput(), map,
                             [](ImplicitLocOpBuilder &, ValueRange args) {
                               return args[0];
                             }));
    return success();
  }
};

/// Index arithmetic on non-negative numbers, in the body of a linalg.generic.
struct IndexBuilder {
  ImplicitLocOpBuilder &b;

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value loop(int64_t dim) { return linalg::IndexOp::create(b, dim); }
  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(b, lhs, rhs); }
  Value sub(Value lhs, Value rhs) { return arith::SubIOp::create(b, lhs, rhs); }
  Value mul(Value lhs, int64_t rhs) {
    return arith::MulIOp::create(b, lhs, constant(rhs));
  }
  Value div(Value lhs, int64_t rhs) {
    return arith::DivUIOp::create(b, lhs, constant(rhs));
  }
  Value rem(Value lhs, int64_t rhs) {
    return arith::RemUIOp::create(b, lhs, constant(rhs));
  }
  Value less(Value lhs, int64_t rhs) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lhs,
                                 constant(rhs));
  }
  Value select(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(b, condition, yes, no);
  }
};

struct ConvertShiftMaskOp final : OpConversionPattern<vit::ShiftMaskOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::ShiftMaskOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    RankedTensorType type = op.getType();
    Value zero = buildFloat(builder, type.getElementType(), 0.0);
    Value value = buildFloat(builder, type.getElementType(),
                             op.getValue().convertToDouble());
    SmallVector<OpFoldResult> sizes =
        getAsIndexOpFoldResult(builder.getContext(), type.getShape());
    // Regions [nW, N]; loops (w, 0, i, j).
    SmallVector<int32_t> regions = vit::ShiftMaskOp::getRegions(
        op.getSize(), op.getWindow(), op.getShift());
    auto regionType = RankedTensorType::get(
        {type.getDimSize(0), type.getDimSize(2)}, builder.getI32Type());
    Value region = arith::ConstantOp::create(
        builder, DenseElementsAttr::get(regionType, ArrayRef(regions)));
    rewriter.replaceOp(
        op,
        buildElementwise(
            builder, sizes, type.getElementType(), {region, region},
            {getLoopMap(builder, 4, {0, 2}), getLoopMap(builder, 4, {0, 3})},
            [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
              Value same = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                 args[0], args[1]);
              return arith::SelectOp::create(b, same, zero, value);
            }));
    return success();
  }
};

struct ConvertRelativePositionBiasOp final
    : OpConversionPattern<vit::RelativePositionBiasOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::RelativePositionBiasOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    RankedTensorType type = op.getType();
    SmallVector<OpFoldResult> sizes =
        getAsIndexOpFoldResult(builder.getContext(), type.getShape());
    // Loops (0, h, i, j).
    Value bias = buildElementwise(
        builder, sizes, type.getElementType(), {}, {},
        [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
          IndexBuilder index{b};
          Value row = op.getClassToken()
                          ? buildRowWithClassToken(index, op)
                          : buildRow(index, op, index.loop(2), index.loop(3));
          return tensor::ExtractOp::create(b, adaptor.getTable(),
                                           ValueRange{row, index.loop(1)});
        });
    rewriter.replaceOp(op, bias);
    return success();
  }

private:
  /// The table's row for tokens i and j of the window.
  static Value buildRow(IndexBuilder index, vit::RelativePositionBiasOp op,
                        Value i, Value j) {
    int64_t height = op.getWindow()[0], width = op.getWindow()[1];
    Value y =
        index.sub(index.add(index.div(i, width), index.constant(height - 1)),
                  index.div(j, width));
    Value x =
        index.sub(index.add(index.rem(i, width), index.constant(width - 1)),
                  index.rem(j, width));
    return index.add(index.mul(y, 2 * width - 1), x);
  }

  static Value buildRowWithClassToken(IndexBuilder index,
                                      vit::RelativePositionBiasOp op) {
    int64_t numRows = op.getTable().getType().getDimSize(0);
    Value i = index.loop(2), j = index.loop(3);
    Value one = index.constant(1);
    // Where a token is the class token, its place in the window is not used.
    Value fromClass = index.less(i, 1), toClass = index.less(j, 1);
    Value query = index.select(fromClass, i, index.sub(i, one));
    Value key = index.select(toClass, j, index.sub(j, one));
    Value row = buildRow(index, op, query, key);
    row = index.select(toClass, index.constant(numRows - 2), row);
    Value ofClass = index.select(toClass, index.constant(numRows - 1),
                                 index.constant(numRows - 3));
    return index.select(fromClass, ofClass, row);
  }
};

} // namespace

void vitc::populateWindowToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertWindowPartitionOp, ConvertWindowReverseOp,
               ConvertPatchMergingOp, ConvertCyclicShiftOp, ConvertShiftMaskOp,
               ConvertRelativePositionBiasOp>(patterns.getContext());
}
