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
/// for a picture of mode RGB. Both pictures have at least one pixel.
Image resample(const Image &image, int height, int width,
               Interpolation interpolation);

} // namespace vitc::rt

#endif // VITC_RUNTIME_IMAGE_RESAMPLE_H
