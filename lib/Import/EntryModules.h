//===- EntryModules.h - Entries from several graphs -------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model that comes as several graphs is imported as a module of each; these
// functions put the modules together.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ENTRYMODULES_H
#define VITC_LIB_IMPORT_ENTRYMODULES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace vitc::import_ {

/// Moves what is in `from` to the end of `to`; symbols of one name are renamed.
mlir::LogicalResult mergeModules(mlir::ModuleOp to, mlir::ModuleOp from);

/// The number of the argument, or result, that the source calls `name`.
std::optional<unsigned> findArgument(mlir::func::FuncOp function,
                                     llvm::StringRef name);
std::optional<unsigned> findResult(mlir::func::FuncOp function,
                                   llvm::StringRef name);
void renameArgument(mlir::func::FuncOp function, unsigned index,
                    llvm::StringRef name);
void renameResult(mlir::func::FuncOp function, unsigned index,
                  llvm::StringRef name);

/// Erases weights that nothing reads.
void eraseUnusedWeights(mlir::ModuleOp module);
/// The hash of a model whose files have these.
std::string hashSources(llvm::ArrayRef<std::string> hashes);

/// Erases arguments that nothing reads.
void eraseUnusedArguments(mlir::func::FuncOp function);

/// Puts the body of `next` behind that of `function`, which is in the same
/// module. An argument of `next` is the result, or else the argument, that
/// `getSource` says, of `function`; `next` goes and its results are the
/// results. False where an argument has no such source of its type.
bool chainFunctions(mlir::func::FuncOp function, mlir::func::FuncOp next,
                    llvm::function_ref<std::string(llvm::StringRef)> getSource);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ENTRYMODULES_H
