//===- UnicodeData.h - What Unicode says, for tables -----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TOKENIZER_UNICODEDATA_H
#define VITC_LIB_IMPORT_TOKENIZER_UNICODEDATA_H

#include "vitc/Runtime/TokenizerTable.h"

#include <vector>

namespace vitc::import_ {

/// The arrays of TokenizerTable.h.
struct UnicodeData {
  std::vector<uint16_t> blocks, index;
  std::vector<rt::UnicodeRecord> records;
  std::vector<uint32_t> characters;
  std::vector<rt::UnicodePair> compositions;
};

/// ICU's data, of the Unicode version that it has.
const UnicodeData &getUnicodeData();

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TOKENIZER_UNICODEDATA_H
