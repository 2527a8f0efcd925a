//===- Tensor.h - Types and shapes of a model's tensors ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TENSOR_H
#define VITC_LIB_RUNTIME_TENSOR_H

#include "vitc/Runtime/Descriptor.h"
#include "vitc/Runtime/vitc.h"

#include <cstdint>
#include <string>

namespace vitc::rt {

/// The batch of a run while its tensors are checked one by one.
struct BatchCheck {
  int64_t maxBatch;
  int64_t batch = 0;            // 0: no tensor has had a batch dimension yet
  const char *tensor = nullptr; // the tensor that fixed `batch`
};

/// "f32", or "type 99" for a number outside vitc_dtype_t.
std::string formatDtype(int32_t dtype);

/// Bytes of one element, 0 for a number outside vitc_dtype_t.
int64_t dtypeBytes(int32_t dtype);

/// "[batch, 3, 224, 224]".
std::string formatShape(const int64_t *dims, int32_t rank);

/// The number of elements; a dimension of -1 counts as `batch`. Throws Failure
/// when it overflows.
int64_t countElements(const int64_t *dims, int32_t rank, int64_t batch);

/// Throws Failure(VITC_INVALID_ARGUMENT) unless `tensor` has the type and shape
/// of `expected`; `role` is "input" or "output".
void checkTensor(const char *role, const TensorDescriptor &expected,
                 const vitc_tensor_t &tensor, BatchCheck &check);

vitc_tensor_info_t makeTensorInfo(const TensorDescriptor &tensor);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TENSOR_H
