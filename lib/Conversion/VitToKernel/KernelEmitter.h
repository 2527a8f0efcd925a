//===- KernelEmitter.h - Kernels with composed index maps ---*- C++ -*-----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOKERNEL_KERNELEMITTER_H
#define VITC_CONVERSION_VITTOKERNEL_KERNELEMITTER_H

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc {

/// Element x of a value is element map(x) of `base`.
struct ValueAccess {
  mlir::Value base;
  mlir::AffineMap map;
};

/// Where a kernel writes a value: element x goes to element map(x) of `init`;
/// the kernel's result stands for `target`.
struct Destination {
  mlir::Value init;
  mlir::AffineMap map;
  mlir::Value target;
};

/// The iteration space of a kernel over all elements of a shape.
struct Box {
  mlir::Value batch;
  mlir::DenseI64ArrayAttr sizes;
  /// From (batch, sizes...) to an index of the shape.
  mlir::AffineMap map;
};

/// Converts one function from vit and linalg ops to kernels. Ops that only move
/// data emit nothing: what reads them composes their index map (`read`), and
/// what they place is written there at once (`write`).
class KernelEmitter {
public:
  explicit KernelEmitter(mlir::func::FuncOp function);

  /// Replaces the function's body. Reports what has no kernel.
  mlir::LogicalResult run();

private:
  //===--- KernelEmitter.cpp ----------------------------------------------===//
  mlir::LogicalResult convert(mlir::Operation *op);
  /// Whether `op` asks only for sizes that are known here.
  mlir::LogicalResult verifySizes(mlir::Operation *op);
  mlir::LogicalResult convert(mlir::arith::ConstantOp op);
  mlir::LogicalResult convertReturn(mlir::func::ReturnOp op);

  //===--- ValueAccess.cpp ------------------------------------------------===//
  bool isDataMovement(mlir::Operation *op);
  /// How to read a value of the source function.
  ValueAccess read(mlir::Value value);
  /// As read, with the last dim contiguous: copied when the map has it not.
  ValueAccess readRows(mlir::Value value);
  /// How to read attention's bias, broadcast along batch and heads; nulls for
  /// null.
  std::pair<mlir::Value, mlir::AffineMapAttr> readBias(mlir::Value bias);
  /// A value of rank 1 as a tensor of its own: copied when it is part of one.
  mlir::Value readVector(mlir::Value value);
  /// Where to write the result of a source op.
  Destination write(mlir::Value result);
  /// The tensor that insertions into `dest` write, or null.
  mlir::Value writeInto(mlir::Value dest);
  /// Notes that `result` holds what `destination` stands for.
  void finish(const Destination &destination, mlir::Value result);
  /// A copy of `value` as a tensor of its own.
  mlir::Value materialize(mlir::Value value);
  /// Copies elements of shape `type` from `source` to places `map` of `init`.
  mlir::Value gather(mlir::RankedTensorType type, const ValueAccess &source,
                     mlir::Value init, mlir::AffineMap map);
  /// Copies what no kernel could write in place.
  mlir::LogicalResult convert(mlir::tensor::InsertSliceOp op);
  /// A tensor whose elements are all equal.
  mlir::Value splat(mlir::SplatElementsAttr value);
  mlir::Value emptyTensor(mlir::RankedTensorType type);
  /// The extent of dim 0 of a type: a constant, or the batch.
  mlir::Value batchOf(mlir::RankedTensorType type);
  Box getBox(llvm::ArrayRef<int64_t> shape);
  mlir::Value index(int64_t value);
  mlir::Value constant(vit::WeightExprAttr value);

  //===--- a file an op family --------------------------------------------===//
  mlir::LogicalResult convert(vit::PatchEmbedOp op);
  mlir::LogicalResult convert(vit::LinearOp op);
  mlir::LogicalResult convert(vit::GeluOp op);
  mlir::LogicalResult convert(vit::LayerNormOp op);
  mlir::LogicalResult convert(vit::MeanTokensOp op);
  mlir::LogicalResult convert(vit::AttentionOp op);
  mlir::LogicalResult convert(vit::AttentionMapOp op);
  mlir::LogicalResult convert(mlir::linalg::GenericOp op);

  mlir::func::FuncOp function;
  mlir::ImplicitLocOpBuilder builder;
  llvm::DenseMap<mlir::Value, mlir::Value> converted;
  llvm::SmallVector<mlir::Value> outputs;
  mlir::Value batch;
};

/// [B, M..., K] as (b, i, l): i runs over the middle dims, row-major.
mlir::AffineMap getRowMap(mlir::RankedTensorType type);
/// The product of the middle dims.
int64_t getNumRows(mlir::RankedTensorType type);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOKERNEL_KERNELEMITTER_H
