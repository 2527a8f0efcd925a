//===- ContextBuilder.h - Access to the run's context -------*- C++ -*-----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOLLVM_CONTEXTBUILDER_H
#define VITC_CONVERSION_KERNELTOLLVM_CONTEXTBUILDER_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc {

/// Fields of vitc::rt::Context, by index. KernelToLLVM checks their offsets.
enum class ContextField {
  Weights,
  Arena,
  Batch,
  Inputs,
  Outputs,
  Parallel,
  OneDnnGemm,
  Threads,
  Launch,
  Read
};

/// Builds the LLVM ops through which entry functions talk to the runtime.
class ContextBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// `context` is the entry's pointer to its vitc::rt::Context.
  ContextBuilder(mlir::OpBuilder &builder, mlir::Location loc,
                 mlir::Value context, const mlir::LLVMTypeConverter &types)
      : ImplicitLocOpBuilder(loc, builder), context(context), types(types) {}

  mlir::Type pointerType();
  mlir::Type integerType(unsigned width);
  mlir::Value integer(int64_t value, unsigned width = 64);
  mlir::Value null();
  /// The value of a context field: an i64 for the batch and the threads, else a
  /// pointer.
  mlir::Value load(ContextField field);
  /// base + offset bytes.
  mlir::Value advance(mlir::Value base, mlir::Value offset);
  /// Memory for `type` in the entry's frame.
  mlir::Value frameSlot(mlir::Type type);
  /// Stores `value` in field `index` of a struct in memory.
  void storeField(mlir::Type structType, mlir::Value base, unsigned index,
                  mlir::Value value);
  /// An index as i64.
  mlir::Value toInteger(mlir::Value index);
  /// The pointer to element 0 of a memref.
  mlir::Value elementPointer(mlir::Value memref);
  /// A memref over `pointer`, `batch` being its dynamic dim 0 if it has one.
  mlir::Value memref(mlir::MemRefType type, mlir::Value pointer,
                     mlir::Value batch);
  /// A value as LLVM sees it, and back.
  mlir::Value lower(mlir::Value value);
  mlir::Value raise(mlir::Type type, mlir::Value value);

  mlir::Value context;
  const mlir::LLVMTypeConverter &types;
};

} // namespace vitc

#endif // VITC_CONVERSION_KERNELTOLLVM_CONTEXTBUILDER_H
