//===- HostTensor.h - A tensor in this process ---------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_HOSTTENSOR_H
#define VITC_LIB_VERIFY_HOSTTENSOR_H

#include "mlir/IR/Types.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <vector>

namespace vitc {

/// A dense tensor in C order; an i1 is one byte.
struct HostTensor {
  mlir::Type element;
  llvm::SmallVector<int64_t> shape;
  std::vector<char> bytes;

  int64_t getNumElements() const;
};

/// Bytes of an element in memory.
int64_t getTensorElementBytes(mlir::Type element);

/// The element at `address` as a number; integers are signless.
double readElement(mlir::Type element, const char *address);

/// "[1, 3, 224, 224]".
std::string formatShape(llvm::ArrayRef<int64_t> shape);

} // namespace vitc

#endif // VITC_LIB_VERIFY_HOSTTENSOR_H
