//===- KernelEmitter.cpp - Kernels for the ops of a function --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "Product.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Kernel/ScalarArgument.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;

KernelEmitter::KernelEmitter(func::FuncOp function)
    : function(function), builder(function.getLoc(), function.getContext()) {}

Value KernelEmitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, value);
}

Value KernelEmitter::constant(vit::WeightExprAttr value) {
  return kernel::ConstantOp::create(builder, value.getType(), value);
}

Value KernelEmitter::batchOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 0)
    return index(1);
  if (!type.isDynamicDim(0))
    return index(type.getDimSize(0));
  return batchTimes(*getBatchMultiple(value));
}

Value KernelEmitter::batchTimes(int64_t multiple) {
  Value &size = batchMultiples[multiple];
  if (!size) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(batch);
    size = builder.createOrFold<arith::MulIOp>(batch, index(multiple));
  }
  return size;
}

LogicalResult KernelEmitter::verifySizes(Operation *op) {
  for (Value result : op->getResults()) {
    auto tensor = dyn_cast<RankedTensorType>(result.getType());
    if (!tensor || tensor.hasStaticShape())
      continue;
    // What only moves is never stored; elsewhere the batch comes first.
    bool isOrdered = isRead(op) || tensor.isDynamicDim(0);
    if (!batch || tensor.getNumDynamicDims() != 1 || !isOrdered)
      return op->emitOpError()
             << "has result " << tensor
             << "; needs static sizes but for the batch, dim 0 of an argument";
    if (!getBatchMultiple(result))
      return op->emitOpError("has a dynamic size that is not the batch or a "
                             "static multiple of it");
  }
  return success();
}

LogicalResult KernelEmitter::convert(Operation *op) {
  builder.setLoc(op->getLoc());
  if (failed(verifySizes(op)))
    return failure();
  if (isRead(op))
    return success();
  if (auto generic = dyn_cast<linalg::GenericOp>(op);
      generic && generic.getNumResults() > 0) {
    Value result = generic.getResult(0);
    // A product computed them.
    if (converted.contains(result))
      return success();
    if (std::optional<ChannelScaling> scaling = matchChannelScaling(generic);
        scaling && isScaledByReaders(result, *scaling)) {
      scalings[result] = *scaling;
      return success();
    }
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<vit::PatchEmbedOp, vit::LinearOp, vit::GeluOp, vit::LayerNormOp,
            vit::RmsNormOp, vit::MeanTokensOp, vit::Conv2dOp, vit::AttentionOp,
            vit::AttentionMapOp, vit::SoftmaxMatmulOp, vit::CacheUpdateOp,
            vit::AdditiveAttentionOp, vit::GruCellOp, vit::LstmCellOp,
            tensor::InsertSliceOp, tensor::ConcatOp, tensor::PadOp, scf::ForOp,
            scf::WhileOp>([&](auto op) { return convert(op); })
      .Case([&](linalg::LinalgOp op) {
        if (isProduct(op))
          return convertProduct(op);
        return convert(cast<linalg::GenericOp>(op.getOperation()));
      })
      .Case([&](tensor::ExtractSliceOp op) { return convertComputed(op); })
      .Case([&](func::ReturnOp op) { return convertReturn(op); })
      .Default([&](Operation *op) -> LogicalResult {
        // Scalars are read by the bodies that need them.
        if (llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>) &&
            isPure(op))
          return success();
        return op->emitOpError("has no kernel; only vit, linalg and static "
                               "tensor ops have one");
      });
}

LogicalResult KernelEmitter::convertReturn(func::ReturnOp op) {
  SmallVector<Value> results;
  unsigned numInputs = function.getFunctionType().getNumInputs();
  for (auto [value, output] : llvm::zip(op.getOperands(), outputs)) {
    Value result;
    bool written = false;
    auto known = converted.find(value);
    if (known != converted.end()) {
      result = known->second.base;
      for (Value init = result; !written;) {
        if (auto kernel = init.getDefiningOp<DestinationStyleOpInterface>())
          init = kernel.getDpsInits().front();
        else if (auto loop = init.getDefiningOp<scf::ForOp>())
          init = loop.getTiedLoopInit(cast<OpResult>(init))->get();
        else if (auto loop = init.getDefiningOp<scf::WhileOp>())
          init = loop.getInits()[cast<OpResult>(init).getResultNumber()];
        else
          break;
        // Or it lies where the state did that it updates.
        auto argument = dyn_cast<BlockArgument>(init);
        written =
            init == output || (argument && argument.getArgNumber() < numInputs);
      }
    }
    auto type = cast<RankedTensorType>(value.getType());
    int64_t rank = type.getRank();
    if (rank > 0 && type.isDynamicDim(0) && getBatchMultiple(value) != 1)
      return op.emitOpError()
             << "has result " << type << " of several items for each item of "
             << "the batch; needs the batch itself in dim 0";
    // Without elements there is nothing to write.
    if (llvm::is_contained(type.getShape(), 0))
      result = output;
    else if (!written)
      result = gather(
          value, read(value), output,
          rank == 0 ? AffineMap::get(0, 0, builder.getAffineConstantExpr(0))
                    : builder.getMultiDimIdentityMap(rank));
    results.push_back(result);
  }
  func::ReturnOp::create(builder, results);
  return success();
}

/// A scalar is a tensor of one element.
static Type getStoredType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (tensor.getRank() > 0)
    return tensor;
  return RankedTensorType::get({1}, tensor.getElementType());
}

LogicalResult KernelEmitter::run() {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("has several blocks; only one is supported");
  Block *source = &function.getBody().front();
  FunctionType type = function.getFunctionType();
  for (Type value :
       llvm::concat<const Type>(type.getInputs(), type.getResults())) {
    auto tensor = dyn_cast<RankedTensorType>(value);
    if (!tensor || (tensor.getRank() > 0 &&
                    llvm::is_contained(tensor.getShape().drop_front(),
                                       ShapedType::kDynamic)))
      return function.emitOpError()
             << "has an argument or result of type " << value
             << "; needs ranked tensors, static but for the batch";
  }

  // The new body takes the inputs, then a destination for each result.
  Block *body = new Block();
  function.getBody().push_front(body);
  for (Type input : type.getInputs())
    body->addArgument(getStoredType(input), function.getLoc());
  for (Type result : type.getResults())
    outputs.push_back(
        body->addArgument(getStoredType(result), function.getLoc()));
  for (auto [before, after] :
       llvm::zip(source->getArguments(), body->getArguments()))
    store(before, after);
  builder.setInsertionPointToStart(body);
  for (BlockArgument argument : body->getArguments())
    if (!batch && cast<RankedTensorType>(argument.getType()).isDynamicDim(0))
      batch = tensor::DimOp::create(builder, argument, 0);
  if (batch)
    batchMultiples[1] = batch;

  for (Operation &op : *source)
    if (failed(convert(&op)))
      return failure();

  SmallVector<DictionaryAttr> attributes;
  auto addAttributes = [&](DictionaryAttr given, Type type, bool isOutput) {
    NamedAttrList list(given);
    if (isOutput)
      list.set("bufferization.writable", builder.getBoolAttr(true));
    if (cast<RankedTensorType>(type).getRank() == 0)
      list.set(kernel::kScalarArgumentAttr, builder.getUnitAttr());
    attributes.push_back(list.getDictionary(builder.getContext()));
  };
  for (auto [i, input] : llvm::enumerate(type.getInputs()))
    addAttributes(function.getArgAttrDict(i), input, /*isOutput=*/false);
  for (auto [i, result] : llvm::enumerate(type.getResults()))
    addAttributes(function.getResultAttrDict(i), result, /*isOutput=*/true);
  source->dropAllReferences();
  source->dropAllUses();
  source->erase();
  function.setFunctionType(builder.getFunctionType(
      body->getArgumentTypes(), TypeRange(ValueRange(outputs))));
  function.setAllArgAttrs(attributes);
  return success();
}
