//===- ZooWeights.h - Generated weights ------------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ZOOWEIGHTS_H
#define VITC_LIB_IMPORT_ZOOWEIGHTS_H

#include "WeightSource.h"
#include "llvm/ADT/StringSet.h"

namespace vitc::import_ {

/// Uniform weights, a stream of its own for each name, spread so that
/// activations stay near 1 and that biases, norms and positions matter.
class ZooWeights final : public WeightSource {
public:
  ZooWeights(llvm::StringRef model, uint64_t seed) : model(model), seed(seed) {}

  bool contains(llvm::StringRef) const override { return true; }
  mlir::RankedTensorType define(mlir::OpBuilder &builder, llvm::StringRef name,
                                llvm::ArrayRef<int64_t> shape,
                                const llvm::Twine &because,
                                WeightRole role) override;
  mlir::LogicalResult verify() override { return mlir::success(); }
  std::string hash() const override;

private:
  std::string model;
  uint64_t seed;
  llvm::StringSet<> defined;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ZOOWEIGHTS_H
