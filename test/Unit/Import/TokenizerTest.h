//===- TokenizerTest.h - Base of tests of tokenizers -----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_IMPORT_TOKENIZERTEST_H
#define VITC_TEST_UNIT_IMPORT_TOKENIZERTEST_H

#include "Status.h"
#include "Text/Tokenizer.h"
#include "Tokenizer/Tokenizer.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

namespace vitc {

/// Reads tokenizers of this folder's and of files that a test writes.
class TokenizerTest : public testing::Test {
protected:
  TokenizerTest() {
    context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
      message = diagnostic.str();
      return mlir::success();
    });
  }
  void SetUp() override {
    ASSERT_FALSE(
        llvm::sys::fs::createUniqueDirectory("vitc-tokenizer", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  static std::string getFolder(llvm::StringRef name) {
    return std::string(VITC_TEST_TOKENIZERS) + "/" + name.str();
  }

  void writeFile(llvm::StringRef name, llvm::StringRef text) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    std::ofstream(path.c_str(), std::ios::binary)
        .write(text.data(), text.size());
  }
  void removeFile(llvm::StringRef name) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    llvm::sys::fs::remove(path);
  }

  /// The table; empty, and `message` set, after an error.
  std::vector<char> readTable(llvm::StringRef path,
                              llvm::StringRef modelType = "") {
    message.clear();
    mlir::FailureOr<std::vector<char>> table =
        import_::readTokenizer(path, modelType, context);
    return mlir::succeeded(table) ? *table : std::vector<char>();
  }

  /// `table` must outlive it.
  static rt::Tokenizer makeTokenizer(const std::vector<char> &table) {
    return rt::Tokenizer(reinterpret_cast<const uint8_t *>(table.data()),
                         table.size());
  }

  mlir::MLIRContext context;
  std::string message; // of the last error
  llvm::SmallString<128> folder;
};

} // namespace vitc

#endif // VITC_TEST_UNIT_IMPORT_TOKENIZERTEST_H
