//===- ConstantTensor.cpp - Values that the evaluator works on ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantTensor.h"

#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace vitc;

std::optional<int64_t> vitc::getElementBytes(Type type) {
  if (type.isF16() || type.isBF16() || type.isInteger(16))
    return 2;
  if (type.isF32() || type.isInteger(32))
    return 4;
  if (type.isF64() || type.isInteger(64) || type.isIndex())
    return 8;
  if (type.isInteger(1) || type.isInteger(8))
    return 1;
  return std::nullopt;
}

RankedTensorType vitc::getConstantType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor && type.isIntOrIndexOrFloat())
    tensor = RankedTensorType::get({}, type);
  if (!tensor || !tensor.hasStaticShape() ||
      !getElementBytes(tensor.getElementType()))
    return nullptr;
  return tensor;
}

int64_t vitc::getConstantBytes(RankedTensorType type) {
  constexpr uint64_t limit = std::numeric_limits<int64_t>::max();
  uint64_t bytes = *getElementBytes(type.getElementType());
  for (int64_t dim : type.getShape())
    bytes = llvm::SaturatingMultiply<uint64_t>(bytes, dim);
  return std::min(bytes, limit);
}

ConstantTensor::ConstantTensor(RankedTensorType type)
    : type(type),
      bytes(std::make_shared<std::vector<char>>(getConstantBytes(type))) {}

std::optional<ConstantTensor> ConstantTensor::get(DenseElementsAttr values) {
  RankedTensorType type = getConstantType(values.getType());
  if (!type)
    return std::nullopt;
  ConstantTensor tensor(type);
  int64_t size = tensor.size();
  if (type.getElementType().isInteger(1)) {
    // How MLIR stores an i1 is its own affair.
    for (auto [i, value] : llvm::enumerate(values.getValues<bool>()))
      tensor.data()[i] = value;
    return tensor;
  }
  const char *raw = values.getRawData().data();
  int64_t width = *getElementBytes(type.getElementType());
  if (!values.isSplat())
    std::memcpy(tensor.data(), raw, size * width);
  else
    for (int64_t i = 0; i < size; ++i)
      std::memcpy(tensor.data() + i * width, raw, width);
  return tensor;
}

DenseElementsAttr ConstantTensor::toAttr() const {
  ArrayRef<char> raw(bytes->data(), bytes->size());
  if (raw.empty())
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (getElementType().isInteger(1))
    return DenseElementsAttr::get(
        type, ArrayRef(reinterpret_cast<const bool *>(raw.data()), raw.size()));
  // Equal elements are kept once.
  size_t width = *getElementBytes(getElementType());
  if (std::memcmp(raw.data(), raw.data() + width, raw.size() - width) == 0)
    raw = raw.take_front(width);
  return DenseElementsAttr::getFromRawBuffer(type, raw);
}

ConstantTensor ConstantTensor::reshape(RankedTensorType to) const {
  ConstantTensor result = *this;
  result.type = to;
  return result;
}
