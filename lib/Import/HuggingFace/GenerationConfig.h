//===- GenerationConfig.h - How a folder's decoder is run ------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_GENERATIONCONFIG_H
#define VITC_LIB_IMPORT_HUGGINGFACE_GENERATIONCONFIG_H

#include "Config.h"
#include "Vit/VitDialect.h"

namespace vitc::import_ {

/// What #vit.generation has; -1 and 0 stand for none.
struct GenerationSettings {
  llvm::SmallVector<int64_t, 2> start, end, suppressed, beginSuppressed;
  int64_t pad = -1; // the first of `end`
  int64_t maxLength = 0, minLength = 0;
  int64_t maxNewTokens = 0, minNewTokens = 0; // `start` not counted
  int64_t beams = 1, noRepeatNgram = 0;
  int64_t forcedFirst = -1, forcedLast = -1;
  double lengthPenalty = 1.0, repetitionPenalty = 1.0;
  vit::EarlyStopping earlyStopping = vit::EarlyStopping::Off;
  bool renormalize = false;
  bool promptReplacesStart = false;
};

/// Reads the folder's generation_config.json; without one, what `config` and
/// then `decoder`, a part of it, say, as transformers does. Errors are
/// diagnostics.
mlir::FailureOr<GenerationSettings>
readGeneration(llvm::StringRef folder, Config &config, Config &decoder);

/// The same of `config` alone.
mlir::FailureOr<GenerationSettings> readGeneration(Config &config);

/// `early_stopping`: true, false or "never".
vit::EarlyStopping readEarlyStopping(Config &config);

/// The #vit.generation of a decoder of `vocabSize` tokens that gives `length`
/// at most, `start` included; `tokenizer` may be null. Null with an error at
/// `loc` where tokens are not in the vocabulary.
vit::GenerationAttr getGenerationAttr(const GenerationSettings &settings,
                                      int64_t vocabSize, int64_t length,
                                      mlir::DenseResourceElementsAttr tokenizer,
                                      mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_GENERATIONCONFIG_H
