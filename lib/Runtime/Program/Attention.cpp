//===- Attention.cpp - Attention maps of pictures -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Commands.h"

#include "Program/PictureInput.h"
#include "Status.h"
#include "Tensor.h"

#include <fmt/format.h>

#include <cstring>

using namespace vitc::rt;

/// The mean over heads of one layer's probabilities of the patches; `maps` is
/// [layers, heads, keys].
static std::vector<float> averageHeads(const AttentionDescriptor &attention,
                                       const NpyArray &maps, int32_t layer) {
  int64_t patches = int64_t(attention.gridHeight) * attention.gridWidth;
  std::vector<float> mean(patches), row(patches);
  for (int32_t head = 0; head < attention.heads; ++head) {
    int64_t first = (int64_t(layer) * attention.heads + head) * attention.keys +
                    attention.prefixTokens;
    std::memcpy(row.data(), maps.bytes.data() + first * sizeof(float),
                patches * sizeof(float));
    for (int64_t patch = 0; patch < patches; ++patch)
      mean[patch] += row[patch] / static_cast<float>(attention.heads);
  }
  return mean;
}

/// What the entry promises must be what the descriptor of the maps says.
static void checkMaps(const AttentionDescriptor &attention,
                      const TensorDescriptor &maps) {
  int64_t patches = int64_t(attention.gridHeight) * attention.gridWidth;
  if (maps.dtype != VITC_F32 || maps.rank != 4 ||
      maps.dims[1] != attention.layers || maps.dims[2] != attention.heads ||
      maps.dims[3] != attention.keys || patches < 1 ||
      attention.prefixTokens < 0 ||
      attention.prefixTokens + patches > attention.keys)
    throw Failure(VITC_UNSUPPORTED,
                  "attention maps are {} {}; needs f32 [batch, {}, {}, {}], "
                  "with {} tokens and then {} x {} patches as keys",
                  formatDtype(maps.dtype), formatShape(maps.dims, maps.rank),
                  attention.layers, attention.heads, attention.keys,
                  attention.prefixTokens, attention.gridHeight,
                  attention.gridWidth);
}

void vitc::rt::runAttention(const vitc_model &model, const Options &options,
                            Output &output) {
  if (!model.attention.descriptor)
    throw UsageError("--attention was given and the model has no attention "
                     "maps; needs a model compiled with them");
  const AttentionDescriptor &attention = model.descriptor.attention;
  const EntryDescriptor &entry = *model.attention.descriptor;
  checkMaps(attention, entry.outputs[entry.numOutputs - 1]);
  PictureInput pictures(model, model.attention);
  for (const std::string &path : options.images) {
    NpyArray maps = firstOfBatch(pictures.run(path).outputs.back());
    std::string base = joinPath(options.outputDir, pathStem(path));
    for (int32_t layer = 0; layer < attention.layers; ++layer) {
      std::vector<float> mean = averageHeads(attention, maps, layer);
      output.addPng(fmt::format("{}.layer-{:02}.png", base, layer),
                    overlayHeatMap(pictures.getView(), mean.data(),
                                   attention.gridHeight, attention.gridWidth));
    }
    output.addFile(base + ".attention.npy", formatNpy(maps));
  }
}
