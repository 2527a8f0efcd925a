//===- KernelToOneDNN.cpp - Gemms as calls of oneDNN ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelToOneDNN.h"

#include "../KernelToLLVM/ContextBuilder.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "vitc/Runtime/Descriptor.h"
#include <cstddef>

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

namespace {
/// Element (b, i, l) lies at offset + b * batchStride + i * rowStride + l.
struct RowLayout {
  int64_t offset, batchStride, rowStride;
};
} // namespace

static FailureOr<RowLayout> getRowLayout(GemmOp gemm, StringRef name,
                                         Value operand, AffineMap map) {
  MLIRContext *context = map.getContext();
  auto type = cast<MemRefType>(operand.getType());
  AffineExpr address = getAffineConstantExpr(0, context);
  int64_t stride = 1;
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    address = address + map.getResult(dim) * stride;
    if (!type.isDynamicDim(dim))
      stride *= type.getDimSize(dim);
  }
  auto at = [&](int64_t b, int64_t i) {
    AffineExpr value = address.replaceDims({getAffineConstantExpr(b, context),
                                            getAffineConstantExpr(i, context),
                                            getAffineConstantExpr(0, context)});
    return cast<AffineConstantExpr>(simplifyAffineExpr(value, 0, 0)).getValue();
  };
  int64_t offset = at(0, 0);
  RowLayout layout{offset, at(1, 0) - offset, at(0, 1) - offset};
  AffineExpr b, i, l;
  bindDims(context, b, i, l);
  AffineExpr rest = address - (b * layout.batchStride + i * layout.rowStride +
                               l + layout.offset);
  if (simplifyAffineExpr(rest, 3, 0) != getAffineConstantExpr(0, context))
    return gemm.emitOpError()
           << "has " << name << " map " << AffineMapAttr::get(map)
           << "; oneDNN needs rows at constant strides";
  return layout;
}

LogicalResult vitc::convertGemmToOneDNN(GemmOp gemm, ContextBuilder &builder,
                                        int32_t site) {
  auto floats = [&](Value memref, int64_t offset) -> Value {
    if (!memref)
      return builder.null();
    return builder.advance(builder.elementPointer(memref),
                           builder.integer(offset * sizeof(float)));
  };
  for (Value operand : {gemm.getLhs(), gemm.getWeights(), gemm.getBias(),
                        gemm.getResidual(), gemm.getInit()}) {
    if (!operand)
      continue;
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type || !type.getLayout().isIdentity() ||
        !type.getElementType().isF32())
      return gemm.emitOpError()
             << "has an operand of type " << operand.getType()
             << "; oneDNN needs memrefs of f32 with "
                "identity layout";
  }
  FailureOr<RowLayout> lhs =
      getRowLayout(gemm, "lhs", gemm.getLhs(), gemm.getLhsMap());
  FailureOr<RowLayout> result =
      getRowLayout(gemm, "init", gemm.getInit(), gemm.getResultMap());
  FailureOr<RowLayout> residual = RowLayout{0, 0, 0};
  if (gemm.getResidual())
    residual = getRowLayout(gemm, "residual", gemm.getResidual(),
                            *gemm.getResidualMap());
  if (failed(lhs) || failed(result) || failed(residual))
    return failure();

  // vitc::rt::OneDnnGemm, field by field.
  Type pointer = builder.pointerType(), i64 = builder.integerType(64);
  SmallVector<Type> types(5, pointer);
  types.append(10, i64);
  types.push_back(builder.integerType(32));
  static_assert(offsetof(rt::OneDnnGemm, count) == 5 * 8 &&
                offsetof(rt::OneDnnGemm, activation) == 15 * 8);
  auto block = LLVM::LLVMStructType::getLiteral(builder.getContext(), types);
  SmallVector<Value> values = {floats(gemm.getLhs(), lhs->offset),
                               floats(gemm.getWeights(), 0),
                               floats(gemm.getBias(), 0),
                               floats(gemm.getResidual(), residual->offset),
                               floats(gemm.getInit(), result->offset),
                               builder.toInteger(gemm.getBatch()),
                               builder.toInteger(gemm.getRows())};
  for (int64_t value :
       {static_cast<int64_t>(gemm.getN()), static_cast<int64_t>(gemm.getK()),
        lhs->batchStride, lhs->rowStride, residual->batchStride,
        residual->rowStride, result->batchStride, result->rowStride})
    values.push_back(builder.integer(value));
  // rt::Activation has vit::Activation's numbers.
  values.push_back(
      builder.integer(static_cast<int64_t>(gemm.getActivation()), 32));
  Value slot = builder.frameSlot(block);
  for (auto [i, value] : llvm::enumerate(values))
    builder.storeField(block, slot, i, value);

  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                  {pointer, builder.integerType(32), pointer});
  LLVM::CallOp::create(builder, type,
                       ValueRange{builder.load(ContextField::OneDnnGemm),
                                  builder.context, builder.integer(site, 32),
                                  slot});
  gemm.erase();
  return success();
}
