//===- DetrBuilder.h - Builds a DETR's module ------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// DETR (Carion et al. 2020): a ResNet, an encoder over its map, and a decoder
// whose queries become boxes. A mask says which pixels are the picture's.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_DETRBUILDER_H
#define VITC_LIB_IMPORT_DETRBUILDER_H

#include "ModelModule.h"
#include "ResNet.h"
#include "WeightSource.h"

namespace vitc::import_ {

struct DetrStack {
  int64_t numLayers = 6, numHeads = 8, intermediateSize = 2048;
};

struct DetrSpec {
  std::string architecture; // e.g. "DetrForObjectDetection"
  ResNetSpec backbone;
  int64_t imageHeight = 800, imageWidth = 1333, channels = 3;
  int64_t width = 256; // d_model
  int64_t numQueries = 100;
  DetrStack encoder, decoder;
  /// The classifier has one more: no object.
  int64_t numClasses = 0;
  llvm::StringRef maskName; // of the input
};

/// Takes the size that the user asked for, and checks that all sizes fit each
/// other; errors at `loc`.
mlir::LogicalResult resolveDetr(DetrSpec &spec, const ImportOptions &options,
                                mlir::Location loc);

mlir::OwningOpRef<mlir::ModuleOp>
buildDetr(const DetrSpec &spec, WeightSource &weights, const ModelInfo &info,
          const ImportOptions &options, mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_DETRBUILDER_H
