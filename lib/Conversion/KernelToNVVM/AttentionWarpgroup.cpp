//===- AttentionWarpgroup.cpp - Attention by warpgroups -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As tensor cores of a warp do it, but a warpgroup has 64 queries, and its
// instructions read queries, keys and values where copies leave them. All three
// lie in one layout, swizzled by 128 bytes: rows of 64 elements, eight of them
// in 1024 bytes. Along a row are the terms of queries and keys (K-major), but
// the columns of values (MN-major). While one block's warpgroup computes
// exponentials, those of other blocks multiply.
//
//===----------------------------------------------------------------------===//

#include "AttentionTensor.h"
#include "Warpgroup.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kElementBytes = AttentionBlock::kWarpgroupBytes;
static constexpr int64_t kRowBytes =
    AttentionBlock::kSwizzledColumns * kElementBytes;

namespace {
class WarpgroupProducts final : public TensorProducts {
public:
  using TensorProducts::TensorProducts;

  void finishCopies() override;
  SmallVector<Value> multiplyKeys(int64_t columns) override;
  SmallVector<Value> multiplyValues(ValueRange results, int64_t depth) override;

private:
  /// The pieces of a matrix lie one behind the other.
  Value getDescriptor(const SharedRows &rows) {
    MatrixLayout layout{rows.pieceStride * kElementBytes,
                        AttentionBlock::kSwizzledBytes, /*isSwizzled=*/true};
    return getMatrixDescriptor(b, rows.memory.address, layout);
  }
  Value advance(Value descriptor, int64_t bytes) {
    return advanceDescriptor(b, descriptor, b.index(bytes / kDescriptorBytes));
  }
  /// Where the terms from `term` on lie, of rows along terms.
  static int64_t getTermBytes(const SharedRows &rows, int64_t term) {
    constexpr int64_t kColumns = AttentionBlock::kSwizzledColumns;
    return (term / kColumns * rows.pieceStride + term % kColumns) *
           kElementBytes;
  }
};
} // namespace

void WarpgroupProducts::finishCopies() {
  AttentionProducts::finishCopies();
  b.fenceForAsync();
}

SmallVector<Value> WarpgroupProducts::multiplyKeys(int64_t columns) {
  Value warpgroup = b.div(b.getThread(), kWarpgroupThreads);
  Value query = advanceDescriptor(
      b, getDescriptor(queries),
      b.mul(warpgroup, kWarpgroupRows * kRowBytes / kDescriptorBytes));
  Value key = getDescriptor(keys);
  SmallVector<Value> sums(block.rows * columns, b.scalar(0.0));
  startProducts(b);
  for (int64_t d = 0; d < block.getDepth(); d += kWarpgroupTerms)
    sums = multiplyAdd(b, element, advance(query, getTermBytes(queries, d)),
                       advance(key, getTermBytes(keys, d)),
                       /*isTransposed=*/false, sums);
  finishProducts(b);
  return toRows(sums);
}

SmallVector<Value> WarpgroupProducts::multiplyValues(ValueRange results,
                                                     int64_t depth) {
  Value value = getDescriptor(values);
  SmallVector<Value> sums = toTiles(results);
  SmallVector<SmallVector<Value>> words;
  for (int64_t key = 0; key < depth; key += kWarpgroupTerms)
    words.push_back(llvm::map_to_vector(
        getProbabilityWords(key / kWarpgroupTerms), [&](Value word) -> Value {
          return b.createOrFold<LLVM::BitcastOp>(b.getI32Type(), word);
        }));
  startProducts(b);
  for (auto [step, operand] : llvm::enumerate(words))
    sums = multiplyAdd(b, element, operand,
                       advance(value, static_cast<int64_t>(step) *
                                          kWarpgroupTerms * kRowBytes),
                       /*isTransposed=*/true, sums);
  finishProducts(b);
  return toRows(sums);
}

std::unique_ptr<AttentionProducts>
vitc::kernel::createWarpgroupProducts(DeviceBuilder &builder,
                                      const AttentionBlock &block,
                                      const AttentionFactors &factors) {
  return std::make_unique<WarpgroupProducts>(builder, block, factors);
}
