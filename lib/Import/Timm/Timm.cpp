//===- Timm.cpp - Folders of timm models ----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Timm.h"

#include "Architectures.h"
#include "Families.h"
#include "ModelLimits.h"
#include "mlir/IR/Builders.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr int64_t kDefaultPixels = 224;

/// A list of `count` numbers, or the default.
static SmallVector<double> readNumbers(Config &config, StringRef key,
                                       ArrayRef<double> defaults) {
  const llvm::json::Value *value = config.lookup(key);
  if (!value)
    return SmallVector<double>(defaults);
  SmallVector<double> numbers;
  if (const llvm::json::Array *list = value->getAsArray())
    for (const llvm::json::Value &item : *list)
      if (std::optional<double> number = item.getAsNumber())
        numbers.push_back(*number);
  if (numbers.size() == defaults.size())
    return numbers;
  config.emitError() << key << " = " << formatJson(*value) << "; it needs "
                     << defaults.size() << " numbers";
  return SmallVector<double>(defaults);
}

std::pair<int64_t, int64_t> import_::readTimmImageSize(Config &config,
                                                       Config &arguments) {
  Config pretrained = config.getObject("pretrained_cfg");
  SmallVector<double> input = readNumbers(
      pretrained, "input_size", {3, double(kDefaultPixels), kDefaultPixels});
  auto isSize = [](double x) {
    return x >= 1 && x <= double(kMaxPixels) && x == std::floor(x);
  };
  if (!isSize(input[1]) || !isSize(input[2])) {
    config.emitError() << "pretrained_cfg has input_size "
                       << formatJson(*pretrained.lookup("input_size"))
                       << "; it needs channels, height and width, each from 1 "
                          "to "
                       << kMaxPixels;
    input = {3, double(kDefaultPixels), kDefaultPixels};
  }
  std::pair<int64_t, int64_t> size = {input[1], input[2]};
  if (arguments.contains("img_size"))
    size = arguments.getSizePair("img_size", kDefaultPixels, kMaxPixels);
  if (pretrained.failed())
    config.noteError();
  return size;
}

int64_t import_::countTimmBlocks(const Checkpoint &checkpoint,
                                 StringRef prefix) {
  int64_t count = 0;
  while (checkpoint.contains((prefix + Twine(count) + ".norm1.weight").str()))
    ++count;
  return count;
}

SmallVector<int64_t> import_::readTimmShape(Config &config,
                                            const Checkpoint &checkpoint,
                                            StringRef name, size_t rank) {
  ArrayRef<int64_t> shape = checkpoint.getShape(name);
  if (shape.size() == rank &&
      llvm::all_of(shape, [](int64_t dim) { return dim > 0; }))
    return SmallVector<int64_t>(shape);
  InFlightDiagnostic error = config.emitError();
  if (!checkpoint.contains(name))
    error << "the weights lack '" << name << "', which the architecture needs";
  else if (shape.size() != rank)
    error << "tensor '" << name << "' has rank " << shape.size()
          << "; the architecture needs rank " << rank;
  else
    error << "tensor '" << name << "' has a size of 0; it needs 1 or more";
  return SmallVector<int64_t>(rank, 1);
}

/// PIL's number of a filter, as timm names it.
static int64_t readFilter(Config &config) {
  std::string name = config.getString("interpolation", "bicubic");
  std::optional<int64_t> filter = parseFilter(name);
  if (!filter)
    config.emitError() << "interpolation = '" << name
                       << "'; vitc imports nearest, lanczos, bilinear, "
                          "bicubic, box and hamming";
  return filter.value_or(3);
}

vit::PreprocessAttr import_::readTimmPreprocess(Config &config, int64_t height,
                                                int64_t width,
                                                int64_t channels) {
  if (channels != 1 && channels != 3)
    return {};
  MLIRContext *context = config.getLoc().getContext();
  Config pretrained = config.getObject("pretrained_cfg");
  // timm's defaults: ImageNet's statistics, of grey their mean.
  SmallVector<double> mean = {0.485, 0.456, 0.406}, std = {0.229, 0.224, 0.225};
  mean.resize(channels);
  std.resize(channels);
  mean = readNumbers(pretrained, "mean", mean);
  std = readNumbers(pretrained, "std", std);
  if (llvm::any_of(std, [](double x) { return !(x > 0) || !std::isfinite(x); }))
    pretrained.emitError() << "std = " << formatJson(*pretrained.lookup("std"))
                           << "; it needs positive numbers";
  double cropPct = pretrained.getNumber("crop_pct", 0.875);
  if (!(cropPct > 0 && cropPct <= 4)) {
    pretrained.emitError() << "crop_pct = " << std::to_string(cropPct)
                           << "; it needs a number above 0, at most 4";
    cropPct = 1;
  }
  int64_t filter = readFilter(pretrained);
  std::string mode = pretrained.getString("crop_mode", "center");
  bool border = mode == "border";
  if (mode != "center" && mode != "squash" && !(border && cropPct == 1))
    pretrained.emitError() << "crop_mode = '" << mode
                           << "'; vitc imports center, squash and, with "
                              "crop_pct = 1, border";
  if (pretrained.failed()) {
    config.noteError();
    return {};
  }
  // The shorter edge, or with squash both, become 1 / crop_pct of the crop's;
  // with border the longer one, and the mean is around it.
  auto scale = [&](int64_t pixels) {
    return int64_t(std::floor(double(pixels) / cropPct));
  };
  SmallVector<int64_t> resize = {scale(height), scale(width)};
  if (mode == "center") {
    if (height != width) {
      emitWarning(config.getLoc())
          << "pictures of " << height << "x" << width
          << " are not cut from others; the program takes tensors only";
      return {};
    }
    resize.resize(1);
  }
  auto crop = DenseI64ArrayAttr::get(context, {height, width});
  return vit::PreprocessAttr::get(
      context, DenseI64ArrayAttr::get(context, resize), /*inside=*/border,
      filter, /*antialias=*/true, border ? DenseI64ArrayAttr() : crop,
      border ? vit::Padding::Center : vit::Padding::None,
      FloatAttr::get(Float64Type::get(context), 1.0 / 255.0),
      DenseF64ArrayAttr::get(context, mean),
      DenseF64ArrayAttr::get(context, std), /*bgr=*/false,
      /*mask=*/StringAttr(), /*noise=*/StringAttr());
}

StringAttr import_::readTimmLicence(Config &config) {
  Config pretrained = config.getObject("pretrained_cfg");
  std::string licence = pretrained.getString("license", "");
  if (pretrained.failed())
    config.noteError();
  if (licence.empty())
    return {};
  return StringAttr::get(config.getLoc().getContext(), licence);
}

ArrayAttr import_::readTimmLabels(Config &config, int64_t numClasses) {
  Builder b(config.getLoc().getContext());
  SmallVector<Attribute> labels;
  const llvm::json::Value *value = config.lookup("label_names");
  const llvm::json::Array *list = value ? value->getAsArray() : nullptr;
  if (list && int64_t(list->size()) == numClasses)
    for (const llvm::json::Value &item : *list)
      if (std::optional<StringRef> text = item.getAsString())
        labels.push_back(b.getStringAttr(*text));
  if (int64_t(labels.size()) == numClasses)
    return b.getArrayAttr(labels);
  if (value)
    config.emitError() << "label_names = " << formatJson(*value)
                       << "; it needs " << numClasses << " strings";
  labels.clear();
  for (int64_t i = 0; i < numClasses; ++i)
    labels.push_back(b.getStringAttr("LABEL_" + Twine(i)));
  return b.getArrayAttr(labels);
}

OwningOpRef<ModuleOp> import_::importTimm(Config &config,
                                          Checkpoint &checkpoint,
                                          const ImportOptions &options) {
  std::string name = config.getString("architecture", "");
  if (config.failed())
    return nullptr;
  checkpoint.needAllWeights();
  // The part behind a dot names the weights' training.
  StringRef architecture = StringRef(name).split('.').first;
  if (const TimmVit *vit = findTimmVit(architecture))
    return importTimmVit(*vit, config, checkpoint, options);
  if (const TimmSwin *swin = findTimmSwin(architecture))
    return importTimmSwin(*swin, config, checkpoint, options);
  if (const TimmXcit *xcit = findTimmXcit(architecture))
    return importTimmXcit(*xcit, config, checkpoint, options);
  if (const TimmFamily *family = findTimmFamily(architecture))
    return importTimmFamily(*family, architecture, config, checkpoint, options);
  config.emitError() << "architecture = '" << name
                     << "', which vitc does not know; the names most like it "
                        "are "
                     << suggestTimmNames(architecture)
                     << "; of any other it compiles the ONNX export";
  return nullptr;
}
