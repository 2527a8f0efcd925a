//===- ConstantWeight.cpp - Constants as weight expressions ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantWeight.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vitc::vit;

WeightExprAttr vitc::vit::getConstantWeight(Value value) {
  Attribute attr;
  if (!value || !matchPattern(value, m_Constant(&attr)))
    return {};
  if (auto elements = dyn_cast<DenseElementsAttr>(attr))
    return WeightExprAttr::data(elements);
  return dyn_cast<WeightExprAttr>(attr);
}
