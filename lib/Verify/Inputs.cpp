//===- Inputs.cpp - What a model is verified on ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "Model.h"
#include "Npy.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;
using namespace vitc;

/// Standard normal numbers, the same with every library (Box and Muller 1958).
static double drawNormal(std::mt19937 &engine) {
  constexpr double range = 4294967296.0, turn = 6.283185307179586;
  double radius = std::sqrt(-2 * std::log((engine() + 1.0) / range));
  return radius * std::cos(turn * engine() / range);
}

static void fillRandom(HostTensor &tensor, std::mt19937 &engine) {
  int64_t size = getTensorElementBytes(tensor.element);
  auto type = dyn_cast<FloatType>(tensor.element);
  for (size_t i = 0; i < tensor.bytes.size(); i += size) {
    uint64_t bits = engine() & 1;
    if (type) {
      llvm::APFloat value(drawNormal(engine));
      bool losesInfo;
      value.convert(type.getFloatSemantics(),
                    llvm::APFloat::rmNearestTiesToEven, &losesInfo);
      bits = value.bitcastToAPInt().getZExtValue();
    }
    std::memcpy(tensor.bytes.data() + i, &bits, size);
  }
}

static LogicalResult readFile(HostTensor &tensor, vitc_dtype_t dtype,
                              const std::string &path, Location loc) {
  rt::NpyArray array;
  vitc_error_t error;
  if (rt::loadNpy(path, dtype, array, &error) != VITC_OK)
    return emitError(loc) << error.message;
  if (ArrayRef(array.dims) != ArrayRef(tensor.shape))
    return emitError(loc) << path << ": has shape " << formatShape(array.dims)
                          << "; needs " << formatShape(tensor.shape);
  tensor.bytes.assign(array.bytes.begin(), array.bytes.end());
  return success();
}

/// Fills the batch of the input that takes pictures, as a program would.
static LogicalResult readPictures(HostTensor &tensor, const vitc_model &model,
                                  ArrayRef<std::string> paths, Location loc) {
  if (tensor.shape.front() != static_cast<int64_t>(paths.size()))
    return emitError(loc) << "found " << paths.size()
                          << " pictures; needs a batch of "
                          << tensor.shape.front();
  size_t size = tensor.bytes.size() / paths.size();
  for (auto [i, path] : llvm::enumerate(paths)) {
    vitc_tensor_t pixels = {};
    pixels.data = tensor.bytes.data() + i * size;
    pixels.dtype = VITC_F32;
    pixels.rank = tensor.shape.size() - 1;
    llvm::copy(ArrayRef(tensor.shape).drop_front(), pixels.dims);
    vitc_error_t error;
    if (vitc_model_read_image(&model, path.c_str(), &pixels, &error) != VITC_OK)
      return emitError(loc) << error.message;
  }
  return success();
}

/// The number of the input that the pictures are of; -1 without pictures.
static FailureOr<int32_t> getPictureInput(const vitc_model &model,
                                          kernel::EntryAttr entry,
                                          const VerifyOptions &options,
                                          Location loc) {
  if (options.pictures.empty())
    return -1;
  int32_t index = model.descriptor.preprocess.inputIndex;
  if (index < 0)
    return emitError(loc) << "--image was given; the model's source has no "
                             "picture preprocessing and needs --input";
  StringRef name = entry.getInputs()[index].getName();
  if (options.inputFiles.count(name.str()))
    return emitError(loc) << "--image and --input both give '" << name
                          << "'; needs one of them";
  return index;
}

FailureOr<std::vector<HostTensor>>
vitc::makeInputs(const vitc_model &model, kernel::EntryAttr entry,
                 const VerifyOptions &options, Location loc) {
  std::mt19937 engine; // its default seed is fixed by the standard
  std::vector<HostTensor> inputs;
  FailureOr<int32_t> pictureInput = getPictureInput(model, entry, options, loc);
  if (failed(pictureInput))
    return failure();
  for (auto [i, input] : llvm::enumerate(entry.getInputs())) {
    HostTensor tensor{input.getType().getElementType(), {}, {}};
    for (int64_t size : input.getType().getShape())
      tensor.shape.push_back(ShapedType::isDynamic(size) ? options.batch
                                                         : size);
    tensor.bytes.resize(tensor.getNumElements() *
                        getTensorElementBytes(tensor.element));
    auto file = options.inputFiles.find(input.getName().str());
    if (static_cast<int32_t>(i) == *pictureInput) {
      if (failed(readPictures(tensor, model, options.pictures, loc)))
        return failure();
    } else if (file == options.inputFiles.end()) {
      fillRandom(tensor, engine);
    } else {
      vitc_tensor_info_t info;
      vitc_error_t error;
      if (vitc_model_input(&model, i, &info, &error) != VITC_OK)
        return emitError(loc) << error.message;
      if (failed(readFile(tensor, info.dtype, file->second, loc)))
        return failure();
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

LogicalResult vitc::checkInputNames(ArrayRef<kernel::EntryAttr> entries,
                                    const VerifyOptions &options,
                                    Location loc) {
  SmallVector<StringRef> names;
  for (kernel::EntryAttr entry : entries)
    for (kernel::TensorAttr input : entry.getInputs())
      names.push_back(input.getName());
  for (const auto &[name, path] : options.inputFiles) {
    if (llvm::is_contained(names, name))
      continue;
    InFlightDiagnostic error = emitError(loc) << "--input names '" << name
                                              << "'; the model has";
    for (StringRef each : names)
      error << " '" << each << "'";
    return error;
  }
  return success();
}
