//===- OnnxFolder.h - ONNX files of a transformers model --------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// optimum exports a model that generates as encoder_model.onnx and
// decoder_model.onnx, decoder_with_past_model.onnx or, both in one,
// decoder_model_merged.onnx, or a decoder alone as model.onnx, beside the
// configuration and the tokenizer of the model.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNXFOLDER_H
#define VITC_LIB_IMPORT_ONNXFOLDER_H

#include "vitc/Import/Import.h"

namespace vitc::import_ {

/// Whether a folder has config.json and such files, and no safetensors.
bool isOnnxFolder(llvm::StringRef folder);

/// Imports the folder as a module of @encode, unless the decoder is all there
/// is, and @step.
mlir::OwningOpRef<mlir::ModuleOp>
importOnnxFolder(llvm::StringRef folder, mlir::MLIRContext &context,
                 const ImportOptions &options);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ONNXFOLDER_H
