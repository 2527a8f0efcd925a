//===- StridedCopy.h - Copies between strided tensors ----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_STRIDEDCOPY_H
#define VITC_TARGET_STRIDEDCOPY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace vitc {

/// Strides, in elements, of a dense row-major tensor.
llvm::SmallVector<int64_t> getRowMajorStrides(llvm::ArrayRef<int64_t> shape);

/// Copies the elements of a tensor of `shape`, of 1, 2, 4 or 8 bytes each, from
/// `in` to `out`, which do not overlap. Strides count elements. Transposes go
/// in blocks that stay in the first cache, contiguous runs by memcpy.
void copyStrided(const char *in, llvm::ArrayRef<int64_t> inStrides, char *out,
                 llvm::ArrayRef<int64_t> outStrides,
                 llvm::ArrayRef<int64_t> shape, int64_t elementBytes);

/// Dim i of the result is dim permutation[i] of `in`, a dense tensor of
/// `shape`.
void transposeElements(const char *in, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int64_t> permutation, char *out,
                       int64_t elementBytes);

} // namespace vitc

#endif // VITC_TARGET_STRIDEDCOPY_H
