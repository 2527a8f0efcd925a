//===- SentencePooling.h - The modules behind a text encoder ----*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A folder of sentence-transformers is one of transformers with modules.json,
// which lists what makes an embedding of the hidden states.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_SENTENCEPOOLING_H
#define VITC_LIB_IMPORT_HUGGINGFACE_SENTENCEPOOLING_H

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace vitc::import_ {

struct SentencePooling {
  enum class Kind { FirstToken, MeanTokens };
  Kind kind = Kind::MeanTokens;
  bool normalize = false;
  int64_t maxLength = 0; // 0: not said
};

/// What modules.json says; none where the folder has none. Errors are
/// diagnostics at the file that they are about.
mlir::FailureOr<std::optional<SentencePooling>>
readSentencePooling(llvm::StringRef folder, mlir::MLIRContext &context);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_SENTENCEPOOLING_H
