//===- BooleanBytes.cpp - In memory, an i1 is a byte ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BooleanBytes.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace vitc::kernel;

void vitc::kernel::storeBooleansAsBytes(ModuleOp module) {
  module.walk([](memref::LoadOp load) {
    if (!load.getType().isInteger(1) ||
        !load.getMemRef().getDefiningOp<BufferOp>())
      return;
    OpBuilder builder(load);
    builder.setInsertionPointAfter(load);
    auto narrow =
        arith::TruncIOp::create(builder, load.getLoc(), load.getType(), load);
    load.getResult().replaceAllUsesExcept(narrow, narrow);
    load.getResult().setType(builder.getI8Type());
  });
  module.walk([](BufferOp buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    if (type.getElementType().isInteger(1))
      buffer.getResult().setType(MemRefType::Builder(type).setElementType(
          IntegerType::get(type.getContext(), 8)));
  });
}
