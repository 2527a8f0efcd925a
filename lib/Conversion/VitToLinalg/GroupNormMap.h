//===- GroupNormMap.h - A normalised feature map ------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOLINALG_GROUPNORMMAP_H
#define VITC_CONVERSION_VITTOLINALG_GROUPNORMMAP_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc {

/// The weight and the bias of a norm, with maps from (b, c) to their
/// elements; null for 1 and 0.
struct ChannelAffine {
  mlir::Value weight, bias;
  mlir::AffineMap weightMap, biasMap;
};

/// The feature map [B, C, H, W] with each of `groups` groups of its channels
/// normalised: x * scale + shift, which have the weight and the bias in them.
mlir::Value buildNormalizedMap(mlir::ImplicitLocOpBuilder &builder,
                               mlir::Value map, int64_t groups, double epsilon,
                               const ChannelAffine &affine);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOLINALG_GROUPNORMMAP_H
