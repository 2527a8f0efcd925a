//===- PictureFiles.h - Pictures in folders ------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_PICTUREFILES_H
#define VITC_LIB_RUNTIME_PROGRAM_PICTUREFILES_H

#include <string>
#include <vector>

namespace vitc::rt {

struct PictureFile {
  std::string path;
  std::string name; // without the folder that was given, and the extension
};

/// The JPEG and PNG files in a folder and those in it, by their extension, in
/// order of their paths. Links to folders are not followed. Throws Failure.
std::vector<PictureFile> listFolder(const std::string &folder);

/// The pictures that `paths` name, of folders all that are in them.
std::vector<PictureFile> listPictures(const std::vector<std::string> &paths);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_PICTUREFILES_H
