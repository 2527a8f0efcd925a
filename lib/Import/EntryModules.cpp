//===- EntryModules.cpp - Entries from several graphs ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EntryModules.h"

#include "Vit/VitDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

LogicalResult import_::mergeModules(ModuleOp to, ModuleOp from) {
  SymbolTable ours(to), theirs(from);
  for (Operation &op : llvm::make_early_inc_range(*from.getBody()))
    if (auto symbol = dyn_cast<SymbolOpInterface>(op))
      if (ours.lookup(symbol.getName()) &&
          failed(theirs.renameToUnique(&op, {&ours})))
        return failure();
  to.getBody()->getOperations().splice(to.getBody()->end(),
                                       from.getBody()->getOperations());
  return success();
}

std::optional<unsigned> import_::findArgument(func::FuncOp function,
                                              StringRef name) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (auto given = function.getArgAttrOfType<StringAttr>(
            i, vit::VitDialect::kNameAttr);
        given && given.getValue() == name)
      return i;
  return std::nullopt;
}

std::optional<unsigned> import_::findResult(func::FuncOp function,
                                            StringRef name) {
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (auto given = function.getResultAttrOfType<StringAttr>(
            i, vit::VitDialect::kNameAttr);
        given && given.getValue() == name)
      return i;
  return std::nullopt;
}

void import_::renameArgument(func::FuncOp function, unsigned index,
                             StringRef name) {
  function.setArgAttr(index, vit::VitDialect::kNameAttr,
                      StringAttr::get(function.getContext(), name));
}

void import_::renameResult(func::FuncOp function, unsigned index,
                           StringRef name) {
  function.setResultAttr(index, vit::VitDialect::kNameAttr,
                         StringAttr::get(function.getContext(), name));
}

void import_::eraseUnusedWeights(ModuleOp module) {
  llvm::DenseSet<StringAttr> used;
  module.walk([&](vit::ConstantOp constant) {
    constant.getValueAttr().walk(
        [&](FlatSymbolRefAttr weight) { used.insert(weight.getAttr()); });
  });
  for (vit::WeightOp weight :
       llvm::make_early_inc_range(module.getOps<vit::WeightOp>()))
    if (!used.contains(weight.getSymNameAttr()))
      weight.erase();
}

std::string import_::hashSources(ArrayRef<std::string> hashes) {
  if (hashes.size() == 1)
    return hashes.front();
  llvm::BLAKE3 hasher;
  for (const std::string &hash : hashes)
    hasher.update(hash);
  return llvm::toHex(hasher.final(), /*LowerCase=*/true);
}

void import_::eraseUnusedArguments(func::FuncOp function) {
  llvm::BitVector unused(function.getNumArguments());
  for (BlockArgument argument : function.getArguments())
    if (argument.use_empty())
      unused.set(argument.getArgNumber());
  (void)function.eraseArguments(unused);
}

bool import_::chainFunctions(
    func::FuncOp function, func::FuncOp next,
    llvm::function_ref<std::string(StringRef)> getSource) {
  Operation *end = function.getBody().front().getTerminator();
  SmallVector<Value> sources;
  for (unsigned i = 0; i < next.getNumArguments(); ++i) {
    auto name =
        next.getArgAttrOfType<StringAttr>(i, vit::VitDialect::kNameAttr);
    std::string source = getSource(name ? name.getValue() : StringRef());
    Value value;
    if (std::optional<unsigned> result = findResult(function, source))
      value = end->getOperand(*result);
    else if (std::optional<unsigned> argument = findArgument(function, source))
      value = function.getArgument(*argument);
    if (!value || value.getType() != next.getArgument(i).getType())
      return false;
    sources.push_back(value);
  }
  Block &body = next.getBody().front();
  for (auto [argument, source] : llvm::zip(body.getArguments(), sources))
    argument.replaceAllUsesWith(source);
  Block &target = function.getBody().front();
  target.getOperations().splice(target.end(), body.getOperations());
  end->erase();
  SmallVector<DictionaryAttr> attributes;
  next.getAllResultAttrs(attributes);
  function.removeResAttrsAttr();
  function.setFunctionType(FunctionType::get(function.getContext(),
                                             function.getArgumentTypes(),
                                             next.getResultTypes()));
  function.setAllResultAttrs(attributes);
  next.erase();
  return true;
}
