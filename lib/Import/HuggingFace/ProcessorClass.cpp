//===- ProcessorClass.cpp - transformers' image processors ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProcessorClass.h"

#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <utility>

using namespace vitc;
using namespace vitc::import_;
using llvm::StringRef;

/// PIL's numbers of its filters.
static constexpr int64_t kBilinear = 2, kBicubic = 3;

static constexpr Statistics kHalf = {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
static constexpr Statistics kClip = {{0.48145466, 0.4578275, 0.40821073},
                                     {0.26862954, 0.26130258, 0.27577711}};
static constexpr Statistics kImageNet = {{0.485, 0.456, 0.406},
                                         {0.229, 0.224, 0.225}};

static constexpr ProcessorClass kVit = {
    "ViTImageProcessor", kDefaultPixels, false, kBilinear, false, kHalf};
static constexpr ProcessorClass kDeit = {
    "DeiTImageProcessor", 256, false, kBicubic, true, kHalf};
static constexpr ProcessorClass kBeit = {
    "BeitImageProcessor", 256, false, kBicubic, true, kHalf};
static constexpr ProcessorClass kBit = {
    "BitImageProcessor", kDefaultPixels, true, kBicubic, true, kClip};
static constexpr ProcessorClass kHybrid = {
    "ViTHybridImageProcessor", kDefaultPixels, true, kBicubic, true, kClip};
static constexpr ProcessorClass kClipImage = {
    "CLIPImageProcessor", kDefaultPixels, true, kBicubic, true, kClip};
static constexpr ProcessorClass kSiglip = {
    "SiglipImageProcessor", kDefaultPixels, false, kBicubic, false, kHalf};
static constexpr ProcessorClass kBlip = {
    "BlipImageProcessor", 384, false, kBicubic, false, kClip};
static constexpr ProcessorClass kDinov3 = {"DINOv3ViTImageProcessor",
                                           kDefaultPixels,
                                           false,
                                           kBilinear,
                                           false,
                                           kImageNet};
static constexpr ProcessorClass kSegformer = {
    "SegformerImageProcessor", 512, false, kBilinear, false, kImageNet};
// Without a mask YOLOS would see padding as a part of the picture.
static constexpr ProcessorClass kYolos = {
    "YolosImageProcessor", kDefaultPixels, false, kBilinear, false, kImageNet,
    PictureFit::Stretched};
static constexpr ProcessorClass kDetr = {
    "DetrImageProcessor", kDefaultPixels, false, kBilinear, false, kImageNet,
    PictureFit::Inside};
static constexpr ProcessorClass kSwin2sr = {
    "Swin2SRImageProcessor", kDefaultPixels, false, kBilinear, false, kHalf,
    PictureFit::Unscaled};

static constexpr const ProcessorClass *kClasses[] = {
    &kVit,  &kDeit,   &kBeit,      &kBit,   &kHybrid, &kClipImage, &kSiglip,
    &kBlip, &kDinov3, &kSegformer, &kYolos, &kDetr,   &kSwin2sr};

// What facebook's files of these carry.
static constexpr ProcessorClass kDinov2 = {
    "DINOv2's BitImageProcessor", 256, true, kBicubic, true, kImageNet};
static constexpr ProcessorClass kMae = {
    "ViTImageProcessor", kDefaultPixels, false, kBilinear, false, kImageNet};

/// A folder's model_type, and the class of one without a processor's file.
static constexpr std::pair<llvm::StringLiteral, const ProcessorClass *>
    kModelTypes[] = {
        {"vit", &kVit},
        {"swin", &kVit},
        {"swinv2", &kVit},
        {"deit", &kDeit},
        {"beit", &kBeit},
        {"vit-hybrid", &kHybrid},
        {"clip", &kClipImage},
        {"siglip", &kSiglip},
        {"blip", &kBlip},
        {"dinov2", &kDinov2},
        {"dinov2_with_registers", &kDinov2},
        {"vit_mae", &kMae},
        {"dinov3_vit", &kDinov3},
        {"segformer", &kSegformer},
        {"yolos", &kYolos},
        {"detr", &kDetr},
        {"swin2sr", &kSwin2sr},
};

const ProcessorClass *import_::findProcessorClass(StringRef name) {
  for (const auto &[modelType, processor] : kModelTypes)
    if (name == modelType)
      return processor;
  // The same in torchvision or in PIL, and as it was called at first.
  if (!name.consume_back("Fast"))
    name.consume_back("Pil");
  if (!name.consume_back("ImageProcessor") &&
      !name.consume_back("FeatureExtractor"))
    return nullptr;
  for (const ProcessorClass *processor : kClasses)
    if (StringRef(processor->name).drop_back(strlen("ImageProcessor")) == name)
      return processor;
  return nullptr;
}

std::string import_::listProcessorClasses() {
  std::string list;
  llvm::raw_string_ostream os(list);
  for (const ProcessorClass *processor : kClasses)
    os << (processor == kClasses[0]              ? ""
           : processor == std::end(kClasses)[-1] ? " and "
                                                 : ", ")
       << processor->name;
  return list;
}
