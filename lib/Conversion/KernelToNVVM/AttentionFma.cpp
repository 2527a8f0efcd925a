//===- AttentionFma.cpp - Attention by multiply-adds ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread has a micro-tile of scores and one of results. It reads vectors of
// its queries and keys along their elements, and vectors of probabilities and
// values along keys and elements. All is f32 in shared memory.
//
//===----------------------------------------------------------------------===//

#include "AttentionProducts.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kWidth = AttentionBlock::kSharedVector;

namespace {
class FmaProducts final : public AttentionProducts {
public:
  FmaProducts(DeviceBuilder &builder, const AttentionBlock &block,
              const AttentionFactors &factors)
      : AttentionProducts(builder, block, factors, builder.getF32Type()),
        probabilities{
            b.getShared(block.queries * block.getScoreStride(), b.getF32Type()),
            block.getScoreStride()},
        rowThread(b.rem(b.getThread(), block.getRowThreads())),
        rowGroup(b.div(b.getThread(), block.getRowThreads())) {}

  Value getRow(int64_t row) override {
    return b.add(rowGroup, row * block.getRowGroups());
  }
  Value getColumn(int64_t column) override {
    return b.add(rowThread, column * block.getRowThreads());
  }
  SmallVector<Value> multiplyKeys(int64_t columns) override;
  void keepProbabilities(ArrayRef<Value> values, int64_t columns) override;
  SmallVector<Value> multiplyValues(ValueRange results, int64_t depth) override;
  SharedRows getProbabilities() override { return probabilities; }

private:
  SharedRows probabilities;
  Value rowThread, rowGroup;
};
} // namespace

SmallVector<Value> FmaProducts::multiplyKeys(int64_t columns) {
  SmallVector<Value> zeros(block.rows * columns, b.scalar(0.0));
  if (!factors.queries)
    return zeros;
  DevicePointer firstQuery =
      b.advance(queries.memory, b.mul(rowGroup, queries.stride));
  DevicePointer firstKey =
      b.advance(keys.memory, b.mul(rowThread, keys.stride));
  return b.forLoop(
      b.index(0), b.index(block.getDepth()), kWidth, zeros,
      [&](Value d, ValueRange sums) {
        auto loadVectors = [&](DevicePointer memory, int64_t count,
                               int64_t step) {
          SmallVector<SmallVector<Value>> vectors;
          for (int64_t i = 0; i < count; ++i)
            vectors.push_back(loadFloats(b, memory, b.index(i * step), kWidth));
          return vectors;
        };
        auto query = loadVectors(b.advance(firstQuery, d), block.rows,
                                 block.getRowGroups() * queries.stride);
        auto key = loadVectors(b.advance(firstKey, d), columns,
                               block.getRowThreads() * keys.stride);
        SmallVector<Value> products(sums);
        for (int64_t i = 0; i < kWidth; ++i)
          for (auto [index, product] : llvm::enumerate(products))
            product = b.fma(query[index / columns][i], key[index % columns][i],
                            product);
        return products;
      });
}

void FmaProducts::keepProbabilities(ArrayRef<Value> kept, int64_t columns) {
  DevicePointer memory =
      b.advance(probabilities.memory,
                b.add(b.mul(rowGroup, probabilities.stride), rowThread));
  for (auto [index, value] : llvm::enumerate(kept)) {
    int64_t row = index / columns, column = index % columns;
    int64_t offset = row * block.getRowGroups() * probabilities.stride +
                     column * block.getRowThreads();
    b.store(value, memory, b.index(offset));
  }
}

SmallVector<Value> FmaProducts::multiplyValues(ValueRange results,
                                               int64_t depth) {
  int64_t width = block.getVectorWidth(), elements = getElements();
  DevicePointer firstRow =
      b.advance(probabilities.memory, b.mul(rowGroup, probabilities.stride));
  DevicePointer firstValue = b.advance(values.memory, getElement(0));
  return b.forLoop(
      b.index(0), b.index(depth), kWidth, results,
      [&](Value key, ValueRange sums) {
        DevicePointer row = b.advance(firstRow, key);
        DevicePointer value = b.advance(firstValue, b.mul(key, values.stride));
        SmallVector<SmallVector<Value>> weights;
        for (int64_t i = 0; i < block.rows; ++i)
          weights.push_back(loadFloats(
              b, row, b.index(i * block.getRowGroups() * probabilities.stride),
              kWidth));
        SmallVector<Value> products(sums);
        for (int64_t j = 0; j < kWidth; ++j) {
          SmallVector<Value> ofKey;
          for (int64_t vector = 0; vector < block.getVectors(); ++vector)
            llvm::append_range(
                ofKey,
                loadFloats(b, value,
                           b.index(j * values.stride +
                                   vector * block.getRowThreads() * width),
                           width));
          for (auto [index, product] : llvm::enumerate(products))
            product = b.fma(weights[index / elements][j],
                            ofKey[index % elements], product);
        }
        return products;
      });
}

std::unique_ptr<AttentionProducts>
vitc::kernel::createFmaProducts(DeviceBuilder &builder,
                                const AttentionBlock &block,
                                const AttentionFactors &factors) {
  return std::make_unique<FmaProducts>(builder, block, factors);
}
