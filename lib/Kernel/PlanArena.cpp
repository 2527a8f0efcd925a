//===- PlanArena.cpp - Give every buffer a place --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Buffers whose lives do not overlap share memory. A buffer takes base bytes,
// or per-batch bytes for each item of the batch; the two kinds are planned
// apart, so that an offset is base + perBatch * batch for every batch. Largest
// first, each at the lowest place where it overlaps no placed buffer that is
// live with it (greedy by size: Pisarchyk and Lee 2020, section 5.2). A kernel
// that can work in place writes over what it is the last to read.
//
// Weight expressions become kernel.weight symbols, equal ones one symbol. Entry
// functions take the context and find all memory through kernel.buffer.
//
//===----------------------------------------------------------------------===//

#include "InPlace.h"
#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "vitc/Kernel/Passes.h"
#include "vitc/Runtime/Descriptor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

namespace vitc::kernel {
#define GEN_PASS_DEF_PLANARENAPASS
#include "vitc/Kernel/Passes.h.inc"
} // namespace vitc::kernel

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kAlignment = vitc::rt::kBufferAlignment;

namespace {
/// A buffer that lives from op number `first` to op number `last`: the memory
/// of several allocations when kernels work in place.
struct Buffer {
  SmallVector<memref::AllocOp> allocs;
  int64_t first, last;
  int64_t size; // bytes, of the whole or of one item of the batch
  int64_t offset = -1;
};
} // namespace

/// Whether memory can be planned for values of a type.
static bool isPlannable(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && memref.getLayout().isIdentity() &&
         memref.getElementType().isIntOrFloat() && memref.getRank() > 0 &&
         !llvm::is_contained(memref.getShape().drop_front(),
                             ShapedType::kDynamic);
}

/// m of a size m * batch, where asking for the batch has become kernel.batch.
static std::optional<int64_t> getMultiple(Value size) {
  if (size.getDefiningOp<BatchOp>())
    return 1;
  auto product = size.getDefiningOp<arith::MulIOp>();
  IntegerAttr factor;
  if (product && product.getLhs().getDefiningOp<BatchOp>() &&
      matchPattern(product.getRhs(), m_Constant(&factor)))
    return factor.getInt();
  return std::nullopt;
}

/// Bytes of an allocation, of one item of the batch when dim 0 is dynamic.
/// Fails when they overflow.
static FailureOr<int64_t> getBytes(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  SmallVector<int64_t> sizes(type.getShape());
  if (type.isDynamicDim(0)) {
    std::optional<int64_t> multiple =
        getMultiple(alloc.getDynamicSizes().front());
    if (!multiple)
      return alloc.emitOpError("has a size that is not the batch or a static "
                               "multiple of it");
    sizes.front() = *multiple;
  }
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : sizes)
    if (llvm::MulOverflow(bytes, size, bytes))
      return alloc.emitOpError()
             << "needs a buffer " << type << " of more than 2^63 bytes";
  return llvm::alignTo(bytes, kAlignment);
}

/// Lets each kernel that can write over an operand that nothing reads later.
static void shareInPlace(SmallVectorImpl<Buffer> &buffers,
                         const llvm::DenseMap<Operation *, int64_t> &numbers) {
  llvm::DenseMap<Value, size_t> owners;
  for (auto [index, buffer] : llvm::enumerate(buffers))
    owners[buffer.allocs.front()] = index;
  // In the order of the ops, so that a chain of them shares one buffer.
  auto order = llvm::to_vector(llvm::seq(buffers.size()));
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::pair(buffers[a].first, a) < std::pair(buffers[b].first, b);
  });
  for (size_t index : order) {
    Buffer &buffer = buffers[index];
    memref::AllocOp alloc = buffer.allocs.front();
    for (Operation *user : alloc->getUsers()) {
      if (numbers.lookup(user) != buffer.first)
        continue;
      // Not the statistics beside the result.
      auto kernel = dyn_cast<DestinationStyleOpInterface>(user);
      if (!kernel || kernel.getDpsInits().front() != alloc.getMemref())
        break;
      for (Value operand : getInPlaceOperands(user)) {
        auto owner = owners.find(operand);
        if (owner == owners.end() || owner->second == index ||
            buffers[owner->second].last != buffer.first)
          continue;
        Buffer &shared = buffers[owner->second];
        shared.last = buffer.last;
        // Of one type, but maybe of other multiples of the batch.
        shared.size = std::max(shared.size, buffer.size);
        llvm::append_range(shared.allocs, buffer.allocs);
        buffer.allocs.clear();
        owners[alloc] = owner->second;
        break;
      }
      break;
    }
  }
  llvm::erase_if(buffers,
                 [](const Buffer &buffer) { return buffer.allocs.empty(); });
}

/// Places the buffers; returns the bytes that they take together.
static int64_t placeBuffers(MutableArrayRef<Buffer> buffers, bool reuse) {
  SmallVector<Buffer *> order;
  for (Buffer &buffer : buffers)
    order.push_back(&buffer);
  // Of equal sizes the earlier in the array first: the plan is deterministic.
  llvm::sort(order, [](Buffer *a, Buffer *b) {
    return a->size != b->size ? a->size > b->size : a < b;
  });
  SmallVector<Buffer *> placed; // by offset
  int64_t total = 0;
  for (Buffer *buffer : order) {
    int64_t offset = 0;
    for (Buffer *other : placed) {
      bool together = !reuse || (buffer->first <= other->last &&
                                 other->first <= buffer->last);
      if (!together || other->offset + other->size <= offset)
        continue;
      if (offset + buffer->size <= other->offset)
        break;
      offset = other->offset + other->size;
    }
    buffer->offset = offset;
    total = std::max(total, offset + buffer->size);
    placed.insert(llvm::upper_bound(placed, buffer,
                                    [](Buffer *a, Buffer *b) {
                                      return a->offset < b->offset;
                                    }),
                  buffer);
  }
  return total;
}

namespace {
struct PlanArenaPass final
    : vitc::kernel::impl::PlanArenaPassBase<PlanArenaPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<func::FuncOp> entries(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp entry : entries)
      if (failed(planEntry(entry)))
        return signalPassFailure();
    placeWeights();
  }

  /// Gives an entry function its context and every memref of it a place.
  LogicalResult planEntry(func::FuncOp entry);
  /// The arena of one entry: base bytes and bytes an item of the batch.
  FailureOr<std::pair<int64_t, int64_t>> planBuffers(func::FuncOp entry,
                                                     Value context);
  void placeWeights();

  /// Weight expressions in the order of their first use, and who reads them.
  llvm::MapVector<vitc::vit::WeightExprAttr, SmallVector<BufferOp>> weights;
};
} // namespace

/// The name and type of argument `index` as a tensor.
static TensorAttr describe(func::FuncOp entry, unsigned index) {
  auto name = entry.getArgAttrOfType<StringAttr>(
      index, vitc::vit::VitDialect::kNameAttr);
  auto type = cast<MemRefType>(entry.getArgumentTypes()[index]);
  Type element = type.getElementType();
  if (entry.getArgAttr(index, vitc::vit::VitDialect::kUnsignedAttr))
    element =
        IntegerType::get(entry.getContext(), element.getIntOrFloatBitWidth(),
                         IntegerType::Unsigned);
  return TensorAttr::get(
      entry.getContext(),
      name ? name : StringAttr::get(entry.getContext(), "arg" + Twine(index)),
      RankedTensorType::get(type.getShape(), element));
}

LogicalResult PlanArenaPass::planEntry(func::FuncOp entry) {
  if (!entry.getBody().hasOneBlock())
    return entry.emitOpError("has several blocks; only one is supported");
  Block &body = entry.getBody().front();
  auto terminator = cast<func::ReturnOp>(body.getTerminator());
  unsigned numOutputs = terminator.getNumOperands();
  if (numOutputs > body.getNumArguments())
    return entry.emitOpError() << "returns " << numOutputs
                               << " buffers; needs an argument for each";
  for (Type type : body.getArgumentTypes())
    if (!isPlannable(type))
      return entry.emitOpError() << "has an argument of type " << type
                                 << "; needs memrefs, static but for the batch";
  unsigned numInputs = body.getNumArguments() - numOutputs;
  for (auto [index, value] : llvm::enumerate(terminator.getOperands()))
    if (value != body.getArgument(numInputs + index))
      return entry.emitOpError()
             << "does not return its argument " << numInputs + index
             << ", where result " << index << " belongs";
  terminator->setOperands({});

  SmallVector<TensorAttr> inputs, outputs;
  for (unsigned i = 0; i < numInputs; ++i)
    inputs.push_back(describe(entry, i));
  for (unsigned i = 0; i < numOutputs; ++i)
    outputs.push_back(describe(entry, numInputs + i));

  MLIRContext *context = &getContext();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  Value runContext =
      body.insertArgument(0u, ContextType::get(context), entry.getLoc());
  for (unsigned i = 0; i < numInputs + numOutputs; ++i) {
    BlockArgument argument = body.getArgument(1);
    bool isInput = i < numInputs;
    Value buffer =
        BufferOp::create(builder, entry.getLoc(), argument.getType(),
                         runContext, isInput ? Space::Input : Space::Output,
                         isInput ? i : i - numInputs, 0, FlatSymbolRefAttr());
    argument.replaceAllUsesWith(buffer);
    body.eraseArgument(1);
  }
  entry.setAllArgAttrs(ArrayRef<DictionaryAttr>(
      SmallVector<DictionaryAttr>(numInputs + numOutputs)));
  entry.setFunctionType(
      builder.getFunctionType({ContextType::get(context)}, {}));
  entry.setAllResultAttrs(ArrayRef<DictionaryAttr>());

  FailureOr<std::pair<int64_t, int64_t>> arena = planBuffers(entry, runContext);
  if (failed(arena))
    return failure();
  entry->setAttr(
      KernelDialect::kEntryAttr,
      EntryAttr::get(context, inputs, outputs, arena->first, arena->second));
  return success();
}

FailureOr<std::pair<int64_t, int64_t>>
PlanArenaPass::planBuffers(func::FuncOp entry, Value context) {
  Block &body = entry.getBody().front();
  SmallVector<Buffer> fixed, scaled;
  int64_t number = 0;
  llvm::DenseMap<Operation *, int64_t> numbers;
  for (Operation &op : body)
    numbers[&op] = number++;

  for (Operation &op : llvm::make_early_inc_range(body)) {
    OpBuilder builder(&op);
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      auto name = FlatSymbolRefAttr::get(&getContext(), "unplaced");
      auto buffer = BufferOp::create(builder, op.getLoc(), constant.getType(),
                                     context, Space::Weights, 0, 0, name);
      weights[constant.getValue()].push_back(buffer);
      constant.replaceAllUsesWith(buffer.getResult());
      constant.erase();
    } else if (auto dim = dyn_cast<memref::DimOp>(op)) {
      auto type = dyn_cast<MemRefType>(dim.getSource().getType());
      if (!type || dim.getConstantIndex() != 0 || !type.isDynamicDim(0))
        return dim.emitOpError("asks for a size that is not the batch");
      dim.replaceAllUsesWith(
          BatchOp::create(builder, op.getLoc(), context).getResult());
      dim.erase();
    } else if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
      if (!isPlannable(alloc.getType()))
        return alloc.emitOpError() << "needs a buffer " << alloc.getType()
                                   << "; buffers are static but for the batch";
      FailureOr<int64_t> size = getBytes(alloc);
      if (failed(size))
        return failure();
      Buffer buffer{{alloc}, std::numeric_limits<int64_t>::max(), 0, *size};
      for (Operation *user : alloc->getUsers()) {
        buffer.first = std::min(buffer.first, numbers[user]);
        buffer.last = std::max(buffer.last, numbers[user]);
      }
      (alloc.getType().isDynamicDim(0) ? scaled : fixed).push_back(buffer);
    } else if (isa<memref::MemRefDialect>(op.getDialect())) {
      return op.emitOpError("is left by bufferisation; every kernel must own "
                            "its destination");
    } else if (op.getNumRegions() != 0 && !isa<GenericOp>(op)) {
      return op.emitOpError(
          "has regions; buffers live along a list of kernels");
    }
  }

  if (reuse) {
    shareInPlace(fixed, numbers);
    shareInPlace(scaled, numbers);
  }
  int64_t base = placeBuffers(fixed, reuse);
  int64_t perBatch = placeBuffers(scaled, reuse);
  auto replace = [&](Buffer &buffer, int64_t offset, int64_t scale) {
    memref::AllocOp first = buffer.allocs.front();
    OpBuilder builder(first);
    Value place =
        BufferOp::create(builder, first.getLoc(), first.getType(), context,
                         Space::Arena, offset, scale, FlatSymbolRefAttr());
    for (memref::AllocOp alloc : buffer.allocs) {
      alloc.replaceAllUsesWith(place);
      alloc.erase();
    }
  };
  for (Buffer &buffer : fixed)
    replace(buffer, buffer.offset, 0);
  for (Buffer &buffer : scaled)
    replace(buffer, base, buffer.offset);
  return std::make_pair(base, perBatch);
}

void PlanArenaPass::placeWeights() {
  OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
  int64_t offset = 0;
  for (auto [index, entry] : llvm::enumerate(weights)) {
    auto &[value, buffers] = entry;
    std::string name = "weight" + std::to_string(index);
    WeightOp::create(builder, buffers.front().getLoc(), name, offset, value);
    for (BufferOp buffer : buffers)
      buffer.setWeight(name);
    RankedTensorType type = value.getType();
    offset +=
        llvm::alignTo(type.getNumElements() *
                          llvm::divideCeil(type.getElementTypeBitWidth(), 8),
                      kAlignment);
  }
}
