//===- Families.cpp - Architectures of several stages ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "ModelLimits.h"
#include "ModelModule.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static const TimmFamily *const kFamilies[] = {&kByoanetFamily,
                                              &kByoRegnetFamily,
                                              &kCaitFamily,
                                              &kCoatFamily,
                                              &kConvitFamily,
                                              &kCpuBoneFamily,
                                              &kCrossvitDaggerFamily,
                                              &kCrossvitFamily,
                                              &kDavitFamily,
                                              &kDeepseekVitEncoderFamily,
                                              &kDeepseekVitFamily,
                                              &kEdgeNextFamily,
                                              &kEfficientFormerFamily,
                                              &kEfficientFormerV2Family,
                                              &kEfficientVimFamily,
                                              &kEfficientVitMitFamily,
                                              &kEfficientVitMsraFamily,
                                              &kFastVitFamily,
                                              &kFocalNetFamily,
                                              &kGcvitFamily,
                                              &kHieraFamily,
                                              &kIformerFamily,
                                              &kLevitFamily,
                                              &kLowFormerFamily,
                                              &kMaxxVitFamily,
                                              &kMetaFormerFamily,
                                              &kMobileNetV5EncoderFamily,
                                              &kMobileNetV5Family,
                                              &kMobileVitFamily,
                                              &kMvitV2ClassFamily,
                                              &kMvitV2Family,
                                              &kNaflexVitFamily,
                                              &kNestFamily,
                                              &kNextVitFamily,
                                              &kPitFamily,
                                              &kPoolFormerFamily,
                                              &kPvtV2Family,
                                              &kQwen3VitEncoderFamily,
                                              &kQwen3VitFamily,
                                              &kSam2HieraFamily,
                                              &kSamVitFamily,
                                              &kSequencerFamily,
                                              &kShvitFamily,
                                              &kSwiftFormerFamily,
                                              &kSwinV2CrFamily,
                                              &kTinyVitFamily,
                                              &kTntFamily,
                                              &kTwinsFamily,
                                              &kVisformerFamily,
                                              &kVitRelPosFamily,
                                              &kVitaminFamily,
                                              &kVoloFamily};

const TimmFamily *import_::findTimmFamily(StringRef name) {
  for (const TimmFamily *family : kFamilies)
    if (llvm::is_contained(family->getNames(), name))
      return family;
  return nullptr;
}

std::vector<StringRef> import_::getTimmFamilyNames() {
  std::vector<StringRef> names;
  for (const TimmFamily *family : kFamilies)
    llvm::append_range(names, family->getNames());
  return names;
}

/// The picture's height and width.
static FailureOr<std::pair<int64_t, int64_t>>
readImageSize(Config &config, Config &arguments, const ImportOptions &options) {
  auto [height, width] =
      options.imageSize.value_or(readTimmImageSize(config, arguments));
  if (height < 1 || height > kMaxPixels || width < 1 || width > kMaxPixels ||
      height * width > kMaxArea) {
    config.emitError() << "img_size = " << height << "x" << width
                       << "; vitc compiles pictures of at most " << kMaxArea
                       << " pixels";
    return failure();
  }
  return std::pair(height, width);
}

/// Of the picture; a filter of whole patches [outputs, P * P * channels] is
/// one, too.
static int64_t readChannels(Config &config, Config &arguments,
                            const Checkpoint &checkpoint,
                            const TimmFamily &family) {
  if (checkpoint.getShape(family.firstFilter).size() != 2)
    return readTimmShape(config, checkpoint, family.firstFilter, 4)[1];
  constexpr int64_t kPatch = 16;
  int64_t patch = arguments.getSize("patch_size", kPatch, kMaxPixels);
  int64_t pixels = readTimmShape(config, checkpoint, family.firstFilter, 2)[1];
  if (pixels % (patch * patch) != 0)
    config.emitError() << "tensor '" << family.firstFilter << "' has " << pixels
                       << " inputs, no multiple of patch_size = " << patch
                       << " squared";
  return pixels / (patch * patch);
}

OwningOpRef<ModuleOp> import_::importTimmFamily(const TimmFamily &family,
                                                StringRef name, Config &config,
                                                Checkpoint &checkpoint,
                                                const ImportOptions &options) {
  SmallVector<StringLiteral> read(family.arguments);
  read.push_back("global_pool");
  Config arguments = readTimmArguments(config, read, family.decided);
  auto size = readImageSize(config, arguments, options);
  std::string pooling =
      readTimmPooling(config, arguments, family.poolings.front());
  if (!llvm::is_contained(family.poolings, pooling))
    config.emitError() << "global_pool = '" << pooling << "'; vitc imports "
                       << llvm::join(family.poolings, ", ");
  int64_t channels = readChannels(config, arguments, checkpoint, family);
  int64_t numClasses =
      checkpoint.contains(family.classifier)
          ? readTimmShape(config, checkpoint, family.classifier, 2)[0]
          : 0;
  if (arguments.failed() || config.failed())
    return nullptr;
  auto [height, width] = *size;

  bool classifies = numClasses > 0;
  ModelInterface interface;
  interface.architecture = name.str();
  interface.task = classifies ? "classification" : "embedding";
  interface.inputs = {getImageInput(options, channels, height, width)};
  interface.outputs = {classifies ? "logits" : "features"};
  interface.info.licence = readTimmLicence(config);
  if (classifies)
    interface.info.labels = readTimmLabels(config, numClasses);
  interface.info.preprocess =
      readTimmPreprocess(config, height, width, channels);
  if (config.failed())
    return nullptr;
  std::string because =
      (name + " for pictures of " + Twine(height) + "x" + Twine(width)).str();
  bool isReported = false;
  ScopedDiagnosticHandler handler(
      config.getLoc().getContext(), [&](Diagnostic &diagnostic) {
        isReported |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
        return failure();
      });
  OwningOpRef<ModuleOp> module = buildModelModule(
      interface, checkpoint, config.getLoc(),
      [&](LayerBuilder &layers, ValueRange inputs) -> SmallVector<Value> {
        TimmLayers timm(layers, checkpoint, config, arguments, inputs[0],
                        because);
        Value result = family.build(timm, name, pooling, inputs[0]);
        if (!result || arguments.failed() || config.failed())
          return {};
        return {result};
      });
  if (!module && !isReported)
    llvm::report_fatal_error("no model and no error of " + Twine(name));
  return module;
}
