//===- Activation.h - Activations and sums in linalg ---------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOLINALG_ACTIVATION_H
#define VITC_CONVERSION_VITTOLINALG_ACTIVATION_H

#include "Vit/VitDialect.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc {

/// `activation` of each element of `tensor`, computed in `type`.
mlir::Value buildActivation(mlir::ImplicitLocOpBuilder &builder,
                            mlir::Value tensor, mlir::Type type,
                            vit::Activation activation);

/// lhs + rhs, with rhs read through `rhsMap`.
mlir::Value buildSum(mlir::ImplicitLocOpBuilder &builder, mlir::Value lhs,
                     mlir::Value rhs, mlir::AffineMap rhsMap);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOLINALG_ACTIVATION_H
