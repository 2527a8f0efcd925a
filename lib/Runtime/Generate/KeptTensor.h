//===- KeptTensor.h - What one run leaves for the next -------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_GENERATE_KEPTTENSOR_H
#define VITC_LIB_RUNTIME_GENERATE_KEPTTENSOR_H

#include "Npy.h"
#include "Session.h"

#include <memory>

namespace vitc::rt {

/// A tensor in a buffer of the session's executor: a run of the session takes
/// it where it lies. The session must outlive it.
struct KeptTensor {
  vitc_tensor_t view = {};
  int64_t bytes = 0;
  std::shared_ptr<Buffer> buffer = {};
};

/// Zeros for an input or output of an entry in a run of `batch` items.
KeptTensor makeKept(const vitc_session &session, const TensorDescriptor &tensor,
                    int64_t batch);

/// The memory of another tensor of the same size. Throws Failure for one of
/// another.
KeptTensor share(const KeptTensor &kept, const TensorDescriptor &tensor,
                 int64_t batch);

/// A copy of an array.
KeptTensor keep(const vitc_session &session, NpyArray array);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_GENERATE_KEPTTENSOR_H
