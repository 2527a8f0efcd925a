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
                       DenseI64ArrayAttr resize, bool inside,
                       int64_t interpolation, bool antialias,
                       DenseI64ArrayAttr crop, Padding pad, FloatAttr rescale,
                       DenseF64ArrayAttr mean, DenseF64ArrayAttr std, bool bgr,
                       StringAttr mask, StringAttr noise) {
  // C1
  if (resize && ((resize.size() != 1 && resize.size() != 2) ||
                 !allPositive(resize.asArrayRef())))
    return emitError() << "#vit.preprocess has resize = ["
                       << resize.asArrayRef()
                       << "]; needs 1 or 2 positive numbers";
  if (inside && (!resize || resize.size() != 2))
    return emitError() << "#vit.preprocess has inside and "
                       << (resize ? resize.size() : 0)
                       << " numbers of resize; needs 2";
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
TextAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                 DenseResourceElementsAttr tokenizer, int64_t maxLength,
                 StringAttr ids, StringAttr mask, StringAttr types) {
  // C1
  ShapedType type = tokenizer.getType();
  if (type.getRank() != 1 || !type.getElementType().isInteger(8))
    return emitError() << "#vit.text has a tokenizer of type " << type
                       << "; needs a vector of i8";
  // C2
  if (maxLength < 1)
    return emitError() << "#vit.text has maxLength = " << maxLength
                       << "; needs 1 or more";
  return success();
}

/// Whether `inner` is at most as high and as wide as `size`.
static bool holds(ArrayRef<int64_t> size, TokenGridAttr inner) {
  return !inner ||
         (inner.getHeight() <= size[0] && inner.getWidth() <= size[1]);
}

LogicalResult
AttentionLayerAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                           int64_t number, StringAttr name,
                           TokenGridAttr queries, TokenGridAttr keys,
                           DenseI64ArrayAttr window, DenseI64ArrayAttr size,
                           DenseI64ArrayAttr shift, int64_t projection) {
  // C1
  if (!window != !size || !window != !shift)
    return emitError() << "#vit.attention_layer " << name
                       << " has part of window, size and shift; needs all "
                          "three or none";
  if (window && (window.size() != 2 || size.size() != 2 || shift.size() != 2))
    return emitError() << "#vit.attention_layer " << name << " has "
                       << window.size() << ", " << size.size() << " and "
                       << shift.size()
                       << " numbers as window, size and shift; needs 2 each";
  for (int64_t axis = 0; window && axis < 2; ++axis)
    if (window[axis] < 1 || size[axis] < 1 || size[axis] % window[axis] != 0 ||
        shift[axis] < 0 || shift[axis] >= size[axis])
      return emitError() << "#vit.attention_layer " << name << " has a window "
                         << "of " << window[axis] << " in a size of "
                         << size[axis] << ", shifted by " << shift[axis]
                         << "; needs a divisor and less than the size";
  if (window && (!holds(size, queries) || !holds(size, keys)))
    return emitError() << "#vit.attention_layer " << name
                       << " has a grid larger than the size ["
                       << size.asArrayRef() << "]";
  // C2
  if (projection < -1 || (projection >= 0 && window))
    return emitError() << "#vit.attention_layer " << name
                       << " has projection = " << projection
                       << (window ? " and windows" : "")
                       << "; needs -1, or a result's number without windows";
  return success();
}

LogicalResult
RankingAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                    FloatAttr scale, FloatAttr bias) {
  // C1
  const APFloat &factor = scale.getValue(), &shift = bias.getValue();
  if (!factor.isFinite() || factor.isNegative() || factor.isZero())
    return emitError() << "#vit.ranking has scale = " << scale
                       << "; needs a positive finite number";
  if (!shift.isFinite())
    return emitError() << "#vit.ranking has bias = " << bias
                       << "; needs a finite number";
  return success();
}

LogicalResult
ModelAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                  StringAttr name, StringAttr task, StringAttr source,
                  int64_t parameters, StringAttr licence, ArrayAttr labels,
                  PreprocessAttr preprocess, TokenGridAttr grid, TextAttr text,
                  bool sigmoid, RankingAttr ranking,
                  GenerationAttr generation) {
  // C1
  if (!llvm::is_contained({"tensor", "classification", "embedding",
                           "segmentation", "detection", "picture", "ranking",
                           "fill-mask", "generation"},
                          task.getValue()))
    return emitError() << "#vit.model has task = " << task
                       << "; needs tensor, classification, embedding, "
                          "segmentation, detection, picture, ranking, "
                          "fill-mask or generation";
  if ((task == "generation") != static_cast<bool>(generation))
    return emitError() << "#vit.model has task = " << task
                       << (generation ? " and" : " without")
                       << " #vit.generation; needs both or neither";
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
