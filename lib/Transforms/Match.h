//===- Match.h - One view of ops that exporters spell differently -*- C++ -*-=//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What raising passes look for: an elementwise op, whether it is an arith op on
// tensors or a linalg.generic with that op as its body; a scalar, however it is
// written; a product, whichever linalg op computes it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_MATCH_H
#define VITC_LIB_TRANSFORMS_MATCH_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineMap.h"

#include <optional>

namespace vitc::vit {

/// The one number that all elements of a value are: a splat or one-element
/// arith.constant (scalar or tensor), linalg.fill with a constant, any movement
/// of such a tensor, or a one-element vit.constant, read from its file.
std::optional<double> getScalar(mlir::Value value);

/// An operand of an elementwise op: a tensor with its map, or a number.
struct ElementwiseOperand {
  /// Null for a number written in the body of the linalg.generic.
  mlir::Value tensor;
  /// From the result's indices to the tensor's; 0 where it broadcasts.
  mlir::AffineMap map;
  /// The number that all elements are, if they are one.
  std::optional<double> scalar;

  /// Whether the tensor is read element by element, without broadcasting.
  bool isIdentity() const { return tensor && map.isIdentity(); }
};

/// An op that computes each element of its result with one arith or math op.
struct Elementwise {
  /// That op: on tensors, or in the body of a linalg.generic. Its type and its
  /// attributes say what is computed; read the operands from below.
  mlir::Operation *scalarOp = nullptr;
  llvm::SmallVector<ElementwiseOperand, 2> operands;

  template <typename... Ops> bool is() const {
    return llvm::isa<Ops...>(scalarOp);
  }
};

/// The elementwise op that computes a tensor.
std::optional<Elementwise> matchElementwise(mlir::Value tensor);

/// `tensor` as a product or quotient with a number: x * factor. Either order of
/// a mul; x / c is x * (1 / c).
struct Scaled {
  ElementwiseOperand tensor;
  double factor;
};
std::optional<Scaled> matchScaled(mlir::Value tensor);

/// result = sum over k of lhs * rhs, from zero. Loops are numbered as in the
/// maps. Batch loops are in both operands and in the result, m loops in lhs and
/// result, n loops in rhs and result, k loops in both operands alone.
struct Contraction {
  mlir::Operation *op = nullptr;
  mlir::Value lhs, rhs;
  mlir::AffineMap lhsMap, rhsMap, resultMap;
  llvm::SmallVector<unsigned, 4> batch, m, n, k;
  /// The extent of each loop; dynamic ones as in types.
  llvm::SmallVector<int64_t, 6> sizes;

  /// The same product with its operands (and m and n) exchanged.
  Contraction swapped() const;
};

/// The product that computes a tensor: linalg.contract, a named matmul of
/// linalg, or a linalg.generic that multiplies and adds. None when it adds to
/// another value than zero, or an operand's map is no permutation of its loops.
std::optional<Contraction> matchContraction(mlir::Value tensor);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_MATCH_H
