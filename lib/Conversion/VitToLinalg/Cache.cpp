//===- Cache.cpp - vit.cache_update to tensor ops -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../CachePosition.h"
#include "Patterns.h"

#include "Vit/VitDialect.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace vitc;

namespace {

struct ConvertCacheUpdateOp final : OpConversionPattern<vit::CacheUpdateOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vit::CacheUpdateOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    int64_t numRows = op.getRows().getType().getDimSize(1);
    Value position =
        buildCachePosition(builder, adaptor.getPosition(),
                           op.getCache().getType().getDimSize(1) - numRows);
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, op.getLoc(), adaptor.getRows());
    SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
    offsets[1] = position;
    SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
    rewriter.replaceOpWithNewOp<tensor::InsertSliceOp>(
        op, adaptor.getRows(), adaptor.getCache(), offsets, sizes, strides);
    return success();
  }
};

} // namespace

void vitc::populateCacheToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertCacheUpdateOp>(patterns.getContext());
}
