//===- GemmModule.cpp - The text of a product for tests -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmModule.h"

#include "KernelTestHarness.h"
#include "llvm/Support/FormatVariadic.h"

std::string vitc::test::getGemmModule(const Gemm &gemm) {
  std::string body = llvm::formatv(
      R"mlir(
  %rows = arith.constant {0} : index
  %x = kernel.buffer %context input at 0 : memref<?x{4}x{1}x{6}>
  %w = kernel.buffer %context input at 1 : memref<{2}xf32>
  %bias = kernel.buffer %context input at 2 : memref<{3}xf32>
  %r = kernel.buffer %context input at 3 : memref<?x{0}x{3}xf32>
  %y = kernel.buffer %context output at 0 : memref<?x{4}x{3}x{7}>
  kernel.gemm batch(%batch) rows(%rows) n {3} k {1}
      lhs(%x at affine_map<(b, i, l) -> (b, i + {5}, l)> : memref<?x{4}x{1}x{6}>)
      weights(%w : memref<{2}xf32>)
)mlir",
      gemm.rows, gemm.k,
      packWeights(std::vector<float>(gemm.n * gemm.k), gemm.n, gemm.k).size(),
      gemm.n, gemm.rows + gemm.skip, gemm.skip, gemm.lhs, gemm.init);
  if (gemm.bias)
    body += llvm::formatv("bias(%bias : memref<{0}xf32>)\n", gemm.n);
  if (gemm.residual)
    body += llvm::formatv("residual(%r at affine_map<(b, i, j) -> (b, i, j)> "
                          ": memref<?x{0}x{1}xf32>)\n",
                          gemm.rows, gemm.n);
  body += llvm::formatv("init(%y at affine_map<(b, i, j) -> (b, i + {0}, j)> : "
                        "memref<?x{1}x{2}x{3}>)",
                        gemm.skip, gemm.rows + gemm.skip, gemm.n, gemm.init);
  if (gemm.activation != "none")
    body += llvm::formatv(" activation {0}", gemm.activation);
  body += "\n";
  return getModule(body);
}
