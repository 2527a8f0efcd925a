//===- ConstantBuilder.h - Structs as LLVM constants ---------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PROGRAM_CONSTANTBUILDER_H
#define VITC_TARGET_PROGRAM_CONSTANTBUILDER_H

#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/Module.h"

namespace vitc {

/// Builds constants that mirror the structs of Runtime/Descriptor.h: fields in
/// order, each at its natural alignment, as the C++ compiler lays them out.
class ConstantBuilder {
public:
  using Constant = llvm::Constant;

  explicit ConstantBuilder(llvm::Module &module)
      : module(module), context(module.getContext()) {}

  Constant *integer(int64_t value, unsigned width) {
    return llvm::ConstantInt::getSigned(llvm::Type::getIntNTy(context, width),
                                        value);
  }
  Constant *i32(int64_t value) { return integer(value, 32); }
  Constant *i64(int64_t value) { return integer(value, 64); }
  Constant *null() {
    return llvm::ConstantPointerNull::get(
        llvm::PointerType::getUnqual(context));
  }
  Constant *number(double value) {
    return llvm::ConstantFP::get(llvm::Type::getFloatTy(context), value);
  }
  Constant *doubleNumber(double value) {
    return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context), value);
  }
  Constant *record(llvm::ArrayRef<Constant *> fields) {
    return llvm::ConstantStruct::getAnon(context, fields);
  }
  /// A pointer to a NUL-terminated string.
  Constant *string(llvm::StringRef value) {
    return global(llvm::ConstantDataArray::getString(context, value));
  }
  /// A pointer to the first of `values`.
  Constant *bytes(llvm::ArrayRef<char> values, uint64_t alignment = 1) {
    llvm::GlobalVariable *list =
        global(llvm::ConstantDataArray::get(context, values));
    list->setAlignment(llvm::Align(alignment));
    return list;
  }
  /// A pointer to the first of `elements`, null when there are none.
  Constant *array(llvm::ArrayRef<Constant *> elements) {
    return elements.empty() ? null() : global(inlineArray(elements));
  }
  Constant *inlineArray(llvm::ArrayRef<Constant *> elements) {
    return llvm::ConstantArray::get(
        llvm::ArrayType::get(elements.front()->getType(), elements.size()),
        elements);
  }
  Constant *external(llvm::StringRef name, llvm::Type *type) {
    auto *symbol = new llvm::GlobalVariable(module, type, /*isConstant=*/true,
                                            llvm::GlobalValue::ExternalLinkage,
                                            nullptr, name);
    symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return symbol;
  }
  Constant *function(llvm::StringRef name) {
    auto *type =
        llvm::FunctionType::get(llvm::Type::getVoidTy(context),
                                {llvm::PointerType::getUnqual(context)}, false);
    auto callee = module.getOrInsertFunction(name, type);
    auto *symbol = llvm::cast<llvm::Function>(callee.getCallee());
    symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return symbol;
  }

private:
  llvm::GlobalVariable *global(Constant *value) {
    return new llvm::GlobalVariable(module, value->getType(), true,
                                    llvm::GlobalValue::PrivateLinkage, value);
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
};

} // namespace vitc

#endif // VITC_TARGET_PROGRAM_CONSTANTBUILDER_H
