//===- SpecialRegisters.cpp - Who a thread is -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Block.h"

using namespace vitc::emulator;

/// Which of a Dim3 a register holds.
static uint64_t getAxis(const Dim3 &value, uint32_t axis) {
  return axis == 0 ? value.x : axis == 1 ? value.y : value.z;
}

static void readThreadId(Thread &thread, const uint64_t *, uint64_t *out) {
  *out = getAxis(thread.id, thread.getParameter());
}
static void readBlockId(Thread &thread, const uint64_t *, uint64_t *out) {
  *out = getAxis(thread.block->getId(), thread.getParameter());
}
static void readBlockSize(Thread &thread, const uint64_t *, uint64_t *out) {
  *out = getAxis(thread.block->getSize(), thread.getParameter());
}
static void readGridSize(Thread &thread, const uint64_t *, uint64_t *out) {
  *out = getAxis(thread.block->getGrid(), thread.getParameter());
}
static void readLane(Thread &thread, const uint64_t *, uint64_t *out) {
  *out = thread.getLane();
}
static void readWarp(Thread &thread, const uint64_t *, uint64_t *out) {
  *out = thread.getWarp();
}
static void readWarpSize(Thread &, const uint64_t *, uint64_t *out) {
  *out = 32;
}

llvm::ArrayRef<Model> vitc::emulator::getSpecialRegisterModels() {
  static constexpr Model models[] = {
      threadModel("llvm.nvvm.read.ptx.sreg.tid.x", readThreadId, 0),
      threadModel("llvm.nvvm.read.ptx.sreg.tid.y", readThreadId, 1),
      threadModel("llvm.nvvm.read.ptx.sreg.tid.z", readThreadId, 2),
      threadModel("llvm.nvvm.read.ptx.sreg.ctaid.x", readBlockId, 0),
      threadModel("llvm.nvvm.read.ptx.sreg.ctaid.y", readBlockId, 1),
      threadModel("llvm.nvvm.read.ptx.sreg.ctaid.z", readBlockId, 2),
      threadModel("llvm.nvvm.read.ptx.sreg.ntid.x", readBlockSize, 0),
      threadModel("llvm.nvvm.read.ptx.sreg.ntid.y", readBlockSize, 1),
      threadModel("llvm.nvvm.read.ptx.sreg.ntid.z", readBlockSize, 2),
      threadModel("llvm.nvvm.read.ptx.sreg.nctaid.x", readGridSize, 0),
      threadModel("llvm.nvvm.read.ptx.sreg.nctaid.y", readGridSize, 1),
      threadModel("llvm.nvvm.read.ptx.sreg.nctaid.z", readGridSize, 2),
      threadModel("llvm.nvvm.read.ptx.sreg.laneid", readLane),
      threadModel("llvm.nvvm.read.ptx.sreg.warpid", readWarp),
      threadModel("llvm.nvvm.read.ptx.sreg.warpsize", readWarpSize),
  };
  return models;
}
