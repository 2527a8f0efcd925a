//===- Convolution.cpp - Convolutions in groups of channels ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelDialect.h"
#include "Kernel/Verify.h"

using namespace mlir;
using namespace vitc::kernel;

/// Checks that a list has 2 entries of at least `least`.
static LogicalResult verifyTwo(Operation *op, StringRef name,
                               ArrayRef<int64_t> entries, int64_t least) {
  if (entries.size() == 2 &&
      llvm::all_of(entries, [&](int64_t entry) { return entry >= least; }))
    return success();
  return op->emitOpError() << "has " << name << " [" << entries
                           << "]; needs 2 numbers of " << least << " or more";
}

LogicalResult GroupedConvOp::verify() {
  // C1
  if (failed(verifyTwo(*this, "size", getSize(), 1)) ||
      failed(verifyTwo(*this, "input_size", getInputSize(), 1)) ||
      failed(verifyTwo(*this, "stride", getStride(), 1)) ||
      failed(verifyTwo(*this, "dilation", getDilation(), 1)) ||
      failed(verifyTwo(*this, "pad", getPad(), 0)))
    return failure();
  // C2
  auto filter = cast<ShapedType>(getFilter().getType());
  if (filter.getRank() != 4 || !filter.hasStaticShape() ||
      filter.getNumElements() == 0)
    return emitOpError()
           << "has filter of type " << filter
           << "; needs 4 static sizes of 1 or more, [Kh, Kw, Cg, O]";
  // C3
  auto groups = static_cast<int64_t>(getGroups());
  if (groups < 1 || getOutputs() % groups != 0)
    return emitOpError() << "has " << groups << " groups for " << getOutputs()
                         << " channels of the result; needs a divisor";
  // C4, C5, C6
  if (failed(verifyVector(*this, "bias", getBias(), getOutputs())) ||
      failed(verifyMap(*this, "input", getInputMap(), 4, getInput())) ||
      failed(
          verifyPair(*this, "residual", getResidual(), getResidualMap(), 4)) ||
      failed(verifyMap(*this, "init", getResultMap(), 4, getInit())))
    return failure();
  return verifyDestination(*this, getInit());
}

void GroupedConvOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getKernelEffects(*this, getInitMutable(), effects);
}
