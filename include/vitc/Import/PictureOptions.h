//===- PictureOptions.h - What files do not say of pictures --- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_IMPORT_PICTUREOPTIONS_H
#define VITC_IMPORT_PICTUREOPTIONS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vitc::import_ {

/// What the user says of the model's pictures and outputs, beside or instead of
/// the source. Where one of the first four is set, a source without
/// preprocessing gets one: pixels / 255, resized to the input's size.
struct PictureOptions {
  /// One number for all channels or one for each; empty: the source's.
  std::vector<double> mean, std;
  /// How the picture is resized before its centre is cut out.
  enum class Resize { Source, None, Exact, Shortest, Inside };
  Resize resize = Resize::Source;
  /// Of Exact, height and width; of Shortest the first.
  std::pair<int64_t, int64_t> size = {0, 0};
  /// The input's size as a part of the resized picture's shorter edge.
  std::optional<double> cropPct;
  /// PIL's number of a filter.
  std::optional<int64_t> interpolation;
  /// A file with a label a line, or, *.json, with a list or "id2label".
  std::string labelsFile;
  /// Of #vit.model; empty: the source's.
  std::string task;

  bool describesPictures() const {
    return !mean.empty() || !std.empty() || resize != Resize::Source ||
           cropPct || interpolation;
  }
};

/// PIL's number of a filter by its name, as `interpolation` has it; none: there
/// is no such filter.
std::optional<int64_t> parseFilter(llvm::StringRef name);

} // namespace vitc::import_

#endif // VITC_IMPORT_PICTUREOPTIONS_H
