//===- Normalizer.h - A text before it is split -----------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_NORMALIZER_H
#define VITC_LIB_RUNTIME_TEXT_NORMALIZER_H

#include "Text/Unicode.h"

namespace vitc::rt {

/// Does all of the table's normalizers, in order, on valid UTF-8. Throws
/// Failure for one that this runtime has not.
std::string normalizeText(const Table &table, std::string text);

/// `text` with each `from`, which is not empty, replaced by `to`.
std::string replaceAll(std::string_view text, std::string_view from,
                       std::string_view to);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_NORMALIZER_H
