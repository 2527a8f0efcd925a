//===- Recurrent.cpp - Recurrent cells to linalg --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Activation.h"
#include "Generic.h"
#include "Patterns.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace vitc;

namespace {

/// The ops of a cell on tensors [B, H], computed in `type`.
struct CellBuilder {
  ImplicitLocOpBuilder &builder;
  SmallVector<OpFoldResult> sizes;
  Type type;

  /// Gate `number` of [B, gates * H].
  Value getGate(Value gates, int64_t number) {
    SmallVector<OpFoldResult> offsets = {
        builder.getIndexAttr(0),
        builder.getIndexAttr(number * *getConstantIntValue(sizes[1]))};
    SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
    return tensor::ExtractSliceOp::create(builder, gates, offsets, sizes,
                                          strides);
  }
  Value apply(ValueRange inputs, ElementBody body) {
    SmallVector<AffineMap> maps(inputs.size(),
                                builder.getMultiDimIdentityMap(2));
    return buildElementwise(builder, sizes, type, inputs, maps, body);
  }
  Value add(Value lhs, Value rhs) {
    return apply({lhs, rhs}, [](ImplicitLocOpBuilder &b, ValueRange args) {
      return arith::AddFOp::create(b, args[0], args[1]).getResult();
    });
  }
  Value multiply(Value lhs, Value rhs) {
    return apply({lhs, rhs}, [](ImplicitLocOpBuilder &b, ValueRange args) {
      return arith::MulFOp::create(b, args[0], args[1]).getResult();
    });
  }
  Value sigmoid(Value x) {
    return buildActivation(builder, x, type, vit::Activation::Sigmoid);
  }
  Value tanh(Value x) {
    return apply(x, [](ImplicitLocOpBuilder &b, ValueRange args) {
      return math::TanhOp::create(b, args[0]).getResult();
    });
  }
};

struct ConvertGruCellOp final : OpConversionPattern<vit::GruCellOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::GruCellOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value hidden = adaptor.getHidden();
    CellBuilder b{builder, getSizes(builder, hidden),
                  getAccumulationType(adaptor.getOperands())};
    ArrayRef<int64_t> order = op.getOrder();
    auto input = [&](int64_t gate) {
      return b.getGate(adaptor.getInput(), order[gate]);
    };
    auto recurrent = [&](int64_t gate) {
      return b.getGate(adaptor.getRecurrent(), order[gate]);
    };
    Value reset = b.sigmoid(b.add(input(0), recurrent(0)));
    Value update = b.sigmoid(b.add(input(1), recurrent(1)));
    Value candidate = b.tanh(b.add(input(2), b.multiply(reset, recurrent(2))));
    Value one = buildFloat(builder, b.type, 1.0);
    Value taken =
        b.apply(update, [&](ImplicitLocOpBuilder &nested, ValueRange args) {
          return arith::SubFOp::create(nested, one, args[0]).getResult();
        });
    Value result =
        b.add(b.multiply(taken, candidate), b.multiply(update, hidden));
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, op.getType().getElementType()));
    return success();
  }
};

struct ConvertLstmCellOp final : OpConversionPattern<vit::LstmCellOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::LstmCellOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value cell = adaptor.getCell();
    CellBuilder b{builder, getSizes(builder, cell),
                  getAccumulationType(adaptor.getOperands())};
    auto gate = [&](int64_t role) {
      return b.getGate(adaptor.getGates(), op.getOrder()[role]);
    };
    Value kept = b.multiply(b.sigmoid(gate(1)), cell);
    Value added = b.multiply(b.sigmoid(gate(0)), b.tanh(gate(2)));
    Value next = b.add(kept, added);
    Value hidden = b.multiply(b.sigmoid(gate(3)), b.tanh(next));
    Type element = op.getCell().getType().getElementType();
    rewriter.replaceOp(op, {buildNarrowed(builder, hidden, element),
                            buildNarrowed(builder, next, element)});
    return success();
  }
};

} // namespace

void vitc::populateRecurrentToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertGruCellOp, ConvertLstmCellOp>(patterns.getContext());
}
