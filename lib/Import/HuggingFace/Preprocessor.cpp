//===- Preprocessor.cpp - preprocessor_config.json ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the image processors of ViT, DeiT, BEiT and BiT, of which each
// architecture uses one, in the spelling of today and in that of the feature
// extractors before them (`size` a number, no rescale_factor). Absent keys have
// the defaults of the processor's class. A folder without the file gets, with a
// warning, those defaults at the model's size.
//
//===----------------------------------------------------------------------===//

#include "HuggingFace.h"

#include "InputFile.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Pixels along one side of a picture.
static constexpr int64_t kMaxPixels = 65536;
/// PIL's numbers of its filters.
static constexpr int64_t kBilinear = 2, kBicubic = 3, kLastFilter = 5;
/// The picture that the defaults of all classes give.
static constexpr int64_t kDefaultPixels = 224;

namespace {

/// The mean and standard deviation of each channel that pictures are
/// normalised by.
struct Statistics {
  double mean[3], std[3];
};

/// The defaults of a processor's class.
struct ProcessorClass {
  StringRef name;
  int64_t size;
  /// Whether `size` is the shorter edge's, or a square's.
  bool shortestEdge;
  int64_t resample;
  bool centerCrop;
  Statistics statistics;
};

} // namespace

static constexpr Statistics kHalf = {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
static constexpr Statistics kClip = {{0.48145466, 0.4578275, 0.40821073},
                                     {0.26862954, 0.26130258, 0.27577711}};
static constexpr Statistics kImageNet = {{0.485, 0.456, 0.406},
                                         {0.229, 0.224, 0.225}};

static std::optional<ProcessorClass> getClass(StringRef name) {
  ProcessorClass vit{"ViTImageProcessor", kDefaultPixels, false,
                     kBilinear,           false,          kHalf};
  ProcessorClass deit{"DeiTImageProcessor", 256, false, kBicubic, true, kHalf};
  ProcessorClass beit{"BeitImageProcessor", 256, false, kBicubic, true, kHalf};
  ProcessorClass bit{
      "BitImageProcessor", kDefaultPixels, true, kBicubic, true, kClip};
  ProcessorClass hybrid = bit;
  hybrid.name = "ViTHybridImageProcessor";
  // What facebook's DINOv2 files carry.
  ProcessorClass dinov2{
      "DINOv2's BitImageProcessor", 256, true, kBicubic, true, kImageNet};
  return llvm::StringSwitch<std::optional<ProcessorClass>>(name)
      .Cases({"ViTImageProcessor", "ViTImageProcessorFast",
              "ViTImageProcessorPil", "ViTFeatureExtractor", "vit", "swin",
              "swinv2"},
             vit)
      .Cases({"DeiTImageProcessor", "DeiTImageProcessorFast",
              "DeiTImageProcessorPil", "DeiTFeatureExtractor", "deit"},
             deit)
      .Cases({"BeitImageProcessor", "BeitImageProcessorFast",
              "BeitImageProcessorPil", "BeitFeatureExtractor", "beit"},
             beit)
      .Cases({"BitImageProcessor", "BitImageProcessorFast",
              "BitImageProcessorPil"},
             bit)
      .Cases({"ViTHybridImageProcessor", "vit-hybrid"}, hybrid)
      .Cases({"dinov2", "dinov2_with_registers"}, dinov2)
      .Default(std::nullopt);
}

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

static FailureOr<vit::PreprocessAttr>
readPreprocessor(Config &config, const ProcessorClass &defaults, int64_t height,
                 int64_t width, int64_t channels, bool scale) {
  MLIRContext *context = config.getLoc().getContext();
  SmallVector<int64_t> resize, crop;
  if (config.getBool("do_resize", true))
    resize = readSize(config, "size", defaults.size, defaults.shortestEdge);
  if (config.getBool("do_center_crop", defaults.centerCrop))
    crop = readSize(config, "crop_size", kDefaultPixels,
                    /*shortestEdge=*/false);
  if (scale && !config.failed())
    scaleTo(height, width, resize, crop);
  verifyResult(config, resize, crop, height, width);

  FloatAttr rescale;
  if (config.getBool("do_rescale", true))
    rescale = FloatAttr::get(Float64Type::get(context),
                             config.getNumber("rescale_factor", 1.0 / 255.0));
  DenseF64ArrayAttr mean, std;
  if (config.getBool("do_normalize", true)) {
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
  return vit::PreprocessAttr::get(context, asAttr(resize), filter, asAttr(crop),
                                  rescale, mean, std);
}

/// The class's sizes, scaled from its default picture to the model's.
static llvm::json::Object scaleSizes(const ProcessorClass &defaults,
                                     int64_t height, int64_t width) {
  auto scale = [&](int64_t pixels) {
    return pixels * defaults.size / kDefaultPixels;
  };
  llvm::json::Object size{{"height", scale(height)}, {"width", scale(width)}};
  if (defaults.shortestEdge)
    size =
        llvm::json::Object{{"shortest_edge", scale(std::min(height, width))}};
  return llvm::json::Object{
      {"size", std::move(size)},
      {"crop_size", llvm::json::Object{{"height", height}, {"width", width}}}};
}

FailureOr<vit::PreprocessAttr> import_::importPreprocessor(
    StringRef folder, StringRef modelType, int64_t height, int64_t width,
    int64_t channels, const ImportOptions &options, MLIRContext &context) {
  SmallString<256> path(folder);
  llvm::sys::path::append(path, "preprocessor_config.json");
  bool exists = llvm::sys::fs::exists(path);
  if (channels != 1 && channels != 3) {
    if (exists)
      emitWarning(getFileLoc(path, context))
          << "not used, as the model has num_channels = " << channels
          << "; pictures have 1 or 3";
    return vit::PreprocessAttr();
  }
  if (!exists) {
    ProcessorClass defaults = *getClass(modelType);
    Location loc = getFileLoc(folder, context);
    emitWarning(loc) << "no preprocessor_config.json; using " << defaults.name
                     << "'s defaults";
    Config config(scaleSizes(defaults, height, width), loc);
    return readPreprocessor(config, defaults, height, width, channels,
                            /*scale=*/false);
  }

  FailureOr<Config> config = Config::read(path, context);
  if (failed(config))
    return failure();
  std::string name =
      config->getString("image_processor_type",
                        config->getString("feature_extractor_type", modelType));
  std::optional<ProcessorClass> defaults = getClass(name);
  if (!defaults) {
    config->emitError() << "image_processor_type = '" << name
                        << "'; vitc imports ViTImageProcessor, "
                           "DeiTImageProcessor, BeitImageProcessor, "
                           "BitImageProcessor and ViTHybridImageProcessor";
    return failure();
  }
  return readPreprocessor(*config, *defaults, height, width, channels,
                          /*scale=*/options.imageSize.has_value());
}
