//===- Config.h - Typed reader of configuration files ----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_CONFIG_H
#define VITC_LIB_IMPORT_HUGGINGFACE_CONFIG_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/JSON.h"

namespace vitc::import_ {

/// A JSON object whose values are asked for by key, type and range. A value
/// that does not fit is an error at once, and `failed` from then on; the getter
/// returns the default, so that one run reports every bad value. An absent key
/// and null are the same.
class Config {
public:
  /// Reads a file; errors are diagnostics at its path.
  static mlir::FailureOr<Config> read(llvm::StringRef path,
                                      mlir::MLIRContext &context);
  Config(llvm::json::Object object, mlir::Location loc)
      : object(std::move(object)), loc(loc) {}

  mlir::Location getLoc() const { return loc; }
  bool failed() const { return hasError; }
  /// Starts an error about the file and notes it.
  mlir::InFlightDiagnostic emitError();
  /// Notes an error that a nested object's reader has emitted.
  void noteError() { hasError = true; }

  /// Null when absent.
  const llvm::json::Value *lookup(llvm::StringRef key) const;
  bool contains(llvm::StringRef key) const { return lookup(key) != nullptr; }
  /// Whether null stands there.
  bool isNull(llvm::StringRef key) const;

  /// From `min` to `max`.
  int64_t getSize(llvm::StringRef key, int64_t defaultValue, int64_t max,
                  int64_t min = 1);
  /// One number for height and width, or a list of both.
  std::pair<int64_t, int64_t> getSizePair(llvm::StringRef key,
                                          int64_t defaultValue, int64_t max);
  /// A list of one integer or more, each from `min` to `max`.
  llvm::SmallVector<int64_t, 4> getSizes(llvm::StringRef key,
                                         llvm::ArrayRef<int64_t> defaultValue,
                                         int64_t max, int64_t min = 1);
  /// Finite and not negative.
  double getNumber(llvm::StringRef key, double defaultValue);
  /// A list of finite numbers; empty when absent.
  std::vector<double> getNumbers(llvm::StringRef key);
  bool getBool(llvm::StringRef key, bool defaultValue);
  std::string getString(llvm::StringRef key, llvm::StringRef defaultValue);
  /// The name of a file in this one's folder or below; "" when absent.
  std::string getFileName(llvm::StringRef key);
  /// A nested object; an empty one when absent. Its errors are its own.
  Config getObject(llvm::StringRef key);
  /// An error for each key but `known`; `owner` begins its message.
  void rejectOthers(llvm::ArrayRef<llvm::StringLiteral> known,
                    llvm::StringRef owner = "");
  /// What this has, and for absent keys what `defaults` has.
  Config withDefaults(const Config &defaults) const;

private:
  llvm::json::Object object;
  mlir::Location loc;
  bool hasError = false;
};

/// A JSON value as it stands in the file, cut to a length that fits a message.
std::string formatJson(const llvm::json::Value &value);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_CONFIG_H
