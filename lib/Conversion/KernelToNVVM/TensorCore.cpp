//===- TensorCore.cpp - Instructions of tensor cores ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorCore.h"

using namespace mlir;
using namespace vitc::kernel;

/// The values of a lane's registers, in the order of the instruction's.
static SmallVector<Value> getFields(DeviceBuilder &b, Value fields,
                                    int64_t count) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, fields, i));
  return values;
}

static Type getStruct(DeviceBuilder &b, Type field, int64_t count) {
  return LLVM::LLVMStructType::getLiteral(b.getContext(),
                                          SmallVector<Type>(count, field));
}

Value TensorCore::toOperand(Value word) {
  // Pairs of f16 are vectors to LLVM, those of bf16 and a tf32 integers.
  Type type = b.getI32Type();
  if (element.isF16())
    type = VectorType::get(kPair, element);
  return type == word.getType() ? word : LLVM::BitcastOp::create(b, type, word);
}

SmallVector<Value> TensorCore::loadMatrices(DevicePointer row, int64_t count,
                                            NVVM::MMALayout layout) {
  Value loaded = NVVM::LdMatrixOp::create(
      b, getStruct(b, b.getI32Type(), count), row.address, count, layout,
      NVVM::LdStMatrixShapeAttr::get(b.getContext(), kMatrix, kMatrix),
      NVVM::LdStMatrixEltType::B16);
  return llvm::map_to_vector(getFields(b, loaded, count),
                             [&](Value word) { return toOperand(word); });
}

void TensorCore::multiplyAdd(ValueRange rows, ValueRange columns,
                             MutableArrayRef<Value> sums) {
  NVVM::MMATypes type = element.isTF32()  ? NVVM::MMATypes::tf32
                        : element.isF16() ? NVVM::MMATypes::f16
                                          : NVVM::MMATypes::bf16;
  int64_t terms = element.isTF32() ? kWords : kTerms;
  Value product = NVVM::MmaOp::create(
      b, getStruct(b, b.getF32Type(), kSums), rows, columns,
      ValueRange(ArrayRef<Value>(sums)), {kRows, kColumns, terms},
      /*b1Op=*/std::nullopt, /*intOverflow=*/std::nullopt,
      std::array{type, type},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  llvm::copy(getFields(b, product, kSums), sums.begin());
}
