//===- Executor.cpp - Where a session's kernels run -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Executor.h"

#include "CpuExecutor.h"
#include "Cuda/CudaExecutor.h"
#include "Tensor.h"

using namespace vitc::rt;

std::unique_ptr<Executor> vitc::rt::makeExecutor(const vitc_model &model,
                                                 int64_t maxBatch) {
  if (model.cuda)
    return std::make_unique<cuda::CudaExecutor>(model, maxBatch);
  return std::make_unique<CpuExecutor>(model, maxBatch);
}

void *vitc::rt::advanceToItem(const TensorDescriptor &tensor, void *data,
                              int64_t item) {
  if (!data || tensor.rank == 0 || tensor.dims[0] != -1)
    return data;
  int64_t bytes = dtypeBytes(tensor.dtype) *
                  countElements(tensor.dims + 1, tensor.rank - 1, /*batch=*/1);
  return static_cast<char *>(data) + item * bytes;
}
