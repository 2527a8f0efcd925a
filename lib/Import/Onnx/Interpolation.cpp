//===- Interpolation.cpp - Weights of a resize along one dim --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interpolation.h"

#include <algorithm>
#include <cmath>

using namespace vitc::onnx;

/// Where position x of the result lies in the input.
static double getSource(CoordinateMode mode, const ResizedDim &dim, double x) {
  // Not rounded, unlike the size of the result.
  double width = dim.scale * dim.input;
  switch (mode) {
  case CoordinateMode::HalfPixel:
    return (x + 0.5) / dim.scale - 0.5;
  case CoordinateMode::HalfPixelSymmetric: {
    double offset = dim.input / 2.0 * (1 - dim.output / width);
    return offset + (x + 0.5) / dim.scale - 0.5;
  }
  case CoordinateMode::PytorchHalfPixel:
    return width == 1 ? -0.5 : (x + 0.5) / dim.scale - 0.5;
  case CoordinateMode::AlignCorners:
    return width == 1 ? 0 : x * (dim.input - 1) / (width - 1);
  case CoordinateMode::Asymmetric:
    return x / dim.scale;
  case CoordinateMode::TfHalfPixelForNN:
    return (x + 0.5) / dim.scale;
  case CoordinateMode::TfCropAndResize: {
    double extent = (dim.roiEnd - dim.roiBegin) * (dim.input - 1);
    double begin = dim.roiBegin * (dim.input - 1);
    return begin + (width == 1 ? extent / 2 : x * extent / (width - 1));
  }
  }
  return 0;
}

/// Keys' cubic convolution kernel.
static double getCubic(double x, double a) {
  x = std::abs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2)
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

/// Weights of the neighbours of a position that lies `ratio`, in (0, 1], behind
/// its left one.
static std::vector<double> getWeights(const Interpolation &interpolation,
                                      double ratio, double scale) {
  if (interpolation.mode == InterpolationMode::Nearest) {
    bool right = false;
    switch (interpolation.nearest) {
    case NearestMode::RoundPreferFloor:
      right = ratio > 0.5;
      break;
    case NearestMode::RoundPreferCeil:
      right = ratio >= 0.5;
      break;
    case NearestMode::Floor:
      right = ratio == 1;
      break;
    case NearestMode::Ceil:
      right = true;
      break;
    }
    return {right ? 0.0 : 1.0, right ? 1.0 : 0.0};
  }
  // Antialiasing stretches the kernel when the picture shrinks.
  double stretch = interpolation.antialias ? std::min(scale, 1.0) : 1.0;
  bool cubic = interpolation.mode == InterpolationMode::Cubic;
  int64_t radius = cubic ? 2 : 1;
  int64_t begin = static_cast<int64_t>(std::floor(-radius / stretch)) + 1;
  int64_t end = 2 - begin;
  std::vector<double> weights;
  double sum = 0;
  for (int64_t tap = begin; tap < end; ++tap) {
    double distance = (tap - ratio) * stretch;
    weights.push_back(cubic ? getCubic(distance, interpolation.cubicCoefficient)
                            : std::max(1 - std::abs(distance), 0.0));
    sum += weights.back();
  }
  if (interpolation.antialias)
    for (double &weight : weights)
      weight /= sum;
  return weights;
}

/// The first of the `numTaps` neighbours nearest to `source`; of two as near
/// the smaller one.
static int64_t getFirstNeighbour(double source, int64_t numTaps) {
  double floor = std::floor(source), ratio = source - floor;
  int64_t first = static_cast<int64_t>(floor);
  if (numTaps % 2 == 0)
    return first - numTaps / 2 + (ratio == 0 ? 0 : 1);
  return first - (numTaps - 1) / 2 + (ratio <= 0.5 ? 0 : 1);
}

Taps vitc::onnx::getTaps(const Interpolation &interpolation,
                         const ResizedDim &dim) {
  Taps taps;
  for (int64_t x = 0; x != dim.output; ++x) {
    double source = getSource(interpolation.coordinates, dim, x);
    taps.outside.push_back(interpolation.coordinates ==
                               CoordinateMode::TfCropAndResize &&
                           (source < 0 || source > dim.input - 1));
    double floor = std::floor(source);
    double ratio = source == floor ? 1 : source - floor;
    std::vector<double> weights = getWeights(interpolation, ratio, dim.scale);
    taps.numTaps = weights.size();
    int64_t first = getFirstNeighbour(source, taps.numTaps);

    if (interpolation.excludeOutside) {
      double sum = 0;
      for (int64_t tap = 0; tap != taps.numTaps; ++tap) {
        if (first + tap < 0 || first + tap >= dim.input)
          weights[tap] = 0;
        sum += weights[tap];
      }
      if (sum != 0)
        for (double &weight : weights)
          weight /= sum;
    }
    for (int64_t tap = 0; tap != taps.numTaps; ++tap) {
      taps.indices.push_back(
          std::clamp<int64_t>(first + tap, 0, dim.input - 1));
      taps.weights.push_back(weights[tap]);
    }
  }
  return taps;
}
