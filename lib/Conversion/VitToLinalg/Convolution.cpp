//===- Convolution.cpp - vit.conv2d to linalg -----------------------------===//
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
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace vitc;

/// `input` with zeros around height and width.
static Value buildPadded(ImplicitLocOpBuilder &builder, Value input,
                         ArrayRef<int64_t> pad) {
  if (llvm::all_of(pad, [](int64_t size) { return size == 0; }))
    return input;
  auto indices = [&](int64_t height, int64_t width) {
    return getAsIndexOpFoldResult(builder.getContext(),
                                  ArrayRef<int64_t>{0, 0, height, width});
  };
  Value zero = buildFloat(builder, getElementTypeOrSelf(input), 0.0);
  return tensor::PadOp::create(builder, /*result=*/Type(), input,
                               indices(pad[0], pad[1]), indices(pad[2], pad[3]),
                               zero);
}

/// `tensor` with `dim` of size n split into [groups, n / groups].
static Value buildGroups(ImplicitLocOpBuilder &builder, Value tensor,
                         int64_t dim, int64_t groups) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<OpFoldResult> sizes = getSizes(builder, tensor);
  SmallVector<int64_t> shape(type.getShape());
  int64_t size = shape[dim] / groups;
  shape[dim] = groups;
  shape.insert(shape.begin() + dim + 1, size);
  sizes[dim] = builder.getIndexAttr(groups);
  sizes.insert(sizes.begin() + dim + 1, builder.getIndexAttr(size));
  SmallVector<ReassociationIndices> reassociation;
  for (int64_t i = 0, j = 0; i < type.getRank(); ++i) {
    reassociation.push_back({j++});
    if (i == dim)
      reassociation.back().push_back(j++);
  }
  return tensor::ExpandShapeOp::create(
      builder, RankedTensorType::get(shape, type.getElementType()), tensor,
      reassociation, sizes);
}

namespace {

struct ConvertConv2dOp final : OpConversionPattern<vit::Conv2dOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::Conv2dOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type type = getAccumulationType(adaptor.getOperands());
    RankedTensorType resultType = op.getType();
    int64_t groups = op.getGroups();
    Attribute stride = builder.getI64TensorAttr(op.getStride());
    Attribute dilation = builder.getI64TensorAttr(op.getDilation());
    Value input = buildPadded(builder, adaptor.getInput(), op.getPad());
    Value filter = adaptor.getFilter();
    SmallVector<OpFoldResult> sizes =
        getAsIndexOpFoldResult(builder.getContext(), resultType.getShape());
    sizes[0] = getSizes(builder, input)[0];
    Value zero = buildFloat(builder, type, 0.0);

    Value result;
    if (groups == 1) {
      Value init = buildFilled(builder, sizes, zero);
      result = linalg::Conv2DNchwFchwOp::create(builder, init.getType(),
                                                ValueRange{input, filter}, init,
                                                stride, dilation)
                   .getResult(0);
    } else {
      SmallVector<OpFoldResult> groupSizes(sizes);
      groupSizes[1] = builder.getIndexAttr(resultType.getDimSize(1) / groups);
      groupSizes.insert(groupSizes.begin() + 1, builder.getIndexAttr(groups));
      Value init = buildFilled(builder, groupSizes, zero);
      Value grouped =
          linalg::Conv2DNgchwGfchwOp::create(
              builder, init.getType(),
              ValueRange{buildGroups(builder, input, /*dim=*/1, groups),
                         buildGroups(builder, filter, /*dim=*/0, groups)},
              init, stride, dilation)
              .getResult(0);
      result = tensor::CollapseShapeOp::create(
          builder, RankedTensorType::get(resultType.getShape(), type), grouped,
          ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3}, {4}});
    }
    if (adaptor.getBias())
      result = buildSum(builder, result, adaptor.getBias(),
                        getLoopMap(builder, 4, {1}));
    result = buildActivation(builder, result, type, op.getActivation());
    if (adaptor.getResidual())
      result = buildSum(builder, result, adaptor.getResidual(),
                        builder.getMultiDimIdentityMap(4));
    rewriter.replaceOp(
        op, buildNarrowed(builder, result, resultType.getElementType()));
    return success();
  }
};

} // namespace

void vitc::populateConvolutionToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertConv2dOp>(patterns.getContext());
}
