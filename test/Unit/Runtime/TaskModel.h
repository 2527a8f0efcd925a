//===- TaskModel.h - A model whose outputs are given ---------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_RUNTIME_TASKMODEL_H
#define VITC_TEST_UNIT_RUNTIME_TASKMODEL_H

#include "TemporaryDirectory.h"

#include "Image/Image.h"
#include "Npy.h"
#include "Program/Program.h"
#include "vitc/Runtime/Descriptor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace vitc::rt::test {

inline constexpr int kHeight = 4, kWidth = 8;

struct GivenOutput {
  const char *name;
  std::vector<int64_t> dims; // behind the batch
  std::vector<float> values;
};

/// The outputs of the model that runs; entry functions have no other context.
inline std::vector<GivenOutput> givenOutputs;

inline void writeOutputs(Context *context) {
  for (size_t i = 0; i < givenOutputs.size(); ++i)
    std::memcpy(context->outputs[i], givenOutputs[i].values.data(),
                givenOutputs[i].values.size() * sizeof(float));
}

struct Outcome {
  int code;
  std::string out, err;
};

class TaskTest : public ::testing::Test {
protected:
  TaskTest() {
    code = {isa(), writeOutputs, 0, nullptr, 0, 0};
    input = {"pixel_values", inputDims, 4, VITC_F32};
    entry.name = "forward";
    entry.inputs = &input;
    entry.numInputs = 1;
    entry.codes = &code;
    entry.numCodes = 1;
    descriptor.version = kDescriptorVersion;
    descriptor.entries = &entry;
    descriptor.numEntries = 1;
    descriptor.modelName = "Given";
    descriptor.sourceHash = descriptor.licence = descriptor.oneDnnLibrary = "";
    descriptor.precision = "f32";
    descriptor.target = "x86_64-linux-gnu";
    descriptor.backend = "llvm";
    descriptor.compilerVersion = "0.1.0";
    descriptor.labels = labels;
    descriptor.numLabels = 2;
    PreprocessDescriptor &preprocess = descriptor.preprocess;
    preprocess.maskIndex = preprocess.noiseIndex = -1;
    preprocess.channels = 3;
    preprocess.height = kHeight;
    preprocess.width = kWidth;
    preprocess.antialias = 1;
    preprocess.doRescale = 1;
    preprocess.rescaleFactor = 1.0 / 255;
    for (float &value : preprocess.std)
      value = 1;
  }

  static const char *isa() {
#if defined(__x86_64__)
    return "x86-64-v2";
#else
    return "armv8-a";
#endif
  }

  void give(Task task, std::vector<GivenOutput> given) {
    descriptor.task = static_cast<int32_t>(task);
    givenOutputs = std::move(given);
    dims.clear();
    outputs.clear();
    for (const GivenOutput &output : givenOutputs) {
      dims.push_back(output.dims);
      dims.back().insert(dims.back().begin(), -1);
    }
    for (size_t i = 0; i < dims.size(); ++i)
      outputs.push_back({givenOutputs[i].name, dims[i].data(),
                         static_cast<int32_t>(dims[i].size()), VITC_F32});
    entry.outputs = outputs.data();
    entry.numOutputs = static_cast<int32_t>(outputs.size());
  }

  std::string writePicture(const std::string &name, int height = kHeight,
                           int width = kWidth) {
    Image image{height, width, {}};
    for (int i = 0; i < 3 * height * width; ++i)
      image.rgb.push_back(static_cast<uint8_t>(100 + i));
    std::string bytes, error;
    EXPECT_TRUE(encodePng(image, bytes, error)) << error;
    directory.write(name, bytes);
    return directory / name;
  }

  Outcome run(std::vector<std::string> args) {
    args.insert(args.begin(), "given");
    args.insert(args.end(), {"--threads", "2"});
    std::vector<const char *> argv;
    for (const std::string &arg : args)
      argv.push_back(arg.c_str());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.code = runProgram(descriptor, argv.size(), argv.data());
    outcome.out = ::testing::internal::GetCapturedStdout();
    outcome.err = ::testing::internal::GetCapturedStderr();
    return outcome;
  }

  Image readPicture(const std::string &name) {
    Image image;
    std::string error;
    EXPECT_TRUE(readImage((directory / name).c_str(), image, error)) << error;
    return image;
  }

  std::vector<int32_t> readClasses(const std::string &name) {
    NpyArray array = readNpy(directory / name);
    EXPECT_EQ(array.dtype, VITC_I32);
    std::vector<int32_t> classes(array.bytes.size() / sizeof(int32_t));
    std::memcpy(classes.data(), array.bytes.data(), array.bytes.size());
    return classes;
  }

  const char *labels[2] = {"wall", "cat"};
  int64_t inputDims[4] = {-1, 3, kHeight, kWidth};
  CodeDescriptor code;
  TensorDescriptor input;
  std::vector<std::vector<int64_t>> dims;
  std::vector<TensorDescriptor> outputs;
  EntryDescriptor entry = {};
  vitc_model_descriptor_t descriptor = {};
  TemporaryDirectory directory;
};

} // namespace vitc::rt::test

#endif // VITC_TEST_UNIT_RUNTIME_TASKMODEL_H
