//===- VitEncoder.h - Embedding and blocks of a transformer ----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_VITENCODER_H
#define VITC_LIB_IMPORT_VITENCODER_H

#include "LayerBuilder.h"
#include "RotaryPositions.h"
#include "VitSpec.h"

namespace vitc::import_ {

/// From the image to the last block's tokens.
class VitEncoder {
public:
  VitEncoder(const VitSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), b(layers.b) {}

  mlir::Value build(mlir::Value image) { return buildBlocks(embed(image)); }
  /// The tokens before the first block.
  mlir::Value embed(mlir::Value image);
  /// All blocks on `tokens` [B, N, E].
  mlir::Value buildBlocks(mlir::Value tokens);

  std::string backbone(const llvm::Twine &layer) const {
    return (spec.prefix + layer).str();
  }
  /// "hidden_size = 768".
  std::string becauseHidden() const;

private:
  mlir::Value tokens();
  std::string becausePositions() const;
  /// The stored positions of all tokens and patches, in this order and for the
  /// picture's grid. What has none in the file gets zeros.
  mlir::Value arrangePositions(vit::WeightExprAttr stored,
                               const std::string &name);
  mlir::Value positions();
  mlir::Value addMidPositions(mlir::Value tokens, int64_t block);
  mlir::Value patchEmbed(mlir::Value image);
  /// The relative position bias [1, H, N, N] of a table.
  mlir::Value relativeBias(const std::string &table);
  /// The norm `name` of the block; `value` itself where it has none.
  mlir::Value normIfNamed(mlir::Value value, const std::string &block,
                          const std::string &name);
  mlir::Value attention(mlir::Value input, const std::string &block);
  /// The hidden features of a block's MLP.
  mlir::Value hidden(mlir::Value input, const std::string &block,
                     const llvm::Twine &because);
  mlir::Value activate(mlir::Value input, const std::string &layer);
  mlir::Value mlp(mlir::Value input, const std::string &block);
  mlir::Value encoderBlock(mlir::Value input, const std::string &block);

  const VitSpec &spec;
  LayerBuilder &layers;
  mlir::OpBuilder &b;
  mlir::Value sharedBias;
  vit::WeightExprAttr midPositions; // of all blocks, once asked for
  std::optional<RotaryTables> rotary;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_VITENCODER_H
