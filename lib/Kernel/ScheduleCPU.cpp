//===- ScheduleCPU.cpp - Tiles and providers for a CPU --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that is chosen for a processor: how many rows and columns of a product
// stay in registers, what a task computes, and who computes it. Products are
// chosen by the cost model; a kernel that has a tiling keeps it.
//
//===----------------------------------------------------------------------===//

#include "GemmLayout.h"
#include "InPlace.h"

#include "mlir/IR/BuiltinOps.h"
#include "vitc/Kernel/CostModel.h"
#include "vitc/Kernel/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace vitc::kernel {
#define GEN_PASS_DEF_SCHEDULECPUPASS
#include "vitc/Kernel/Passes.h.inc"
} // namespace vitc::kernel

using namespace mlir;
using namespace vitc::kernel;

/// Sums of more than kInPlaceDepth terms are kept in the result while blocks of
/// up to so many are multiplied: two panels of 1024 x 64 weights, the second
/// being prefetched, are 512 KiB, which leaves half of an L2 of 1 MiB to the
/// rows. Measured with 197 rows of 3072 terms: 1.7 % faster than blocks of
/// 1536, with two threads 2.9 %; blocks of 768 are 0.8 and 1.9 % faster.
static constexpr int64_t kGemmKBlock = 1024;
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
/// Of processors with vectors of 512 bits, whose L2 is 1 MiB or more: 1025 keys
/// and queries, of pictures of 512 x 512, are one block. Measured there: 88 %
/// of the peak, not 83 %.
static constexpr int64_t kWideAttentionBlock = 1088, kWideLanes = 16;

/// Maps are for a person to see: small code is worth more than their speed.
static constexpr int64_t kMapRows = 2;

/// Elements of a task of the kernels that memory bounds: long against the cost
/// of starting one.
static constexpr int64_t kRowTaskElements = 16384;

/// A product that multiplies a copy of its rows of lhs: what a thread keeps of
/// them. Smaller blocks, which would stay in L2, read the weights from memory
/// more often: measured at 197 tokens, 5 % slower.
static constexpr int64_t kGemmCopyBytes = 1 << 20;

/// A task of a grouped convolution. Larger ones were measured to be no faster,
/// although these read more rows of the input twice, from L2.
static constexpr int64_t kConvTaskRows = 4;
static constexpr int64_t kConvTaskChannels = 64;
/// Columns a multiple of so many bytes apart use a quarter of the sets of an L1
/// of 4 KiB a way. Measured with 28x28 places of 512 channels and 5x5 taps: 63
/// % of the peak with two vectors, 46 % with one.
static constexpr int64_t kAliasBytes = 1024;

static RowTilingAttr getRowTiling(MLIRContext *context, int64_t rowElements,
                                  int64_t columns = 0) {
  return RowTilingAttr::get(
      context, std::max<int64_t>(1, kRowTaskElements / rowElements), columns);
}

static RowTilingAttr getBoxTiling(MLIRContext *context,
                                  ArrayRef<int64_t> sizes) {
  return getRowTiling(context, sizes.back(), /*columns=*/kRowTaskElements);
}

/// The smallest parts of `size`, evenly, that are at most `limit`.
static int64_t getEvenPart(int64_t size, int64_t limit) {
  return llvm::divideCeil(size, llvm::divideCeil(size, limit));
}

/// Rows of a tile of one vector: more than the latency of a multiply-add needs.
/// Measured in windows of 49 tokens with heads of 32: 9 x 16 takes 18 % less
/// time than 12 x 32, as 13 x 16 does.
static constexpr int64_t kOneVectorRows = 9;

/// Values of a head are cut into equal panels. Narrow ones leave registers to
/// more rows; those of up to half a tile are cut into vectors. For any number
/// of queries there would be too many rows, since each number of them has code.
static AttentionTilingAttr getAttentionTiling(AttentionOp op,
                                              const Machine &machine) {
  int64_t rows = machine.attentionRows, columns = machine.attentionColumns;
  if (getConstantIntValue(op.getQueries())) {
    int64_t vectors =
        llvm::divideCeil(getEvenPart(op.getValueDim(), columns), machine.lanes);
    int64_t most = columns / machine.lanes;
    if (2 * vectors <= most && most > 2) {
      rows = kOneVectorRows;
      columns = machine.lanes;
    } else {
      columns = std::max<int64_t>(vectors, 2) * machine.lanes;
      rows = rows * most / (columns / machine.lanes);
    }
  }
  bool isWide = machine.lanes == kWideLanes;
  return AttentionTilingAttr::get(
      op.getContext(), rows, columns,
      isWide ? kWideAttentionBlock : kAttentionQueryBlock,
      isWide ? kWideAttentionBlock : kAttentionKeyBlock);
}

static int64_t getRowBlock(GemmOp op) {
  // A chunk that has statistics is a block.
  std::optional<int64_t> rows = getConstantIntValue(op.getRows());
  if (std::optional<int64_t> chunks = op.getNumChunks(); chunks && rows)
    return llvm::divideCeil(*rows, *chunks);
  if (!copiesRows(op))
    return kGemmRowBlock;
  int64_t rowBytes = op.getK() * sizeof(float);
  return std::clamp<int64_t>(kGemmCopyBytes / rowBytes, 1, kGemmRowBlock);
}

static GemmTilingAttr getGemmTiling(GemmOp op, const Machine &machine,
                                    ProviderChoice providers) {
  // There is one block where the result holds a residual, too, or values of 16
  // bits.
  bool keepsSums = op.getResidual() != op.getInit() &&
                   getElementTypeOrSelf(op.getInit()).isF32();
  auto depth = static_cast<int64_t>(op.getK());
  int64_t kBlock = keepsSums && depth > kInPlaceDepth
                       ? kGemmKBlock
                       : std::max(kInPlaceDepth, depth);
  int64_t rowBlock = getRowBlock(op);
  GemmChoice choice = chooseGemm(op, rowBlock, providers, machine);
  return GemmTilingAttr::get(op.getContext(), choice.provider, choice.tile.rows,
                             choice.tile.columns, kBlock, kGemmUnroll, rowBlock,
                             choice.panels);
}

/// Groups of few channels lie side by side in a vector, one of them in a tile;
/// two where columns of the map lie so far apart that a vector of each shares
/// few sets of L1. What the accumulators leave of the registers holds columns
/// of the filter, at most a quarter, and one vector of the input.
static ConvTilingAttr getConvTiling(GroupedConvOp op, const Machine &machine) {
  constexpr int64_t kMaxVectors = 4;
  int64_t groupVectors = llvm::divideCeil(op.getGroupOutputs(), machine.lanes);
  int64_t vectors = getEvenPart(groupVectors, kMaxVectors);
  int64_t columnBytes = op.getGroups() * op.getGroupChannels() * sizeof(float);
  if (op.getGroupOutputs() < machine.lanes && columnBytes % kAliasBytes == 0)
    vectors = 2;
  int64_t taps =
      getEvenPart(op.getTapColumns(),
                  std::max<int64_t>(1, machine.registers / 4 / vectors));
  // Without a fused multiply-add, products need one more register.
  int64_t used = taps * vectors + (machine.hasFma ? 1 : 2);
  int64_t columns = std::max<int64_t>(1, (machine.registers - used) / vectors);
  int64_t rows = std::min(kConvTaskRows, op.getSize()[0]);
  return ConvTilingAttr::get(op.getContext(), columns, vectors, taps, rows,
                             kConvTaskChannels);
}

static void schedule(Operation *op, const Machine &machine,
                     ProviderChoice providers) {
  if (op->getInherentAttr("tiling").value_or(Attribute()))
    return;
  MLIRContext *context = op->getContext();
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](GemmOp op) {
        op.setTilingAttr(getGemmTiling(op, machine, providers));
      })
      .Case([&](AttentionOp op) {
        op.setTilingAttr(getAttentionTiling(op, machine));
      })
      .Case([&](AttentionMapOp op) {
        op.setTilingAttr(AttentionTilingAttr::get(
            context, std::min(kMapRows, machine.attentionRows),
            machine.attentionColumns, kAttentionQueryBlock,
            kAttentionKeyBlock));
      })
      .Case([&](GroupedConvOp op) {
        op.setTilingAttr(getConvTiling(op, machine));
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
    const Machine *machine = findMachine(isa);
    if (!machine) {
      module.emitError() << "kernel-schedule-cpu has isa " << isa << "; needs "
                         << listMachines();
      return signalPassFailure();
    }
    std::optional<ProviderChoice> providers = parseBackend(backend);
    if (!providers) {
      module.emitError() << "kernel-schedule-cpu has backend " << backend
                         << "; needs llvm, onednn or auto";
      return signalPassFailure();
    }
    auto text = [&](StringRef value) {
      return StringAttr::get(&getContext(), value);
    };
    module->setAttr(KernelDialect::kCpuAttr,
                    CpuAttr::get(&getContext(), text(machine->isa),
                                 text(machine->cpu), text(""), machine->lanes,
                                 machine->registers, machine->hasFma));
    module.walk([&](Operation *op) { schedule(op, *machine, *providers); });
  }
};
} // namespace
