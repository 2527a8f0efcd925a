//===- Tensors.cpp - Tensors from and to .npy files -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Commands.h"

#include "Program/EntryTensors.h"
#include "Status.h"
#include "Tensor.h"

#include <algorithm>

using namespace vitc::rt;

static std::string listInputs(const EntryDescriptor &entry) {
  std::string list;
  for (int32_t i = 0; i < entry.numInputs; ++i)
    list.append(i ? ", " : "").append(entry.inputs[i].name);
  return list;
}

/// The index of the input that `file` is for.
static int32_t findInput(const EntryDescriptor &entry, const InputFile &file) {
  if (file.name.empty() && entry.numInputs == 1)
    return 0;
  if (file.name.empty())
    throw UsageError(
        fmt::format("--input '{}' names no input; the model has {}: {}",
                    file.path, entry.numInputs, listInputs(entry)));
  for (int32_t i = 0; i < entry.numInputs; ++i)
    if (file.name == entry.inputs[i].name)
      return i;
  throw UsageError(fmt::format("--input names '{}'; the model has {}",
                               file.name, listInputs(entry)));
}

/// The path of each input's file, in the order of the inputs.
static std::vector<std::string> matchInputs(const EntryDescriptor &entry,
                                            const Options &options) {
  std::vector<std::string> paths(entry.numInputs);
  for (const InputFile &file : options.inputs) {
    int32_t index = findInput(entry, file);
    if (!paths[index].empty())
      throw UsageError(fmt::format("--input for '{}' was given twice; needs "
                                   "one",
                                   entry.inputs[index].name));
    paths[index] = file.path;
  }
  for (int32_t i = 0; i < entry.numInputs; ++i)
    if (paths[i].empty())
      throw UsageError(fmt::format("no --input was given for '{}'; needs {}",
                                   entry.inputs[i].name, listInputs(entry)));
  return paths;
}

/// Reads the inputs, and finds the batch that they have.
static std::vector<NpyArray> readInputs(const EntryDescriptor &entry,
                                        const Options &options,
                                        int64_t &batch) {
  std::vector<std::string> paths = matchInputs(entry, options);
  std::vector<NpyArray> inputs;
  BatchCheck check{std::numeric_limits<int64_t>::max()};
  for (int32_t i = 0; i < entry.numInputs; ++i) {
    const TensorDescriptor &expected = entry.inputs[i];
    NpyArray array = convertNpy(
        readNpy(paths[i]), static_cast<vitc_dtype_t>(expected.dtype), paths[i]);
    vitc_tensor_t view = array.tensor();
    try {
      checkTensor("input", expected, view, check);
    } catch (const Failure &failure) {
      throw Failure(failure.getStatus(), "{}: {}", paths[i], failure.what());
    }
    inputs.push_back(std::move(array));
  }
  batch = std::max<int64_t>(check.batch, 1);
  return inputs;
}

void vitc::rt::runTensors(const vitc_model &model, const Options &options,
                          Output &output) {
  const EntryDescriptor &entry = *model.forward.descriptor;
  int64_t batch = 0;
  std::vector<NpyArray> inputs = readInputs(entry, options, batch);
  vitc_session session(model, batch);
  EntryTensors tensors(entry, batch);
  tensors.inputs = std::move(inputs);
  tensors.run(session);
  for (int32_t i = 0; i < entry.numOutputs; ++i)
    output.addFile(
        joinPath(options.outputDir, fileNameOf(entry.outputs[i].name) + ".npy"),
        formatNpy(tensors.outputs[i]));
}
