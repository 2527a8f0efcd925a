//===- SandwichBlocks.h - What is around a token mixer of timm -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layers that MSRA's EfficientViT has on both sides of its attention and
// SHViT before and behind its own. `conv` is what a layer calls its
// convolution. Source: Liu et al. 2023 (EfficientViT), section 3.1.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TIMM_SANDWICHBLOCKS_H
#define VITC_LIB_IMPORT_TIMM_SANDWICHBLOCKS_H

#include "TimmLayers.h"

namespace vitc::import_ {

/// What the parts of a downsample are called, in their order.
struct SandwichNames {
  llvm::StringLiteral firstConv, firstMlp, merge, lastConv, lastMlp;
};

/// map + LAYER.m, a convolution and its norm.
mlir::Value addSandwichConv(TimmLayers &layers, mlir::Value map,
                            const std::string &layer, llvm::StringRef conv);

/// map + LAYER.m.pw2(relu(LAYER.m.pw1)).
mlir::Value addSandwichMlp(TimmLayers &layers, mlir::Value map,
                           const std::string &layer, llvm::StringRef conv);

/// A map of half the size by the parts of `prefix`; the map itself where the
/// file has none.
mlir::Value downsampleSandwich(TimmLayers &layers, mlir::Value map,
                               const std::string &prefix,
                               const SandwichNames &names,
                               llvm::StringRef conv);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TIMM_SANDWICHBLOCKS_H
