//===- WordPattern.h - Well-known patterns of words -------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_WORDPATTERN_H
#define VITC_LIB_RUNTIME_TEXT_WORDPATTERN_H

#include "Text/Unicode.h"

namespace vitc::rt {

/// The end of what `pattern` matches at `begin`; `begin` where it does not.
size_t matchWord(WordPattern pattern, const Unicode &unicode,
                 std::string_view text, size_t begin);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_WORDPATTERN_H
