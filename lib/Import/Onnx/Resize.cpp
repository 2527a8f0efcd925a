//===- Resize.cpp - ONNX's Resize -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "ResizeBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace vitc::onnx;

/// Largest size of a resized dim.
constexpr int64_t kMaxResizedSize = int64_t(1) << 24;
/// A region of interest lies within this many pictures on each side.
constexpr int64_t kMaxRoi = 1024;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

template <typename Enum>
static FailureOr<Enum> getEnum(Node &node, StringRef name, StringRef standard,
                               ArrayRef<std::pair<StringRef, Enum>> cases) {
  std::string text = node.getString(name, standard);
  std::string known;
  for (auto [keyword, value] : cases) {
    if (text == keyword)
      return value;
    known += (known.empty() ? "" : ", ") + keyword.str();
  }
  return node.emitError() << name << " is '" << text << "'; one of " << known
                          << " is needed";
}

static FailureOr<Interpolation> getInterpolation(Node &node) {
  FailureOr<InterpolationMode> mode =
      getEnum<InterpolationMode>(node, "mode", "nearest",
                                 {{"nearest", InterpolationMode::Nearest},
                                  {"linear", InterpolationMode::Linear},
                                  {"cubic", InterpolationMode::Cubic}});
  FailureOr<CoordinateMode> coordinates = getEnum<CoordinateMode>(
      node, "coordinate_transformation_mode", "half_pixel",
      {{"half_pixel", CoordinateMode::HalfPixel},
       {"half_pixel_symmetric", CoordinateMode::HalfPixelSymmetric},
       {"pytorch_half_pixel", CoordinateMode::PytorchHalfPixel},
       {"align_corners", CoordinateMode::AlignCorners},
       {"asymmetric", CoordinateMode::Asymmetric},
       {"tf_half_pixel_for_nn", CoordinateMode::TfHalfPixelForNN},
       {"tf_crop_and_resize", CoordinateMode::TfCropAndResize}});
  FailureOr<NearestMode> nearest = getEnum<NearestMode>(
      node, "nearest_mode", "round_prefer_floor",
      {{"round_prefer_floor", NearestMode::RoundPreferFloor},
       {"round_prefer_ceil", NearestMode::RoundPreferCeil},
       {"floor", NearestMode::Floor},
       {"ceil", NearestMode::Ceil}});
  if (failed(mode) || failed(coordinates) || failed(nearest))
    return failure();
  Interpolation interpolation;
  interpolation.mode = *mode;
  interpolation.coordinates = *coordinates;
  interpolation.nearest = *nearest;
  interpolation.cubicCoefficient = node.getFloat("cubic_coeff_a", -0.75);
  interpolation.antialias = node.getInt("antialias", 0) != 0;
  interpolation.excludeOutside = node.getInt("exclude_outside", 0) != 0;
  if (interpolation.antialias && *mode == InterpolationMode::Nearest)
    return node.emitError() << "antialias is set with mode nearest; linear or "
                               "cubic is needed";
  return interpolation;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// Inputs that are left out may be there without elements.
static bool hasElements(Node &node, unsigned index) {
  return node.hasInput(index) && node.getShape(index) != Shape{Size(0)};
}

/// The size and scale that `sizes` asks of a dim.
static LogicalResult applySizes(Node &node, ArrayRef<int64_t> axes,
                                MutableArrayRef<ResizedDim> dims) {
  std::optional<Shape> sizes = node.getSizesOf(3);
  if (!sizes) {
    FailureOr<SmallVector<int64_t>> constants = node.getIntsOf(3);
    if (failed(constants))
      return failure();
    sizes = Shape(ArrayRef<int64_t>(*constants));
  }
  if (sizes->size() != axes.size())
    return node.emitError()
           << "input 3 has " << sizes->size() << " sizes; one for each of "
           << axes.size() << " axes is needed";
  std::string policy = node.getString("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller")
    return node.emitError() << "keep_aspect_ratio_policy is '" << policy
                            << "'; stretch, not_larger or not_smaller is "
                               "needed";
  Shape shape = node.getShape(0);
  std::optional<double> common;
  for (auto [axis, size] : llvm::zip(axes, *sizes)) {
    if (!shape[axis].isStatic() && size == shape[axis] && policy == "stretch")
      continue;
    if (!shape[axis].isStatic() || !size.isStatic() || size.constant < 1 ||
        size.constant > kMaxResizedSize)
      return node.emitError()
             << "dim " << axis << " of size " << Node::format(shape[axis])
             << " is resized to " << Node::format(size)
             << "; a dim that depends on B has to stay";
    ResizedDim &dim = dims[axis];
    dim.output = size.constant;
    dim.scale = double(dim.output) / dim.input;
    if (!common)
      common = dim.scale;
    common = policy == "not_larger" ? std::min(*common, dim.scale)
                                    : std::max(*common, dim.scale);
  }
  if (policy == "stretch" || !common)
    return success();
  for (int64_t axis : axes) {
    ResizedDim &dim = dims[axis];
    double output = std::floor(*common * dim.input + 0.5);
    if (!(output >= 1 && output <= kMaxResizedSize))
      return node.emitError()
             << "dim " << axis << " of size " << dim.input << " is resized to "
             << output << " to keep the aspect ratio; 1 to " << kMaxResizedSize
             << " is needed";
    dim.scale = *common;
    dim.output = static_cast<int64_t>(output);
  }
  return success();
}

static LogicalResult applyScales(Node &node, ArrayRef<int64_t> axes,
                                 MutableArrayRef<ResizedDim> dims) {
  FailureOr<SmallVector<double>> scales = node.getFloatsOf(2);
  if (failed(scales))
    return failure();
  if (scales->size() != axes.size())
    return node.emitError()
           << "input 2 has " << scales->size() << " scales; one for each of "
           << axes.size() << " axes is needed";
  Shape shape = node.getShape(0);
  for (auto [axis, scale] : llvm::zip(axes, *scales)) {
    if (!shape[axis].isStatic() && scale == 1)
      continue;
    ResizedDim &dim = dims[axis];
    // The scales are f32, and so is the product that is rounded down.
    double output = std::floor(float(scale) * float(dim.input));
    if (!shape[axis].isStatic() || !(output >= 1 && output <= kMaxResizedSize))
      return node.emitError()
             << "dim " << axis << " of size " << Node::format(shape[axis])
             << " is scaled by " << scale << "; a dim that depends on B has to "
             << "stay, another to be 1 to " << kMaxResizedSize;
    dim.output = static_cast<int64_t>(output);
    dim.scale = scale;
  }
  return success();
}

static LogicalResult applyRoi(Node &node, ArrayRef<int64_t> axes,
                              MutableArrayRef<ResizedDim> dims) {
  if (!hasElements(node, 1))
    return node.emitError()
           << "input 1, the roi, is absent; tf_crop_and_resize needs it";
  FailureOr<SmallVector<double>> roi = node.getFloatsOf(1);
  if (failed(roi))
    return failure();
  if (roi->size() != 2 * axes.size())
    return node.emitError() << "input 1 has " << roi->size() << " numbers; "
                            << 2 * axes.size() << ", two for each axis, are "
                            << "needed";
  for (double bound : *roi)
    if (!(std::abs(bound) <= kMaxRoi))
      return node.emitError()
             << "input 1, the roi, has a bound of " << bound << "; " << -kMaxRoi
             << " to " << kMaxRoi << " is needed";
  for (auto [index, axis] : llvm::enumerate(axes)) {
    dims[axis].roiBegin = (*roi)[index];
    dims[axis].roiEnd = (*roi)[axes.size() + index];
  }
  return success();
}

/// Every dim of the input; one that stays has its size twice and scale 1.
static FailureOr<SmallVector<ResizedDim>>
getResizedDims(Node &node, const Interpolation &interpolation) {
  Shape shape = node.getShape(0);
  SmallVector<ResizedDim> dims;
  for (Size size : shape)
    dims.push_back({size.constant, size.constant, 1.0});
  SmallVector<int64_t> all =
      llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  FailureOr<SmallVector<int64_t>> axes =
      node.normalizeAxes(node.getInts("axes", all), shape.size());
  if (failed(axes))
    return failure();
  for (int64_t axis : *axes)
    if (shape[axis].isStatic() &&
        (shape[axis].constant < 1 || shape[axis].constant > kMaxResizedSize))
      return node.emitError()
             << "input has shape " << Node::format(shape) << "; dims of 1 to "
             << kMaxResizedSize << " can be resized";
  bool bySizes = hasElements(node, 3), byScales = hasElements(node, 2);
  if (bySizes == byScales)
    return node.emitError() << "has " << (bySizes ? "both" : "neither")
                            << " scales and sizes; one of them is needed";
  if (failed(bySizes ? applySizes(node, *axes, dims)
                     : applyScales(node, *axes, dims)))
    return failure();
  if (interpolation.coordinates == CoordinateMode::TfCropAndResize &&
      failed(applyRoi(node, *axes, dims)))
    return failure();
  return dims;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

/// Rounds to the nearest integer of the type that there is.
static Value buildRounded(TensorBuilder &b, Value tensor, Type type,
                          bool isUnsigned) {
  unsigned bits = type.getIntOrFloatBitWidth();
  double low = isUnsigned ? 0 : -std::ldexp(1, bits - 1);
  double high = std::ldexp(1, isUnsigned ? bits : bits - 1) - 1;
  Type from = TensorBuilder::getElementType(tensor);
  Value rounded = b.generic(
      tensor, from, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value x = math::RoundEvenOp::create(b, args[0]);
        x = arith::MaximumFOp::create(b, x,
                                      TensorBuilder::scalar(b, from, low));
        return arith::MinimumFOp::create(b, x,
                                         TensorBuilder::scalar(b, from, high));
      });
  return b.castTo(rounded, type, /*fromUnsigned=*/false, isUnsigned);
}

static LogicalResult importResize(Node &node) {
  TensorBuilder &b = node.b;
  Tensor input = node.input(0);
  FailureOr<Interpolation> interpolation = getInterpolation(node);
  if (failed(interpolation))
    return failure();
  FailureOr<SmallVector<ResizedDim>> dims =
      getResizedDims(node, *interpolation);
  if (failed(dims))
    return failure();
  bool copies =
      input.isFloat() || interpolation->mode == InterpolationMode::Nearest;
  Value tensor = copies
                     ? input.value
                     : b.castTo(input.value, b.getF64Type(), input.isUnsigned);
  tensor = buildResize(b, tensor, *interpolation, *dims,
                       node.getFloat("extrapolation_value", 0));
  if (!copies)
    tensor = buildRounded(b, tensor, input.getElementType(), input.isUnsigned);
  node.setOutput(0, tensor, input.isUnsigned);
  return success();
}

void vitc::onnx::registerResizeOps(OpRegistry &registry) {
  registry.add("Resize", importResize, 1, /*since=*/11);
}
