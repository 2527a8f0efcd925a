//===- KeptTensor.cpp - What one run leaves for the next ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate/KeptTensor.h"

#include "Status.h"
#include "Tensor.h"

#include <algorithm>

using namespace vitc::rt;

/// Without memory.
static KeptTensor describe(const TensorDescriptor &tensor, int64_t batch) {
  vitc_tensor_info_t info = makeTensorInfo(tensor);
  KeptTensor result;
  result.view = {nullptr, info.dtype, info.rank, {}};
  std::replace_copy(info.dims, info.dims + info.rank, result.view.dims,
                    int64_t(-1), batch);
  result.bytes =
      dtypeBytes(tensor.dtype) * countElements(tensor.dims, tensor.rank, batch);
  return result;
}

static void useBuffer(KeptTensor &kept, std::shared_ptr<Buffer> buffer) {
  kept.view.data = buffer->data();
  kept.buffer = std::move(buffer);
}

KeptTensor vitc::rt::makeKept(const vitc_session &session,
                              const TensorDescriptor &tensor, int64_t batch) {
  KeptTensor result = describe(tensor, batch);
  useBuffer(result, session.getExecutor().allocate(result.bytes));
  return result;
}

KeptTensor vitc::rt::share(const KeptTensor &kept,
                           const TensorDescriptor &tensor, int64_t batch) {
  KeptTensor result = describe(tensor, batch);
  if (result.bytes != kept.bytes)
    throw Failure(VITC_UNSUPPORTED,
                  "'{}' is made with {} bytes; the model's step needs {}",
                  tensor.name, kept.bytes, result.bytes);
  useBuffer(result, kept.buffer);
  return result;
}

KeptTensor vitc::rt::keep(const vitc_session &session, NpyArray array) {
  KeptTensor result;
  result.view = array.tensor();
  result.bytes = static_cast<int64_t>(array.bytes.size());
  useBuffer(result, session.getExecutor().allocate(result.bytes));
  session.getExecutor().write(*result.buffer, 0, array.bytes.data(),
                              result.bytes);
  return result;
}
