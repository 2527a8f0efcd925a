//===- ShiftMask.h - Masks of shifted windows from indices ----- -*- C++ -*-==//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_SHIFTMASK_H
#define VITC_ANALYSIS_SHIFTMASK_H

#include "Vit/VitDialect.h"

namespace vitc {

/// Whether all that reads `op` is attention, as its mask: then no element of it
/// is stored, since the kernels compute it from indices.
bool isAttentionMask(vit::ShiftMaskOp op);

/// A number for the region of token i of item b, as a map from (b, i): equal
/// where ShiftMaskOp::getRegions has equal numbers in window b mod nW.
mlir::AffineMap getRegionMap(vit::ShiftMaskOp op);

} // namespace vitc

#endif // VITC_ANALYSIS_SHIFTMASK_H
