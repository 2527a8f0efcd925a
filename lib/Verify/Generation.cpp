//===- Generation.cpp - What a step of generation is run on ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generation.h"

#include "Inputs.h"

#include <cstring>
#include <random>

using namespace mlir;
using namespace vitc;

/// Steps from the first token on.
static constexpr int64_t kSteps = 3;

NamedTensors vitc::getEncoded(const Sample &sample, kernel::EntryAttr encode) {
  NamedTensors encoded;
  for (auto [input, tensor] : llvm::zip(encode.getInputs(), sample.inputs))
    encoded[input.getName()] = tensor;
  // A result is what a step is to read of both.
  for (auto [output, tensor] :
       llvm::zip(encode.getOutputs(), sample.reference.outputs))
    encoded[output.getName()] = tensor;
  return encoded;
}

/// Sets all elements, integers, to what `next` gives.
static void fill(HostTensor &tensor, llvm::function_ref<int64_t()> next) {
  int64_t size = getTensorElementBytes(tensor.element);
  for (size_t i = 0; i < tensor.bytes.size(); i += size) {
    int64_t value = next();
    std::memcpy(tensor.bytes.data() + i, &value, size);
  }
}

namespace {
/// The inputs of one step after the other.
class Steps {
public:
  Steps(kernel::EntryAttr step, vit::GenerationAttr generation,
        const VerifyOptions &options, std::vector<HostTensor> inputs)
      : step(step), generation(generation), options(options),
        inputs(std::move(inputs)) {}

  /// Gives states, memory and inputs of @encode the values that they start
  /// with, unless a file does.
  void start(const NamedTensors &encoded);
  /// The inputs of the step at `position`.
  const std::vector<HostTensor> &choose(int64_t position);
  /// Takes the states that a step returned, by the names of its results.
  void advance(ArrayRef<StringRef> names, ArrayRef<HostTensor> results);

private:
  HostTensor *find(StringRef name);
  bool isState(StringRef name) const;
  bool isGiven(StringRef name) const {
    return options.inputFiles.count(name.str()) != 0;
  }

  kernel::EntryAttr step;
  vit::GenerationAttr generation;
  const VerifyOptions &options;
  std::vector<HostTensor> inputs;
  std::mt19937 engine; // its default seed is fixed by the standard
};
} // namespace

HostTensor *Steps::find(StringRef name) {
  for (auto [input, tensor] : llvm::zip(step.getInputs(), inputs))
    if (input.getName() == name)
      return &tensor;
  return nullptr;
}

bool Steps::isState(StringRef name) const {
  auto hasName = [&](kernel::TensorAttr tensor) {
    return tensor.getName() == name;
  };
  return llvm::any_of(step.getOutputs(), hasName) ||
         llvm::any_of(step.getInPlace(), [&](int64_t input) {
           return hasName(step.getInputs()[input]);
         });
}

void Steps::start(const NamedTensors &encoded) {
  for (auto [input, tensor] : llvm::zip(step.getInputs(), inputs)) {
    StringRef name = input.getName();
    if (isGiven(name))
      continue;
    auto known = encoded.find(name);
    if (known != encoded.end() && known->second.shape == tensor.shape)
      tensor = known->second;
    else if (isState(name))
      std::fill(tensor.bytes.begin(), tensor.bytes.end(), 0);
  }
}

const std::vector<HostTensor> &Steps::choose(int64_t position) {
  if (generation.getPosition() && !isGiven(generation.getPosition()))
    if (HostTensor *tensor = find(generation.getPosition()))
      fill(*tensor, [&] { return position; });
  const auto *scores =
      llvm::find_if(step.getOutputs(), [&](kernel::TensorAttr output) {
        return output.getName() == generation.getScores();
      });
  HostTensor *token = find(generation.getToken());
  if (token && !isGiven(generation.getToken()) &&
      scores != step.getOutputs().end()) {
    int64_t vocabulary = scores->getType().getShape().back();
    fill(*token, [&] { return int64_t(engine() % vocabulary); });
  }
  return inputs;
}

void Steps::advance(ArrayRef<StringRef> names, ArrayRef<HostTensor> results) {
  for (auto [name, result] : llvm::zip(names, results))
    if (HostTensor *state = find(name))
      *state = result;
}

SamplesFn vitc::makeStepSamples(vit::GenerationAttr generation,
                                NamedTensors encoded,
                                const VerifyOptions &options) {
  return [generation, encoded = std::move(encoded),
          &options](const Candidate &candidate,
                    const ReferenceFn &run) -> FailureOr<std::vector<Sample>> {
    kernel::EntryAttr entry = candidate.getInterface();
    FailureOr<std::vector<HostTensor>> inputs =
        makeInputs(candidate.getModel(), entry, options,
                   UnknownLoc::get(generation.getContext()));
    if (failed(inputs))
      return failure();
    Steps steps(entry, generation, options, std::move(*inputs));
    steps.start(encoded);
    int64_t last = generation.getMaxLength() - 1;
    SmallVector<int64_t> positions;
    for (int64_t position = 0; position < std::min(kSteps, last); ++position)
      positions.push_back(position);
    positions.push_back(last);
    std::vector<Sample> samples;
    for (int64_t position : positions) {
      Sample sample = run(steps.choose(position));
      sample.name = ("step " + Twine(position) + " of @step").str();
      steps.advance(candidate.getResultNames(), sample.reference.outputs);
      samples.push_back(std::move(sample));
    }
    return samples;
  };
}
