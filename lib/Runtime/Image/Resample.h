//===- Resample.h - Resize a picture as Pillow does -------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_RUNTIME_IMAGE_RESAMPLE_H
#define VITC_RUNTIME_IMAGE_RESAMPLE_H

#include "Image/Image.h"

namespace vitc::rt {

/// The same bytes as `PIL.Image.resize((width, height), interpolation)` gives
/// for a picture of mode RGB, or RGBA with alpha. Without `antialias` a filter
/// keeps its width where a side shrinks, as in PyTorch and OpenCV: taps beyond
/// the edge read its pixels, and bicubic has their slope. Both pictures have at
/// least one pixel.
Image resample(const Image &image, int height, int width,
               Interpolation interpolation, bool antialias = true);

} // namespace vitc::rt

#endif // VITC_RUNTIME_IMAGE_RESAMPLE_H
