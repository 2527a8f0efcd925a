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
  /// Throws Failure unless a picture, its mask and noise are the model's only
  /// inputs.
  explicit PictureInput(const vitc_model &model);

  /// Reads the picture, runs the model on it and returns its tensors, which the
  /// next call overwrites. In a fixed batch every picture is this one.
  EntryTensors &run(const std::string &path,
                    const AttentionRequest *request = nullptr);

  /// Reads the picture, and runs the model on it unless it is larger than what
  /// a model takes whose pictures keep their size: then runTile does, on the
  /// part that begins at row `top` and column `left`.
  void runOrTile(const std::string &path);
  void runTile(int top, int left);
  bool isTiled() const { return tiled; }

  int64_t getBatch() const { return batch; }

  /// Of the last picture: the file's, what the model saw of it and where that
  /// lies, and what the model made of it.
  const Image &getPicture() const { return picture; }
  const Image &getView() const { return view; }
  const Placement &getPlacement() const { return placement; }
  const EntryTensors &getTensors() const { return tensors; }

private:
  void read(const std::string &path);
  void runOn(const Image &image, const AttentionRequest *request);
  void fillInputs();
  void fillMask();
  void fillNoise();

  const vitc_model &model;
  int64_t batch;
  EntryTensors tensors;
  vitc_session session;
  std::string path; // of the last picture
  Image picture, view;
  bool tiled = false;
  Placement placement = {};
};

/// The first of the batch in `array`, whose dimension 0 is the batch.
NpyArray firstOfBatch(const NpyArray &array);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_PICTUREINPUT_H
