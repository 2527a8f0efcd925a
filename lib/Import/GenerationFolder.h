//===- GenerationFolder.h - ONNX files of an encoder and a step -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// People export a model that generates tokens as two graphs: what is computed
// once and what is computed for each token. Their folder has a vitc.json, which
// says how the two belong together; docs/importing.md lists its keys.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_GENERATIONFOLDER_H
#define VITC_LIB_IMPORT_GENERATIONFOLDER_H

#include "vitc/Import/Import.h"

namespace vitc::import_ {

/// The file that makes a folder one of these.
inline constexpr llvm::StringLiteral kGenerationManifest = "vitc.json";

/// Imports a folder with vitc.json as a module of @encode, unless the step is
/// all there is, and @step.
mlir::OwningOpRef<mlir::ModuleOp>
importGenerationFolder(llvm::StringRef folder, mlir::MLIRContext &context,
                       const ImportOptions &options);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_GENERATIONFOLDER_H
