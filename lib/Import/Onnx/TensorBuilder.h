//===- TensorBuilder.h - IR that the ONNX op families share ----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builds ops on ranked tensors whose sizes are a * B + c, B being the batch of
// the run. Every op that an importer builds on a tensor with a dynamic size
// goes through here, so that the builder knows each size as a formula.
//
// In the step of a decoder, i tokens came before. Tensors whose sizes grow with
// i have room for the largest: positions behind those that there are hold
// anything, and what combines positions leaves them out.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_TENSORBUILDER_H
#define VITC_LIB_IMPORT_ONNX_TENSORBUILDER_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <optional>

namespace vitc::onnx {

/// The size of a dimension: batchFactor * B + constant. A number that a loop
/// computes may also depend on its iteration, i: + tripFactor * i. In the step
/// of a decoder sizes may, and in a flattened tensor + crossFactor * B * i.
struct Size {
  int64_t constant = 0, batchFactor = 0, tripFactor = 0, crossFactor = 0;

  Size() = default;
  Size(int64_t constant) : constant(constant) {}
  static Size batch(int64_t factor, int64_t constant = 0) {
    Size size(constant);
    size.batchFactor = factor;
    return size;
  }
  static Size trip(int64_t factor, int64_t constant = 0) {
    Size size(constant);
    size.tripFactor = factor;
    return size;
  }
  bool isStatic() const { return batchFactor == 0 && !isOfTrip(); }
  bool isOfTrip() const { return tripFactor != 0 || crossFactor != 0; }
  bool operator==(const Size &other) const {
    return constant == other.constant && batchFactor == other.batchFactor &&
           tripFactor == other.tripFactor && crossFactor == other.crossFactor;
  }
  bool operator!=(const Size &other) const { return !(*this == other); }
};

using Shape = llvm::SmallVector<Size, 6>;

class TensorBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  /// Scalars in, one scalar out. A body of a single arith or math op gets
  /// tensors instead where `elementwise` needs no linalg.generic.
  using Body = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &b,
                                              mlir::ValueRange args)>;

  //===--------------------------------------------------------------------===//
  // Shapes
  //===--------------------------------------------------------------------===//

  Shape getShape(mlir::Value tensor) const;
  static mlir::Type getElementType(mlir::Value tensor);
  static int64_t getRank(mlir::Value tensor);
  /// The numpy broadcast of the shapes; none when they do not fit.
  static std::optional<Shape> broadcast(llvm::ArrayRef<Shape> shapes);
  mlir::RankedTensorType getType(llvm::ArrayRef<Size> shape,
                                 mlir::Type element) const;
  /// An index attribute or a multiple of B's value.
  mlir::OpFoldResult getSize(Size size);
  llvm::SmallVector<mlir::OpFoldResult> getSizes(llvm::ArrayRef<Size> shape);
  /// Notes the shape of a result with dynamic sizes that an op built directly
  /// (a vit op, say) has; the methods below do it themselves. Returns `tensor`.
  mlir::Value setShape(mlir::Value tensor, llvm::ArrayRef<Size> shape);

  //===--------------------------------------------------------------------===//
  // Constants
  //===--------------------------------------------------------------------===//

  mlir::Value empty(llvm::ArrayRef<Size> shape, mlir::Type element);
  /// A tensor filled with one number, of a float or an integer type.
  mlir::Value fill(llvm::ArrayRef<Size> shape, mlir::TypedAttr scalar);
  mlir::Value constant(mlir::DenseElementsAttr value);
  mlir::TypedAttr getScalarAttr(mlir::Type type, double value);
  /// A scalar arith.constant for use inside of a body.
  static mlir::Value scalar(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                            double value);

  //===--------------------------------------------------------------------===//
  // Elementwise
  //===--------------------------------------------------------------------===//

  /// Numpy-broadcasts the operands, which must fit. `body` builds ONE arith or
  /// math op and no constants; it runs on whole tensors where no operand needs
  /// broadcasting, and in a linalg.generic elsewhere.
  mlir::Value elementwise(mlir::ValueRange operands, mlir::Type resultElement,
                          Body body);
  /// The same for any body; always a linalg.generic.
  mlir::Value generic(mlir::ValueRange operands, mlir::Type resultElement,
                      Body body);
  /// A linalg.generic over `shape` that reads each operand by its map.
  mlir::Value generic(mlir::ValueRange operands,
                      llvm::ArrayRef<mlir::AffineMap> maps,
                      llvm::ArrayRef<Size> shape, mlir::Type element,
                      Body body);
  mlir::Value broadcastTo(mlir::Value tensor, llvm::ArrayRef<Size> shape);
  /// ONNX Cast: float to integer truncates, anything to bool is x != 0, bool
  /// counts as 0 and 1.
  mlir::Value castTo(mlir::Value tensor, mlir::Type element,
                     bool fromUnsigned = false, bool toUnsigned = false);

  //===--------------------------------------------------------------------===//
  // Movement
  //===--------------------------------------------------------------------===//

  /// Whether the sizes have the same product, and common factors where the
  /// batch is one.
  static bool canReshape(llvm::ArrayRef<Size> from, llvm::ArrayRef<Size> to);
  /// Needs shapes that canReshape.
  mlir::Value reshape(mlir::Value tensor, llvm::ArrayRef<Size> shape);
  /// Dimension i of the result is dimension perm[i] of the operand.
  mlir::Value transpose(mlir::Value tensor, llvm::ArrayRef<int64_t> perm);
  /// Static offsets, strides of 1 and more.
  mlir::Value slice(mlir::Value tensor, llvm::ArrayRef<int64_t> offsets,
                    llvm::ArrayRef<Size> sizes,
                    llvm::ArrayRef<int64_t> strides);
  /// `size` positions of one dimension from `offset` on.
  mlir::Value sliceDim(mlir::Value tensor, int64_t dim, int64_t offset,
                       int64_t size);
  mlir::Value concat(mlir::ValueRange tensors, int64_t axis);
  /// tensor.pad with a constant; amounts of 0 and more.
  mlir::Value pad(mlir::Value tensor, llvm::ArrayRef<int64_t> low,
                  llvm::ArrayRef<int64_t> high, mlir::TypedAttr value);
  /// Positions `indices`, each from 0 to the size, of one dimension.
  mlir::Value take(mlir::Value tensor, int64_t dim,
                   llvm::ArrayRef<int64_t> indices);
  /// A linalg.generic over `shape` whose body computes indices with
  /// linalg.index and reads with tensor.extract.
  mlir::Value gather(llvm::ArrayRef<Size> shape, mlir::Type resultElement,
                     Body body);

  //===--------------------------------------------------------------------===//
  // Products and reductions
  //===--------------------------------------------------------------------===//

  /// linalg.contract on a zero-filled result of `shape`.
  mlir::Value contract(mlir::Value lhs, mlir::AffineMap lhsMap, mlir::Value rhs,
                       mlir::AffineMap rhsMap, llvm::ArrayRef<Size> shape,
                       mlir::AffineMap resultMap);
  /// numpy.matmul: any ranks from 1 on, batch dims broadcast. The shapes must
  /// fit.
  mlir::Value matmul(mlir::Value lhs, mlir::Value rhs);
  /// Reduces `axes`. `combine` gets (element, accumulator) and may be several
  /// ops; `identity` is what the accumulator starts with.
  mlir::Value reduce(mlir::Value tensor, llvm::ArrayRef<int64_t> axes,
                     bool keepDims, mlir::TypedAttr identity, Body combine);
  mlir::Value softmax(mlir::Value tensor, int64_t axis);

  //===--------------------------------------------------------------------===//
  // The batch
  //===--------------------------------------------------------------------===//

  /// Builds into `body` from now on: first constants and multiples of B, which
  /// are all kept at its start, then the ops.
  void startFunction(mlir::Block *body);
  /// B is the size of this dimension.
  void setBatchSource(mlir::Value tensor, int64_t dim);
  /// Whether the function has no op yet behind those constants and multiples.
  bool endsWithPreamble() {
    return !getBlock()->empty() && preambleEnd == &getBlock()->back();
  }
  /// Runs `build`, which creates constants, at the start of the function.
  mlir::Value atPreamble(llvm::function_ref<mlir::Value()> build);
  /// A tensor of rank 1, or 0, of run-time sizes.
  mlir::Value sizesTensor(llvm::ArrayRef<Size> sizes, mlir::Type element,
                          bool scalar);

  //===--------------------------------------------------------------------===//
  // Iterations
  //===--------------------------------------------------------------------===//

  /// From now on i is `index`; `count` is the same as a tensor of one i64.
  void startLoop(mlir::Value index, mlir::Value count);
  void endLoop();
  /// Runs `build`, which creates numbers that depend on i, where i is known
  /// first: at the start of the loop's body, in a step of the function.
  mlir::Value atTripStart(llvm::function_ref<mlir::Value()> build);
  bool isInLoop() const { return bool(tripIndex); }
  /// Ends the loop before the iteration in which `size` would be more than
  /// `bound`. False where that is the first.
  bool limitTrips(Size size, int64_t bound);
  /// Iterations of the last loop as its sizes limit them.
  int64_t getMaxTrips() const { return maxTrips; }
  /// Notes that later iterations than these are left out, though they could
  /// compute something.
  void noteShortened() { shortened = true; }
  bool isShortened() const { return shortened; }
  /// The value of a size that depends on i alone.
  mlir::Value getTripIndex(Size size);
  /// From now on i, one i64, is how many tokens came before the one of a step,
  /// or how many a text has; it is less than `length`.
  void startStep(mlir::Value position, int64_t length);
  bool isInStep() const { return lastTrip.has_value(); }
  /// The largest that a size gets.
  Size getExtent(Size size) const;
  /// In a step, the number that a mask of tokens has everywhere, null for any
  /// other tensor. Movement and casts keep it.
  mlir::TypedAttr getFilled(mlir::Value tensor);
  /// `otherwise` behind the positions of `dim` that there are, which grow.
  mlir::Value keepPositions(mlir::Value tensor, int64_t dim, double otherwise);
  /// `tensor`, whose dim `dim` grows, with one position more.
  mlir::Value append(mlir::Value tensor, mlir::Value row, int64_t dim);

private:
  mlir::Value getBatchFormula(Size size);
  /// Sizes that depend on i alone.
  mlir::Value tripsTensor(llvm::ArrayRef<Size> sizes, mlir::Type element,
                          bool scalar);
  mlir::Value castNumbers(mlir::Value tensor, mlir::Type element,
                          bool fromUnsigned, bool toUnsigned);

  mlir::Operation *preambleEnd = nullptr;
  mlir::Value zeroIndex, batchSource;
  int64_t batchDim = 0;
  mlir::Value tripIndex, tripCount;
  mlir::Operation *tripEnd = nullptr; // of atTripStart in a loop
  std::optional<int64_t> lastTrip;    // of a step
  int64_t maxTrips = 0;
  bool shortened = false;
  /// By factor and constant.
  llvm::DenseMap<std::pair<int64_t, int64_t>, mlir::Value> formulas;
  llvm::DenseMap<mlir::Value, Shape> shapes;
};

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_TENSORBUILDER_H
