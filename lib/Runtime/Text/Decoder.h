//===- Decoder.h - The texts of tokens as one -------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_DECODER_H
#define VITC_LIB_RUNTIME_TEXT_DECODER_H

#include "Text/Table.h"

#include <string>
#include <vector>

namespace vitc::rt {

/// Does all of the table's decoders, in order, and joins what is left; without
/// decoders with spaces. Throws Failure for one that this runtime has not.
std::string decodeTokens(const Table &table, std::vector<std::string> texts);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_DECODER_H
