//===- PtxStatement.h - A PTX instruction as text ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_PTXSTATEMENT_H
#define VITC_TEST_EMULATOR_PTXSTATEMENT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace vitc::emulator {

/// One instruction of inline assembly, as `@$4 cp.async.ca.shared.global [$0],
/// [$1], 16, $2;`. Several in one text are an error: each is to be a statement
/// of its own. The one exception is the loop around mbarrier.try_wait, whose
/// opcode here ends in `.loop` and which writes no result.
struct PtxStatement {
  /// An operand of the assembly, by its number, or a number that is its value.
  struct Word {
    bool isLiteral;
    uint64_t value;
  };

  std::string opcode; ///< With its modifiers.
  std::optional<unsigned> predicate;
  bool negated = false;
  /// `{$0, $1}` has two words, `[$0, {$1, $2}]` three, `_` none.
  std::vector<std::vector<Word>> operands;

  static llvm::Expected<PtxStatement> parse(llvm::StringRef text);
};

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_PTXSTATEMENT_H
