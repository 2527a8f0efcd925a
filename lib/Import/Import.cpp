//===- Import.cpp - Model file to vit module ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Import/Import.h"

#include "HuggingFace/HuggingFace.h"
#include "InputFile.h"
#include "Zoo.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace vitc;

void import_::loadDialects(MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect,
                      tensor::TensorDialect, vit::VitDialect>();
}

OwningOpRef<ModuleOp> import_::importModel(StringRef source,
                                           MLIRContext &context,
                                           const ImportOptions &options) {
  loadDialects(context);
  StringRef name = source;
  if (name.consume_front("zoo:"))
    return importZoo(name, context, options);

  Location loc = getFileLoc(source, context);
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(source, status)) {
    emitError(loc) << "cannot be read: " << error.message();
    return nullptr;
  }
  if (!llvm::sys::fs::is_directory(status)) {
    emitError(loc) << "is a file; vitc imports a folder with config.json and "
                      "*.safetensors, or zoo:NAME";
    return nullptr;
  }
  return importHuggingFace(source, context, options);
}
