//===- Warp.cpp - What the lanes of a warp exchange -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Block.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

namespace {
enum class Shuffle : uint32_t { Up, Down, Butterfly, Index };
enum class Vote : uint32_t { All, Any, Uniform, Ballot };
enum class Reduction : uint32_t { Add, And, Or, Xor, Min, Max, UMin, UMax };
} // namespace

/// shfl.sync mask, value, lane, clamp | segment mask << 8; the second result,
/// where there is one, tells whether the lane lies in the segment.
static void shuffle(Group &group) {
  auto kind = static_cast<Shuffle>(group.getParameter() & 0xff);
  bool tellsInside = group.getParameter() >> 8;
  for (int lane = 0; lane < 32; ++lane) {
    Thread *thread = group.lanes[lane];
    if (!thread)
      continue;
    int operand = thread->in[2] & 0x1f;
    int clamp = thread->in[3] & 0x1f, segment = thread->in[3] >> 8 & 0x1f;
    int first = lane & segment, last = first | (clamp & ~segment);
    int source = lane;
    bool inside = false;
    switch (kind) {
    case Shuffle::Up:
      source = lane - operand;
      inside = source >= last;
      break;
    case Shuffle::Down:
      source = lane + operand;
      inside = source <= last;
      break;
    case Shuffle::Butterfly:
      source = lane ^ operand;
      inside = source <= last;
      break;
    case Shuffle::Index:
      source = first | (operand & ~segment);
      inside = source <= last;
      break;
    }
    if (!inside)
      source = lane;
    if (!group.lanes[source])
      return thread->fault(
          llvm::formatv("reads lane {0}, which is not in the mask {1:x}",
                        source, group.mask));
    thread->out[0] = group.lanes[source]->in[1];
    if (tellsInside)
      thread->out[1] = inside;
  }
}

/// vote.sync mask, predicate.
static void vote(Group &group) {
  uint32_t ballot = 0;
  for (auto [lane, thread] : llvm::enumerate(group.lanes))
    if (thread && (thread->in[1] & 1))
      ballot |= uint32_t(1) << lane;
  uint64_t result = 0;
  switch (static_cast<Vote>(group.getParameter())) {
  case Vote::All:
    result = ballot == group.mask;
    break;
  case Vote::Any:
    result = ballot != 0;
    break;
  case Vote::Uniform:
    result = ballot == 0 || ballot == group.mask;
    break;
  case Vote::Ballot:
    result = ballot;
    break;
  }
  for (Thread *thread : group.lanes)
    if (thread)
      *thread->out = result;
}

static uint32_t reduce(Reduction kind, uint32_t a, uint32_t b) {
  switch (kind) {
  case Reduction::Add:
    return a + b;
  case Reduction::And:
    return a & b;
  case Reduction::Or:
    return a | b;
  case Reduction::Xor:
    return a ^ b;
  case Reduction::Min:
    return std::min(static_cast<int32_t>(a), static_cast<int32_t>(b));
  case Reduction::Max:
    return std::max(static_cast<int32_t>(a), static_cast<int32_t>(b));
  case Reduction::UMin:
    return std::min(a, b);
  case Reduction::UMax:
    return std::max(a, b);
  }
  return 0;
}

/// redux.sync value, mask.
static void reduceLanes(Group &group) {
  auto kind = static_cast<Reduction>(group.getParameter());
  uint32_t result = group.getFirst().in[0];
  for (Thread *thread : group.lanes)
    if (thread && thread != &group.getFirst())
      result = reduce(kind, result, thread->in[0]);
  for (Thread *thread : group.lanes)
    if (thread)
      *thread->out = result;
}

/// elect.sync mask: the lowest lane, and whether this one is it.
static void elect(Group &group) {
  for (Thread *thread : group.lanes)
    if (thread) {
      thread->out[0] = group.getFirst().getLane();
      thread->out[1] = thread == &group.getFirst();
    }
}

static constexpr Model shuffleModel(const char *name, Shuffle kind,
                                    bool tellsInside = false) {
  return maskedModel(name, shuffle, /*maskOperand=*/0,
                     static_cast<uint32_t>(kind) | tellsInside << 8);
}
static constexpr Model voteModel(const char *name, Vote kind) {
  return maskedModel(name, vote, /*maskOperand=*/0,
                     static_cast<uint32_t>(kind));
}
static constexpr Model reduceModel(const char *name, Reduction kind) {
  return maskedModel(name, reduceLanes, /*maskOperand=*/1,
                     static_cast<uint32_t>(kind));
}

llvm::ArrayRef<Model> vitc::emulator::getWarpModels() {
  static constexpr Model models[] = {
      shuffleModel("llvm.nvvm.shfl.sync.up.i32", Shuffle::Up),
      shuffleModel("llvm.nvvm.shfl.sync.up.f32", Shuffle::Up),
      shuffleModel("llvm.nvvm.shfl.sync.up.i32p", Shuffle::Up, true),
      shuffleModel("llvm.nvvm.shfl.sync.up.f32p", Shuffle::Up, true),
      shuffleModel("llvm.nvvm.shfl.sync.down.i32", Shuffle::Down),
      shuffleModel("llvm.nvvm.shfl.sync.down.f32", Shuffle::Down),
      shuffleModel("llvm.nvvm.shfl.sync.down.i32p", Shuffle::Down, true),
      shuffleModel("llvm.nvvm.shfl.sync.down.f32p", Shuffle::Down, true),
      shuffleModel("llvm.nvvm.shfl.sync.bfly.i32", Shuffle::Butterfly),
      shuffleModel("llvm.nvvm.shfl.sync.bfly.f32", Shuffle::Butterfly),
      shuffleModel("llvm.nvvm.shfl.sync.bfly.i32p", Shuffle::Butterfly, true),
      shuffleModel("llvm.nvvm.shfl.sync.bfly.f32p", Shuffle::Butterfly, true),
      shuffleModel("llvm.nvvm.shfl.sync.idx.i32", Shuffle::Index),
      shuffleModel("llvm.nvvm.shfl.sync.idx.f32", Shuffle::Index),
      shuffleModel("llvm.nvvm.shfl.sync.idx.i32p", Shuffle::Index, true),
      shuffleModel("llvm.nvvm.shfl.sync.idx.f32p", Shuffle::Index, true),
      voteModel("llvm.nvvm.vote.all.sync", Vote::All),
      voteModel("llvm.nvvm.vote.any.sync", Vote::Any),
      voteModel("llvm.nvvm.vote.uni.sync", Vote::Uniform),
      voteModel("llvm.nvvm.vote.ballot.sync", Vote::Ballot),
      reduceModel("llvm.nvvm.redux.sync.add", Reduction::Add),
      reduceModel("llvm.nvvm.redux.sync.and", Reduction::And),
      reduceModel("llvm.nvvm.redux.sync.or", Reduction::Or),
      reduceModel("llvm.nvvm.redux.sync.xor", Reduction::Xor),
      reduceModel("llvm.nvvm.redux.sync.min", Reduction::Min),
      reduceModel("llvm.nvvm.redux.sync.max", Reduction::Max),
      reduceModel("llvm.nvvm.redux.sync.umin", Reduction::UMin),
      reduceModel("llvm.nvvm.redux.sync.umax", Reduction::UMax),
      maskedModel("llvm.nvvm.elect.sync", elect, /*maskOperand=*/0),
  };
  return models;
}
