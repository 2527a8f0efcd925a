//===- TextLayers.h - Layers of text encoders and decoders -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TEXTLAYERS_H
#define VITC_LIB_IMPORT_TEXTLAYERS_H

#include "AttentionLayer.h"
#include "TextSpec.h"

namespace vitc::import_ {

/// Queries, keys and values, [B, N, width], heads side by side.
struct AttentionRows {
  mlir::Value query, key, value;
};

/// Builds what encoders and decoders of a TextSpec have in common. `block` is
/// the whole name of a block and a dot.
class TextLayers {
public:
  TextLayers(const TextSpec &spec, LayerBuilder &layers)
      : spec(spec), layers(layers), b(layers.b) {}

  std::string ofModel(const llvm::Twine &layer) const {
    return (spec.prefix + layer).str();
  }
  std::string ofBlock(int64_t index) const {
    return ofModel(spec.names.block + llvm::Twine(index) + ".");
  }
  /// "hidden_size = 768".
  std::string becauseHidden() const;

  /// The sum of a row of each table: of the token, its position and its type,
  /// [B, N, E]. `ids` and `types` are integers [B, N], types may be null.
  /// `position` is the first token's, an integer [1]; null: 0.
  mlir::Value embed(mlir::Value ids, mlir::Value types, mlir::Value position);
  mlir::Value norm(mlir::Value hidden, const std::string &layer);
  /// The norm that follows the last block, if there is one.
  mlir::Value finalNorm(mlir::Value hidden);

  AttentionRows selfRows(mlir::Value input, const std::string &block);
  mlir::Value crossQuery(mlir::Value input, const std::string &block);
  /// Keys and values of a memory, [B, N, memoryWidth]; there is no query.
  AttentionRows memoryRows(mlir::Value memory, const std::string &block);
  /// The heads of block `index` and the layer `output` behind them; the form's
  /// scale is the specification's.
  mlir::Value attend(const AttentionRows &rows, AttentionForm form,
                     int64_t index, const std::string &layer,
                     const std::string &output);
  mlir::Value activate(mlir::Value input, const std::string &layer);
  mlir::Value mlp(mlir::Value input, const std::string &block);

  using Branch = llvm::function_ref<mlir::Value(mlir::Value input)>;
  /// branch(input) + input, with the norm `normName` before or behind; the sum
  /// is named for the layer `last` of the branch.
  mlir::Value residual(mlir::Value input, Branch branch,
                       const std::string &normName, const std::string &last);

  const TextSpec &spec;
  LayerBuilder &layers;
  mlir::OpBuilder &b;

private:
  /// A linear layer as the source stores it.
  mlir::Value linear(mlir::Value input, const std::string &layer,
                     int64_t outputs, const llvm::Twine &because);
  std::string becauseAttention() const;
  vit::WeightExprAttr table(const std::string &name, int64_t rows,
                            llvm::StringRef key);
  /// Rows [length, E] of the first tokens' positions.
  mlir::Value positionTable();
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TEXTLAYERS_H
