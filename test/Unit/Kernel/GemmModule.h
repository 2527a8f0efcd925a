//===- GemmModule.h - The text of a product for tests -----------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_KERNEL_GEMMMODULE_H
#define VITC_TEST_UNIT_KERNEL_GEMMMODULE_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace vitc::test {

/// activation(lhs [batch, rows, k] * W [n, k]^T + bias) + residual, into rows
/// `skip` and on of a result with skip + rows rows an item of the batch; lhs
/// has rows before its first as well.
struct Gemm {
  int64_t rows, n, k;
  llvm::StringRef activation = "none";
  bool bias = true, residual = false;
  int64_t skip = 0;
  llvm::StringRef lhs = "f32", init = "f32"; // their element types
};

/// A module whose inputs are lhs, the packed weights, bias and residual.
std::string getGemmModule(const Gemm &gemm);

} // namespace vitc::test

#endif // VITC_TEST_UNIT_KERNEL_GEMMMODULE_H
