//===- Linformer.h - Linformer vision transformers -------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The vision transformer of vit_pytorch (efficient.ViT) around the Linformer of
// the package linformer, with their names: a norm before and behind the patch
// projection, and keys and values projected along the sequence.
//
// Source: Wang et al. 2020 (Linformer), eq. (7).
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_LINFORMER_H
#define VITC_LIB_IMPORT_LINFORMER_H

#include "Vit/VitDialect.h"
#include "WeightSource.h"
#include "vitc/Import/Import.h"

namespace vitc::import_ {

struct LinformerSpec {
  int64_t imageHeight = 2048, imageWidth = 2048, channels = 3;
  int64_t patchHeight = 32, patchWidth = 32;
  int64_t dim = 512, depth = 12, numHeads = 8;
  /// Rows that keys and values are projected to.
  int64_t projectedLength = 256;
  bool oneKeyValueHead = false; // all heads share keys and values
  bool shareKeyValue = false;   // values are the keys
  bool meanPooling = false;     // of all tokens, or the class token
  int64_t numClasses = 1000;

  int64_t getGridHeight() const { return imageHeight / patchHeight; }
  int64_t getGridWidth() const { return imageWidth / patchWidth; }
  int64_t getNumTokens() const { return 1 + getGridHeight() * getGridWidth(); }
};

/// Checks that all sizes fit each other; errors at `loc`.
mlir::LogicalResult verifyLinformer(const LinformerSpec &spec,
                                    const ImportOptions &options,
                                    mlir::Location loc);

/// Builds the module of a verified specification; `preprocess` may be null.
mlir::OwningOpRef<mlir::ModuleOp> buildLinformer(const LinformerSpec &spec,
                                                 WeightSource &weights,
                                                 vit::PreprocessAttr preprocess,
                                                 const ImportOptions &options,
                                                 mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_LINFORMER_H
