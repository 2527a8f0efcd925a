//===- KernelEmitter.h - Kernels with composed index maps ---*- C++ -*-----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOKERNEL_KERNELEMITTER_H
#define VITC_CONVERSION_VITTOKERNEL_KERNELEMITTER_H

#include "ChannelScaling.h"
#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SmallBitVector.h"

namespace vitc {

struct ChunkSums;
struct ConvolutionSource;
struct Product;

/// Element x of a value is element map(x) of `base`, which need not be stored
/// in the order of the value's dims.
struct ValueAccess {
  mlir::Value base;
  mlir::AffineMap map;
};

/// Where a kernel writes a value: element x goes to element map(x) of `init`;
/// the kernel's result stands for `target`, whose element x lies at storage(x).
struct Destination {
  mlir::Value init;
  mlir::AffineMap map;
  mlir::Value target;
  mlir::AffineMap storage;
  /// What is written is operand `part` of this tensor.concat, not `target`.
  mlir::tensor::ConcatOp concat = {};
  unsigned part = 0;
};

/// The iteration space of a kernel over all elements of a shape.
struct Box {
  mlir::Value batch;
  mlir::DenseI64ArrayAttr sizes;
  /// From (batch, sizes...) to an index of the shape.
  mlir::AffineMap map;
};

/// Elements of one value before and behind those of another, along each dim.
struct Padding {
  llvm::SmallVector<int64_t> low, high;
  mlir::TypedAttr value;

  bool isEmpty() const;
  /// The type of what is padded.
  mlir::RankedTensorType getPaddedType(mlir::RankedTensorType type) const;
  /// From indices of the value to those of the padded one.
  mlir::AffineMap getInnerMap(mlir::MLIRContext *context) const;
};

/// How the operand is padded; none unless all of it is constant.
std::optional<Padding> getPadding(mlir::tensor::PadOp op);

/// Whether convolutions alone read the result, and see its zeros where their
/// indices leave the operand: nothing is padded.
bool isPaddedByReaders(mlir::tensor::PadOp op);

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
  mlir::LogicalResult convertReturn(mlir::func::ReturnOp op);

  /// The extent of dim 0 of a value: a constant, or a multiple of the batch.
  mlir::Value batchOf(mlir::Value value);
  mlir::Value batchTimes(int64_t multiple);
  mlir::Value index(int64_t value);
  mlir::Value constant(vit::WeightExprAttr value);

  //===--- ValueAccess.cpp ------------------------------------------------===//
  /// Whether `op` emits nothing: `read` looks through it.
  bool isRead(mlir::Operation *op);
  /// How to read a value of the source function.
  ValueAccess read(mlir::Value value);
  /// As read, with the last dim contiguous: copied when the map has it not.
  ValueAccess readRows(mlir::Value value);
  /// A value of rank 1 as a tensor of its own: copied when it is part of one.
  mlir::Value readVector(mlir::Value value);
  /// Notes that `value` is stored in `tensor`, dim by dim.
  void store(mlir::Value value, mlir::Value tensor);
  /// A copy of `value` as a tensor of its own.
  mlir::Value materialize(mlir::Value value);
  /// Copies the elements of `value` from `source` to places `map` of `init`.
  mlir::Value gather(mlir::Value value, const ValueAccess &source,
                     mlir::Value init, mlir::AffineMap map);
  /// Copies over a box of `sizes`, from map to map.
  mlir::Value gather(mlir::Value batch, llvm::ArrayRef<int64_t> sizes,
                     const ValueAccess &source, mlir::Value init,
                     mlir::AffineMap map);
  /// Sets the elements that `map` leads to from the box to `value`.
  mlir::Value fill(const Box &box, mlir::TypedAttr value, mlir::Value init,
                   mlir::AffineMap map);
  /// A tensor for `value`, not written yet.
  mlir::Value emptyTensor(mlir::Value value);
  mlir::Value emptyTensor(mlir::RankedTensorType type, mlir::Value batch);
  /// All elements of a value.
  Box getBox(mlir::Value value);
  /// A shape whose dim 0 has `batch` indices.
  Box getBox(llvm::ArrayRef<int64_t> shape, mlir::Value batch);

  //===--- Placement.cpp --------------------------------------------------===//
  /// Where to write the result of a source op: as far on as ops that use it
  /// only move it, its last dim contiguous.
  Destination write(mlir::Value result);
  /// As write, with the dim that comes last in `storage`, a permutation,
  /// contiguous, and a tensor of the result's own permuted by it.
  Destination write(mlir::Value result, mlir::AffineMap storage,
                    bool intoConcat = true);
  /// A tensor of the result's own, permuted by `storage`.
  Destination writeStored(mlir::Value result, mlir::AffineMap storage);
  /// Follows the only users of place.target, as long as these move it, to the
  /// last value of which dim `rowDim` of the first is contiguous. True if that
  /// has a tensor to be written to, place.init.
  bool findPlace(Destination &place, unsigned rowDim, bool intoConcat);
  bool placeIntoSlice(mlir::tensor::InsertSliceOp insert, Destination &place,
                      unsigned rowDim);
  bool placeIntoConcat(mlir::OpOperand &use, Destination &place,
                       unsigned rowDim);
  bool placeIntoPadding(mlir::OpOperand &use, Destination &place,
                        unsigned rowDim);
  /// As a map whose border a convolution sees.
  bool placeIntoMap(mlir::OpOperand &use, Destination &place, unsigned rowDim);
  /// The tensor that insertions into `dest` write, or null.
  mlir::Value writeInto(mlir::Value dest);
  /// Notes that `result` holds what `destination` stands for.
  void finish(const Destination &destination, mlir::Value result);
  /// Copy what no kernel could write in place.
  mlir::LogicalResult convert(mlir::tensor::InsertSliceOp op);
  mlir::LogicalResult convert(mlir::tensor::ConcatOp op);

  //===--- Loops.cpp ------------------------------------------------------===//
  mlir::LogicalResult convert(mlir::scf::ForOp op);
  mlir::LogicalResult convert(mlir::scf::WhileOp op);
  /// Converts a body whose values are to lie in `destinations`; `results` are
  /// the tensors that it yields then.
  mlir::LogicalResult
  convertRegion(mlir::Block &source, llvm::ArrayRef<mlir::Value> destinations,
                llvm::SmallVectorImpl<mlir::Value> &results);
  /// Notes what a value of the source is that a loop carries.
  void enter(mlir::Value value, mlir::Value tensorOrNumber);
  /// A tensor with the elements of `value` that a loop with this result, or
  /// none, may write.
  mlir::Value own(mlir::Value value, mlir::Value result);
  /// Moves the insertion point before the loops that `value`, and what it is
  /// read from, is defined outside of. Not for a copy that is written
  /// afterwards.
  void leaveLoops(mlir::Value value);
  /// A number of the source function, computed here.
  mlir::FailureOr<mlir::Value> readScalar(mlir::Value value);
  /// The same; `computed` are those that it was computed from before.
  mlir::FailureOr<mlir::Value>
  readScalar(mlir::Value value,
             llvm::DenseMap<mlir::Value, mlir::Value> &computed);
  /// From indices of a slice, then `offsets`, to those of the whole.
  struct SliceAccess {
    mlir::AffineMap map;
    llvm::SmallVector<mlir::Value> offsets;
  };
  mlir::FailureOr<SliceAccess>
  readSlice(mlir::OffsetSizeAndStrideOpInterface op,
            const llvm::SmallBitVector &dropped);
  /// Copies the elements of `value` from `source` to `init`; the maps may
  /// depend on the offsets.
  mlir::Value gatherSlice(mlir::Value value, const ValueAccess &source,
                          mlir::Value init, mlir::AffineMap map,
                          llvm::ArrayRef<mlir::Value> offsets);
  /// Slices at offsets that are computed.
  mlir::LogicalResult convertComputed(mlir::tensor::ExtractSliceOp op);
  mlir::LogicalResult convertComputed(mlir::tensor::InsertSliceOp op);

  //===--- Padding.cpp ----------------------------------------------------===//
  /// Sets what pads a value of the padded `type`, of `size` items, in `init`:
  /// its element x lies at map(x). Boxes run in the order of `layout`.
  mlir::Value fillBorder(const Padding &padding, mlir::RankedTensorType type,
                         mlir::AffineMap layout, mlir::Value size,
                         mlir::Value init, mlir::AffineMap map);
  /// Copies `value` from `source` to where `map` has the padded value.
  mlir::Value copyInside(mlir::Value value, const ValueAccess &source,
                         const Padding &padding, mlir::AffineMap layout,
                         mlir::Value init, mlir::AffineMap map);
  mlir::LogicalResult convert(mlir::tensor::PadOp op);

  //===--- Product.cpp ----------------------------------------------------===//
  mlir::LogicalResult convertProduct(mlir::linalg::LinalgOp op);
  /// The packed weights that a constant, or each item of a value, gives.
  mlir::Value packConstant(const Product &product, mlir::AffineMap indexing);
  mlir::Value packComputed(const Product &product, mlir::AffineMap indexing);
  /// The rows of a product by (b, i, l), copied where l is not contiguous.
  ValueAccess readRows(const Product &product, mlir::AffineMap indexing);
  mlir::Value sizeOf(const Product &product, llvm::ArrayRef<unsigned> loops);

  //===--- PackedOperand.cpp ----------------------------------------------===//
  /// Where to write a value whose last dim is the columns of the one product
  /// that reads it: as that wants it packed. None where it is read otherwise.
  std::optional<Destination> writePacked(mlir::Value result);

  //===--- ChannelScaling.cpp ---------------------------------------------===//
  /// How a product reads a value that it scales; bases of scale and shift are
  /// null where it does not.
  struct ScaledAccess {
    ValueAccess access, scale, shift;
    vit::Activation activation;
  };
  ScaledAccess readScaled(mlir::Value value);
  /// Lets `gemm` scale its rows; `channels` are the value's indices by (b, l).
  void setScaling(kernel::GemmOp gemm, const ScaledAccess &access,
                  mlir::AffineMap channels);

  //===--- Convolution.cpp ------------------------------------------------===//
  mlir::LogicalResult convert(vit::Conv2dOp op);
  /// The input, stored with its rows and columns as dims if there is padding.
  ScaledAccess readMap(const ConvolutionSource &source);
  ValueAccess readTaps(const ConvolutionSource &source);
  /// How to read a feature map whose channels are contiguous: copied when they
  /// are not.
  ValueAccess readChannelsLast(mlir::Value map);
  /// A copy of a feature map, read from `access`, with contiguous channels.
  ValueAccess copyChannelsLast(mlir::Value map, const ValueAccess &access);

  //===--- ChunkSums.cpp --------------------------------------------------===//
  /// The tensor for the statistics of a product with this result; null where
  /// nothing reads them.
  mlir::Value emptyStatistics(llvm::ArrayRef<ChunkSums> sums,
                              mlir::Value result, int64_t columns);
  /// Lets `gemm`, which has a result for them, compute them.
  void finishStatistics(kernel::GemmOp gemm, llvm::ArrayRef<ChunkSums> sums,
                        mlir::Value statistics);

  //===--- GroupedConv.cpp ------------------------------------------------===//
  mlir::LogicalResult convertGrouped(vit::Conv2dOp op,
                                     vit::WeightExprAttr filter);
  /// As readChannelsLast, with constant strides along rows and columns.
  ValueAccess readEvenRows(mlir::Value map);

  //===--- a file an op family --------------------------------------------===//
  mlir::LogicalResult convert(vit::PatchEmbedOp op);
  mlir::LogicalResult convert(vit::LinearOp op);
  mlir::LogicalResult convert(vit::GeluOp op);
  /// What attention adds to its scores; nulls for nothing.
  struct Addend {
    mlir::Value base;
    mlir::AffineMapAttr map;
  };
  /// Reads the bias or the mask of `op` as (b, h, i, j).
  mlir::FailureOr<Addend> readAddend(mlir::Operation *op, llvm::StringRef name,
                                     mlir::Value value, mlir::Value query);
  /// What attention does to its scores. A vit.shift_mask is groups of tokens.
  struct ScoreChanges {
    Addend bias, mask, keyLength;
    mlir::AffineMapAttr groups;
    mlir::FloatAttr groupBias;
  };
  template <typename OpTy>
  mlir::FailureOr<ScoreChanges> readScoreChanges(OpTy op);
  mlir::LogicalResult convert(vit::LayerNormOp op);
  mlir::LogicalResult convert(vit::RmsNormOp op);
  mlir::LogicalResult convertNorm(mlir::Operation *op, bool rms,
                                  mlir::FloatAttr epsilon, mlir::Value scale,
                                  mlir::Value shift);
  mlir::LogicalResult convert(vit::MeanTokensOp op);
  mlir::LogicalResult convert(vit::AttentionOp op);
  mlir::LogicalResult convert(vit::SoftmaxMatmulOp op);
  mlir::LogicalResult convert(vit::AttentionMapOp op);
  mlir::LogicalResult convert(vit::AdditiveAttentionOp op);
  /// The scores of all queries and keys, [B, Nq, Nk].
  mlir::Value emitScores(vit::AdditiveAttentionOp op);
  mlir::LogicalResult convert(vit::GruCellOp op);
  mlir::LogicalResult convert(vit::LstmCellOp op);
  /// Computes each element of `result` from those of `inputs`; returns how to
  /// read it.
  using ColumnBody = llvm::function_ref<mlir::Value(mlir::ValueRange)>;
  ValueAccess emitColumns(mlir::Value result,
                          llvm::ArrayRef<ValueAccess> inputs, ColumnBody body);
  mlir::LogicalResult convert(vit::CacheUpdateOp op);
  /// Whether the cache is an argument of the function that nothing else reads,
  /// and the result is returned under its name.
  bool isUpdatedInPlace(vit::CacheUpdateOp op);
  mlir::LogicalResult convert(mlir::linalg::GenericOp op);
  mlir::LogicalResult convertResult(mlir::linalg::GenericOp op,
                                    unsigned number);

  mlir::func::FuncOp function;
  mlir::ImplicitLocOpBuilder builder;
  llvm::DenseMap<mlir::Value, ValueAccess> converted;
  /// Packed operands of products, by what they are copied from and how: the
  /// base, the map to it, the packed type, n and k.
  using PackKey =
      std::tuple<mlir::Value, mlir::AffineMap, mlir::Type, int64_t, int64_t>;
  llvm::DenseMap<PackKey, mlir::Value> packs;
  /// A tensor.concat of which operands were written: where, and which.
  struct PartialConcat {
    Destination destination;
    llvm::SmallBitVector written;
  };
  llvm::DenseMap<mlir::Operation *, PartialConcat> concats;
  /// Values that are not written: products compute them from what they read.
  llvm::DenseMap<mlir::Value, ChannelScaling> scalings;
  /// Values that were written inside their padding: how the padded ones lie.
  llvm::DenseMap<mlir::Value, mlir::AffineMap> padded;
  llvm::SmallVector<mlir::Value> outputs;
  /// The loops around the insertion point: those of the source, and their own.
  llvm::SmallVector<std::pair<mlir::Operation *, mlir::Operation *>> loops;
  /// The indices of loops.
  llvm::DenseMap<mlir::Value, mlir::Value> scalars;
  /// The batch, null without one, and its multiples, computed at the start.
  mlir::Value batch;
  llvm::SmallDenseMap<int64_t, mlir::Value> batchMultiples;
};

/// The expression of a constant; null for what is none.
vit::WeightExprAttr getConstantExpr(mlir::Value value);

/// Whether the last of the map's dims, of `size` indices, runs through the
/// memory of a tensor of this shape element by element.
bool isRowContiguous(mlir::AffineMap map, llvm::ArrayRef<int64_t> shape,
                     int64_t size);
/// A map that does not depend on `dim`, of which 0 is the only index, with that
/// dim added to the last result: kernels ask for rows of unit stride, of one
/// element too.
mlir::AffineMap addUnitDim(mlir::AffineMap map, unsigned dim);
/// A map from indices of a value [B, M..., K] as one from (b, i, l): i runs
/// over the middle dims, row-major.
mlir::AffineMapAttr getRows(mlir::AffineMap map, mlir::RankedTensorType type);
/// The product of the middle dims.
int64_t getNumRows(mlir::RankedTensorType type);

/// Makes linalg ops that have no kernel linalg.generic, softmax several of
/// them.
mlir::LogicalResult generalizeOps(mlir::func::FuncOp function);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOKERNEL_KERNELEMITTER_H
