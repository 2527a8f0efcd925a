//===- Norm.h - Rows normalised in linalg ---------------------*- C++ -*---===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOLINALG_NORM_H
#define VITC_CONVERSION_VITTOLINALG_NORM_H

#include "Vit/VitDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc {

/// Each row of the last dim of `tensor`, normalised: its layer norm, or RMS
/// norm with `rms`, without scale and shift, in `type`.
mlir::Value buildNormalized(mlir::ImplicitLocOpBuilder &builder,
                            mlir::Value tensor, bool rms,
                            mlir::FloatAttr epsilon, mlir::Type type);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOLINALG_NORM_H
