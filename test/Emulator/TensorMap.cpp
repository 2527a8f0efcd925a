//===- TensorMap.cpp - A matrix and how tiles of it are copied ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMap.h"

#include "llvm/Support/FormatVariadic.h"

using namespace vitc::emulator;

llvm::Error TensorMap::check() const {
  auto refuse = [](const llvm::Twine &what) {
    return llvm::createStringError("tensor map " + what);
  };
  if (address % 16 != 0)
    return refuse("has an address that is not a multiple of 16");
  if (address == 0)
    return refuse("has no address");
  if (elementBytes != 1 && elementBytes != 2 && elementBytes != 4 &&
      elementBytes != 8)
    return refuse(llvm::formatv(
        "has elements of {0} bytes; 1, 2, 4 or 8 are needed", elementBytes));
  constexpr uint64_t kMaxSize = uint64_t(1) << 32;
  if (size[0] == 0 || size[0] > kMaxSize || size[1] == 0 || size[1] > kMaxSize)
    return refuse(llvm::formatv("has a matrix of {0} x {1}; each size is 1 to "
                                "{2}",
                                size[1], size[0], kMaxSize));
  if (rowBytes < size[0] * elementBytes || rowBytes >= uint64_t(1) << 40)
    return refuse(llvm::formatv("has rows {0} bytes apart, of {1} bytes; they "
                                "must not overlap, nor be 2^40 apart",
                                rowBytes, size[0] * elementBytes));
  if (swizzleBytes != 0 && swizzleBytes != 32 && swizzleBytes != 64 &&
      swizzleBytes != 128)
    return refuse(llvm::formatv(
        "has {0} bytes swizzled; 0, 32, 64 or 128 are needed", swizzleBytes));
  if (rowBytes % 16 != 0)
    return refuse(llvm::formatv("has rows {0} bytes apart, which is not a "
                                "multiple of 16",
                                rowBytes));
  if (tile[0] == 0 || tile[0] > 256 || tile[1] == 0 || tile[1] > 256)
    return refuse(llvm::formatv(
        "has a tile of {0} x {1}; each size is 1 to 256", tile[1], tile[0]));
  uint32_t innerBytes = tile[0] * elementBytes;
  if (innerBytes % 16 != 0)
    return refuse(llvm::formatv("has tiles with rows of {0} bytes, which is "
                                "not a multiple of 16",
                                innerBytes));
  if (swizzleBytes != 0 && innerBytes != swizzleBytes)
    return refuse(llvm::formatv("has tiles with rows of {0} bytes, where {1} "
                                "are swizzled",
                                innerBytes, swizzleBytes));
  return llvm::Error::success();
}
