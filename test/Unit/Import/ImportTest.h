//===- ImportTest.h - Fixture of the importers' tests ----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_IMPORT_IMPORTTEST_H
#define VITC_TEST_UNIT_IMPORT_IMPORTTEST_H

#include "mlir/IR/Diagnostics.h"
#include "vitc/Import/Import.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace vitc::import_ {

/// A tensor of a test's .safetensors file.
struct TestTensor {
  std::string dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};

/// An f32 tensor of that shape, filled with `value`.
inline TestTensor filled(std::vector<int64_t> shape, float value = 0.5f) {
  size_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  std::vector<float> values(count, value);
  return {"F32", shape,
          std::string(reinterpret_cast<const char *>(values.data()),
                      count * sizeof(float))};
}

/// The bytes of a file with that header and data.
inline std::string safetensors(std::string header, std::string data) {
  std::string bytes;
  for (int byte = 0; byte < 8; ++byte)
    bytes.push_back(char(uint64_t(header.size()) >> (8 * byte)));
  return bytes + header + data;
}

inline std::string safetensors(const std::map<std::string, TestTensor> &file) {
  llvm::json::Object header;
  std::string data;
  for (const auto &[name, tensor] : file) {
    int64_t begin = data.size();
    data += tensor.bytes;
    header[name] = llvm::json::Object{
        {"dtype", tensor.dtype},
        {"shape", llvm::json::Array(tensor.shape)},
        {"data_offsets", llvm::json::Array{begin, int64_t(data.size())}}};
  }
  return safetensors(llvm::formatv("{0}", llvm::json::Value(std::move(header))),
                     data);
}

/// A folder of its own, removed at the end, and the diagnostics so far.
class ImportTest : public testing::Test {
protected:
  ImportTest()
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          diagnostics.push_back(diagnostic.str());
        }) {
    loadDialects(context);
    std::error_code error =
        llvm::sys::fs::createUniqueDirectory("vitc-import", folder);
    if (error)
      llvm::report_fatal_error("no temporary folder: " +
                               llvm::Twine(error.message()));
  }
  ~ImportTest() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) const {
    llvm::SmallString<128> joined(folder);
    llvm::sys::path::append(joined, name);
    return joined.str().str();
  }
  void writeFile(llvm::StringRef name, llvm::StringRef bytes) const {
    std::error_code error;
    llvm::raw_fd_ostream os(path(name), error);
    os << bytes;
  }
  /// All diagnostics so far, one a line.
  std::string messages() const { return llvm::join(diagnostics, "\n"); }
  mlir::OwningOpRef<mlir::ModuleOp> import(llvm::StringRef source,
                                           ImportOptions options = {}) {
    return importModel(source, context, options);
  }

  mlir::MLIRContext context;
  llvm::SmallString<128> folder;
  std::vector<std::string> diagnostics;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace vitc::import_

#endif // VITC_TEST_UNIT_IMPORT_IMPORTTEST_H
