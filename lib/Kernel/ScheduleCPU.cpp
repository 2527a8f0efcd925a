//===- ScheduleCPU.cpp - Tiles and providers for a CPU --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that is chosen for x86: how many rows and columns of a product stay in
// registers, what a task computes, and who computes it.
//
//===----------------------------------------------------------------------===//

#include "GemmLayout.h"

#include "mlir/IR/BuiltinOps.h"
#include "vitc/Kernel/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace vitc::kernel {
#define GEN_PASS_DEF_SCHEDULECPUPASS
#include "vitc/Kernel/Passes.h.inc"
} // namespace vitc::kernel

using namespace mlir;
using namespace vitc::kernel;

namespace {
/// An instruction set and the micro-tile that fills its registers: rows *
/// columns / lanes accumulators, a row of weights, and one broadcast value.
struct Level {
  llvm::StringLiteral isa; // LLVM's name of the CPU, too
  int64_t lanes, registers;
  bool fma;
  int64_t rows, columns;
};
} // namespace

static constexpr Level kLevels[] = {
    {"x86-64-v2", 4, 16, false, 4, 8},
    {"x86-64-v3", 8, 16, true, 6, 16},
    {"x86-64-v4", 16, 32, true, 6, 64},
};

/// A panel of kGemmKBlock x 64 weights is 384 KiB: two of them, the second
/// being prefetched, fit into an L2 of 1 MiB.
static constexpr int64_t kGemmKBlock = 1536;
static constexpr int64_t kGemmUnroll = 4;
/// More rows a task read the weights from memory less often; fewer make more
/// tasks. One picture's 197 or 256 tokens are one block.
static constexpr int64_t kGemmRowBlock = 256;

/// Keys and values of a block, 2 x 128 KiB for a head of 64, stay in an L2 of 1
/// MiB beside the block's queries and results. Up to 512 keys need no
/// rescaling. Measured against 48 x 256 at 197 tokens: 76 % of the peak, not 70
/// %.
static constexpr int64_t kAttentionQueryBlock = 256;
static constexpr int64_t kAttentionKeyBlock = 512;

/// Maps are for a person to see: small code is worth more than their speed.
static constexpr int64_t kMapRows = 2;

/// Elements of a task of the kernels that memory bounds: long against the cost
/// of starting one.
static constexpr int64_t kRowTaskElements = 16384;

/// A product that multiplies a copy of its rows of lhs: what a thread keeps of
/// them. Smaller blocks, which would stay in L2, read the weights from memory
/// more often: measured at 197 tokens, 5 % slower.
static constexpr int64_t kGemmCopyBytes = 1 << 20;

static RowTilingAttr getRowTiling(MLIRContext *context, int64_t rowElements,
                                  int64_t columns = 0) {
  return RowTilingAttr::get(
      context, std::max<int64_t>(1, kRowTaskElements / rowElements), columns);
}

static RowTilingAttr getBoxTiling(MLIRContext *context,
                                  ArrayRef<int64_t> sizes) {
  return getRowTiling(context, sizes.back(), /*columns=*/kRowTaskElements);
}

static AttentionTilingAttr getAttentionTiling(MLIRContext *context,
                                              int64_t rows, int64_t columns) {
  return AttentionTilingAttr::get(context, rows, columns, kAttentionQueryBlock,
                                  kAttentionKeyBlock);
}

static GemmTilingAttr getGemmTiling(GemmOp op, const Level &level,
                                    Provider provider) {
  int64_t rowBlock = kGemmRowBlock;
  // The result holds the sums of blocks of K: in place there is one block.
  bool isInPlace = op.getResidual() == op.getInit();
  int64_t kBlock =
      isInPlace ? std::max<int64_t>(kGemmKBlock, op.getK()) : kGemmKBlock;
  if (copiesRows(op)) {
    int64_t rowBytes = op.getK() * sizeof(float);
    rowBlock = std::clamp<int64_t>(kGemmCopyBytes / rowBytes, 1, kGemmRowBlock);
  }
  return GemmTilingAttr::get(
      op.getContext(),
      canOneDNNRead(op) && canOneDNNWrite(op) ? provider : Provider::Vector,
      level.rows, level.columns, kBlock, kGemmUnroll, rowBlock, /*panels=*/1);
}

static void schedule(Operation *op, const Level &level, Provider provider) {
  MLIRContext *context = op->getContext();
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](GemmOp op) {
        op.setTilingAttr(getGemmTiling(op, level, provider));
      })
      .Case([&](AttentionOp op) {
        op.setTilingAttr(
            getAttentionTiling(context, level.rows, level.columns));
      })
      .Case([&](AttentionMapOp op) {
        op.setTilingAttr(getAttentionTiling(
            context, std::min(kMapRows, level.rows), level.columns));
      })
      .Case<NormOp, MeanOp>([&](auto op) {
        op.setTilingAttr(getRowTiling(context, op.getChannels()));
      })
      .Case([&](GatherOp op) {
        op.setTilingAttr(getBoxTiling(context, op.getSizes()));
      })
      .Case([&](GenericOp op) {
        // A row of a reduction is what one result is reduced from.
        op.setTilingAttr(
            op.getReduce().empty()
                ? getBoxTiling(context, op.getSizes())
                : getRowTiling(context, llvm::product_of(op.getReduce())));
      });
}

namespace {
struct ScheduleCPUPass final
    : vitc::kernel::impl::ScheduleCPUPassBase<ScheduleCPUPass> {
  using Base::Base;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    const auto *level = llvm::find_if(
        kLevels, [&](const Level &level) { return level.isa == isa; });
    if (level == std::end(kLevels)) {
      module.emitError() << "kernel-schedule-cpu has isa " << isa
                         << "; needs x86-64-v2, x86-64-v3 or x86-64-v4";
      return signalPassFailure();
    }
    if (backend != "llvm" && backend != "onednn") {
      module.emitError() << "kernel-schedule-cpu has backend " << backend
                         << "; needs llvm or onednn";
      return signalPassFailure();
    }
    auto name = StringAttr::get(&getContext(), level->isa);
    module->setAttr(KernelDialect::kCpuAttr,
                    CpuAttr::get(&getContext(), name, name,
                                 StringAttr::get(&getContext(), ""),
                                 level->lanes, level->registers, level->fma));
    Provider provider =
        backend == "onednn" ? Provider::OneDNN : Provider::Vector;
    module.walk([&](Operation *op) { schedule(op, *level, provider); });
  }
};
} // namespace
