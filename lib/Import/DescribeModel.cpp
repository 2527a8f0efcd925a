//===- DescribeModel.cpp - Change what a model says of itself -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DescribeModel.h"

#include "InputFile.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Analysis/MainEntry.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

std::optional<int64_t> import_::parseFilter(StringRef name) {
  return llvm::StringSwitch<std::optional<int64_t>>(name)
      .Case("nearest", 0)
      .Case("lanczos", 1)
      .Case("bilinear", 2)
      .Case("bicubic", 3)
      .Case("box", 4)
      .Case("hamming", 5)
      .Default(std::nullopt);
}

/// PIL's number of the filter that is used where nothing names one.
static constexpr int64_t kBilinear = 2;
static constexpr int64_t kMaxChannels = 4;

/// The first input that takes pixels, [B, 1 to 4, H, W] of f32; null: none.
static RankedTensorType getPictureType(func::FuncOp function) {
  for (Type type : function.getArgumentTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor && tensor.getRank() == 4 && tensor.getElementType().isF32() &&
        tensor.getDimSize(1) >= 1 && tensor.getDimSize(1) <= kMaxChannels &&
        !tensor.isDynamicDim(2) && !tensor.isDynamicDim(3))
      return tensor;
  }
  return nullptr;
}

namespace {
/// The parameters of a #vit.preprocess.
struct Preprocess {
  DenseI64ArrayAttr resize;
  bool inside = false;
  int64_t interpolation = kBilinear;
  bool antialias = true;
  DenseI64ArrayAttr crop;
  vit::Padding pad = vit::Padding::None;
  FloatAttr rescale;
  DenseF64ArrayAttr mean, std;
  bool bgr = false;
  StringAttr mask, noise;
};
} // namespace

static Preprocess getSourcePreprocess(vit::PreprocessAttr source,
                                      RankedTensorType picture) {
  MLIRContext *context = picture.getContext();
  Preprocess result;
  if (!source) {
    result.resize =
        DenseI64ArrayAttr::get(context, picture.getShape().take_back(2));
    result.rescale = FloatAttr::get(Float64Type::get(context), 1.0 / 255.0);
    return result;
  }
  return {source.getResize(),    source.getInside(), source.getInterpolation(),
          source.getAntialias(), source.getCrop(),   source.getPad(),
          source.getRescale(),   source.getMean(),   source.getStd(),
          source.getBgr(),       source.getMask(),   source.getNoise()};
}

/// Gives the resized picture's centre to the model.
static void setSizes(Preprocess &preprocess, const PictureOptions &options,
                     RankedTensorType picture) {
  MLIRContext *context = picture.getContext();
  ArrayRef<int64_t> input = picture.getShape().take_back(2);
  auto sizes = [&](ArrayRef<int64_t> list) {
    return DenseI64ArrayAttr::get(context, list);
  };
  using Resize = PictureOptions::Resize;
  if (options.resize == Resize::Source && !options.cropPct)
    return;
  preprocess.inside = options.resize == Resize::Inside;
  preprocess.pad = preprocess.inside ? vit::Padding::Zero : vit::Padding::None;
  preprocess.crop = preprocess.inside ? DenseI64ArrayAttr() : sizes(input);
  switch (options.resize) {
  case Resize::Source: {
    int64_t edge = std::floor(
        static_cast<double>(std::min(input[0], input[1])) / *options.cropPct);
    preprocess.resize = sizes(std::max<int64_t>(edge, 1));
    return;
  }
  case Resize::None:
    preprocess.resize = nullptr;
    return;
  case Resize::Exact:
    preprocess.resize = sizes({options.size.first, options.size.second});
    return;
  case Resize::Shortest:
    preprocess.resize = sizes(options.size.first);
    return;
  case Resize::Inside:
    preprocess.resize = sizes(input);
    return;
  }
}

/// One number for each channel; null after an error.
static DenseF64ArrayAttr getChannels(StringRef option,
                                     const std::vector<double> &numbers,
                                     int64_t channels, Location loc) {
  SmallVector<double> values(numbers.begin(), numbers.end());
  if (values.size() == 1)
    values.assign(channels, values.front());
  if (static_cast<int64_t>(values.size()) == channels)
    return DenseF64ArrayAttr::get(loc.getContext(), values);
  emitError(loc) << "takes pictures of " << channels << " channels; --"
                 << option << " has " << values.size()
                 << " numbers and needs 1 or " << channels;
  return nullptr;
}

static LogicalResult setNorm(Preprocess &preprocess,
                             const PictureOptions &options, int64_t channels,
                             Location loc) {
  if (options.mean.empty() && options.std.empty())
    return success();
  for (auto [name, numbers, absent, attribute] :
       {std::tuple("mean", &options.mean, 0.0, &preprocess.mean),
        std::tuple("std", &options.std, 1.0, &preprocess.std)}) {
    if (numbers->empty() && *attribute)
      continue;
    std::vector<double> values =
        numbers->empty() ? std::vector<double>{absent} : *numbers;
    *attribute = getChannels(name, values, channels, loc);
    if (!*attribute)
      return failure();
  }
  return success();
}

static FailureOr<vit::PreprocessAttr>
makePreprocess(vit::PreprocessAttr source, const PictureOptions &options,
               func::FuncOp function, Location loc) {
  RankedTensorType picture = getPictureType(function);
  if (!picture)
    return emitError(loc) << "has no input [batch, 1 to 4, height, width] of "
                             "f32, which options for pictures need";
  Preprocess preprocess = getSourcePreprocess(source, picture);
  setSizes(preprocess, options, picture);
  if (options.interpolation)
    preprocess.interpolation = *options.interpolation;
  if (failed(setNorm(preprocess, options, picture.getDimSize(1), loc)))
    return failure();
  return vit::PreprocessAttr::get(
      loc.getContext(), preprocess.resize, preprocess.inside,
      preprocess.interpolation, preprocess.antialias, preprocess.crop,
      preprocess.pad, preprocess.rescale, preprocess.mean, preprocess.std,
      preprocess.bgr, preprocess.mask, preprocess.noise);
}

//===----------------------------------------------------------------------===//
// Labels
//===----------------------------------------------------------------------===//

/// The labels of a list, or of an object with numbers from 0 on as keys.
static std::optional<SmallVector<std::string>>
readLabels(const llvm::json::Value &value) {
  SmallVector<std::string> labels;
  if (const llvm::json::Array *list = value.getAsArray()) {
    for (const llvm::json::Value &item : *list) {
      std::optional<StringRef> label = item.getAsString();
      if (!label)
        return std::nullopt;
      labels.push_back(label->str());
    }
    return labels;
  }
  const llvm::json::Object *object = value.getAsObject();
  if (!object)
    return std::nullopt;
  if (const llvm::json::Value *inner = object->get("id2label"))
    return readLabels(*inner);
  for (size_t i = 0; i < object->size(); ++i) {
    std::optional<StringRef> label = object->getString(std::to_string(i));
    if (!label)
      return std::nullopt;
    labels.push_back(label->str());
  }
  return labels;
}

static FailureOr<ArrayAttr> readLabelsFile(StringRef path,
                                           MLIRContext &context) {
  auto buffer = openFile(path, context);
  if (failed(buffer))
    return failure();
  Location loc = getFileLoc(path, context);
  Builder b(&context);
  SmallVector<Attribute> labels;
  StringRef text = (*buffer)->getBuffer();
  if (llvm::sys::path::extension(path) == ".json") {
    llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
    if (!value) {
      std::string reason = llvm::toString(value.takeError());
      return emitError(loc) << "is no JSON: " << reason;
    }
    std::optional<SmallVector<std::string>> list = readLabels(*value);
    if (!list)
      return emitError(loc) << "has no labels; needs a list of strings, or "
                               "id2label with the keys \"0\", \"1\", ...";
    for (const std::string &label : *list)
      labels.push_back(b.getStringAttr(label));
    return b.getArrayAttr(labels);
  }
  // The last line may have an end or not.
  text.consume_back("\n");
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (StringRef line : lines)
    labels.push_back(b.getStringAttr(line.rtrim("\r")));
  return b.getArrayAttr(labels);
}

/// A classifier has as many scores as labels.
static LogicalResult verifyLabels(StringRef task, ArrayAttr labels,
                                  func::FuncOp function, Location loc) {
  if (task != "classification")
    return success();
  auto hasClasses = [&](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == 2 &&
           tensor.getDimSize(1) == static_cast<int64_t>(labels.size());
  };
  if (llvm::any_of(function.getResultTypes(), hasClasses))
    return success();
  InFlightDiagnostic error = emitError(loc);
  error << "gives " << function.getResultTypes() << "; --labels has "
        << labels.size() << " labels";
  return error;
}

LogicalResult import_::describeModel(ModuleOp module,
                                     const PictureOptions &options,
                                     Location loc) {
  auto model =
      module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  func::FuncOp function = getMainEntry(module);
  vit::PreprocessAttr preprocess = model.getPreprocess();
  if (options.describesPictures()) {
    FailureOr<vit::PreprocessAttr> made =
        makePreprocess(preprocess, options, function, loc);
    if (failed(made))
      return failure();
    preprocess = *made;
  }
  StringAttr task = model.getTask();
  if (!options.task.empty())
    task = StringAttr::get(module.getContext(), options.task);
  ArrayAttr labels = model.getLabels();
  if (!options.labelsFile.empty()) {
    FailureOr<ArrayAttr> read =
        readLabelsFile(options.labelsFile, *module.getContext());
    if (failed(read) || failed(verifyLabels(task, *read, function, loc)))
      return failure();
    labels = *read;
  }
  auto changed = vit::ModelAttr::getChecked(
      [&] { return emitError(loc); }, module.getContext(), model.getName(),
      task, model.getSource(), model.getParameters(), model.getLicence(),
      labels, preprocess, model.getGrid(), model.getText(), model.getSigmoid(),
      model.getRanking(), model.getGeneration());
  if (!changed)
    return failure();
  module->setAttr(vit::VitDialect::kModelAttr, changed);
  return success();
}
