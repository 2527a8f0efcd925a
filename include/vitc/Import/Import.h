//===- Import.h - Model file to vit module ---------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every importer gives the same kind of module: `func @forward` on tensors, one
// vit op per building block of the model, each with the source's layer name as
// its location; weights by reference, under the source's names; and the
// module's #vit.model.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_IMPORT_IMPORT_H
#define VITC_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "vitc/Import/PictureOptions.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vitc::import_ {

struct ImportOptions {
  /// Images a call; none: known only when the program runs.
  std::optional<int64_t> batch;
  /// Height and width in pixels; none: the model's own.
  std::optional<std::pair<int64_t, int64_t>> imageSize;
  /// Tokens of a text, of what a model generates where it does; none: as many
  /// as the model takes, or says that it gives.
  std::optional<int64_t> maxLength;
  /// Tokens of the text that a generating model reads; none: its default.
  std::optional<int64_t> maxSourceLength;
  /// Values of an ONNX file's symbolic sizes, by name.
  std::map<std::string, int64_t> shapes;
  /// .npy files with the values of inputs that are to be constants, by name.
  std::map<std::string, std::string> constants;
  /// The same for inputs that stay inputs, unless an op needs a constant.
  std::map<std::string, std::string> inputFiles;
  /// Names of what the model is to give, as --outputs has them; none: the
  /// source's outputs.
  std::vector<std::string> outputs;
  PictureOptions pictures;
  /// Unless null, gets the names in `inputFiles` that became constants.
  std::set<std::string> *boundInputs = nullptr;
};

/// Loads the dialects that an imported module uses.
void loadDialects(mlir::MLIRContext &context);

/// Imports `source`: an .onnx file, a folder with config.json and
/// *.safetensors, or zoo:NAME. An error is a diagnostic at a FileLineColLoc
/// that names the file (line 0: the whole file), and the result is null.
mlir::OwningOpRef<mlir::ModuleOp> importModel(llvm::StringRef source,
                                              mlir::MLIRContext &context,
                                              const ImportOptions &options);

} // namespace vitc::import_

#endif // VITC_IMPORT_IMPORT_H
