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
#include "WrittenRows.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "vitc/Kernel/Passes.h"

namespace vitc::kernel {
#define GEN_PASS_DEF_DECOMPOSEGEMMPASS
#include "vitc/Kernel/Passes.h.inc"
} // namespace vitc::kernel

using namespace mlir;
using namespace vitc::kernel;

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
  Type element = getElementTypeOrSelf(gemm.getLhs());
  Value source = gemm.getLhs();
  AffineMapAttr sourceMap = gemm.getLhsMapAttr();
  if (!gemm.getNorm() || !hasContiguousRows(gemm)) {
    Value init = createRows(gemm, element, rewriter);
    auto identity = AffineMapAttr::get(
        AffineMap::getMultiDimIdentityMap(3, gemm.getContext()));
    source =
        GatherOp::create(
            rewriter, gemm.getLoc(), TypeRange(init.getType()), gemm.getBatch(),
            rewriter.getDenseI64ArrayAttr(
                {rows.getInt(), static_cast<int64_t>(gemm.getK())}),
            source, sourceMap, init, identity, RowTilingAttr())
            .getResult(0);
    sourceMap = identity;
  }
  if (gemm.getNorm())
    source =
        createNorm(gemm, source, sourceMap, element, rewriter).getResult(0);
  rewriter.modifyOpInPlace(gemm, [&] { readRows(gemm, source); });
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
