//===- ByteLevel.h - Bytes as printable characters --------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// GPT-2's vocabulary spells bytes as characters: those of Latin-1 that print
// stand for themselves, the other bytes, in order, are U+0100 and up.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_BYTELEVEL_H
#define VITC_LIB_RUNTIME_TEXT_BYTELEVEL_H

#include <string>
#include <string_view>

namespace vitc::rt {

std::string bytesToCharacters(std::string_view text);

/// The opposite; a text with a character that stands for no byte stays.
std::string charactersToBytes(std::string_view text);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_BYTELEVEL_H
