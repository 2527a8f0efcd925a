//===- PictureInput.cpp - Run a model on pictures -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/PictureInput.h"

#include "Status.h"
#include "Tensor.h"

#include <algorithm>
#include <cstring>
#include <random>

using namespace vitc::rt;

static const EntryDescriptor &checkPictureInput(const vitc_model &model,
                                                const EntryDescriptor &entry) {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  requirePictures(preprocess, "--input");
  if (entry.numInputs !=
      1 + (preprocess.maskIndex >= 0) + (preprocess.noiseIndex >= 0))
    throw Failure(VITC_INVALID_ARGUMENT,
                  "the model has {} inputs and a picture is one of them; use "
                  "--input and --output-dir",
                  entry.numInputs);
  const TensorDescriptor &input = entry.inputs[preprocess.inputIndex];
  if (input.dtype != VITC_F32)
    throw Failure(VITC_UNSUPPORTED, "input '{}' is {}; a picture needs f32",
                  input.name, formatDtype(input.dtype));
  if (preprocess.noiseIndex >= 0 &&
      entry.inputs[preprocess.noiseIndex].dtype != VITC_F32)
    throw Failure(VITC_UNSUPPORTED, "input '{}' is {}; noise needs f32",
                  entry.inputs[preprocess.noiseIndex].name,
                  formatDtype(entry.inputs[preprocess.noiseIndex].dtype));
  if (preprocess.maskIndex < 0)
    return entry;
  const TensorDescriptor &mask = entry.inputs[preprocess.maskIndex];
  if (mask.rank != 3 || mask.dims[1] != preprocess.height ||
      mask.dims[2] != preprocess.width)
    throw Failure(VITC_UNSUPPORTED,
                  "input '{}' is the picture's mask; needs [batch, {}, {}]",
                  mask.name, preprocess.height, preprocess.width);
  return entry;
}

PictureInput::PictureInput(const vitc_model &model)
    : model(model),
      batch(chooseBatch(checkPictureInput(model, *model.main.descriptor), 0)),
      tensors(*model.main.descriptor, batch), session(model, batch) {
  if (model.descriptor.preprocess.noiseIndex >= 0)
    fillNoise();
}

void PictureInput::read(const std::string &file) {
  std::string message;
  if (!readImage(file.c_str(), picture, message))
    throw Failure(VITC_IO, message);
  path = file;
  tiled = false;
}

void PictureInput::runOn(const Image &image, const AttentionRequest *request) {
  std::string message;
  if (!preprocessToView(model.descriptor.preprocess, image, view, placement,
                        message))
    throw Failure(VITC_IO, "{}: {}", path, message);
  fillInputs();
  if (model.descriptor.preprocess.maskIndex >= 0)
    fillMask();
  tensors.run(session, request);
}

EntryTensors &PictureInput::run(const std::string &file,
                                const AttentionRequest *request) {
  read(file);
  runOn(picture, request);
  return tensors;
}

void PictureInput::runOrTile(const std::string &file) {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  read(file);
  tiled =
      static_cast<Task>(model.descriptor.task) == Task::Picture &&
      !preprocess.doResize && !preprocess.doCenterCrop &&
      static_cast<Padding>(preprocess.padding) == Padding::Mirror &&
      (picture.height > preprocess.height || picture.width > preprocess.width);
  if (!tiled)
    runOn(picture, nullptr);
}

void PictureInput::runTile(int top, int left) {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  int height = std::min(preprocess.height, picture.height - top);
  int width = std::min(preprocess.width, picture.width - left);
  Image tile{height, width, {}};
  for (int y = top; y < top + height; ++y) {
    size_t begin = size_t(picture.width) * y + left;
    tile.rgb.insert(tile.rgb.end(), &picture.rgb[3 * begin],
                    &picture.rgb[3 * begin] + size_t{3} * width);
    if (!picture.alpha.empty())
      tile.alpha.insert(tile.alpha.end(), &picture.alpha[begin],
                        &picture.alpha[begin] + width);
  }
  runOn(tile, nullptr);
}

/// Copies the first item of `array` to all others.
static void repeatFirst(NpyArray &array, int64_t batch) {
  size_t itemBytes = array.bytes.size() / batch;
  for (int64_t i = 1; i < batch; ++i)
    std::memcpy(array.bytes.data() + i * itemBytes, array.bytes.data(),
                itemBytes);
}

void PictureInput::fillInputs() {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  NpyArray &input = tensors.inputs[preprocess.inputIndex];
  size_t wanted = sizeof(float) * batch * preprocess.channels *
                  preprocess.height * preprocess.width;
  if (input.bytes.size() != wanted)
    throw Failure(VITC_INTERNAL,
                  "the input has {} bytes and {} pictures have {}; needs the "
                  "same",
                  input.bytes.size(), batch, wanted);
  normalizeView(preprocess, view, placement,
                reinterpret_cast<float *>(input.bytes.data()));
  repeatFirst(input, batch);
}

/// 1 where the picture is, of the input's type.
void PictureInput::fillMask() {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  NpyArray &mask = tensors.inputs[preprocess.maskIndex];
  NpyArray values{VITC_U8, {preprocess.height, preprocess.width}, {}};
  for (int y = 0; y < preprocess.height; ++y)
    for (int x = 0; x < preprocess.width; ++x)
      values.bytes.push_back(
          y >= placement.top && y < placement.top + placement.height &&
          x >= placement.left && x < placement.left + placement.width);
  // numpy's bool is such a byte.
  if (mask.dtype != VITC_BOOL)
    values = convertNpy(std::move(values), mask.dtype, "the mask");
  std::copy(values.bytes.begin(), values.bytes.end(), mask.bytes.begin());
  repeatFirst(mask, batch);
}

/// The same for every picture and in every run.
void PictureInput::fillNoise() {
  NpyArray &noise = tensors.inputs[model.descriptor.preprocess.noiseIndex];
  std::mt19937 engine; // its default seed is fixed by the standard
  for (size_t i = 0; i < noise.bytes.size(); i += sizeof(float)) {
    // 24 bits fit a float exactly.
    float value = static_cast<float>(engine() >> 8) / (1 << 24);
    std::memcpy(noise.bytes.data() + i, &value, sizeof(value));
  }
  repeatFirst(noise, batch);
}

NpyArray vitc::rt::firstOfBatch(const NpyArray &array) {
  NpyArray first = array;
  if (array.dims.empty() || array.dims[0] == 0)
    return first;
  first.bytes.resize(array.bytes.size() / array.dims[0]);
  first.dims.erase(first.dims.begin());
  return first;
}
