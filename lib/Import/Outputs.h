//===- Outputs.h - The tensors that a program gives ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_OUTPUTS_H
#define VITC_LIB_IMPORT_OUTPUTS_H

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace vitc::import_ {

/// An output that the user names, as NAME or NAME:map.
struct OutputRequest {
  std::string name;
  /// Tokens [B, N, C] or [B, H, W, C] become a map [B, C, H, W].
  bool isMap = false;

  static OutputRequest parse(llvm::StringRef text);
};

/// ", did you mean a, b?" with those of `names` that are nearest to `name`.
std::string suggestNames(llvm::StringRef name,
                         llvm::ArrayRef<llvm::StringRef> names);

/// Makes the function `forward` return these. A name is an output's, an
/// input's, or that of a layer: what the last op of that name or of a layer
/// within it computes, of the latter no residual sum that leaves the layer. A
/// model that no longer returns all that its task needs becomes one of
/// embeddings, or of tensors without preprocessing. Errors are at `loc`.
mlir::LogicalResult selectOutputs(mlir::ModuleOp module,
                                  const std::vector<std::string> &outputs,
                                  mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_OUTPUTS_H
