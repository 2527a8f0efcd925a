//===- PictureArguments.cpp - Options for pictures and classes ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompileOptions.h"

#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace llvm;
using namespace vitc;
using import_::PictureOptions;

static cl::opt<std::string>
    mean("mean", cl::value_desc("X,..."),
         cl::desc("Mean of the pictures' channels, as parts of 255"),
         cl::cat(getOptionCategory()));
static cl::opt<std::string>
    deviation("std", cl::value_desc("X,..."),
              cl::desc("Standard deviation of the pictures' channels"),
              cl::cat(getOptionCategory()));
static cl::opt<std::string>
    resize("resize", cl::value_desc("SIZE"),
           cl::desc("Size of pictures before their centre is cut out: N for "
                    "the shorter edge, HxW, inside or none"),
           cl::cat(getOptionCategory()));
static cl::opt<std::string>
    cropPct("crop-pct", cl::value_desc("X"),
            cl::desc("Part of the resized picture's shorter edge that is used"),
            cl::cat(getOptionCategory()));
static cl::opt<std::string>
    interpolation("interpolation", cl::value_desc("FILTER"),
                  cl::desc("nearest, bilinear, bicubic, lanczos, box or "
                           "hamming"),
                  cl::cat(getOptionCategory()));
static cl::opt<std::string>
    labels("labels", cl::value_desc("FILE"),
           cl::desc("Names of the classes, one a line, or *.json"),
           cl::cat(getOptionCategory()));
static cl::opt<std::string>
    task("task", cl::value_desc("TASK"),
         cl::desc("What the outputs mean: classification, segmentation, "
                  "detection, picture, embedding or tensor"),
         cl::cat(getOptionCategory()));

static bool parseNumbers(const cl::opt<std::string> &option, bool positive,
                         std::vector<double> &numbers) {
  if (option.empty())
    return true;
  SmallVector<StringRef> words;
  StringRef(option).split(words, ',');
  for (StringRef word : words) {
    double number;
    if (!to_float(word, number) || !std::isfinite(number) ||
        (positive && !(number > 0)))
      return usageError("--" + option.ArgStr + " is '" + option.getValue() +
                        "'; needs " + (positive ? "positive " : "") +
                        "numbers, one or one for each channel");
    numbers.push_back(number);
  }
  return true;
}

static bool parseSize(StringRef text, int64_t &size) {
  constexpr int64_t most = 65536;
  return !text.getAsInteger(10, size) && size >= 1 && size <= most;
}

static bool parseResize(PictureOptions &options) {
  using Resize = PictureOptions::Resize;
  StringRef text = resize;
  auto [height, width] = text.split('x');
  if (text.empty())
    return true;
  if (text == "none")
    options.resize = Resize::None;
  else if (text == "inside")
    options.resize = Resize::Inside;
  else if (parseSize(text, options.size.first))
    options.resize = Resize::Shortest;
  else if (parseSize(height, options.size.first) &&
           parseSize(width, options.size.second))
    options.resize = Resize::Exact;
  else
    return usageError("--resize is '" + text +
                      "'; needs a number for the shorter edge, HEIGHTxWIDTH, "
                      "inside or none");
  return true;
}

static bool parseCropPct(PictureOptions &options) {
  if (cropPct.empty())
    return true;
  double part;
  if (!to_float(cropPct.getValue(), part) || !(part > 0 && part <= 1))
    return usageError("--crop-pct is '" + cropPct +
                      "'; needs a number above 0, at most 1");
  if (!resize.empty())
    return usageError("--resize and --crop-pct were given; needs one of them");
  options.cropPct = part;
  return true;
}

static bool parseInterpolation(PictureOptions &options) {
  if (interpolation.empty())
    return true;
  options.interpolation = import_::parseFilter(interpolation);
  return options.interpolation ||
         usageError("--interpolation is '" + interpolation +
                    "'; needs nearest, bilinear, bicubic, lanczos, box or "
                    "hamming");
}

static bool parseTask(PictureOptions &options) {
  constexpr StringLiteral tasks[] = {"classification", "segmentation",
                                     "detection",      "picture",
                                     "embedding",      "tensor"};
  options.task = task;
  return task.empty() || is_contained(tasks, StringRef(task)) ||
         usageError("--task is '" + task +
                    "'; needs classification, segmentation, detection, "
                    "picture, embedding or tensor");
}

bool vitc::parsePictureOptions(CompileOptions &options) {
  for (const cl::opt<std::string> *option :
       {&mean, &deviation, &resize, &cropPct, &interpolation, &labels, &task})
    if (option->getNumOccurrences() > 0 && options.isModelIR())
      return usageError("--" + option->ArgStr +
                        " is set when a model is imported; MODEL is '" +
                        options.model + "', which says it itself");
  PictureOptions &pictures = options.pictures;
  pictures.labelsFile = labels;
  return parseNumbers(mean, /*positive=*/false, pictures.mean) &&
         parseNumbers(deviation, /*positive=*/true, pictures.std) &&
         parseResize(pictures) && parseCropPct(pictures) &&
         parseInterpolation(pictures) && parseTask(pictures);
}
