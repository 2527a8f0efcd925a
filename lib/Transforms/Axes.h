//===- Axes.h - Dimensions through reshapes and transposes ---*- C++ -*----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names for what tensor dimensions are made of, as in einsum and einops. In
//   %1 = expand_shape %0 : [B, N, 3HD] -> [B, N, 3, H, D]
//   %2 = transpose %1 : [3, B, H, N, D]
//   %3 = extract_slice %2[1, ...] : [1, B, H, N, D]
// the dims of %3 are (), (b), (h), (n), (d), and those of %0 are (b), (n),
// (3@1 h d): a dim is a list of axes, outermost first, some of which stay at
// one position. A dim of size 1 has none. Passes follow axes up through
// movement, see which meet in which op, and build the movement they want
// instead.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_AXES_H
#define VITC_LIB_TRANSFORMS_AXES_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace vitc::vit {

/// Numbers of axes of an AxisSpace, outermost first.
using AxisList = llvm::SmallVector<unsigned, 4>;
/// The axes of each dim of a tensor.
using DimAxes = llvm::SmallVector<AxisList, 6>;

/// The axes of the values that one match looks at.
class AxisSpace {
public:
  /// New axes for the dims of a tensor; none when it is empty or a dynamic size
  /// is no known multiple of the batch.
  std::optional<DimAxes> addDims(mlir::Value tensor);

  /// Replaces axes that were split since by their parts.
  AxisList resolve(llvm::ArrayRef<unsigned> axes) const;
  DimAxes resolveDims(llvm::ArrayRef<AxisList> dims) const;

  /// The extent; dynamic for one that grows with the batch.
  int64_t getSize(unsigned axis) const { return axes[axis].size; }
  /// The product of extents.
  int64_t getSize(llvm::ArrayRef<unsigned> list) const;
  bool isDynamic(unsigned axis) const;
  /// Whether the axis stays at one position.
  bool isFixed(unsigned axis) const { return axes[axis].position >= 0; }

  /// Cuts a list of axes into dims of these sizes, splitting axes where needed;
  /// none when an axis would not split evenly.
  std::optional<DimAxes> partition(llvm::ArrayRef<unsigned> list,
                                   llvm::ArrayRef<int64_t> sizes);

  /// The dims of an operand, read at `map` of the indices that `dims` stand
  /// for.
  static DimAxes compose(mlir::AffineMap map, llvm::ArrayRef<AxisList> dims);

  /// Where `value` is moved from: looks through one transpose, reshape,
  /// broadcast, or slice that takes whole dims or one of equal parts, and
  /// updates the dims. False, with nothing changed, for any other op.
  bool stepUp(mlir::Value &value, DimAxes &dims);

  /// Builds `value` with the dims `target`. Every axis of `target` that
  /// `source` lacks is broadcast; fixed axes of `source` are sliced off; all
  /// others of `source` must be in `target`.
  mlir::Value rearrange(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value value, llvm::ArrayRef<AxisList> source,
                        llvm::ArrayRef<AxisList> target);

private:
  struct Axis {
    int64_t size;
    /// size / B of a dynamic size.
    int64_t batchMultiple = 0;
    /// The position at which a fixed axis stays.
    int64_t position = -1;
    /// The axes that this one was split into: outer, inner.
    std::optional<std::pair<unsigned, unsigned>> parts = std::nullopt;
  };
  unsigned add(Axis axis);
  bool split(unsigned axis, int64_t outer, int64_t inner);
  void resolveInto(unsigned axis, AxisList &list) const;
  std::optional<DimAxes> stepThroughSlice(mlir::Operation *slice,
                                          llvm::ArrayRef<AxisList> dims);
  mlir::OpFoldResult getMixedSize(mlir::OpBuilder &builder,
                                  llvm::ArrayRef<unsigned> list) const;
  llvm::SmallVector<mlir::OpFoldResult>
  getMixedSizes(mlir::OpBuilder &builder, llvm::ArrayRef<AxisList> dims) const;
  llvm::SmallVector<int64_t> getShape(llvm::ArrayRef<AxisList> dims) const;
  mlir::Value reshape(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value, llvm::ArrayRef<AxisList> source,
                      llvm::ArrayRef<AxisList> target) const;
  // These update `dims` to what they return.
  mlir::Value takeFixed(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value value, DimAxes &dims) const;
  mlir::Value transpose(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value value, DimAxes &dims,
                        llvm::ArrayRef<AxisList> target) const;
  mlir::Value broadcast(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value value, DimAxes &dims,
                        llvm::ArrayRef<AxisList> target) const;

  llvm::SmallVector<Axis> axes;
};

/// All axes of the dims, in order.
AxisList flatten(llvm::ArrayRef<AxisList> dims);

/// Whether a tensor is a constant, moved or not.
bool isMovedConstant(mlir::Value tensor);

/// Gives the axes of an operand's dims to the loops of an op that read them,
/// but for loops that have some already. AxisSpace::compose(map, loops) are an
/// operand's dims then.
void bindLoops(DimAxes &loops, mlir::AffineMap map,
               llvm::ArrayRef<AxisList> dims);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_AXES_H
