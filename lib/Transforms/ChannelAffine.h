//===- ChannelAffine.h - Constants for each channel ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_CHANNELAFFINE_H
#define VITC_LIB_TRANSFORMS_CHANNELAFFINE_H

#include "MovedProduct.h"

namespace vitc::vit {

/// input * factor + offset, with constants for each index of one dim, as any
/// products, quotients, sums and differences compute it.
struct ChannelAffine {
  mlir::Value input;
  /// None where each constant is one number.
  std::optional<unsigned> dim;
  /// From the input to the result; what they compute has one user, but for the
  /// last.
  llvm::SmallVector<mlir::Operation *> ops;
  bool hasOffset = false;

  /// Whether `dim` may be the dim of the constants.
  bool isAlong(unsigned other) const { return !dim || *dim == other; }
};

/// The longest chain that ends in `result`; none where no op is one.
std::optional<ChannelAffine> matchChannelAffine(mlir::Value result);

/// Whether the only user of the result of `affine` continues it.
bool isContinued(const ChannelAffine &affine);

/// Whether `affine` multiplies by 1 and adds 0, each time.
bool isIdentity(const ChannelAffine &affine);

/// The constants of `affine` as vectors of `size`; null for a factor of 1 and
/// an offset of 0.
struct ChannelConstants {
  WeightExprAttr factor, offset;
};
ChannelConstants getChannelConstants(const ChannelAffine &affine, int64_t size);

/// Makes the constants of `affine` part of the product that computes its input.
/// Where there is such a product, a remark on the last op that begins with
/// `what` says why not.
mlir::LogicalResult foldIntoProduct(const ChannelAffine &affine,
                                    llvm::StringRef what,
                                    mlir::RewriterBase &rewriter);

/// Replaces the result of `affine` by its input.
void eraseAffine(const ChannelAffine &affine, mlir::RewriterBase &rewriter);

/// Gives a vit.linear or vit.conv2d other parameters; a null bias is none.
void setParameters(mlir::Operation *product, WeightExprAttr weight,
                   WeightExprAttr bias, mlir::Location loc,
                   mlir::RewriterBase &rewriter);
mlir::Value getWeight(mlir::Operation *product);
mlir::Value getBias(mlir::Operation *product);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_CHANNELAFFINE_H
