//===- Generic.cpp - Vector code for kernel.generic -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementLoop.h"
#include "MathApproximation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vitc::kernel;

static ElementLoop getLoop(GenericOp op) {
  ElementLoop loop = {op.getBatch(),
                      SmallVector<int64_t>(op.getSizes()),
                      op.getTilingAttr().getRows(),
                      {}};
  for (auto [input, map] : llvm::zip(op.getInputs(), op.getInputMaps()))
    loop.accesses.emplace_back(cast<AffineMapAttr>(map).getValue(),
                               cast<MemRefType>(input.getType()));
  loop.accesses.emplace_back(op.getResultMap(),
                             cast<MemRefType>(op.getInit().getType()));
  return loop;
}

/// The constant that an op of the body, or one above it, stands for.
static TypedAttr getScalarConstant(Value value) {
  TypedAttr constant;
  matchPattern(value, m_Constant(&constant));
  return constant;
}

/// Checks that the body can be cloned on vectors.
static LogicalResult verifyBody(GenericOp op) {
  Block &body = op.getBody().front();
  for (Operation &inner : body.without_terminator()) {
    if (inner.getNumResults() == 1 && getScalarConstant(inner.getResult(0)))
      continue;
    if (!OpTrait::hasElementwiseMappableTraits(&inner))
      return op.emitOpError() << "has '" << inner.getName()
                              << "' in its body, which has no vector form; "
                                 "needs elementwise ops";
  }
  WalkResult result = op.getBody().walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (operand.getParentRegion() != &op.getBody() &&
          !getScalarConstant(operand)) {
        op.emitOpError() << "uses a value of type " << operand.getType()
                         << " from outside of its body; needs an input or a "
                            "constant";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Clones the body on values of `count` elements each; returns what it yields.
static Value cloneBody(KernelBuilder &b, GenericOp op, IRMapping &mapping,
                       int64_t count) {
  auto widen = [&](Type type) -> Type {
    return count == 1 ? type : VectorType::get(count, type);
  };
  auto map = [&](Value value) -> Value {
    if (Value mapped = mapping.lookupOrNull(value))
      return mapped;
    TypedAttr constant = getScalarConstant(value);
    if (count != 1)
      constant = DenseElementsAttr::get(
          cast<VectorType>(widen(value.getType())), Attribute(constant));
    return arith::ConstantOp::create(b, constant);
  };
  Block &body = op.getBody().front();
  for (Operation &inner : body.without_terminator()) {
    if (inner.getNumResults() == 1 && getScalarConstant(inner.getResult(0)))
      continue;
    SmallVector<Value> operands = llvm::map_to_vector(inner.getOperands(), map);
    OperationState state(op.getLoc(), inner.getName(), operands,
                         llvm::map_to_vector(inner.getResultTypes(), widen),
                         inner.getAttrs());
    state.propertiesAttr = inner.getPropertiesAsAttribute();
    mapping.map(inner.getResults(), b.create(state)->getResults());
  }
  return map(cast<YieldOp>(body.getTerminator()).getValue());
}

FailureOr<KernelFunction> vitc::kernel::buildGeneric(GenericOp op,
                                                     KernelContext &context) {
  if (failed(verifyBody(op)))
    return failure();
  KernelBuilder b(op, getBoxName("generic", op.getSizes()), context);
  SmallVector<Value> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(b.getFlat(input));
  Value init = b.getFlat(op.getInit());
  Block &body = op.getBody().front();
  getLoop(op).emit(b, [&](const Elements &elements) {
    IRMapping mapping;
    for (auto [i, input] : llvm::enumerate(inputs))
      mapping.map(body.getArgument(i), elements.load(b, input, i));
    elements.store(b, cloneBody(b, op, mapping, elements.count), init);
  });
  int64_t elements = body.getOperations().size() - 1;
  for (int64_t size : op.getSizes())
    elements *= size;
  KernelFunction kernel = b.finish(elements);
  if (failed(approximateMath(kernel.function, context.cpu)))
    return failure();
  return kernel;
}

Value vitc::kernel::countGenericTasks(GenericOp op, VectorBuilder &builder) {
  return getLoop(op).countTasks(builder);
}
