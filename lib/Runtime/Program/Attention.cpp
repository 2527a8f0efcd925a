//===- Attention.cpp - Attention maps of pictures -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files of a picture, BASE being DIR and the picture's name:
//   BASE.layer-NN.npy        probabilities [heads, keys] of the query, or
//                            [windows, heads, keys] of the mean in windows
//   BASE.layer-NN.map.npy    these on the patches, [heads, height, width]
//   BASE.layer-NN.png        the mean over heads, over the picture
//   BASE.layer-NN.matrix.npy all queries', [(windows,) heads, queries, keys]
//   BASE.rollout.{npy,png}   [tokens]
//
//===----------------------------------------------------------------------===//

#include "Program/AttentionRun.h"
#include "Program/Commands.h"
#include "Program/PictureInput.h"
#include "Program/Rollout.h"
#include "Status.h"

#include <fmt/format.h>

#include <cstring>

using namespace vitc::rt;

namespace {
/// Writes what is asked for of one run.
class AttentionWriter {
public:
  AttentionWriter(const AttentionDescriptor &attention,
                  const AttentionOptions &options, const AttentionRun &run,
                  const Image &view, std::string base, Output &output)
      : attention(attention), options(options), run(run), view(view),
        base(std::move(base)), output(output) {}

  void writeLayer(int32_t index);
  void writeRollout();

private:
  std::vector<float> getRow(int32_t index, int64_t window, int64_t head) const;
  void writeMatrix(int32_t index, const std::string &name);
  void writeMaps(int32_t index, const std::string &name,
                 const std::vector<float> &rows, int64_t firstWindow,
                 int64_t numWindows);
  void write(const std::string &name, std::vector<int64_t> dims,
             const std::vector<float> &values);

  const AttentionDescriptor &attention;
  const AttentionOptions &options;
  const AttentionRun &run;
  const Image &view;
  std::string base;
  Output &output;
};
} // namespace

void AttentionWriter::write(const std::string &name, std::vector<int64_t> dims,
                            const std::vector<float> &values) {
  NpyArray array{VITC_F32, std::move(dims), {}};
  array.bytes.resize(values.size() * sizeof(float));
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  output.addFile(name + ".npy", formatNpy(array));
}

/// The probabilities of the query that is shown.
std::vector<float> AttentionWriter::getRow(int32_t index, int64_t window,
                                           int64_t head) const {
  const AttentionLayerDescriptor &layer = attention.layers[index];
  int64_t count = run.isWhole(index) ? layer.queries : 1;
  const float *rows =
      run.getMap(index) + (window * layer.heads + head) * count * layer.keys;
  if (count == 1 || !run.isMean(index)) {
    if (count > 1)
      rows += run.getQuery(index).query * layer.keys;
    return {rows, rows + layer.keys};
  }
  std::vector<double> sums(layer.keys);
  for (int64_t query = 0; query < count; ++query)
    for (int64_t key = 0; key < layer.keys; ++key)
      sums[key] += rows[query * layer.keys + key];
  std::vector<float> mean;
  for (double sum : sums)
    mean.push_back(static_cast<float>(sum / static_cast<double>(count)));
  return mean;
}

void AttentionWriter::writeLayer(int32_t index) {
  const AttentionLayerDescriptor &layer = attention.layers[index];
  std::string name = fmt::format("{}.layer-{:02}", base, layer.number);
  int64_t firstWindow = run.getQuery(index).window;
  int64_t numWindows = run.isMean(index) ? layer.windows : 1;
  std::vector<float> rows;
  int64_t numHeads = 0;
  for (int64_t window = 0; window < numWindows; ++window)
    for (int64_t head = 0; head < layer.heads; ++head)
      if (options.heads.contains(head)) {
        std::vector<float> row = getRow(index, firstWindow + window, head);
        rows.insert(rows.end(), row.begin(), row.end());
        numHeads += window == 0;
      }
  std::vector<int64_t> dims = {numHeads, layer.keys};
  if (numWindows > 1)
    dims.insert(dims.begin(), numWindows);
  write(name, dims, rows);
  if (options.matrix)
    writeMatrix(index, name);
  if (hasPatches(layer))
    writeMaps(index, name, rows, firstWindow, numWindows);
}

/// `rows` is [numWindows, chosen heads, keys].
void AttentionWriter::writeMaps(int32_t index, const std::string &name,
                                const std::vector<float> &rows,
                                int64_t firstWindow, int64_t numWindows) {
  const AttentionLayerDescriptor &layer = attention.layers[index];
  const float *projection = run.getProjection(layer);
  int64_t numHeads = rows.size() / (numWindows * layer.keys);
  PatchMap mean = makePatchMap(layer);
  std::vector<float> maps;
  for (int64_t head = 0; head < numHeads; ++head) {
    PatchMap map = makePatchMap(layer);
    for (int64_t window = 0; window < numWindows; ++window)
      addToPatches(layer, firstWindow + window,
                   &rows[(window * numHeads + head) * layer.keys], projection,
                   1.0f, map);
    for (size_t i = 0; i < map.values.size(); ++i)
      mean.values[i] += map.values[i] / static_cast<float>(numHeads);
    maps.insert(maps.end(), map.values.begin(), map.values.end());
  }
  write(name + ".map", {numHeads, mean.height, mean.width}, maps);
  output.addPng(name + ".png", overlayHeatMap(view, mean.values.data(),
                                              mean.height, mean.width));
}

void AttentionWriter::writeMatrix(int32_t index, const std::string &name) {
  const AttentionLayerDescriptor &layer = attention.layers[index];
  int64_t size = int64_t(layer.queries) * layer.keys, numHeads = 0;
  std::vector<float> matrices;
  for (int64_t window = 0; window < layer.windows; ++window)
    for (int64_t head = 0; head < layer.heads; ++head)
      if (options.heads.contains(head)) {
        const float *matrix =
            run.getMap(index) + (window * layer.heads + head) * size;
        matrices.insert(matrices.end(), matrix, matrix + size);
        numHeads += window == 0;
      }
  std::vector<int64_t> dims = {numHeads, layer.queries, layer.keys};
  if (layer.windows > 1)
    dims.insert(dims.begin(), layer.windows);
  write(name + ".matrix", dims, matrices);
}

void AttentionWriter::writeRollout() {
  const AttentionLayerDescriptor &layer = attention.layers[0];
  const TokenGrid &grid = layer.queryGrid;
  int64_t query = 0;
  if (options.hasQuery)
    query = findQuery(layer, options.queryRow, options.queryColumn).query;
  Rollout rollout(layer.keys, query);
  for (int32_t i = attention.numLayers; i-- > 0;)
    rollout.addLayer(run.getMap(i), attention.layers[i].heads);
  std::vector<float> row(rollout.getRow().begin(), rollout.getRow().end());
  write(base + ".rollout", {layer.keys}, row);
  output.addPng(base + ".rollout.png", overlayHeatMap(view, &row[grid.prefix],
                                                      grid.height, grid.width));
}

void vitc::rt::runAttention(const vitc_model &model, const Options &options,
                            Output &output) {
  if (options.json || !options.texts.empty())
    throw UsageError("--json or --text was given with --attention; needs a "
                     "model that generates text");
  if (!model.attention.descriptor)
    throw UsageError("--attention was given and the model has no attention "
                     "maps; needs a model compiled with them");
  const AttentionDescriptor &attention = model.descriptor.attention;
  PictureInput pictures(model);
  AttentionRun run(attention, options.attention, pictures.getBatch());
  AttentionRequest request = run.getRequest();
  for (const std::string &path : options.images) {
    pictures.run(path, &request);
    AttentionWriter writer(attention, options.attention, run,
                           pictures.getView(),
                           joinPath(options.outputDir, pathStem(path)), output);
    for (int32_t i = 0; i < attention.numLayers; ++i)
      if (run.isShown(i))
        writer.writeLayer(i);
    if (options.attention.rollout)
      writer.writeRollout();
  }
}
