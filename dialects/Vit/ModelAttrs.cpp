//===- ModelAttrs.cpp - The model as its user sees it ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc::vit;

/// PIL's filters have the numbers 0 to 5.
static constexpr int64_t kLastFilter = 5;
static constexpr int64_t kMaxChannels = 4;

static bool allPositive(ArrayRef<int64_t> sizes) {
  return llvm::all_of(sizes, [](int64_t size) { return size > 0; });
}

LogicalResult
PreprocessAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                       DenseI64ArrayAttr resize, int64_t interpolation,
                       DenseI64ArrayAttr crop, FloatAttr rescale,
                       DenseF64ArrayAttr mean, DenseF64ArrayAttr std) {
  // C1
  if (resize && ((resize.size() != 1 && resize.size() != 2) ||
                 !allPositive(resize.asArrayRef())))
    return emitError() << "#vit.preprocess has resize = ["
                       << resize.asArrayRef()
                       << "]; needs 1 or 2 positive numbers";
  if (crop && (crop.size() != 2 || !allPositive(crop.asArrayRef())))
    return emitError() << "#vit.preprocess has crop = [" << crop.asArrayRef()
                       << "]; needs 2 positive numbers";
  // C2
  if (interpolation < 0 || interpolation > kLastFilter)
    return emitError() << "#vit.preprocess has interpolation = "
                       << interpolation << "; needs 0 to " << kLastFilter;
  // C3
  if (!mean != !std)
    return emitError() << "#vit.preprocess has " << (mean ? "mean" : "std")
                       << " without " << (mean ? "std" : "mean")
                       << "; needs both or neither";
  if (!mean)
    return success();
  if (mean.size() != std.size() || mean.empty() || mean.size() > kMaxChannels)
    return emitError() << "#vit.preprocess has " << mean.size()
                       << " entries of mean and " << std.size()
                       << " of std; needs as many of each, 1 to "
                       << kMaxChannels;
  if (llvm::is_contained(std.asArrayRef(), 0.0))
    return emitError() << "#vit.preprocess has std = [" << std.asArrayRef()
                       << "]; needs numbers other than 0";
  return success();
}

LogicalResult
TokenGridAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                      int64_t prefix, int64_t height, int64_t width,
                      bool classToken) {
  // C1
  if (height < 1 || width < 1)
    return emitError() << "#vit.token_grid has " << height << " x " << width
                       << " patches; needs 1 x 1 or more";
  int64_t least = classToken ? 1 : 0;
  if (prefix < least)
    return emitError() << "#vit.token_grid has prefix = " << prefix
                       << "; needs " << least << " or more";
  return success();
}

LogicalResult
ModelAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                  StringAttr name, StringAttr task, StringAttr source,
                  int64_t parameters, StringAttr licence, ArrayAttr labels,
                  PreprocessAttr preprocess, TokenGridAttr grid) {
  // C1
  if (!llvm::is_contained({"tensor", "classification", "embedding"},
                          task.getValue()))
    return emitError() << "#vit.model has task = " << task
                       << "; needs tensor, classification or embedding";
  // C2
  if (parameters < 0)
    return emitError() << "#vit.model has parameters = " << parameters
                       << "; needs 0 or more";
  // C3
  if (labels)
    for (Attribute label : labels)
      if (!isa<StringAttr>(label))
        return emitError() << "#vit.model has label " << label
                           << "; needs strings";
  return success();
}
