//===- Image.h - From PTX to what the emulator runs ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_CUDA_IMAGE_H
#define VITC_TEST_EMULATOR_CUDA_IMAGE_H

#include "Emulator.h"
#include "Machine.h"

namespace vitc::emulator::cuda {

/// Why an image was refused.
struct ImageError {
  CUresult result = CUDA_SUCCESS;
  std::string log; ///< What the driver's compiler would say.
  bool isMisuse = false;
};

/// Loads PTX for a device: takes the LLVM IR of the machine's folder of which
/// vitc's own code generator makes that PTX, to the letter. Null: `error` says
/// why.
std::unique_ptr<Program> loadPtx(llvm::StringRef ptx,
                                 llvm::VersionTuple capability,
                                 const Machine &machine, ImageError &error);

} // namespace vitc::emulator::cuda

#endif // VITC_TEST_EMULATOR_CUDA_IMAGE_H
