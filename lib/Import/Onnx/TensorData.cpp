//===- TensorData.cpp - Element types and values of tensors ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelFile.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

std::optional<DataType> onnx::lookupDataType(int64_t number,
                                             MLIRContext *context) {
  using onnx_proto::TensorProto;
  Builder b(context);
  auto same = [](Type type, bool isUnsigned = false) {
    return DataType{type, type, isUnsigned};
  };
  switch (number) {
  case TensorProto::FLOAT:
    return same(b.getF32Type());
  case TensorProto::DOUBLE:
    return same(b.getF64Type());
  case TensorProto::FLOAT16:
    return DataType{b.getF16Type(), b.getF32Type()};
  case TensorProto::BFLOAT16:
    return DataType{b.getBF16Type(), b.getF32Type()};
  case TensorProto::BOOL:
    return same(b.getI1Type());
  case TensorProto::INT8:
    return same(b.getI8Type());
  case TensorProto::INT16:
    return same(b.getI16Type());
  case TensorProto::INT32:
    return same(b.getI32Type());
  case TensorProto::INT64:
    return same(b.getI64Type());
  case TensorProto::UINT8:
    return same(b.getI8Type(), /*isUnsigned=*/true);
  case TensorProto::UINT16:
    return same(b.getI16Type(), /*isUnsigned=*/true);
  case TensorProto::UINT32:
    return same(b.getI32Type(), /*isUnsigned=*/true);
  case TensorProto::UINT64:
    return same(b.getI64Type(), /*isUnsigned=*/true);
  default:
    return std::nullopt;
  }
}

std::string onnx::getDataTypeName(int64_t number) {
  if (onnx_proto::TensorProto_DataType_IsValid(int(number)))
    return onnx_proto::TensorProto_DataType_Name(
        static_cast<onnx_proto::TensorProto_DataType>(number));
  return std::to_string(number);
}

DenseElementsAttr TensorData::getAttr() const {
  auto tensorType = RankedTensorType::get(shape, type.computed);
  if (numElements == 0)
    return DenseElementsAttr::get(tensorType, ArrayRef<Attribute>());
  if (type.stored.isInteger(1)) {
    SmallVector<bool> values;
    for (char byte : bytes)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(tensorType, values);
  }
  if (type.stored == type.computed)
    return DenseElementsAttr::getFromRawBuffer(
        tensorType, ArrayRef<char>(bytes.data(), bytes.size()));

  const llvm::fltSemantics &semantics =
      cast<FloatType>(type.stored).getFloatSemantics();
  SmallVector<float> values;
  values.reserve(numElements);
  for (size_t at = 0; at < bytes.size(); at += 2) {
    uint16_t bits = uint8_t(bytes[at]) | uint16_t(uint8_t(bytes[at + 1])) << 8;
    llvm::APFloat value(semantics, llvm::APInt(16, bits));
    bool losesInfo;
    value.convert(llvm::APFloat::IEEEsingle(),
                  llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    values.push_back(value.convertToFloat());
  }
  return DenseElementsAttr::get(tensorType, ArrayRef<float>(values));
}
