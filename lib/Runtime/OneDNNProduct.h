//===- OneDNNProduct.h - One oneDNN matmul primitive ---------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_ONEDNNPRODUCT_H
#define VITC_LIB_RUNTIME_ONEDNNPRODUCT_H

#include "OneDNNLibrary.h"

#include <cstdint>
#include <tuple>
#include <vector>

namespace vitc::rt {

/// What a primitive is made for. Both sides are dense: oneDNN 3.2 has vector
/// code for no other rows.
struct OneDnnShape {
  int64_t rows, columns, k;
  int64_t panelWidth; // 16, 32, 48 or 64
  Activation activation;
  bool hasBias;

  bool operator<(const OneDnnShape &other) const { return key() < other.key(); }

private:
  std::tuple<int64_t, int64_t, int64_t, int64_t, Activation, bool> key() const {
    return {rows, columns, k, panelWidth, activation, hasBias};
  }
};

/// Where one slice's operands lie.
struct OneDnnOperands {
  const float *lhs;     // [rows, k]
  const float *weights; // packed
  const float *bias;    // [columns] or null
  float *result;        // [rows, columns]
};

/// result = activation(lhs * weights + bias) for one shape, with arguments for
/// each thread of a pool.
class OneDnnProduct {
public:
  OneDnnProduct(const OneDnnLibrary &library, dnnl_engine_t engine,
                const OneDnnShape &shape, int32_t numThreads);

  /// Bytes of scratch memory that a call needs.
  int64_t getScratchBytes() const { return scratchBytes; }

  /// Computes one slice on the calling thread, which is `thread` of the pool.
  dnnl_status_t execute(int32_t thread, dnnl_stream_t stream,
                        const OneDnnOperands &operands, void *scratch) const;

private:
  using PrimitiveDesc = OneDnnHandle<dnnl_primitive_desc_t>;

  PrimitiveDesc createDesc(dnnl_engine_t engine,
                           const OneDnnShape &shape) const;
  void addArgument(dnnl_engine_t engine, const_dnnl_memory_desc_t desc,
                   int32_t index);
  void *addressOf(int32_t index, const OneDnnOperands &operands,
                  void *scratch) const;

  static constexpr size_t kMaxArguments = 5;

  const OneDnnLibrary &library;
  OneDnnHandle<dnnl_primitive_t> primitive;
  int64_t scratchBytes = 0;
  int32_t numThreads;
  std::vector<int32_t> arguments;                    // DNNL_ARG_*
  std::vector<OneDnnHandle<dnnl_memory_t>> memories; // [argument][thread]
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_ONEDNNPRODUCT_H
