//===- Convolution.cpp - Convolutions -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::vit;

/// The number of places of the filter along height, dim 0, or width, dim 1; 0
/// where it does not fit.
static int64_t getNumPlaces(Conv2dOp::Adaptor op, unsigned dim) {
  auto getSize = [&](Value value) -> uint64_t {
    return cast<RankedTensorType>(value.getType()).getDimSize(dim + 2);
  };
  uint64_t padding = op.getPad()[dim] + op.getPad()[dim + 2];
  uint64_t padded = llvm::SaturatingAdd(getSize(op.getInput()), padding);
  uint64_t span = llvm::SaturatingMultiplyAdd<uint64_t>(
      getSize(op.getFilter()) - 1, op.getDilation()[dim], 1);
  return padded < span ? 0 : (padded - span) / op.getStride()[dim] + 1;
}

/// Whether `values` are `count` numbers from `min` to the largest of 32 bits.
static bool areWithin(ArrayRef<int64_t> values, size_t count, int64_t min) {
  return values.size() == count && llvm::all_of(values, [&](int64_t value) {
           return value >= min && value <= std::numeric_limits<int32_t>::max();
         });
}

/// C1 and C3: whether stride, pad and dilation allow one place of the filter.
static LogicalResult verifyPlaces(std::optional<Location> location,
                                  Conv2dOp::Adaptor op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  ArrayRef<int64_t> stride = op.getStride(), pad = op.getPad(),
                    dilation = op.getDilation();
  if (filter.isDynamicDim(0))
    return emitOptionalError(location, "'vit.conv2d' op has filter ", filter,
                             "; needs a static shape");
  // C1
  if (!areWithin(stride, 2, 1) || !areWithin(dilation, 2, 1) ||
      !areWithin(pad, 4, 0))
    return emitOptionalError(location, "'vit.conv2d' op has stride [", stride,
                             "], dilation [", dilation, "] and pad [", pad,
                             "]; needs 2, 2 and 4 entries of 32 bits, positive "
                             "but for pad, which may be 0");
  // C3
  for (int64_t dim : {0, 1})
    if (getNumPlaces(op, dim) == 0)
      return emitOptionalError(location, "'vit.conv2d' op has input ", input,
                               " and pad [", pad, "] but filter ", filter,
                               " and dilation [", dilation,
                               "]; the filter must fit the padded input");
  return success();
}

LogicalResult Conv2dOp::inferReturnTypes(MLIRContext *context,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  if (failed(verifyPlaces(location, adaptor)))
    return failure();
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto filter = cast<RankedTensorType>(adaptor.getFilter().getType());
  types.push_back(
      input.clone({input.getDimSize(0), filter.getDimSize(0),
                   getNumPlaces(adaptor, 0), getNumPlaces(adaptor, 1)}));
  return success();
}

LogicalResult Conv2dOp::verify() {
  // C1, C3
  if (failed(verifyPlaces(getLoc(), Adaptor(*this))))
    return failure();
  RankedTensorType input = getInput().getType();
  RankedTensorType filter = getFilter().getType();
  int64_t groups = getGroups();
  int64_t channels = input.getDimSize(1);
  // C2
  if (groups < 1 || channels % groups != 0 ||
      filter.getDimSize(0) % groups != 0)
    return emitOpError() << "has " << groups << " groups but " << channels
                         << " input and " << filter.getDimSize(0)
                         << " output channels; groups must divide both";
  if (filter.getDimSize(1) != channels / groups)
    return emitOpError() << "filter has " << filter.getDimSize(1)
                         << " input channels but input has " << channels
                         << " in " << groups << " groups";
  // C4
  if (getBias() &&
      getBias().getType().getShape() != filter.getShape().take_front())
    return emitOpError() << "bias is " << getBias().getType()
                         << " but filter has O = " << filter.getDimSize(0);
  // C5
  if (getResidual() && getResidual().getType() != getType())
    return emitOpError() << "residual is " << getResidual().getType()
                         << " but result is " << getType();
  return success();
}
