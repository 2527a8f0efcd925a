//===- CachePosition.h - Where a cache is written ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_CACHEPOSITION_H
#define VITC_CONVERSION_CACHEPOSITION_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc {

/// The one element of `position`, at least 0 and at most `last`, as an index.
inline mlir::Value buildCachePosition(mlir::ImplicitLocOpBuilder &builder,
                                      mlir::Value position, int64_t last) {
  auto index = [&](int64_t value) {
    return mlir::arith::ConstantIndexOp::create(builder, value);
  };
  mlir::Value element = mlir::tensor::ExtractOp::create(
      builder, position, mlir::ValueRange{index(0)});
  element = mlir::arith::IndexCastOp::create(builder, builder.getIndexType(),
                                             element);
  element = mlir::arith::MaxSIOp::create(builder, element, index(0));
  return mlir::arith::MinSIOp::create(builder, element, index(last));
}

} // namespace vitc

#endif // VITC_CONVERSION_CACHEPOSITION_H
