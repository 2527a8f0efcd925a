//===- GenerationAttention.h - A step's attention to places ----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_GENERATIONATTENTION_H
#define VITC_LIB_IMPORT_GENERATIONATTENTION_H

#include "HuggingFace/Config.h"
#include "Vit/VitDialect.h"

namespace vitc::import_ {

/// The places of a picture that an output has probabilities of: those that
/// `attention_grid` says, or a square if the model reads a picture and they can
/// be one. Null where they are no picture's.
mlir::FailureOr<vit::TokenGridAttr>
readAttentionGrid(Config &config, llvm::StringRef output,
                  mlir::RankedTensorType type, bool readsPicture);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_GENERATIONATTENTION_H
