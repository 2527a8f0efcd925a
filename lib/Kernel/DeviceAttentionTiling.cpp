//===- DeviceAttentionTiling.cpp - How a GPU cuts attention ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Estimates for each tiling what the instructions of all threads take, and
// chooses the fastest whose blocks fit. A multiprocessor issues four
// instructions of a warp a cycle, and serves 128 bytes of shared memory. Half a
// warp is served at a time, or a quarter that reads 128 bytes: threads that
// read the same vector cost less than others only if they are neighbours.
//
//===----------------------------------------------------------------------===//

#include "DeviceAttentionTiling.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "vitc/Kernel/AttentionBlock.h"
#include "vitc/Kernel/Multiprocessor.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace vitc::kernel;

/// Stands for a number of tokens that only a run knows.
static constexpr int64_t kRepresentativeTokens = 256;

/// Of a multiprocessor. A thread has 255 of the registers; what the estimate
/// leaves is for addresses.
static constexpr int64_t kMaxThreadRegisters = 200;
static constexpr int64_t kMaxThreads = 1536;
/// Warps of a multiprocessor that hide the latency of multiply-adds and of
/// shared memory: two for each of its four parts, which have many independent
/// multiply-adds each.
static constexpr double kBusyWarps = 8;
/// Cycles of a vector of four floats from shared memory for a warp, in which
/// threads read different ones, or neighbours the same.
static constexpr double kVectorCycles = 4, kSharedVectorCycles = 2;

/// Of tensor cores: queries and keys of a block, and f32 results and scores
/// that a thread keeps beside what it multiplies.
static constexpr int64_t kTensorQueries = 64, kTensorKeys = 64;
static constexpr int64_t kMaxTensorSums = 144;

/// Of one query: threads of a block, and keys whose scores one of them
/// computes.
static constexpr int64_t kOneQueryThreads = 128, kOneQueryKeys = 2;

namespace {

/// What the cost of attention depends on.
struct AttentionSize {
  int64_t queries, keys, headDim, valueDim;
  bool hasWholeBlocks; // of keys, also the last one
};

} // namespace

/// f32 values that a thread keeps in registers.
static int64_t getRegisters(const AttentionBlock &block) {
  int64_t elements = block.getVectors() * block.getVectorWidth();
  int64_t results = block.rows * elements;
  int64_t vector = AttentionBlock::kSharedVector;
  int64_t inScores =
      block.rows * block.columns + vector * (block.rows + block.columns);
  int64_t inResults = vector * block.rows + elements;
  constexpr int64_t kAddresses = 32;
  return results + 2 * block.rows + std::max(inScores, inResults) + kAddresses;
}

/// Cycles of a multiprocessor for all queries of a head.
static double estimateCycles(const AttentionBlock &block,
                             const AttentionSize &size, int64_t sharedBytes) {
  auto rows = static_cast<double>(block.rows);
  auto depth = static_cast<double>(block.getDepth());
  auto vectors = static_cast<double>(block.getVectors());
  auto width = static_cast<double>(block.getVectorWidth());
  auto rowThreads = static_cast<double>(block.getRowThreads());
  auto warps = static_cast<double>(block.getThreads() / kWarpThreads);
  int64_t blocks = llvm::divideCeil(size.keys, block.keys);
  // A last block has as few columns as its keys need.
  int64_t columns = size.hasWholeBlocks
                        ? blocks * block.columns
                        : llvm::divideCeil(size.keys, block.getRowThreads());
  double keys = static_cast<double>(columns) * rowThreads;

  // Scores: multiply-adds, and vectors of queries and keys.
  double scores = depth * rows * static_cast<double>(columns);
  double keyVectors = depth / 4 * static_cast<double>(columns);
  double queryVectors = depth / 4 * rows * static_cast<double>(blocks);
  // Softmax of a score, and of a row with its rescaled results.
  constexpr double kScoreInstructions = 8, kRowInstructions = 30;
  double softmax =
      kScoreInstructions * rows * static_cast<double>(columns) +
      static_cast<double>(blocks) * rows * (kRowInstructions + vectors * width);
  // Results: multiply-adds, vectors of values, probabilities.
  double results = keys * rows * vectors * width;
  double valueVectors = keys * vectors;
  double probabilityVectors = keys / 4 * rows;
  // Copies of keys and values: addresses, and a vector at a time.
  constexpr double kCopyInstructions = 6;
  double copies = kCopyInstructions * keys *
                  (depth + static_cast<double>(size.valueDim)) / 4 /
                  (warps * kWarpThreads);

  double instructions = scores + keyVectors + queryVectors + softmax + results +
                        valueVectors + probabilityVectors + copies;
  double shared = kVectorCycles * (keyVectors + valueVectors * width / 4) +
                  kSharedVectorCycles * (queryVectors + probabilityVectors);
  double cycles = warps * std::max(instructions / 4, shared);

  int64_t registers = std::max<int64_t>(
      1, kMultiprocessorRegisters / (block.getThreads() * getRegisters(block)));
  int64_t resident = std::min({sharedBytes / block.getSharedBytes(), registers,
                               kMaxThreads / block.getThreads()});
  double busy = warps * static_cast<double>(std::max<int64_t>(resident, 1));
  cycles /= std::min(1.0, (busy + kBusyWarps) / (2 * kBusyWarps));
  return cycles *
         static_cast<double>(llvm::divideCeil(size.queries, block.queries));
}

static AttentionTilingAttr
chooseTiling(MLIRContext *context, const AttentionSize &size, GpuAttr gpu) {
  AttentionTilingAttr best;
  double fewest = std::numeric_limits<double>::infinity();
  for (int64_t threads : {64, 128, 256})
    for (int64_t rowThreads : {8, 16, 32})
      for (int64_t rows = 1; rows <= 8; ++rows)
        for (int64_t columns = 1; columns <= 8; ++columns) {
          int64_t queries = threads / rowThreads * rows;
          auto tiling = AttentionTilingAttr::get(context, rows, columns,
                                                 queries, rowThreads * columns);
          AttentionBlock block(tiling, size.headDim, size.valueDim);
          if (block.getSharedBytes() + AttentionBlock::kMaxTableBytes >
                  gpu.getSharedBytes() ||
              getRegisters(block) > kMaxThreadRegisters)
            continue;
          double cycles = estimateCycles(block, size, gpu.getSharedBytes());
          if (cycles < fewest) {
            fewest = cycles;
            best = tiling;
          }
        }
  // The smallest one is refused with what it needs.
  return best ? best : AttentionTilingAttr::get(context, 1, 1, 8, 8);
}

/// For tensor cores: even blocks of queries, and all keys that are few in one.
/// A warpgroup has kTensorQueries at once, which pays from half of them on.
/// Null where heads are so large that no block fits.
static AttentionTilingAttr getTensorTiling(MLIRContext *context,
                                           const AttentionSize &size,
                                           int64_t factorBytes, GpuAttr gpu) {
  auto getEven = [](int64_t total, int64_t most) {
    int64_t blocks = llvm::divideCeil(total, most);
    return static_cast<int64_t>(llvm::alignTo(llvm::divideCeil(total, blocks),
                                              AttentionBlock::kTensorSize));
  };
  for (int64_t mostKeys = kTensorKeys; mostKeys >= AttentionBlock::kTensorSize;
       mostKeys /= 2)
    for (int64_t mostQueries = kTensorQueries;
         mostQueries >= AttentionBlock::kTensorSize; mostQueries /= 2) {
      int64_t keys =
          size.keys <= mostKeys ? getEven(size.keys, mostKeys) : mostKeys;
      int64_t queries = getEven(size.queries, mostQueries);
      bool ofWarpgroup = gpu.getArch() == "sm_90a" &&
                         factorBytes == AttentionBlock::kWarpgroupBytes &&
                         queries > kWarpgroupRows / 2 &&
                         size.valueDim <= AttentionBlock::kMaxWarpgroupColumns;
      auto tiling =
          ofWarpgroup
              ? AttentionTilingAttr::get(context, kWarpgroupRows, keys,
                                         kWarpgroupRows, keys)
              : AttentionTilingAttr::get(
                    context, AttentionBlock::kTensorRows,
                    keys / AttentionBlock::kTensorRowThreads, queries, keys);
      AttentionBlock block(tiling, size.headDim, size.valueDim, factorBytes);
      int64_t results = block.getVectors() * block.getVectorWidth();
      if (block.rows * (results + block.columns) <= kMaxTensorSums &&
          block.getSharedBytes() + AttentionBlock::kMaxTableBytes <=
              gpu.getSharedBytes())
        return tiling;
    }
  return {};
}

AttentionTilingAttr vitc::kernel::getDeviceAttentionTiling(AttentionOp op,
                                                           GpuAttr gpu) {
  std::optional<int64_t> queries = getConstantIntValue(op.getQueries());
  std::optional<int64_t> keys = getConstantIntValue(op.getKeys());
  if (queries == 1) {
    int64_t columns =
        keys ? std::clamp<int64_t>(llvm::divideCeil(*keys, kOneQueryThreads), 1,
                                   kOneQueryKeys)
             : kOneQueryKeys;
    return AttentionTilingAttr::get(op.getContext(), /*rows=*/1, columns,
                                    /*queryBlock=*/1,
                                    columns * kOneQueryThreads);
  }
  AttentionSize size{
      std::max<int64_t>(queries.value_or(kRepresentativeTokens), 1),
      std::max<int64_t>(keys.value_or(kRepresentativeTokens), 1),
      static_cast<int64_t>(op.getHeadDim()),
      static_cast<int64_t>(op.getValueDim()),
      !keys || op.getCausal() || op.getKeyLength()};
  if (int64_t bytes = getTensorFactorBytes(op))
    if (AttentionTilingAttr tiling =
            getTensorTiling(op.getContext(), size, bytes, gpu))
      return tiling;
  return chooseTiling(op.getContext(), size, gpu);
}

AttentionTilingAttr vitc::kernel::getDeviceAttentionTiling(AttentionMapOp op,
                                                           GpuAttr gpu) {
  AttentionSize size{kRepresentativeTokens, kRepresentativeTokens,
                     static_cast<int64_t>(op.getHeadDim()), /*valueDim=*/0,
                     /*hasWholeBlocks=*/true};
  return chooseTiling(op.getContext(), size, gpu);
}
