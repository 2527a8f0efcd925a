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

#include <cstring>

using namespace vitc::rt;

static const EntryDescriptor &checkPictureInput(const vitc_model &model,
                                                const EntryDescriptor &entry) {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  requirePictures(preprocess, "--input");
  if (entry.numInputs != 1 || preprocess.inputIndex != 0)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "the model has {} inputs and a picture is one of them; use "
                  "--input and --output-dir",
                  entry.numInputs);
  if (entry.inputs[0].dtype != VITC_F32)
    throw Failure(VITC_UNSUPPORTED, "input '{}' is {}; a picture needs f32",
                  entry.inputs[0].name, formatDtype(entry.inputs[0].dtype));
  return entry;
}

PictureInput::PictureInput(const vitc_model &model)
    : model(model),
      batch(
          chooseBatch(checkPictureInput(model, *model.forward.descriptor), 0)),
      tensors(*model.forward.descriptor, batch), session(model, batch) {}

EntryTensors &PictureInput::run(const std::string &path,
                                const AttentionRequest *request) {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  Image image;
  std::string message;
  if (!readImage(path.c_str(), image, message))
    throw Failure(VITC_IO, message);
  if (!preprocessToView(preprocess, image, view, message))
    throw Failure(VITC_IO, "{}: {}", path, message);
  int64_t count =
      int64_t(preprocess.channels) * preprocess.height * preprocess.width;
  std::vector<float> pixels(count);
  normalizeView(preprocess, view, pixels.data());

  std::vector<uint8_t> &bytes = tensors.inputs[0].bytes;
  size_t pictureBytes = count * sizeof(float);
  if (bytes.size() != batch * pictureBytes)
    throw Failure(VITC_INTERNAL,
                  "the input has {} bytes and {} pictures have {}; needs the "
                  "same",
                  bytes.size(), batch, batch * pictureBytes);
  for (int64_t i = 0; i < batch; ++i)
    std::memcpy(bytes.data() + i * pictureBytes, pixels.data(), pictureBytes);
  tensors.run(session, request);
  return tensors;
}

NpyArray vitc::rt::firstOfBatch(const NpyArray &array) {
  NpyArray first = array;
  if (array.dims.empty() || array.dims[0] == 0)
    return first;
  first.bytes.resize(array.bytes.size() / array.dims[0]);
  first.dims.erase(first.dims.begin());
  return first;
}
