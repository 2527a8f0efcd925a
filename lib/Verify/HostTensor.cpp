//===- HostTensor.cpp - A tensor in this process --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostTensor.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace mlir;
using namespace vitc;

int64_t vitc::getTensorElementBytes(Type element) {
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

int64_t HostTensor::getNumElements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

double vitc::readElement(Type element, const char *address) {
  if (element.isF32()) {
    float value;
    std::memcpy(&value, address, sizeof(value));
    return value;
  }
  uint64_t bits = 0;
  std::memcpy(&bits, address, getTensorElementBytes(element));
  unsigned width = element.getIntOrFloatBitWidth();
  if (auto type = dyn_cast<FloatType>(element))
    return llvm::APFloat(type.getFloatSemantics(), llvm::APInt(width, bits))
        .convertToDouble();
  return width == 1 ? static_cast<double>(bits & 1)
                    : static_cast<double>(llvm::SignExtend64(bits, width));
}

std::string vitc::formatShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(shape, os);
  os << ']';
  return text;
}
