//===- MaeBuilder.h - Builds a masked autoencoder's module -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MAE (He et al. 2022): an encoder sees the patches with the least noise, a
// decoder predicts the pixels of the others. The noise is an input, so that a
// run can be repeated.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_MAEBUILDER_H
#define VITC_LIB_IMPORT_MAEBUILDER_H

#include "ModelModule.h"
#include "VitSpec.h"
#include "WeightSource.h"

namespace vitc::import_ {

/// The input that says which patches are hidden: those with the most of it.
inline constexpr llvm::StringLiteral kNoiseInput = "noise";

struct MaeSpec {
  VitSpec encoder;
  /// Without one the outputs are the encoder's. Its image is the encoder's too.
  std::optional<VitSpec> decoder;
  /// Patches that the encoder sees.
  int64_t numVisible = 0;
  /// The decoder's pixels have mean 0 and variance 1 in each patch.
  bool normalisedPixels = false;
};

mlir::OwningOpRef<mlir::ModuleOp>
buildMae(const MaeSpec &spec, WeightSource &weights, const ModelInfo &info,
         const ImportOptions &options, mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_MAEBUILDER_H
