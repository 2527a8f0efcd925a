//===- Preprocessor.cpp - preprocessor_config.json ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the image processors of ProcessorClass.h, of which each architecture
// uses one, in the spelling of today and in that of the feature extractors
// before them (`size` a number, no rescale_factor). Absent keys have
// the defaults of the processor's class. A folder without the file gets, with a
// warning, those defaults at the model's size.
//
//===----------------------------------------------------------------------===//

#include "HuggingFace.h"

#include "InputFile.h"
#include "ModelLimits.h"
#include "ProcessorClass.h"
#include "llvm/Support/FileSystem.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// The last of PIL's numbers of its filters.
static constexpr int64_t kLastFilter = 5;

namespace {
/// What of a #vit.preprocess is about sizes.
struct Geometry {
  SmallVector<int64_t> resize, crop;
  bool inside = false;
  vit::Padding padding = vit::Padding::None;
  StringRef mask;
};
} // namespace

/// `size` or `crop_size`: a number, {"height", "width"} or {"shortest_edge"};
/// one element means the shorter edge. A number is the shorter edge's for
/// `shortestEdge`, else a square's.
static SmallVector<int64_t> readSize(Config &config, StringRef key,
                                     int64_t defaultValue, bool shortestEdge) {
  const llvm::json::Value *value = config.lookup(key);
  const llvm::json::Object *object = value ? value->getAsObject() : nullptr;
  bool isNumber = !value || value->getAsInteger();
  if (shortestEdge && isNumber)
    return {config.getSize(key, defaultValue, kMaxPixels)};
  if (!object) {
    auto [height, width] = config.getSizePair(key, defaultValue, kMaxPixels);
    return {height, width};
  }
  Config size(*object, config.getLoc());
  SmallVector<int64_t> result;
  if (size.contains("height") && size.contains("width"))
    result = {size.getSize("height", 0, kMaxPixels),
              size.getSize("width", 0, kMaxPixels)};
  else if (size.contains("shortest_edge") && !size.contains("longest_edge"))
    result = {size.getSize("shortest_edge", 0, kMaxPixels)};
  else
    size.emitError() << key << " = " << formatJson(*value)
                     << "; it needs height and width, or shortest_edge";
  if (size.failed())
    config.noteError();
  return result;
}

/// One number for each channel.
static DenseF64ArrayAttr readChannels(Config &config, StringRef key,
                                      const double (&defaults)[3],
                                      int64_t channels, bool positive) {
  SmallVector<double> numbers;
  const llvm::json::Value *value = config.lookup(key);
  const llvm::json::Array *list = value ? value->getAsArray() : nullptr;
  if (!value)
    numbers.assign(defaults, defaults + channels);
  else if (std::optional<double> number = value->getAsNumber())
    numbers.assign(channels, *number);
  else if (list)
    for (const llvm::json::Value &item : *list)
      if (std::optional<double> number = item.getAsNumber())
        numbers.push_back(*number);
  bool fits = int64_t(numbers.size()) == channels &&
              (!list || list->size() == numbers.size()) &&
              llvm::all_of(numbers, [&](double x) {
                return std::isfinite(x) && (!positive || x > 0.0);
              });
  if (!fits)
    config.emitError() << key << " = " << formatJson(*value) << "; it needs "
                       << channels << (positive ? " positive" : "")
                       << " numbers, one for each channel";
  return DenseF64ArrayAttr::get(config.getLoc().getContext(), numbers);
}

/// The filter's number; 0, nearest, is one of them.
static int64_t readFilter(Config &config, int64_t defaultValue) {
  const llvm::json::Value *value = config.lookup("resample");
  if (!value)
    return defaultValue;
  std::optional<int64_t> filter = value->getAsInteger();
  if (filter && *filter >= 0 && *filter <= kLastFilter)
    return *filter;
  config.emitError() << "resample = " << formatJson(*value)
                     << "; it needs PIL's number of a filter, 0 to "
                     << kLastFilter;
  return defaultValue;
}

/// Scales what gives pictures of another size to the one that was asked for.
static void scaleTo(int64_t height, int64_t width,
                    SmallVectorImpl<int64_t> &resize,
                    SmallVectorImpl<int64_t> &crop) {
  if (crop.empty()) {
    resize.assign({height, width});
    return;
  }
  if (resize.size() == 1)
    resize[0] = resize[0] * std::min(height, width) /
                *std::min_element(crop.begin(), crop.end());
  else if (resize.size() == 2)
    resize.assign(
        {resize[0] * height / crop.front(), resize[1] * width / crop.back()});
  crop.assign({height, width});
}

/// Resized and cropped pictures must have the model's size.
static void verifyResult(Config &config, ArrayRef<int64_t> resize,
                         ArrayRef<int64_t> crop, int64_t height,
                         int64_t width) {
  ArrayRef<int64_t> result = crop.empty() ? resize : crop;
  if (config.failed() || result.empty())
    return;
  if (result.size() == 1)
    config.emitError() << "pictures keep their aspect ratio, shorter edge "
                       << result[0] << ", and are not cropped; the model needs "
                       << height << "x" << width;
  else if (result[0] != height || result[1] != width) {
    InFlightDiagnostic error = config.emitError();
    error << "pictures become " << result[0] << "x" << result[1]
          << "; the model needs " << height << "x" << width;
    error.attachNote() << "'--image-size=" << result[0] << "x" << result[1]
                       << "' compiles the model for such pictures, '"
                       << "--image-size=" << height << "x" << width
                       << "' makes pictures of the model's size";
  }
}

/// Fills the resize, crop and padding of `fit` for a model of pictures of
/// `height` x `width`.
static void readFit(Config &config, const ProcessorClass &defaults,
                    int64_t height, int64_t width, bool scale,
                    Geometry &geometry) {
  bool resizes = config.getBool("do_resize", true);
  switch (defaults.fit) {
  case PictureFit::Configured:
    if (resizes)
      geometry.resize =
          readSize(config, "size", defaults.size, defaults.shortestEdge);
    if (config.getBool("do_center_crop", defaults.centerCrop))
      geometry.crop = readSize(config, "crop_size", kDefaultPixels,
                               /*shortestEdge=*/false);
    if (scale && !config.failed())
      scaleTo(height, width, geometry.resize, geometry.crop);
    verifyResult(config, geometry.resize, geometry.crop, height, width);
    return;
  case PictureFit::Inside:
    geometry.inside = resizes;
    geometry.padding = vit::Padding::Zero;
    geometry.mask = kMaskInput;
    [[fallthrough]];
  case PictureFit::Stretched:
    if (resizes)
      geometry.resize = {height, width};
    return;
  case PictureFit::Unscaled:
    geometry.padding = vit::Padding::Mirror;
    return;
  }
}

static FailureOr<vit::PreprocessAttr>
readPreprocessor(Config &config, const ProcessorClass &defaults, int64_t height,
                 int64_t width, int64_t channels, bool scale) {
  MLIRContext *context = config.getLoc().getContext();
  Geometry geometry;
  readFit(config, defaults, height, width, scale, geometry);
  FloatAttr rescale;
  if (config.getBool("do_rescale", true))
    rescale = FloatAttr::get(Float64Type::get(context),
                             config.getNumber("rescale_factor", 1.0 / 255.0));
  DenseF64ArrayAttr mean, std;
  if (config.getBool("do_normalize", defaults.fit != PictureFit::Unscaled)) {
    mean = readChannels(config, "image_mean", defaults.statistics.mean,
                        channels, /*positive=*/false);
    std = readChannels(config, "image_std", defaults.statistics.std, channels,
                       /*positive=*/true);
  }
  int64_t filter = readFilter(config, defaults.resample);
  if (config.failed())
    return failure();
  auto asAttr = [&](ArrayRef<int64_t> sizes) {
    return sizes.empty() ? DenseI64ArrayAttr()
                         : DenseI64ArrayAttr::get(context, sizes);
  };
  auto mask = geometry.mask.empty() ? StringAttr()
                                    : StringAttr::get(context, geometry.mask);
  return vit::PreprocessAttr::get(
      context, asAttr(geometry.resize), geometry.inside, filter,
      /*antialias=*/true, asAttr(geometry.crop), geometry.padding, rescale,
      mean, std, /*bgr=*/false, mask, /*noise=*/StringAttr());
}

/// The class's sizes, scaled from its default picture to the model's.
static llvm::json::Object scaleSizes(const ProcessorClass &defaults,
                                     int64_t height, int64_t width) {
  auto scale = [&](int64_t pixels) {
    return defaults.centerCrop ? pixels * defaults.size / kDefaultPixels
                               : pixels;
  };
  llvm::json::Object size{{"height", scale(height)}, {"width", scale(width)}};
  if (defaults.shortestEdge)
    size =
        llvm::json::Object{{"shortest_edge", scale(std::min(height, width))}};
  return llvm::json::Object{
      {"size", std::move(size)},
      {"crop_size", llvm::json::Object{{"height", height}, {"width", width}}}};
}

static std::string getProcessorPath(StringRef folder) {
  return joinPath(folder, "preprocessor_config.json");
}

FailureOr<vit::PreprocessAttr> import_::importPreprocessor(
    StringRef folder, StringRef modelType, int64_t height, int64_t width,
    int64_t channels, const ImportOptions &options, MLIRContext &context) {
  std::string path = getProcessorPath(folder);
  bool exists = llvm::sys::fs::exists(path);
  if (channels != 1 && channels != 3) {
    if (exists)
      emitWarning(getFileLoc(path, context))
          << "not used, as the model has num_channels = " << channels
          << "; pictures have 1 or 3";
    return vit::PreprocessAttr();
  }
  if (!exists) {
    const ProcessorClass *defaults = findProcessorClass(modelType);
    Location loc = getFileLoc(folder, context);
    if (!defaults) {
      emitError(loc) << "no preprocessor_config.json, and model_type = '"
                     << modelType
                     << "' has no defaults; it needs one with "
                        "image_processor_type "
                     << listProcessorClasses();
      return failure();
    }
    emitWarning(loc) << "no preprocessor_config.json; using " << defaults->name
                     << "'s defaults";
    Config config(scaleSizes(*defaults, height, width), loc);
    return readPreprocessor(config, *defaults, height, width, channels,
                            /*scale=*/false);
  }

  FailureOr<Config> config = Config::read(path, context);
  if (failed(config))
    return failure();
  std::string name =
      config->getString("image_processor_type",
                        config->getString("feature_extractor_type", modelType));
  const ProcessorClass *defaults = findProcessorClass(name);
  if (!defaults) {
    config->emitError() << "image_processor_type = '" << name
                        << "'; vitc imports " << listProcessorClasses();
    return failure();
  }
  return readPreprocessor(*config, *defaults, height, width, channels,
                          /*scale=*/options.imageSize.has_value());
}

FailureOr<std::pair<int64_t, int64_t>>
import_::readPictureSize(StringRef folder, std::pair<int64_t, int64_t> standard,
                         MLIRContext &context) {
  std::string path = getProcessorPath(folder);
  if (!llvm::sys::fs::exists(path))
    return standard;
  FailureOr<Config> config = Config::read(path, context);
  if (failed(config))
    return failure();
  const llvm::json::Value *value = config->lookup("size");
  const llvm::json::Object *object = value ? value->getAsObject() : nullptr;
  int64_t height = standard.first, width = standard.second;
  if (value && !object) {
    height = config->getSize("size", height, kMaxPixels);
    width = config->getSize("max_size", height, kMaxPixels);
  }
  if (object) {
    Config size(*object, config->getLoc());
    auto read = [&](StringRef first, StringRef second) {
      height = size.getSize(first, height, kMaxPixels);
      width = size.getSize(second, size.contains(first) ? height : width,
                           kMaxPixels);
    };
    if (size.contains("shortest_edge"))
      read("shortest_edge", "longest_edge");
    else if (size.contains("max_height"))
      read("max_height", "max_width");
    else
      read("height", "width");
    if (size.failed())
      return failure();
  }
  if (config->failed())
    return failure();
  return std::pair(height, width);
}
