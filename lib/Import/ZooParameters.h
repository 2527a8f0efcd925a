//===- ZooParameters.h - The keys of a zoo name ----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ZOOPARAMETERS_H
#define VITC_LIB_IMPORT_ZOOPARAMETERS_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"

#include <functional>
#include <string>

namespace vitc::import_ {

/// What may stand behind "?" in the name of a zoo model, KEY=VALUE with commas
/// between, and where each value goes.
class ZooParameters {
public:
  explicit ZooParameters(mlir::Location loc) : loc(loc) {}

  /// From 1 to `max`.
  void addInteger(llvm::StringRef key, int64_t max, int64_t &out);
  /// The same for height and width.
  void addSquare(llvm::StringRef key, int64_t max, int64_t &height,
                 int64_t &width);
  /// One a stage, from 1 to `max`, with "-" between them.
  void addList(llvm::StringRef key, int64_t max,
               llvm::SmallVectorImpl<int64_t> &out);
  /// Above 0, up to 64.
  void addRatio(llvm::StringRef key, double &out);
  void addFlag(llvm::StringRef key, bool &out);
  /// The index of one of `choices`.
  void addChoice(llvm::StringRef key,
                 llvm::ArrayRef<llvm::StringLiteral> choices, size_t &out);
  void addSeed(uint64_t &out);

  /// Stores the values of `text`; errors list what is valid.
  mlir::LogicalResult parse(llvm::StringRef text);

private:
  /// Stores one value; false where it does not fit.
  using StoreFn = std::function<bool(llvm::StringRef value)>;
  struct Parameter {
    std::string key;
    std::string needs; // "an integer from 1 to 64"
    StoreFn store;
  };
  void add(llvm::StringRef key, const llvm::Twine &needs, StoreFn store) {
    parameters.push_back({key.str(), needs.str(), std::move(store)});
  }

  mlir::Location loc;
  llvm::SmallVector<Parameter> parameters;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ZOOPARAMETERS_H
