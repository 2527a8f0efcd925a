//===- Npy.h - numpy's .npy files ----------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_NPY_H
#define VITC_LIB_RUNTIME_NPY_H

#include "vitc/Runtime/vitc.h"

#include <cstdint>
#include <string>
#include <vector>

namespace vitc::rt {

/// A dense tensor in C order that owns its elements.
struct NpyArray {
  vitc_dtype_t dtype = VITC_F32;
  std::vector<int64_t> dims; // at most VITC_MAX_RANK
  std::vector<uint8_t> bytes;

  /// The array as the C ABI takes it.
  vitc_tensor_t tensor();
};

struct TensorDescriptor;

/// Zeros for an input or output of an entry in a run of `batch` items.
NpyArray makeArray(const TensorDescriptor &tensor, int64_t batch);

/// Reads a .npy file, format versions 1 to 3, little-endian, in C order, of any
/// of numpy's bool, integer and float types. Throws Failure(VITC_IO) with a
/// message that starts with `path`.
NpyArray readNpy(const std::string &path);

/// A .npy file, version 1. numpy has no bf16: such an array is written as f32.
std::string formatNpy(const NpyArray &array);

/// `array` with elements of type `dtype`, every value exactly as it was. Throws
/// Failure(VITC_INVALID_ARGUMENT) for types that cannot hold every value of the
/// array's; `name` starts the message.
NpyArray convertNpy(NpyArray array, vitc_dtype_t dtype,
                    const std::string &name);

/// Reads a file as elements of type `dtype`: readNpy and convertNpy for callers
/// that are built without exceptions.
vitc_status_t loadNpy(const std::string &path, vitc_dtype_t dtype,
                      NpyArray &array, vitc_error_t *error);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_NPY_H
