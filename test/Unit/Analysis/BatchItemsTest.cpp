//===- BatchItemsTest.cpp - Which runs may be computed in parts -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/BatchItems.h"
#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace vitc;

namespace {

class BatchItemsTest : public ::testing::Test {
protected:
  BatchItemsTest() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        kernel::KernelDialect>();
  }

  /// For an entry with %b, the batch, and %b4, four times it, a picture %x of 4
  /// windows of 2 rows, and a buffer %a of windows.
  bool areIndependent(const std::string &body) {
    std::string text =
        "func.func @forward(%context: !kernel.context) {\n"
        "%c4 = arith.constant 4 : index\n"
        "%b = kernel.batch %context\n"
        "%b4 = arith.muli %b, %c4 : index\n"
        "%x = kernel.buffer %context input : memref<?x8x3xf32>\n"
        "%a = kernel.buffer %context arena at 0 per_batch 0 : "
        "memref<?x2x3xf32>\n"
        "%y = kernel.buffer %context output : memref<?x8x3xf32>\n" +
        body + "\nreturn\n}";
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return module &&
           areItemsIndependent(*module->getOps<func::FuncOp>().begin());
  }

  MLIRContext context;
};

/// Window w of picture b into item 4 * b + w.
const char *const kPartition = R"(
    kernel.gather batch(%b4) sizes [2, 3]
        input(%x at affine_map<(b, i, j) -> (b floordiv 4, (b mod 4) * 2 + i, j)> : memref<?x8x3xf32>)
        init(%a at affine_map<(b, i, j) -> (b, i, j)> : memref<?x2x3xf32>)
)";

} // namespace

TEST_F(BatchItemsTest, WindowsStayInTheirPicture) {
  EXPECT_TRUE(areIndependent(std::string(kPartition) + R"(
    kernel.gather batch(%b) sizes [8, 3]
        input(%a at affine_map<(b, i, j) -> (b * 4 + (i floordiv 2 + 1) mod 4, i mod 2, j)> : memref<?x2x3xf32>)
        init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x8x3xf32>))"));
}

TEST_F(BatchItemsTest, AWindowOfTheNextPictureIsADependence) {
  EXPECT_FALSE(areIndependent(std::string(kPartition) + R"(
    kernel.gather batch(%b) sizes [8, 3]
        input(%a at affine_map<(b, i, j) -> (b * 4 + i floordiv 2 + 1, i mod 2, j)> : memref<?x2x3xf32>)
        init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x8x3xf32>))"));
}

TEST_F(BatchItemsTest, ItemZeroForAllIsADependence) {
  EXPECT_FALSE(areIndependent(R"(
    kernel.gather batch(%b) sizes [8, 3]
        input(%x at affine_map<(b, i, j) -> (0, i, j)> : memref<?x8x3xf32>)
        init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x8x3xf32>))"));
}

// Windows numbered across pictures: each access is within some part, but that
// of the reader holds one window, that of the writer four.
TEST_F(BatchItemsTest, PartsOfAnotherSizeAreADependence) {
  EXPECT_FALSE(areIndependent(std::string(kPartition) + R"(
    kernel.gather batch(%b) sizes [8, 3]
        input(%a at affine_map<(b, i, j) -> (b, i mod 2, j)> : memref<?x2x3xf32>)
        init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x8x3xf32>))"));
}

TEST_F(BatchItemsTest, WhatNoKernelHasWrittenIsUnknown) {
  EXPECT_FALSE(areIndependent(R"(
    kernel.gather batch(%b) sizes [2, 3]
        input(%a at affine_map<(b, i, j) -> (b, i, j)> : memref<?x2x3xf32>)
        init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x8x3xf32>))"));
}

TEST_F(BatchItemsTest, AKernelForOneItemIsADependence) {
  EXPECT_FALSE(areIndependent(R"(
    %c1 = arith.constant 1 : index
    kernel.gather batch(%c1) sizes [8, 3]
        input(%x at affine_map<(b, i, j) -> (b, i, j)> : memref<?x8x3xf32>)
        init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x8x3xf32>))"));
}

// The runtime advances outputs by one item of their first dim a picture.
TEST_F(BatchItemsTest, AnOutputOfWindowsIsADependence) {
  EXPECT_FALSE(areIndependent(R"(
    %z = kernel.buffer %context output at 1 : memref<?x2x3xf32>
    kernel.gather batch(%b4) sizes [2, 3]
        input(%x at affine_map<(b, i, j) -> (b floordiv 4, (b mod 4) * 2 + i, j)> : memref<?x8x3xf32>)
        init(%z at affine_map<(b, i, j) -> (b, i, j)> : memref<?x2x3xf32>))"));
}
