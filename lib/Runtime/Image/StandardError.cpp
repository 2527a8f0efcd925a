//===- StandardError.cpp - Where image libraries would print -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The copies of libjpeg and libpng that programs link read this variable in
// place of stderr, see cmake/VitcImageCodecs.cmake. Our error handlers keep
// them from printing at all.
//
//===----------------------------------------------------------------------===//

#include <cstdio>

extern "C" FILE *vitc_image_stderr;
FILE *vitc_image_stderr = stderr;
