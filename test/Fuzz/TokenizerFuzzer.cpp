//===- TokenizerFuzzer.cpp - Files of tokenizers --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What begins as JSON is a tokenizer.json, anything else a sentencepiece model.
// A table that comes of it takes any text.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "Status.h"
#include "Text/Tokenizer.h"
#include "Tokenizer/Tokenizer.h"

using namespace vitc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static test::FuzzFile json("tokenizer.json"), pieces("spiece.model");
  test::FuzzFile &file = size > 0 && data[0] == '{' ? json : pieces;
  file.write(data, size);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::ScopedDiagnosticHandler silence(
      &context, [](mlir::Diagnostic &) { return mlir::success(); });
  mlir::FailureOr<std::vector<char>> table =
      import_::readTokenizer(file.getFolder(), "t5", context);
  if (mlir::failed(table))
    return 0;
  rt::Tokenizer tokenizer(reinterpret_cast<const uint8_t *>(table->data()),
                          table->size());
  const char *text = "A cat's \xC3\xA9t\x65\xCC\x81 \xE7\x8C\xAB 12 \xFF";
  tokenizer.decode(tokenizer.encode(text));
  try {
    tokenizer.encodePair(text, "a dog", 8);
  } catch (const rt::Failure &) {
    // It takes one text alone, or 8 tokens are too few for what comes around.
  }
  return 0;
}
