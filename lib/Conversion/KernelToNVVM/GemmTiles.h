//===- GemmTiles.h - Operands of a gemm in shared memory --------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_GEMMTILES_H
#define VITC_CONVERSION_KERNELTONVVM_GEMMTILES_H

#include "GemmRows.h"

namespace vitc::kernel {

/// Terms of a column that packed weights of a type have side by side.
int64_t getPackedRun(mlir::Type element);

/// The tiles of both operands that a step over k multiplies, `stages` of them,
/// are words of 32 bits: an f32 or a tf32, or two of 16 bits that are
/// neighbours along k. How many there are, and the words from one to the next:
///   lhs      [stages][rows][depth + padding]
///   weights  [stages][depth / run][columns][run], as they are packed
/// Of runs of lhs, as wgmma reads both, there are
///   lhs      [stages][depth / run][rows * run + padding]
struct GemmTileShape {
  int64_t stages, rows, columns;
  int64_t depth;         ///< In words.
  mlir::Type element;    ///< What a word holds one or two of.
  int64_t lhsPadding;    ///< In words.
  bool isOfRuns = false; ///< Lhs, too.

  int64_t getTermsOfWord() const {
    return sizeof(float) / vit::WeightExprAttr::getStoredElementBytes(element);
  }
  int64_t getTerms() const { return depth * getTermsOfWord(); }
  /// From a row of lhs to the next; from a run of all rows to the next.
  int64_t getLhsStride() const {
    return isOfRuns ? getRunWords() : depth + lhsPadding;
  }
  int64_t getLhsRunStride() const { return rows * getRunWords() + lhsPadding; }
  int64_t getLhsWords() const { ///< Of a stage.
    return isOfRuns ? depth / getRunWords() * getLhsRunStride()
                    : rows * getLhsStride();
  }
  /// Words of a column that lie side by side.
  int64_t getRunWords() const {
    return getPackedRun(element) / getTermsOfWord();
  }
  /// From a run of all columns to the next.
  int64_t getWeightsStride() const { return columns * getRunWords(); }
  int64_t getWeightsWords() const { return columns * depth; } ///< Of a stage.
};

/// Tiles of lhs. Where the gemm reads lhs as it is, bytes are copied
/// asynchronously; else threads load elements, change them and store them.
class DeviceLhsTiles {
public:
  DeviceLhsTiles(GemmOp op, DeviceBuilder &builder, const GemmTileShape &shape);

  DevicePointer getWords() const { return words; }
  bool areCopied() const { return isCopied; }
  /// Chooses rows begin, begin + 1, ... for the steps to come. All threads take
  /// part.
  void start(const DeviceGemmRows &rows, mlir::Value begin);

  /// Types of what threads keep between load and store; none if tiles are
  /// copied.
  llvm::SmallVector<mlir::Type> getLoadedTypes() const;
  /// Starts to fill a stage with terms from `l` on: copies, or loads what it
  /// returns.
  llvm::SmallVector<mlir::Value> load(mlir::Value l, mlir::Value stage) const;
  void store(mlir::ValueRange loaded, mlir::Value l, mlir::Value stage) const;

private:
  struct Vector {
    DeviceGemmLhs::Row row;
    mlir::Value number;    // of the row in the tile
    mlir::Value l, offset; // of a step's first stage
  };
  DeviceGemmLhs::Place getPlace(const Vector &vector, mlir::Value l) const;
  mlir::Value getTarget(const Vector &vector, mlir::Value stage) const;

  DeviceBuilder &b;
  GemmTileShape shape;
  DeviceGemmLhs lhs;
  std::optional<DeviceRowNorms> norms;
  int64_t k, width;
  bool isCopied;
  DevicePointer words, elements;     // the same memory
  llvm::SmallVector<Vector> vectors; // of this thread
};

/// Tiles of packed weights, copied asynchronously.
class DeviceWeightTiles {
public:
  DeviceWeightTiles(GemmOp op, DeviceBuilder &builder,
                    const GemmTileShape &shape, mlir::Value firstColumn,
                    mlir::Value item);

  DevicePointer getWords() const { return words; }
  /// Starts to fill a stage with the terms of a step.
  void copy(mlir::Value step, mlir::Value stage) const;

private:
  struct Vector {
    mlir::Value run, source, target;
  };

  DeviceBuilder &b;
  GemmTileShape shape;
  int64_t stepRuns, numRuns; // of a step, of all of k
  DevicePointer weights, words;
  mlir::Value rowWords;              // of weights, from a run to the next
  mlir::Value isColumn;              // null: all are
  llvm::SmallVector<Vector> vectors; // of this thread
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_GEMMTILES_H
