//===- Swin2srBuilder.h - Builds a Swin2SR's module ------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Swin2SR (Conde et al. 2022): Swin v2 blocks at one resolution, each stage
// with a residual convolution, and an upsampler; pictures in and out.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_SWIN2SRBUILDER_H
#define VITC_LIB_IMPORT_SWIN2SRBUILDER_H

#include "ModelModule.h"
#include "SwinSpec.h"
#include "WeightSource.h"

namespace vitc::import_ {

enum class Swin2srUpsampler {
  PixelShuffle,       // of wide features, once for each factor of 2, or of 3
  PixelShuffleDirect, // of the picture's channels
  NearestConv,        // pixels repeated, convolved, twice
  None                // the picture plus a convolution
};

/// The convolution behind a stage's blocks.
enum class Swin2srResidual {
  OneConv,
  ThreeConvs // with a quarter of the channels between them
};

struct Swin2srSpec {
  /// Sizes of all stages; each stage has embedDim channels.
  SwinSpec swin;
  Swin2srUpsampler upsampler = Swin2srUpsampler::PixelShuffle;
  Swin2srResidual residual = Swin2srResidual::OneConv;
  int64_t scale = 2;
  int64_t outputChannels = 3;
  /// Pixels are less `mean`, times this.
  double range = 1.0;
};

/// Takes the size that the user asked for, and checks that all sizes fit each
/// other; errors at `loc`.
mlir::LogicalResult resolveSwin2sr(Swin2srSpec &spec,
                                   const ImportOptions &options,
                                   mlir::Location loc);

mlir::OwningOpRef<mlir::ModuleOp> buildSwin2sr(const Swin2srSpec &spec,
                                               WeightSource &weights,
                                               const ModelInfo &info,
                                               const ImportOptions &options,
                                               mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_SWIN2SRBUILDER_H
