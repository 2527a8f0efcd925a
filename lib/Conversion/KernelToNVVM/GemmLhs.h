//===- GemmLhs.h - What a gemm reads as its left operand --------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_GEMMLHS_H
#define VITC_CONVERSION_KERNELTONVVM_GEMMLHS_H

#include "GemmAccess.h"

namespace vitc::kernel {

/// x[b, i, l] of a gemm: elements of lhs, wherever they lie, as it changes
/// them. Elements of a row are read `width` neighbours at a time.
class DeviceGemmLhs {
public:
  DeviceGemmLhs(GemmOp op, DeviceBuilder &builder);

  /// The largest width; smaller powers of two are as good.
  int64_t getMaxWidth() const { return maxWidth; }
  /// Whether memory of type `element` may get the bytes of lhs as they are,
  /// `width` elements being what an asynchronous copy takes.
  bool canCopy(mlir::Type element, int64_t width) const;

  /// What a row decides.
  struct Row {
    DeviceGemmRow row;
    mlir::Value start;                     // of the offset
    llvm::SmallVector<mlir::Value> starts; // of the bounds' indices
    mlir::Value mean, factor;              // null without a norm
  };
  Row startRow(const DeviceGemmRow &row) const;

  /// Elements from `l` on. `isDeep` is false behind the end of the row, where
  /// they are 0; null: they never are there.
  struct Place {
    mlir::Value l;
    mlir::Value isDeep;
  };
  void copyAsync(DevicePointer to, mlir::Value toOffset, const Row &row,
                 const Place &place, int64_t width) const;
  /// The elements as lhs holds them: any where none are.
  mlir::Value load(const Row &row, const Place &place, int64_t width) const;
  mlir::Type getLoadedType(int64_t width) const;
  /// What the gemm multiplies, f32, of what was loaded.
  mlir::Value transform(mlir::Value loaded, const Row &row, const Place &place,
                        int64_t width) const;

private:
  /// An index of lhs that may lie outside of [0, extent).
  struct Bound {
    SplitIndex index;
    int64_t extent;
  };
  /// Finds the bounds; elements that one check is enough for are `maxWidth`.
  void findBounds(GemmOp op);
  /// Whether elements are there; null: always.
  mlir::Value isInside(const Row &row, const Place &place) const;
  /// `width` elements of scale or shift.
  mlir::Value loadChannels(DevicePointer channels, const Row &row,
                           const Place &place, int64_t width) const;

  DeviceBuilder &b;
  int64_t k;
  vit::Activation activation;
  bool isNormalised;
  DevicePointer lhs, scale, shift; // the latter null without
  SplitIndex offset;
  int64_t maxWidth;
  llvm::SmallVector<Bound> bounds;
  mlir::AffineExpr channel; // offset of scale and shift, of (b, i, l)
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_GEMMLHS_H
