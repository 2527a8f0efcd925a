//===- GemmFma.cpp - Tiles multiplied by FMA units ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp is 4 x 8 threads. Vectors of 4 neighbouring rows of lhs, which the
// padding puts into different banks of shared memory, and of 32 neighbouring
// columns of weights are read without conflicts, and results are stored as
// whole lines. A thread's rows lie as far apart as there are threads along
// rows, its vectors of 4 columns likewise. Every sum is a chain of
// multiply-adds in the order of k.
//
//===----------------------------------------------------------------------===//

#include "GemmProduct.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace vitc::kernel;

/// Threads of a warp along columns.
static constexpr int64_t kWarpColumns = 8;
static constexpr int64_t kVector = 4;

namespace {
class FmaProduct final : public DeviceTileProduct {
public:
  FmaProduct(GemmOp op, DeviceBuilder &b);

  SmallVector<Value> getZeros() override;
  SmallVector<Value> multiply(DevicePointer lhs, DevicePointer weights,
                              Value stage, ValueRange sums) override;
  SmallVector<Value> getVectors(ValueRange sums) override { return sums; }

private:
  int64_t rowThreads, columnThreads;
};
} // namespace

FmaProduct::FmaProduct(GemmOp op, DeviceBuilder &b)
    : DeviceTileProduct(op, b), rowThreads(shape.rows / tiling.getRows()),
      columnThreads(shape.columns / tiling.getColumns()) {
  // Rows of a warp at 4 * (an odd number) words lie in different banks.
  shape.lhsPadding = kVector;
  int64_t warpsOfRow = columnThreads / kWarpColumns;
  Value lane = b.getLane(), warp = b.getWarp();
  Value x = b.add(b.mul(b.rem(warp, warpsOfRow), kWarpColumns),
                  b.rem(lane, kWarpColumns));
  Value y = b.add(b.mul(b.div(warp, warpsOfRow), kWarpThreads / kWarpColumns),
                  b.div(lane, kWarpColumns));
  for (int64_t r = 0; r < tiling.getRows(); ++r)
    fragment.rows.push_back(b.add(y, r * rowThreads));
  for (int64_t c = 0; c < tiling.getColumns(); c += kVector)
    fragment.columns.push_back(b.add(b.mul(x, kVector), c * columnThreads));
  fragment.width = kVector;
  fragment.part = y;
  fragment.numParts = rowThreads;
}

SmallVector<Value> FmaProduct::getZeros() {
  return SmallVector<Value>(fragment.rows.size() * fragment.columns.size(),
                            b.splat(0.0, kVector));
}

SmallVector<Value> FmaProduct::multiply(DevicePointer lhs,
                                        DevicePointer weights, Value stage,
                                        ValueRange init) {
  SmallVector<Value> sums(init);
  int64_t lhsStride = shape.getLhsStride();
  int64_t weightsStride = shape.getWeightsStride();
  lhs = b.advance(lhs, b.add(b.mul(stage, shape.rows * lhsStride),
                             b.mul(fragment.rows.front(), lhsStride)));
  weights = b.advance(weights, b.add(b.mul(stage, shape.getWeightsWords()),
                                     fragment.columns.front()));
  for (int64_t l = 0; l < shape.depth; l += kVector) {
    SmallVector<Value> rows;
    for (int64_t r = 0; r < tiling.getRows(); ++r)
      rows.push_back(
          b.load(lhs, b.index(r * rowThreads * lhsStride + l), kVector));
    for (int64_t u = 0; u < kVector; ++u) {
      SmallVector<Value> columns;
      for (int64_t c = 0; c < tiling.getColumns(); c += kVector)
        columns.push_back(b.load(
            weights, b.index((l + u) * weightsStride + c * columnThreads),
            kVector));
      Value *sum = sums.begin();
      for (Value row : rows) {
        Value element =
            b.broadcast(vector::ExtractOp::create(b, row, u), kVector);
        for (Value column : columns) {
          *sum = b.fma(element, column, *sum);
          ++sum;
        }
      }
    }
  }
  return sums;
}

std::unique_ptr<DeviceTileProduct>
vitc::kernel::createFmaProduct(GemmOp op, DeviceBuilder &b) {
  return std::make_unique<FmaProduct>(op, b);
}
