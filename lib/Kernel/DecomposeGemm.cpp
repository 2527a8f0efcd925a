//===- DecomposeGemm.cpp - Rows that oneDNN can read ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library reads rows from memory:
//   %y = kernel.gemm ... lhs(%x at #windows) ... norm <epsilon = 1e-5>
// becomes
//   %r = kernel.norm ... input(%x at #windows) init(%e at #rows)
//   %y = kernel.gemm ... lhs(%r at #rows)
// and rows that are not normalised, or not contiguous before, are gathered.
// Leaves products alone that oneDNN cannot compute for another reason, or whose
// number of rows is a runtime value.
//===----------------------------------------------------------------------===//

#include "GemmLayout.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "vitc/Kernel/Passes.h"

namespace vitc::kernel {
#define GEN_PASS_DEF_DECOMPOSEGEMMPASS
#include "vitc/Kernel/Passes.h.inc"
} // namespace vitc::kernel

using namespace mlir;
using namespace vitc::kernel;

/// A tensor [batch, rows, k] to write the rows of `gemm` to.
static Value createEmpty(GemmOp gemm, int64_t rows, OpBuilder &builder) {
  OpFoldResult batch = getAsOpFoldResult(gemm.getBatch());
  SmallVector<OpFoldResult> sizes = {batch, builder.getIndexAttr(rows),
                                     builder.getIndexAttr(gemm.getK())};
  return tensor::EmptyOp::create(builder, gemm.getLoc(), sizes,
                                 getElementTypeOrSelf(gemm.getLhs()));
}

static LogicalResult decomposeGemm(GemmOp gemm, RewriterBase &rewriter) {
  if (canOneDNNRead(gemm))
    return rewriter.notifyMatchFailure(gemm, "oneDNN reads it as it is");
  // kernel.gather and kernel.norm only copy and normalise.
  if (gemm.getZeroOutside() || gemm.transformsElements())
    return rewriter.notifyMatchFailure(gemm, "no kernel writes its rows");
  if (!canOneDNNWrite(gemm))
    return rewriter.notifyMatchFailure(gemm, "oneDNN does not compute it");
  IntegerAttr rows;
  if (!matchPattern(gemm.getRows(), m_Constant(&rows)))
    return rewriter.notifyMatchFailure(gemm, "its rows are a runtime value");

  rewriter.setInsertionPoint(gemm);
  vitc::vit::NormAttr norm = gemm.getNormAttr();
  auto identity = AffineMapAttr::get(
      AffineMap::getMultiDimIdentityMap(3, gemm.getContext()));
  Value source = gemm.getLhs();
  AffineMapAttr sourceMap = gemm.getLhsMapAttr();
  if (!norm || !hasContiguousRows(gemm)) {
    Value init = createEmpty(gemm, rows.getInt(), rewriter);
    source =
        GatherOp::create(
            rewriter, gemm.getLoc(), TypeRange(init.getType()), gemm.getBatch(),
            rewriter.getDenseI64ArrayAttr(
                {rows.getInt(), static_cast<int64_t>(gemm.getK())}),
            source, sourceMap, init, identity, RowTilingAttr())
            .getResult(0);
    sourceMap = identity;
  }
  if (norm) {
    Value init = createEmpty(gemm, rows.getInt(), rewriter);
    source = NormOp::create(rewriter, gemm.getLoc(), TypeRange(init.getType()),
                            gemm.getBatch(), gemm.getRows(), gemm.getKAttr(),
                            norm.getRms() ? rewriter.getUnitAttr() : UnitAttr(),
                            norm.getEpsilon(), source, sourceMap,
                            /*scale=*/Value(), /*shift=*/Value(), init,
                            identity, RowTilingAttr())
                 .getResult(0);
  }
  rewriter.modifyOpInPlace(gemm, [&] {
    gemm.getLhsMutable().assign(source);
    gemm.setLhsMapAttr(identity);
    gemm.removeNormAttr();
  });
  return success();
}

namespace {
struct DecomposeGemmPass final
    : vitc::kernel::impl::DecomposeGemmPassBase<DecomposeGemmPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](GemmOp gemm) {
      if (succeeded(decomposeGemm(gemm, rewriter)))
        ++numDecomposed;
    });
  }
};
} // namespace
