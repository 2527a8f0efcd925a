//===- TextModel.h - Text encoders of transformers --------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_TEXTMODEL_H
#define VITC_LIB_IMPORT_HUGGINGFACE_TEXTMODEL_H

#include "ModelModule.h"
#include "SentencePooling.h"
#include "TextSpec.h"
#include "VitConfig.h"

namespace vitc::import_ {

/// A model of BERT's kind: an encoder, and layers on its first token. Names are
/// whole; what is empty the architecture has not.
struct TextModel {
  std::string architecture;
  TextSpec spec;
  bool classifies = false;
  /// tanh of it is pooler_output and, for a classifier, what goes in.
  std::string pooler;
  /// Between the first token and a classifier: tanh, or with `relu` that.
  std::string hidden;
  bool relu = false;
  std::string classifier;
  /// Of each token the scores of what may stand at its place: a dense layer,
  /// GELU and a norm, then the product with `matrix`, and its `bias`.
  bool fillsMasks = false;
  struct {
    std::string dense, norm, matrix, bias;
  } maskHead;
};

enum class TextOutput {
  HiddenStates, // of all tokens
  Classes,      // their logits
  Tokens        // logits of what may stand at each token's place
};

struct TextArchitecture {
  llvm::StringRef name;
  TextOutput output;
};

/// Notes which of `known` the configuration is of.
void readArchitecture(Config &config, llvm::ArrayRef<TextArchitecture> known,
                      TextModel &model);

/// The head's layers under their names; the matrix is the embedding of tokens,
/// unless the folder has the one of `decoder`.
void setMaskHead(TextModel &model, const Checkpoint &checkpoint,
                 llvm::StringRef dense, llvm::StringRef norm,
                 llvm::StringRef decoder, llvm::StringRef bias);

/// An input [B, length] of token numbers or the like, called `name`.
ModelInput getTokenInput(const ImportOptions &options, llvm::StringRef name,
                         int64_t length, mlir::MLIRContext &context);

/// Reads what encoders of all kinds have: sizes under BertConfig's names, with
/// the defaults `defaults` has, and the activation.
void readTextEncoder(Config &config, TextSpec &spec);

/// The rest of importing: labels, the length, what sentence-transformers adds,
/// the module.
mlir::OwningOpRef<mlir::ModuleOp>
finishTextModel(llvm::StringRef folder, Config &config, Checkpoint &checkpoint,
                TextModel &model, const ImportOptions &options);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_TEXTMODEL_H
