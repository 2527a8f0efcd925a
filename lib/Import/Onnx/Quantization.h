//===- Quantization.h - Numbers that integers stand for --------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An integer q stands for scale * (q - zeroPoint). A number becomes the nearest
// such integer, of two the even one, within the bounds of its type.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_QUANTIZATION_H
#define VITC_LIB_IMPORT_ONNX_QUANTIZATION_H

#include "Node.h"

namespace vitc::onnx {

/// How integers of one tensor are read; both broadcast to the tensor.
struct QuantizedForm {
  mlir::Value scale;
  /// Null where it is 0.
  Tensor zeroPoint;
};

/// Elements of 8 or 16 bits.
struct QuantizedType {
  mlir::IntegerType element;
  bool isUnsigned;

  unsigned getWidth() const { return element.getWidth(); }
};

/// An input whose elements are integers of 8 or 16 bits.
mlir::FailureOr<Tensor> getQuantizedInput(Node &node, unsigned index);

/// Reads the scale and the zero point of a tensor of `shape`: one of each, one
/// for each position of `axis`, or one for each `blockSize` of them.
mlir::FailureOr<QuantizedForm> getQuantizedForm(Node &node, unsigned scale,
                                                unsigned zeroPoint,
                                                llvm::ArrayRef<Size> shape,
                                                int64_t axis,
                                                int64_t blockSize = 0);

/// One scale and at most one zero point.
mlir::FailureOr<QuantizedForm> getUniformForm(Node &node, unsigned scale,
                                              unsigned zeroPoint);

/// The type that the zero point of the result, input `index`, gives it; u8
/// where it is absent.
mlir::FailureOr<QuantizedType> getResultType(Node &node, unsigned index);

/// Floats of the scale's type.
mlir::Value dequantize(TensorBuilder &b, const Tensor &tensor,
                       const QuantizedForm &form);
/// Floats to integers; a scale of null is 1.
mlir::Value quantize(TensorBuilder &b, mlir::Value tensor,
                     const QuantizedForm &form, QuantizedType type);

/// Floats as unsigned integers of 8 bits.
struct DynamicallyQuantized {
  mlir::Value integers, scale, zeroPoint;
};

/// The scale makes the range of all elements and 0 255 wide; without a range it
/// is 1 / 255, as in onnx's reference.
DynamicallyQuantized quantizeDynamically(TensorBuilder &b, mlir::Value tensor);

/// Whole numbers, as floats, that are products of two quantised operands less
/// their zero points.
struct IntegerOperand {
  /// f32 elements without the zero point.
  mlir::Value numbers;
  /// None is larger.
  int64_t magnitude;
};

/// Integers of 8 bits less their zero point, which broadcasts to them.
IntegerOperand makeIntegerOperand(TensorBuilder &b, const Tensor &tensor,
                                  const Tensor &zeroPoint);

/// Input `index` less its zero point, input `zeroPoint`: one, one for each
/// position of `axis`, or of as many dims as the operand.
mlir::FailureOr<IntegerOperand>
getIntegerOperand(Node &node, unsigned index, unsigned zeroPoint, int64_t axis);

/// Terms whose sum f32 represents exactly, whatever the operands are.
int64_t getExactTerms(const IntegerOperand &lhs, const IntegerOperand &rhs);

/// The product of matrices as i32, or an error where it has too many terms; the
/// shapes must fit, and the inner size be static.
mlir::FailureOr<mlir::Value> buildIntegerMatmul(Node &node,
                                                const IntegerOperand &lhs,
                                                const IntegerOperand &rhs);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_QUANTIZATION_H
