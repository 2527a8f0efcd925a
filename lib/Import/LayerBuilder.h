//===- LayerBuilder.h - Builds single layers from weights ------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What builders of whole models share: a layer is named as the source names its
// module; the name finds its weights and becomes the location of its ops.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_LAYERBUILDER_H
#define VITC_LIB_IMPORT_LAYERBUILDER_H

#include "Vit/VitDialect.h"
#include "WeightSource.h"

namespace vitc::import_ {

class LayerBuilder {
public:
  /// Weights are defined at `weightsAt`, layers are built at `bodyAt`, whose
  /// function has `input`, an argument with the batch as dim 0.
  LayerBuilder(WeightSource &weights, mlir::OpBuilder &weightsAt,
               mlir::OpBuilder &bodyAt, mlir::Value input);

  mlir::Location getLoc(const llvm::Twine &layer) {
    return mlir::NameLoc::get(b.getStringAttr(layer));
  }
  /// The argument with the batch as dim 0.
  mlir::Value getInput() const { return input; }
  bool contains(llvm::StringRef name) const { return weights.contains(name); }

  /// The weight `name` in f32; see WeightSource::define.
  vit::WeightExprAttr weight(llvm::StringRef name,
                             llvm::ArrayRef<int64_t> shape,
                             const llvm::Twine &because, WeightRole role);
  mlir::Value constant(vit::WeightExprAttr expr, llvm::StringRef name);
  /// The weight `name` as a value.
  mlir::Value parameter(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                        const llvm::Twine &because, WeightRole role) {
    return constant(weight(name, shape, because, role), name);
  }

  /// input · weight^T + bias of LAYER.weight [outputs, C] and LAYER.bias.
  mlir::Value linear(mlir::Value input, const llvm::Twine &layer,
                     int64_t outputs, const llvm::Twine &because,
                     bool bias = true);
  /// LAYER.weight and LAYER.bias scale and shift the last axis of `input`.
  mlir::Value layerNorm(mlir::Value input, const llvm::Twine &layer,
                        double epsilon, const llvm::Twine &because);
  mlir::Value gelu(mlir::Value input, vit::GeluForm form,
                   const llvm::Twine &layer);
  /// lhs + rhs, of one type.
  mlir::Value add(mlir::Value lhs, mlir::Value rhs, const llvm::Twine &layer);
  /// input [B, ...] + shared [...], the same for each item of the batch.
  mlir::Value addShared(mlir::Value input, mlir::Value shared,
                        const llvm::Twine &layer);
  /// input * scale along the last axis, the weight `name` [C] being the scale.
  mlir::Value scaleChannels(mlir::Value input, llvm::StringRef name,
                            const llvm::Twine &because);

  /// One linalg.generic over `inputs` of equal shape.
  mlir::Value
  elementwise(mlir::ValueRange inputs, const llvm::Twine &layer,
              llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                             mlir::ValueRange)>
                  body);
  /// Elements [begin, begin + count) along `dim`; for `drop` the dim, of count
  /// 1, goes away.
  mlir::Value slice(mlir::Value input, int64_t dim, int64_t begin,
                    int64_t count, const llvm::Twine &layer, bool drop = false);
  /// Side by side along `dim`.
  mlir::Value concat(mlir::ValueRange inputs, int64_t dim,
                     const llvm::Twine &layer);

  /// Splits dim `dim` into `sizes`, or joins `count` dims from `dim` on. Dim 0
  /// is split into the batch and what is static in it.
  mlir::Value expand(mlir::Value input, int64_t dim,
                     llvm::ArrayRef<int64_t> sizes, const llvm::Twine &layer);
  mlir::Value collapse(mlir::Value input, int64_t dim, int64_t count,
                       const llvm::Twine &layer);
  mlir::Value transpose(mlir::Value input, llvm::ArrayRef<int64_t> permutation,
                        const llvm::Twine &layer);
  /// Sizes of a value; no user of it is added.
  llvm::SmallVector<mlir::OpFoldResult> getSizes(mlir::Value value,
                                                 mlir::Location loc);

  mlir::OpBuilder &b;

private:
  mlir::Value emptyLike(mlir::Value value, mlir::Location loc);

  WeightSource &weights;
  mlir::OpBuilder &weightsAt;
  mlir::Value input;
  mlir::OpFoldResult batch;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_LAYERBUILDER_H
