//===- SwinBlock.h - The blocks of one stage of a Swin ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_SWINBLOCK_H
#define VITC_LIB_IMPORT_SWINBLOCK_H

#include "LayerBuilder.h"
#include "SwinSpec.h"

namespace vitc::import_ {

/// `map` [B, H, W, C] with zeros below and to the right up to `size`.
mlir::Value padMap(LayerBuilder &layers, mlir::Value map,
                   std::array<int64_t, 2> size, const llvm::Twine &layer);

/// Builds the blocks of stage `stage`, whose map has `size`, height and width.
class SwinBlockBuilder {
public:
  SwinBlockBuilder(const SwinSpec &spec, LayerBuilder &layers, size_t stage,
                   std::array<int64_t, 2> size);

  /// One block, `block` being its name and a dot, on tokens [B, H * W, C].
  mlir::Value build(mlir::Value tokens, const std::string &block, bool shifted);

private:
  std::string because() const;
  mlir::Value relativeBias(const std::string &block);
  mlir::Value shiftMask(const std::string &block);
  /// Attention within each of `windows`, shifted ones masked.
  mlir::Value attention(mlir::Value windows, const std::string &block,
                        bool masked);
  /// Attention within the windows of a map, given and returned as tokens.
  mlir::Value windowAttention(mlir::Value tokens, const std::string &block,
                              bool shifted);
  mlir::Value mlp(mlir::Value tokens, const std::string &block);

  const SwinSpec &spec;
  LayerBuilder &layers;
  mlir::OpBuilder &b;
  const SwinStage &stage;
  int64_t dim, hidden;
  std::array<int64_t, 2> size, padded, window, shift;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_SWINBLOCK_H
