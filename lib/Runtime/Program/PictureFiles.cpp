//===- PictureFiles.cpp - Pictures in folders -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/PictureFiles.h"

#include "Program/Output.h"
#include "Status.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

using namespace vitc::rt;
namespace fs = std::filesystem;

static bool hasPictureExtension(const fs::path &path) {
  static constexpr std::array<std::string_view, 3> extensions = {
      ".jpg", ".jpeg", ".png"};
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](uint8_t c) { return std::tolower(c); });
  return std::find(extensions.begin(), extensions.end(), extension) !=
         extensions.end();
}

std::vector<PictureFile> vitc::rt::listFolder(const std::string &folder) {
  std::vector<PictureFile> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error), end;
  while (!error && entry != end) {
    // What cannot be told from a file is reported when it is read.
    std::error_code unreadable;
    if (hasPictureExtension(entry->path()) &&
        !entry->is_directory(unreadable)) {
      fs::path name = entry->path().lexically_relative(folder);
      files.push_back(
          {entry->path().string(), name.replace_extension().string()});
    }
    entry.increment(error);
  }
  if (error)
    throw Failure(VITC_IO, "{}: cannot be listed: {}", folder, error.message());
  std::sort(files.begin(), files.end(),
            [](const PictureFile &a, const PictureFile &b) {
              return a.path < b.path;
            });
  if (files.empty())
    throw Failure(VITC_IO,
                  "{}: has no picture; needs files that end in .jpg, .jpeg or "
                  ".png",
                  folder);
  return files;
}

std::vector<PictureFile>
vitc::rt::listPictures(const std::vector<std::string> &paths) {
  std::vector<PictureFile> files;
  for (const std::string &path : paths) {
    std::error_code unreadable;
    if (!fs::is_directory(path, unreadable)) {
      files.push_back({path, pathStem(path)});
      continue;
    }
    std::vector<PictureFile> folder = listFolder(path);
    files.insert(files.end(), folder.begin(), folder.end());
  }
  return files;
}
