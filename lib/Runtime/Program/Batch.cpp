//===- Batch.cpp - The results of many pictures in one file ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// While it runs the results stand in a journal, FILE.partial. A run that ends
// early leaves it, and the next one goes on behind its last record; the last
// run writes FILE, in the order of the pictures, and deletes it.
//
//===----------------------------------------------------------------------===//

#include "Program/Commands.h"

#include "Program/BatchFiles.h"
#include "Program/Journal.h"
#include "Program/PictureFiles.h"
#include "Program/Progress.h"
#include "Program/Tasks.h"
#include "Status.h"
#include "Tensor.h"

#include <algorithm>
#include <memory>
#include <optional>

using namespace vitc::rt;

namespace {
/// What a picture's record is made of, and the files of all records.
class BatchFormat {
public:
  virtual ~BatchFormat() = default;
  virtual std::string format(const PictureResult &result) const = 0;
  /// `names` are those of the records that are written.
  virtual void write(const Journal &journal,
                     const std::vector<std::string> &names) const = 0;
};

/// A JSON object a line.
class JsonLines final : public BatchFormat {
public:
  JsonLines(const vitc_model &model, const Options &options)
      : answer(makeAnswer(model, options)), path(options.outputFile) {}
  std::string format(const PictureResult &result) const override;
  void write(const Journal &journal,
             const std::vector<std::string> &names) const override;

private:
  AnswerFn answer;
  std::string path;
};

/// The rows of each output, and the pictures' names.
class NpyRows final : public BatchFormat {
public:
  NpyRows(const vitc_model &model, const Options &options)
      : entry(*model.main.descriptor), preprocess(model.descriptor.preprocess),
        path(options.outputFile) {}
  std::string format(const PictureResult &result) const override;
  void write(const Journal &journal,
             const std::vector<std::string> &names) const override;

private:
  const EntryDescriptor &entry;
  const PreprocessDescriptor &preprocess;
  std::string path;
};
} // namespace

std::string JsonLines::format(const PictureResult &result) const {
  JsonWriter json(/*compact=*/true);
  json.beginObject();
  json.key("image").value(result.path);
  Answer lines{json, /*output=*/nullptr};
  answer(result, lines);
  json.endObject();
  return json.text();
}

void JsonLines::write(const Journal &journal,
                      const std::vector<std::string> &names) const {
  NewFile file(path);
  for (const std::string &name : names)
    file.write(journal.read(name));
  file.commit();
}

/// numpy has no bf16.
static vitc_dtype_t getStoredType(const TensorDescriptor &tensor) {
  auto dtype = static_cast<vitc_dtype_t>(tensor.dtype);
  return dtype == VITC_BF16 ? VITC_F32 : dtype;
}

std::string NpyRows::format(const PictureResult &result) const {
  if (result.input.isTiled())
    throw Failure(VITC_INVALID_ARGUMENT,
                  "{}: picture has {} x {} pixels; a row of the file needs at "
                  "most {} x {}",
                  result.path, result.input.getPicture().height,
                  result.input.getPicture().width, preprocess.height,
                  preprocess.width);
  std::string rows;
  for (int32_t i = 0; i < entry.numOutputs; ++i) {
    NpyArray row =
        convertNpy(firstOfBatch(result.input.getTensors().outputs[i]),
                   getStoredType(entry.outputs[i]), entry.outputs[i].name);
    rows.append(row.bytes.begin(), row.bytes.end());
  }
  return rows;
}

/// "features" of "features.npy".
static std::string dropExtension(const std::string &path) {
  return path.substr(0, path.rfind('.'));
}

void NpyRows::write(const Journal &journal,
                    const std::vector<std::string> &names) const {
  size_t offset = 0;
  for (int32_t i = 0; i < entry.numOutputs; ++i) {
    const TensorDescriptor &output = entry.outputs[i];
    NpyArray header{getStoredType(output), {}, {}};
    header.dims.assign(output.dims, output.dims + output.rank);
    size_t rowBytes = dtypeBytes(header.dtype);
    for (int32_t d = 1; d < output.rank; ++d)
      rowBytes *= header.dims[d];
    header.dims[0] = static_cast<int64_t>(names.size());
    NewFile file(entry.numOutputs == 1
                     ? path
                     : fmt::format("{}.{}.npy", dropExtension(path),
                                   fileNameOf(output.name)));
    file.write(formatNpy(header));
    for (const std::string &name : names)
      file.write(std::string_view(journal.read(name)).substr(offset, rowBytes));
    file.commit();
    offset += rowBytes;
  }
  NewFile list(dropExtension(path) + ".names.txt");
  for (const std::string &name : names)
    list.write(name + "\n");
  list.commit();
}

static std::unique_ptr<BatchFormat> makeFormat(const vitc_model &model,
                                               const Options &options) {
  auto task = static_cast<Task>(model.descriptor.task);
  bool embeds = task == Task::Embedding ||
                (task == Task::Ranking && options.texts.empty());
  if (endsWith(options.outputFile, ".jsonl")) {
    if (embeds)
      throw UsageError(fmt::format("the output file is '{}'; embeddings need "
                                   "one that ends in .npy",
                                   options.outputFile));
    return std::make_unique<JsonLines>(model, options);
  }
  if (!endsWith(options.outputFile, ".npy"))
    throw UsageError(fmt::format("the output file is '{}'; needs one that ends "
                                 "in .jsonl or .npy",
                                 options.outputFile));
  if (!options.texts.empty())
    throw UsageError(fmt::format("--text was given and the output file is "
                                 "'{}'; needs one that ends in .jsonl",
                                 options.outputFile));
  const EntryDescriptor &entry = *model.main.descriptor;
  for (int32_t i = 0; i < entry.numOutputs; ++i)
    if (entry.outputs[i].rank == 0)
      throw Failure(VITC_UNSUPPORTED,
                    "output '{}' is one number; needs one for each picture",
                    entry.outputs[i].name);
  return std::make_unique<NpyRows>(model, options);
}

/// What a journal's records depend on beside the pictures.
static std::string describeRun(const vitc_model_descriptor_t &model,
                               const Options &options) {
  std::string line =
      fmt::format("vitc batch 1: {} {}, {}, top {}, threshold {}",
                  model.modelName, model.sourceHash,
                  options.outputFile.substr(options.outputFile.rfind('.')),
                  options.topK, options.threshold);
  for (const std::string &text : options.texts)
    line += fmt::format(", '{}'", text);
  std::transform(line.begin(), line.end(), line.begin(), toPrintable);
  return line;
}

void vitc::rt::runBatch(const vitc_model &model, const Options &options,
                        Output &output) {
  std::unique_ptr<BatchFormat> format = makeFormat(model, options);
  std::vector<PictureFile> files = listPictures(options.images);
  PictureInput pictures(model);
  Journal journal(options.outputFile + ".partial",
                  describeRun(model.descriptor, options));
  std::vector<std::string> names;
  {
    Progress progress(static_cast<int64_t>(files.size()));
    for (size_t i = 0; i < files.size(); ++i) {
      const std::string &path = files[i].path;
      progress.update(static_cast<int64_t>(i));
      std::optional<std::string> record;
      try {
        if (!journal.contains(path)) {
          pictures.runOrTile(path);
          record = format->format({path, path, pictures});
        }
      } catch (const Failure &failure) {
        if (!isOfItem(failure))
          throw;
        progress.print(fmt::format("warning: {}; left out", failure.what()));
        continue;
      }
      if (record)
        journal.append(path, *record);
      names.push_back(path);
    }
  }
  if (names.empty())
    throw Failure(VITC_IO, "none of {} pictures could be read", files.size());
  format->write(journal, names);
  journal.remove();
  std::string text =
      fmt::format("{}: {} pictures", options.outputFile, names.size());
  if (names.size() < files.size())
    text += fmt::format(", {} left out", files.size() - names.size());
  output.print(text + "\n");
}
