//===- Interpolation.h - Weights of a resize along one dim -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ONNX's Resize interpolates one dim after the other, each with weights that
// depend on sizes and attributes alone. They are computed here, in double.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_INTERPOLATION_H
#define VITC_LIB_IMPORT_ONNX_INTERPOLATION_H

#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <vector>

namespace vitc::onnx {

enum class InterpolationMode { Nearest, Linear, Cubic };

/// Where position x of the result lies in the input.
enum class CoordinateMode {
  HalfPixel,
  HalfPixelSymmetric,
  PytorchHalfPixel,
  AlignCorners,
  Asymmetric,
  TfHalfPixelForNN,
  TfCropAndResize
};

/// Which neighbour is the nearest.
enum class NearestMode { RoundPreferFloor, RoundPreferCeil, Floor, Ceil };

struct Interpolation {
  InterpolationMode mode = InterpolationMode::Nearest;
  CoordinateMode coordinates = CoordinateMode::HalfPixel;
  NearestMode nearest = NearestMode::RoundPreferFloor;
  double cubicCoefficient = -0.75;
  bool antialias = false;
  bool excludeOutside = false;
};

/// One dim of a resize.
struct ResizedDim {
  int64_t input, output;
  /// As the model gives it: output / input may differ by rounding.
  double scale;
  /// Of TfCropAndResize, in units of the input.
  double roiBegin = 0, roiEnd = 1;
};

/// Position o of the result is the sum over t of weights[o * numTaps + t] times
/// the input at indices[o * numTaps + t], or, where it is outside, the
/// extrapolation value.
struct Taps {
  int64_t numTaps = 0;
  std::vector<int64_t> indices;
  std::vector<double> weights;
  std::vector<bool> outside;
};

Taps getTaps(const Interpolation &interpolation, const ResizedDim &dim);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_INTERPOLATION_H
