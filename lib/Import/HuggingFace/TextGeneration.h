//===- TextGeneration.h - Models that generate text ------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What generating models of all architectures share: the entry `step` of their
// decoder, the length of its caches, how a program searches, and tokenizers.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_TEXTGENERATION_H
#define VITC_LIB_IMPORT_HUGGINGFACE_TEXTGENERATION_H

#include "GenerationConfig.h"
#include "TextDecoder.h"
#include "TextModel.h"
#include "Tokenizer/Tokenizer.h"

namespace vitc::import_ {

struct GenerationModel {
  std::string architecture; // e.g. "MarianMTModel"
  std::string tokenizer;    // the model_type whose tokenizer the folder has
  TextDecoder decoder;
  GenerationSettings settings;
};

/// Tokens of what is generated and of what is read, where nothing says more.
inline constexpr int64_t kDefaultTextLength = 128;

/// The most tokens that the settings say, `start` included, else
/// kDefaultTextLength.
int64_t getMaxLength(const GenerationSettings &settings);

/// Checks that `length` has room for a token behind `start`; errors at `loc`.
mlir::LogicalResult verifyMaxLength(const GenerationSettings &settings,
                                    int64_t length, mlir::Location loc);

/// Sets the length of the decoder's caches: what the user asked for, else
/// getMaxLength, at most as many tokens as have a position. Errors are at
/// `loc`.
mlir::LogicalResult resolveDecoder(GenerationModel &model,
                                   const ImportOptions &options,
                                   mlir::Location loc);

/// Tells `interface` how the decoder is run. `source` is null, or the text that
/// a model reads as `use` says: its tokens go into `source->ids`, at most
/// `sourceLength`.
mlir::LogicalResult describeGeneration(llvm::StringRef folder,
                                       const GenerationModel &model,
                                       const TextInputs *source,
                                       TokenizerUse use, int64_t sourceLength,
                                       mlir::Location loc,
                                       ModelInterface &interface);

/// The rest of importing an encoder and a decoder of texts: settings, lengths,
/// the module.
mlir::OwningOpRef<mlir::ModuleOp>
finishTranslation(llvm::StringRef folder, Config &config,
                  Checkpoint &checkpoint, TextSpec &encoder,
                  GenerationModel &model, const ImportOptions &options);

/// The activation that `key` names.
void readActivation(Config &config, llvm::StringRef key,
                    llvm::StringRef defaultName, TextSpec &spec);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_TEXTGENERATION_H
