//===- SafetensorsFuzzer.cpp - Headers of safetensors files ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "vitc/Import/Safetensors.h"
#include <cstdlib>

using namespace mlir;
using namespace vitc::import_;

/// Every tensor of a file that is accepted lies inside of it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static vitc::test::FuzzFile file("model.safetensors");
  file.write(data, size);
  MLIRContext context(MLIRContext::Threading::DISABLED);
  bool isRefused = false;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &) {
    isRefused = true;
    return success();
  });
  auto opened = SafetensorsFile::open(file.getPath(), context);
  if (failed(opened) != isRefused)
    std::abort();
  if (isRefused)
    return 0;
  for (const auto &entry : (*opened)->getEntries()) {
    uint64_t offset = entry.second.offset, bytes = entry.second.bytes;
    if (offset > size || bytes > size - offset)
      std::abort();
  }
  return 0;
}
