//===- ProcessorClass.h - transformers' image processors -------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_PROCESSORCLASS_H
#define VITC_LIB_IMPORT_HUGGINGFACE_PROCESSORCLASS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace vitc::import_ {

/// The picture that the defaults of all classes give.
inline constexpr int64_t kDefaultPixels = 224;

/// The mean and standard deviation of each channel that pictures are
/// normalised by.
struct Statistics {
  double mean[3], std[3];
};

/// How a picture of any size becomes one of the model's.
enum class PictureFit {
  Configured, // resized and cropped as the file says
  Stretched,  // resized to it, whatever the file says
  Inside,     // to the largest size within it; zeros around are masked
  Unscaled    // as it is, mirrored up to the size where it is smaller
};

/// The defaults of a processor's class.
struct ProcessorClass {
  llvm::StringLiteral name;
  int64_t size;
  /// Whether `size` is the shorter edge's, or a square's.
  bool shortestEdge;
  int64_t resample; // PIL's number of a filter
  bool centerCrop;
  Statistics statistics;
  PictureFit fit = PictureFit::Configured;
};

/// The class of this name, or the one for a model_type; null: an unknown name.
const ProcessorClass *findProcessorClass(llvm::StringRef name);

/// The names of all, for a message.
std::string listProcessorClasses();

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_PROCESSORCLASS_H
