//===- Bufferization.cpp - Bufferisation of the kernel dialect ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace vitc::kernel;

namespace {

/// Destination style: a kernel on tensors becomes the same kernel on memrefs.
template <typename OpTy>
struct ComputeOpInterface
    : public DstBufferizableOpInterfaceExternalModel<ComputeOpInterface<OpTy>,
                                                     OpTy> {
  // A kernel may write a part of its init only, so the rest is read as well.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &state) const {
    return isa<TensorType>(operand.get().getType());
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return op->emitOpError("has an operand without a buffer");
      operands.push_back(*buffer);
    }
    SmallVector<Value> initBuffers;
    for (OpOperand &init :
         cast<DestinationStyleOpInterface>(op).getDpsInitsMutable())
      initBuffers.push_back(operands[init.getOperandNumber()]);
    OperationState clone(op->getLoc(), op->getName(), operands, TypeRange(),
                         op->getAttrs());
    for (Region &region : op->getRegions()) {
      Region *body = clone.addRegion();
      body->takeBody(region);
    }
    clone.propertiesAttr = op->getPropertiesAsAttribute();
    rewriter.create(clone);
    replaceOpWithBufferizedValues(rewriter, op, initBuffers);
    return success();
  }
};

struct ConstantOpInterface
    : public BufferizableOpInterface::ExternalModel<ConstantOpInterface,
                                                    ConstantOp> {
  AliasingOpOperandList getAliasingOpOperands(Operation *, Value,
                                              const AnalysisState &) const {
    return {};
  }
  bool isWritable(Operation *, Value, const AnalysisState &) const {
    return false;
  }
  bool bufferizesToAllocation(Operation *, Value) const { return false; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto constant = cast<ConstantOp>(op);
    RankedTensorType type = constant.getValue().getType();
    replaceOpWithNewBufferizedOp<ConstantOp>(
        rewriter, op, MemRefType::get(type.getShape(), type.getElementType()),
        constant.getValue());
    return success();
  }
};

} // namespace

void vitc::kernel::registerBufferizableOpInterfaceModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, KernelDialect *) {
    GemmOp::attachInterface<ComputeOpInterface<GemmOp>>(*context);
    AttentionOp::attachInterface<ComputeOpInterface<AttentionOp>>(*context);
    AttentionMapOp::attachInterface<ComputeOpInterface<AttentionMapOp>>(
        *context);
    GroupedConvOp::attachInterface<ComputeOpInterface<GroupedConvOp>>(*context);
    NormOp::attachInterface<ComputeOpInterface<NormOp>>(*context);
    MeanOp::attachInterface<ComputeOpInterface<MeanOp>>(*context);
    GatherOp::attachInterface<ComputeOpInterface<GatherOp>>(*context);
    GenericOp::attachInterface<ComputeOpInterface<GenericOp>>(*context);
    ConstantOp::attachInterface<ConstantOpInterface>(*context);
  });
}
