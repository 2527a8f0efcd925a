//===- StoredFloats.h - Floats as memory has them ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Types are "f32", "tf32", which is stored as f32, "bf16" and "f16".
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_KERNEL_STOREDFLOATS_H
#define VITC_TEST_UNIT_KERNEL_STOREDFLOATS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <vector>

namespace vitc::test {

/// The nearest value of a type.
float roundTo(llvm::StringRef type, float value);

bool isOf32Bits(llvm::StringRef type);

/// The bytes of values of a type, to which they are rounded.
std::vector<char> getBytes(llvm::StringRef type, std::vector<float> &values);

/// The values of bytes.
std::vector<float> getFloats(llvm::StringRef type, llvm::ArrayRef<char> bytes);

} // namespace vitc::test

#endif // VITC_TEST_UNIT_KERNEL_STOREDFLOATS_H
