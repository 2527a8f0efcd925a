//===- ReplayStep.h - A step that says known tokens -------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Some models decode by themselves, with a loop or unrolled, and give tokens.
// A program says them as it says any others: its step gives the token at its
// position the best score.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_REPLAYSTEP_H
#define VITC_LIB_IMPORT_REPLAYSTEP_H

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace vitc::import_ {

/// What the step's inputs and its output are called.
struct ReplayNames {
  std::string token = "token", position = "position", tokens, scores = "scores";
};

/// A module of @step(token, position, tokens) -> scores [B, vocabulary], where
/// `type`, integers [B, length], is the type of the tokens to say.
mlir::OwningOpRef<mlir::ModuleOp> buildReplayStep(mlir::Location loc,
                                                  const ReplayNames &names,
                                                  mlir::RankedTensorType type,
                                                  int64_t vocabulary);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_REPLAYSTEP_H
