//===- ChannelScaling.h - Maps that are scaled while read ---- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOKERNEL_CHANNELSCALING_H
#define VITC_CONVERSION_VITTOKERNEL_CHANNELSCALING_H

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace vitc {

/// activation(source[x] * scale[map(x)] + shift[map(x)]).
struct ChannelScaling {
  mlir::Value source, scale, shift;
  mlir::AffineMap map;
  vit::Activation activation;
};

/// What `op` computes, if it is of this form.
std::optional<ChannelScaling> matchChannelScaling(mlir::linalg::GenericOp op);

/// Whether products alone read `result`, along whose rows the scaling
/// depends on no more than the batch and the place in a row: they can scale
/// what they read.
bool isScaledByReaders(mlir::Value result, const ChannelScaling &scaling);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOKERNEL_CHANNELSCALING_H
