//===- PictureInput.h - Run a model on pictures --------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_PICTUREINPUT_H
#define VITC_LIB_RUNTIME_PROGRAM_PICTUREINPUT_H

#include "Image/Image.h"
#include "Program/EntryTensors.h"
#include "Session.h"

#include <string>

namespace vitc::rt {

/// A session that takes one picture after the other.
class PictureInput {
public:
  /// Throws Failure unless a picture is the model's only input.
  explicit PictureInput(const vitc_model &model);

  /// Reads the picture, runs the model on it and returns its tensors, which the
  /// next call overwrites. In a fixed batch every picture is this one.
  EntryTensors &run(const std::string &path,
                    const AttentionRequest *request = nullptr);

  int64_t getBatch() const { return batch; }

  /// What the model saw of the last picture.
  const Image &getView() const { return view; }

private:
  const vitc_model &model;
  int64_t batch;
  EntryTensors tensors;
  vitc_session session;
  Image view;
};

/// The first of the batch in `array`, whose dimension 0 is the batch.
NpyArray firstOfBatch(const NpyArray &array);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_PICTUREINPUT_H
