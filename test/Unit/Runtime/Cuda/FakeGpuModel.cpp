//===- FakeGpuModel.cpp - Models written by hand, for GPUs ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/FakeGpuModel.h"

#include <algorithm>
#include <numeric>

using namespace vitc::rt;
using namespace vitc::rt::test;

void FakeCudaTest::TearDown() {
  for (const auto &[kind, count] : cuda.alive)
    EXPECT_EQ(count, 0) << kind;
}

//===----------------------------------------------------------------------===//
// FakeImages
//===----------------------------------------------------------------------===//

static const char kPtx90[] = ".version 8.0\n.target sm_90a\n";
static const char kPtx80[] = ".version 7.0\n.target sm_80\n";
static const char kCubin90[] = "Cubin of sm_90a";

FakeImages::FakeImages(std::vector<DeviceKernelDescriptor> given)
    : kernels(std::move(given)) {
  auto numKernels = static_cast<int32_t>(kernels.size());
  images[0] = {"sm_90a",         kPtx90,
               sizeof(kPtx90),   reinterpret_cast<const uint8_t *>(kCubin90),
               sizeof(kCubin90), kernels.data(),
               numKernels};
  images[1] = {"sm_80", kPtx80,         sizeof(kPtx80), nullptr,
               0,       kernels.data(), numKernels};
}

std::vector<CodeDescriptor> FakeImages::makeCodes(CodeDescriptor code,
                                                  EntryFn function) {
  std::vector<CodeDescriptor> codes;
  for (const DeviceImage &image : images) {
    code.isa = image.architecture;
    code.function = function;
    code.image = &image;
    codes.push_back(code);
  }
  return codes;
}

/// Launches a kernel with arguments of 8 bytes.
template <typename... Args>
static void launch(Context *context, int32_t site, int32_t kernel,
                   int64_t blocks, const Args &...args) {
  static_assert(((sizeof(Args) == 8) && ...), "as FakeKernel takes them");
  const void *arguments[] = {&args...};
  context->launch(context, site, kernel, blocks, arguments);
}

//===----------------------------------------------------------------------===//
// FakeGpuModel
//===----------------------------------------------------------------------===//

static constexpr int64_t kArea = FakeModel::kHeight * FakeModel::kWidth;

static void makeMeans(int64_t blocks, const uint64_t *arguments) {
  FakeCuda &cuda = getFakeCuda();
  for (int64_t block = 0; block < blocks; ++block) {
    auto *channel = cuda.toHost<float>(arguments[0]) + block * kArea;
    cuda.toHost<float>(arguments[1])[block] =
        std::accumulate(channel, channel + kArea, 0.0f) / kArea;
  }
}

static void makeLogits(int64_t blocks, const uint64_t *arguments) {
  FakeCuda &cuda = getFakeCuda();
  auto *weights = cuda.toHost<float>(arguments[0]);
  auto *means = cuda.toHost<float>(arguments[1]);
  auto *logits = cuda.toHost<float>(arguments[2]);
  for (int64_t b = 0; b < blocks; ++b)
    for (int64_t c = 0; c < FakeModel::kClasses; ++c)
      *logits++ = weights[c] +
                  means[b * FakeModel::kChannels + c % FakeModel::kChannels];
}

/// A block for each head of each picture.
static void makeMap(int64_t blocks, const uint64_t *arguments) {
  FakeCuda &cuda = getFakeCuda();
  auto layer = static_cast<int64_t>(arguments[2]);
  auto [first, count] = cuda.toHost<vitc_selection_t>(arguments[0])[layer];
  for (int64_t i = 0; i < blocks * count; ++i)
    for (int64_t k = 0; k < FakeModel::kKeys; ++k) {
      int64_t shift = first + i % count + i / count % FakeModel::kHeads;
      cuda.toHost<float>(arguments[1])[i * FakeModel::kKeys + k] =
          static_cast<float>((shift + k) % FakeModel::kKeys + 1) /
          FakeModel::kSum;
    }
}

static void forward(Context *context) {
  launch(context, 0, 0, context->batch * FakeModel::kChannels,
         context->inputs[0], context->arena);
  launch(context, 1, 1, context->batch, context->weights, context->arena,
         context->outputs[0]);
}

static void attention(Context *context) {
  forward(context);
  for (int64_t layer = 0; layer < FakeModel::kLayers; ++layer)
    launch(context, 0, 2, context->batch * FakeModel::kHeads,
           context->inputs[1], context->outputs[1 + layer], layer);
}

FakeGpuModel::FakeGpuModel()
    : images({{"mean", 64, 0}, {"logits", 128, 64 << 10}, {"map", 32, 512}}) {
  forwardCodes = images.makeCodes(forwardCodes[0], forward);
  attentionCodes = images.makeCodes(attentionCodes[0], attention);
  entries[0].codes = forwardCodes.data();
  entries[1].codes = attentionCodes.data();
  entries[0].numCodes = entries[1].numCodes = FakeImages::kCount;
  descriptor.target = "nvptx64-nvidia-cuda";
  getFakeCuda().kernels = {{"mean", {2, makeMeans}},
                           {"logits", {3, makeLogits}},
                           {"map", {3, makeMap}}};
}

//===----------------------------------------------------------------------===//
// FakeGpuGenerator
//===----------------------------------------------------------------------===//

static void launchEncode(Context *context) {
  launch(context, 0, 0, 1, context->batch, context->inputs[0],
         context->outputs[0]);
}

static void launchStep(Context *context) {
  const void *const *inputs = context->inputs;
  launch(context, 0, 1, 1, context->batch, inputs[0], inputs[1], inputs[2],
         inputs[3], inputs[4], context->outputs[0], context->outputs[1]);
}

/// A kernel that does what the entry function does on a processor; arguments
/// are the batch, the inputs and the outputs.
static FakeKernel makeKernel(EntryFn function, size_t numInputs,
                             size_t numOutputs) {
  auto run = [=](int64_t, const uint64_t *arguments) {
    std::vector<void *> tensors;
    for (size_t i = 0; i < numInputs + numOutputs; ++i)
      tensors.push_back(getFakeCuda().toHost(arguments[1 + i]));
    Context context = {};
    context.batch = static_cast<int64_t>(arguments[0]);
    context.inputs = tensors.data();
    context.outputs = tensors.data() + numInputs;
    function(&context);
  };
  return {1 + numInputs + numOutputs, run};
}

FakeGpuGenerator::FakeGpuGenerator()
    : images({{"encode", 32, 0}, {"step", 32, 0}}) {
  getFakeCuda().kernels = {
      {"encode", makeKernel(encodeCodes[0].function, 1, 1)},
      {"step", makeKernel(stepCodes[0].function, 5, 2)}};
  encodeCodes = images.makeCodes(encodeCodes[0], launchEncode);
  stepCodes = images.makeCodes(stepCodes[0], launchStep);
  entries[0].codes = encodeCodes.data();
  entries[1].codes = stepCodes.data();
  entries[0].numCodes = entries[1].numCodes = FakeImages::kCount;
}
