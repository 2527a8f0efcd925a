//===- ByoAttention.h - Attention of timm's byoanet.py ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TIMM_BYOATTENTION_H
#define VITC_LIB_IMPORT_TIMM_BYOATTENTION_H

#include "TimmLayers.h"

namespace vitc::import_ {

/// The attention LAYER of a map, whose weights say which of three it is, as a
/// map of 1 / `stride` of its sides. `blockSize` is the side of the blocks of
/// queries that halo attention has.
mlir::Value buildByoAttention(TimmLayers &layers, mlir::Value map,
                              const std::string &layer, int64_t stride,
                              int64_t blockSize);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TIMM_BYOATTENTION_H
