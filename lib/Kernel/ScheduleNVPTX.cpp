//===- ScheduleNVPTX.cpp - Tiles for a GPU --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that is chosen for a GPU: what a block of threads computes, and what of
// it a thread. A kernel that has a tiling keeps it.
//
//===----------------------------------------------------------------------===//

#include "DeviceAttentionTiling.h"
#include "DeviceGemmTiling.h"

#include "mlir/IR/BuiltinOps.h"
#include "vitc/Kernel/NormBlock.h"
#include "vitc/Kernel/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace vitc::kernel {
#define GEN_PASS_DEF_SCHEDULENVPTXPASS
#include "vitc/Kernel/Passes.h.inc"
} // namespace vitc::kernel

using namespace mlir;
using namespace vitc::kernel;

/// Kernels of one task a thread: neighbouring threads touch neighbouring
/// elements, whose accesses are then one.
static constexpr int64_t kThreadElements = 1;
/// Threads of a block that normalises rows.
static constexpr int64_t kNormThreads = 128;
/// Places of a row of a convolution's map that a thread computes from the same
/// columns of the filter, at most; the registers of a thread are 255.
static constexpr int64_t kConvColumns = 4, kConvTaps = 8;

/// Bytes of shared memory that a block may ask for: of "sm_90a" what that one
/// has, of "sm_90" what it and all later ones have, as they run its code. CUDA
/// C++ Programming Guide 13.0, table "Technical Specifications per Compute
/// Capability".
static std::optional<int64_t> getSharedBytes(StringRef arch) {
  constexpr std::pair<unsigned, int64_t> kKilobytes[] = {
      {80, 163},  {86, 99},   {87, 163},  {88, 99},  {89, 99},  {90, 227},
      {100, 227}, {103, 227}, {110, 227}, {120, 99}, {121, 99},
  };
  constexpr int64_t kLeastKilobytes = 99;
  unsigned capability = 0;
  if (!arch.consume_front("sm_") || arch.consumeInteger(10, capability) ||
      !(arch.empty() || arch == "a" || arch == "f"))
    return std::nullopt;
  for (auto [known, kilobytes] : kKilobytes)
    if (known == capability)
      return (arch.empty() ? kLeastKilobytes : kilobytes) << 10;
  return std::nullopt;
}

static void schedule(Operation *op, GpuAttr gpu) {
  if (op->getInherentAttr("tiling").value_or(Attribute()))
    return;
  MLIRContext *context = op->getContext();
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](GemmOp op) { op.setTilingAttr(getDeviceGemmTiling(op, gpu)); })
      .Case<AttentionOp, AttentionMapOp>(
          [&](auto op) { op.setTilingAttr(getDeviceAttentionTiling(op, gpu)); })
      .Case([&](GroupedConvOp op) {
        int64_t columns = std::min(kConvColumns, op.getSize()[1]);
        int64_t taps = std::min(kConvTaps, op.getTapColumns());
        op.setTilingAttr(ConvTilingAttr::get(context, columns, /*vectors=*/1,
                                             taps, /*rows=*/1,
                                             /*channels=*/1));
      })
      .Case([&](NormOp op) {
        int64_t rows = kNormThreads / NormBlock(op).lanes.lanes;
        op.setTilingAttr(RowTilingAttr::get(context, rows, /*columns=*/0));
      })
      .Case<MeanOp, GatherOp, GenericOp>([&](auto op) {
        op.setTilingAttr(
            RowTilingAttr::get(context, kThreadElements, kThreadElements));
      });
}

namespace {
struct ScheduleNVPTXPass final
    : vitc::kernel::impl::ScheduleNVPTXPassBase<ScheduleNVPTXPass> {
  using Base::Base;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::optional<int64_t> sharedBytes = getSharedBytes(arch);
    if (!sharedBytes) {
      module.emitError() << "kernel-schedule-nvptx has arch " << arch
                         << "; needs sm_80 or later, such as sm_90a";
      return signalPassFailure();
    }
    auto gpu = GpuAttr::get(&getContext(), StringAttr::get(&getContext(), arch),
                            *sharedBytes);
    module->setAttr(KernelDialect::kGpuAttr, gpu);
    module.walk([&](Operation *op) { schedule(op, gpu); });
  }
};
} // namespace
