//===- KernelEmitter.cpp - Kernels for the ops of a function --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;

/// Whether a dynamic size is dim 0 of a tensor that has a dynamic batch.
static bool isBatch(Value size) {
  auto dim = size.getDefiningOp<tensor::DimOp>();
  auto type = dim ? dyn_cast<RankedTensorType>(dim.getSource().getType())
                  : RankedTensorType();
  return type && dim.getConstantIndex() == 0 && type.isDynamicDim(0);
}

KernelEmitter::KernelEmitter(func::FuncOp function)
    : function(function), builder(function.getLoc(), function.getContext()) {}

LogicalResult KernelEmitter::verifySizes(Operation *op) {
  for (Type type : op->getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.hasStaticShape())
      continue;
    if (!batch || llvm::is_contained(tensor.getShape().drop_front(),
                                     ShapedType::kDynamic))
      return op->emitOpError()
             << "has result " << tensor
             << "; needs static sizes but for the batch, dim 0 of an argument";
  }
  ValueRange sizes;
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    sizes = empty.getDynamicSizes();
  else if (auto slice = dyn_cast<OffsetSizeAndStrideOpInterface>(op))
    sizes = slice.getSizes();
  if (!llvm::all_of(sizes, isBatch))
    return op->emitOpError("has a dynamic size that is not the batch");
  return success();
}

LogicalResult KernelEmitter::convert(arith::ConstantOp op) {
  if (!isa<ShapedType>(op.getType()) || isa<SplatElementsAttr>(op.getValue()))
    return success();
  return op.emitOpError() << "has " << op.getType()
                          << " of several values; needs a vit.constant";
}

LogicalResult KernelEmitter::convert(Operation *op) {
  builder.setLoc(op->getLoc());
  if (failed(verifySizes(op)))
    return failure();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<vit::PatchEmbedOp, vit::LinearOp, vit::GeluOp, vit::LayerNormOp,
            vit::MeanTokensOp, vit::AttentionOp, vit::AttentionMapOp,
            linalg::GenericOp, tensor::InsertSliceOp, arith::ConstantOp>(
          [&](auto op) { return convert(op); })
      .Case([&](func::ReturnOp op) { return convertReturn(op); })
      .Default([&](Operation *op) -> LogicalResult {
        if (isDataMovement(op))
          return success();
        if (isa<tensor::ExtractSliceOp>(op))
          return op->emitOpError("has a dynamic offset or a stride; needs "
                                 "static offsets and strides of 1");
        return op->emitOpError("has no kernel; only vit, linalg.generic and "
                               "static tensor slices have one");
      });
}

LogicalResult KernelEmitter::convertReturn(func::ReturnOp op) {
  SmallVector<Value> results;
  for (auto [value, output] : llvm::zip(op.getOperands(), outputs)) {
    Value result = converted.lookup(value);
    bool written = false;
    if (result)
      for (Value init = result; !written;) {
        auto kernel = init.getDefiningOp<DestinationStyleOpInterface>();
        if (!kernel)
          break;
        init = kernel.getDpsInits().front();
        written = init == output;
      }
    if (!written) {
      auto type = cast<RankedTensorType>(value.getType());
      ValueAccess source = read(value);
      result = gather(type, source, output,
                      builder.getMultiDimIdentityMap(type.getRank()));
    }
    results.push_back(result);
  }
  func::ReturnOp::create(builder, results);
  return success();
}

LogicalResult KernelEmitter::run() {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("has several blocks; only one is supported");
  Block *source = &function.getBody().front();
  FunctionType type = function.getFunctionType();
  for (Type value :
       llvm::concat<const Type>(type.getInputs(), type.getResults())) {
    auto tensor = dyn_cast<RankedTensorType>(value);
    if (!tensor || tensor.getRank() == 0 ||
        llvm::is_contained(tensor.getShape().drop_front(),
                           ShapedType::kDynamic))
      return function.emitOpError()
             << "has an argument or result of type " << value
             << "; needs ranked tensors, static but for the batch";
  }

  // The new body takes the inputs, then a destination for each result.
  Block *body = new Block();
  function.getBody().push_front(body);
  body->addArguments(
      type.getInputs(),
      SmallVector<Location>(type.getNumInputs(), function.getLoc()));
  for (Type result : type.getResults())
    outputs.push_back(body->addArgument(result, function.getLoc()));
  for (auto [before, after] :
       llvm::zip(source->getArguments(), body->getArguments()))
    converted[before] = after;
  builder.setInsertionPointToStart(body);
  for (BlockArgument argument : body->getArguments())
    if (!batch && cast<RankedTensorType>(argument.getType()).isDynamicDim(0))
      batch = tensor::DimOp::create(builder, argument, 0);

  for (Operation &op : *source)
    if (failed(convert(&op)))
      return failure();

  SmallVector<Type> inputs(type.getInputs());
  llvm::append_range(inputs, type.getResults());
  SmallVector<DictionaryAttr> attributes;
  for (unsigned i = 0; i < type.getNumInputs(); ++i)
    attributes.push_back(function.getArgAttrDict(i));
  for (unsigned i = 0; i < type.getNumResults(); ++i) {
    NamedAttrList list(function.getResultAttrDict(i));
    list.set("bufferization.writable", builder.getBoolAttr(true));
    attributes.push_back(list.getDictionary(builder.getContext()));
  }
  source->dropAllReferences();
  source->dropAllUses();
  source->erase();
  function.setFunctionType(builder.getFunctionType(inputs, type.getResults()));
  function.setAllArgAttrs(attributes);
  return success();
}
