//===- GenerationText.h - The text that a folder's model reads -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_GENERATIONTEXT_H
#define VITC_LIB_IMPORT_GENERATIONTEXT_H

#include "GenerationTokens.h"
#include "Onnx/Onnx.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace vitc::import_ {

/// The tokens that the model generates, as the manifest names them.
struct GeneratedTokens {
  GenerationTokens tokens;
  WordRoles roles;
  mlir::DenseResourceElementsAttr table; // null: there are no words
};

/// The object `text` of vitc.json: the inputs that take the user's text, and
/// its tokens.
class GenerationText {
public:
  /// Reads the object of `manifest`, which gets its errors.
  explicit GenerationText(Config &manifest);

  /// What the graph that reads the text needs to know of it; none where there
  /// is no text, or a mask says how long it is. The importer's answer to it
  /// goes to this object.
  std::optional<OnnxText> getUnpadded();
  /// The text of `encode`, or a prompt for the input `token` of the step, of
  /// the tokens that are generated unless the object names others.
  mlir::FailureOr<vit::TextAttr> makeAttr(mlir::func::FuncOp encode,
                                          llvm::StringRef folder,
                                          const GeneratedTokens &generated,
                                          llvm::StringRef token);

private:
  /// Errors where an input of `encode` has no room for the text, or `token`
  /// could be meant as well.
  mlir::LogicalResult verifyInput(mlir::func::FuncOp encode,
                                  llvm::StringRef name, llvm::StringRef token);
  /// The same of the mask, and where the text is a prompt, which has none.
  mlir::LogicalResult verifyMask(mlir::func::FuncOp encode,
                                 llvm::StringRef token);
  mlir::FailureOr<mlir::DenseResourceElementsAttr>
  makeTable(llvm::StringRef folder, const GeneratedTokens &generated);

  Config &manifest;
  Config config;
  std::string ids, mask;
  int64_t length = 0;      // 0: there is no text
  bool isUnpadded = false; // its mask is the importer's
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_GENERATIONTEXT_H
