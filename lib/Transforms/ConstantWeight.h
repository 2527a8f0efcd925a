//===- ConstantWeight.h - Constants as weight expressions -------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_CONSTANTWEIGHT_H
#define VITC_LIB_TRANSFORMS_CONSTANTWEIGHT_H

#include "Vit/VitDialect.h"

namespace vitc::vit {

/// The expression of a constant weight, stored or small enough for an
/// arith.constant; null for other values and for none.
WeightExprAttr getConstantWeight(mlir::Value value);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_CONSTANTWEIGHT_H
