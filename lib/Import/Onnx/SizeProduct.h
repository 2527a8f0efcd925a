//===- SizeProduct.h - Numbers of elements ---------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_SIZEPRODUCT_H
#define VITC_LIB_IMPORT_ONNX_SIZEPRODUCT_H

#include "TensorBuilder.h"

#include <numeric>

namespace vitc::onnx {

/// A product of sizes: a number times the formulas, made coprime, that need the
/// batch or grow with each token. Numbers saturate.
struct SizeProduct {
  /// factor * B + constant + tripFactor * i.
  using Formula = std::tuple<int64_t, int64_t, int64_t>;

  int64_t number = 1;
  llvm::SmallVector<Formula, 2> dynamic;

  SizeProduct() = default;
  explicit SizeProduct(llvm::ArrayRef<Size> sizes) {
    for (Size size : sizes)
      multiply(size);
  }
  void multiply(Size size) {
    if (size.crossFactor != 0) { // B * (crossFactor * i + batchFactor)
      multiply(Size::batch(1));
      size = Size::trip(size.crossFactor, size.batchFactor);
    }
    int64_t factor = size.constant;
    if (!size.isStatic()) {
      factor =
          std::gcd(std::gcd(size.batchFactor, size.constant), size.tripFactor);
      dynamic.emplace_back(size.batchFactor / factor, size.constant / factor,
                           size.tripFactor / factor);
      llvm::sort(dynamic);
    }
    if (llvm::MulOverflow(number, factor, number))
      number = std::numeric_limits<int64_t>::max();
  }
  bool operator==(const SizeProduct &other) const {
    return number == other.number && dynamic == other.dynamic;
  }
  bool isSmallerThan(const SizeProduct &other) const {
    return std::tuple(dynamic.size(), number) <
           std::tuple(other.dynamic.size(), other.number);
  }
  /// None where it has the batch twice, or overflows.
  std::optional<Size> getSize() const {
    if (dynamic.empty())
      return Size(number);
    auto [batchFactor, constant, tripFactor] = dynamic.front();
    Size size;
    if (dynamic.size() == 1) {
      if (llvm::MulOverflow(number, batchFactor, size.batchFactor) ||
          llvm::MulOverflow(number, constant, size.constant) ||
          llvm::MulOverflow(number, tripFactor, size.tripFactor))
        return std::nullopt;
      return size;
    }
    // They are sorted: the batch, of factor 1, is last.
    if (dynamic.size() > 2 || dynamic.back() != Formula(1, 0, 0) ||
        batchFactor != 0 ||
        llvm::MulOverflow(number, constant, size.batchFactor) ||
        llvm::MulOverflow(number, tripFactor, size.crossFactor))
      return std::nullopt;
    return size;
  }
  /// None where the division has a rest for some batch.
  std::optional<SizeProduct> divide(const SizeProduct &divisor) const {
    if (divisor.number == 0 || number % divisor.number != 0)
      return std::nullopt;
    SizeProduct result = *this;
    result.number /= divisor.number;
    for (auto factor : divisor.dynamic) {
      auto it = llvm::find(result.dynamic, factor);
      if (it == result.dynamic.end())
        return std::nullopt;
      result.dynamic.erase(it);
    }
    return result;
  }
};

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_SIZEPRODUCT_H
