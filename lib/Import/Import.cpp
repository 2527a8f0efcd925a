//===- Import.cpp - Model file to vit module ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Import/Import.h"

#include "DescribeModel.h"
#include "GenerationFolder.h"
#include "HuggingFace/HuggingFace.h"
#include "InputFile.h"
#include "Onnx/Onnx.h"
#include "OnnxFolder.h"
#include "Outputs.h"
#include "Zoo.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace vitc;

void import_::loadDialects(MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect,
                      tensor::TensorDialect, vit::VitDialect>();
}

/// What a file of a suffix that vitc.export reads is, for messages; "" for
/// others.
static StringRef describeFile(StringRef path) {
  return llvm::StringSwitch<StringRef>(llvm::sys::path::extension(path))
      .Cases({".pth", ".pt", ".bin"}, "a PyTorch checkpoint")
      .Case(".pt2", "a torch.export program")
      .Case(".safetensors", "weights without a config.json")
      .Default("");
}

static OwningOpRef<ModuleOp> importFile(StringRef path, MLIRContext &context,
                                        const import_::ImportOptions &options) {
  if (llvm::sys::path::extension(path) == ".onnx")
    return import_::importOnnx(path, context, options);
  constexpr StringLiteral readable =
      "vitc reads .onnx files, .mlir files, folders with config.json and "
      "*.safetensors, and zoo:NAME";
  InFlightDiagnostic error = emitError(import_::getFileLoc(path, context));
  StringRef suffix = llvm::sys::path::extension(path);
  if (suffix == ".keras" || suffix == ".h5")
    error << "is a Keras model, which Keras itself writes as ONNX with "
             "model.export(FILE, format='onnx'); "
          << readable;
  else if (StringRef kind = describeFile(path); !kind.empty())
    error << "is " << kind << ", which 'python -m vitc.export' converts; "
          << readable;
  else
    error << "is a file of another kind; " << readable;
  return nullptr;
}

static OwningOpRef<ModuleOp>
importSource(StringRef source, MLIRContext &context,
             const import_::ImportOptions &options) {
  StringRef name = source;
  if (name.consume_front("zoo:"))
    return import_::importZoo(name, context, options);

  Location loc = import_::getFileLoc(source, context);
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(source, status)) {
    emitError(loc) << "cannot be read: " << error.message();
    return nullptr;
  }
  if (!llvm::sys::fs::is_directory(status))
    return importFile(source, context, options);
  if (llvm::sys::fs::exists(
          import_::joinPath(source, import_::kGenerationManifest)))
    return import_::importGenerationFolder(source, context, options);
  if (import_::isOnnxFolder(source))
    return import_::importOnnxFolder(source, context, options);
  return import_::importHuggingFace(source, context, options);
}

OwningOpRef<ModuleOp> import_::importModel(StringRef source,
                                           MLIRContext &context,
                                           const ImportOptions &options) {
  loadDialects(context);
  Location loc = getFileLoc(source, context);
  if (options.batch && *options.batch < 1) {
    emitError(loc) << "batch " << *options.batch
                   << " was asked for; it needs to be 1 or more";
    return nullptr;
  }
  OwningOpRef<ModuleOp> module = importSource(source, context, options);
  if (!module ||
      (!options.outputs.empty() &&
       failed(selectOutputs(*module, options.outputs, loc))) ||
      failed(describeModel(*module, options.pictures, loc)))
    return nullptr;
  return module;
}
