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
// Weight expressions become kernel.weight symbols, equal ones one symbol, a
// part of a concatenation a place in it. Entry functions take the context and
// find all memory through kernel.buffer.
//
//===----------------------------------------------------------------------===//

#include "InPlace.h"
#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Kernel/Passes.h"
#include "vitc/Kernel/ScalarArgument.h"
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

namespace {
/// The ops of an entry function in their order, but for the bodies of kernels;
/// those in a loop or branch have numbers from its `first` to its `last`.
struct OpNumbers {
  explicit OpNumbers(func::FuncOp entry) { add(entry.getBody().front()); }

  SmallVector<Operation *> order;
  llvm::DenseMap<Operation *, int64_t> first, last;

private:
  void add(Block &block) {
    for (Operation &op : block) {
      first[&op] = order.size();
      order.push_back(&op);
      if (!isa<GenericOp>(op))
        for (Region &region : op.getRegions())
          for (Block &inner : region)
            add(inner);
      last[&op] = order.size() - 1;
    }
  }
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

/// Bytes of an allocation, of one item of the batch when dim 0 is dynamic.
/// Fails when they overflow.
static FailureOr<int64_t> getBytes(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  SmallVector<int64_t> sizes(type.getShape());
  if (type.isDynamicDim(0)) {
    std::optional<vitc::KernelSize> size =
        vitc::getKernelSize(alloc.getDynamicSizes().front());
    if (!size || !size->timesBatch)
      return alloc.emitOpError("has a size that is not the batch or a static "
                               "multiple of it");
    sizes.front() = size->factor;
  }
  int64_t bytes =
      vitc::vit::WeightExprAttr::getStoredElementBytes(type.getElementType());
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
  ArrayRef<int64_t> shape = type.getShape();
  if (entry.getArgAttr(index, kScalarArgumentAttr))
    shape = {};
  return TensorAttr::get(
      entry.getContext(),
      name ? name : StringAttr::get(entry.getContext(), "arg" + Twine(index)),
      RankedTensorType::get(shape, element),
      entry.getArgAttrOfType<DenseI64ArrayAttr>(
          index, vitc::vit::VitDialect::kCountedAttr));
}

/// Whether `input`, which is returned, is a state: the result's destination has
/// its name and is not written.
static bool isState(func::FuncOp entry, BlockArgument input,
                    BlockArgument destination) {
  auto getName = [&](BlockArgument argument) {
    return entry.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                              vitc::vit::VitDialect::kNameAttr);
  };
  return destination.use_empty() && getName(input) &&
         getName(input) == getName(destination);
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
  // States that are updated where they lie, and arguments that are written.
  SmallVector<int64_t> inPlace;
  SmallVector<int32_t> slots(numOutputs, -1);
  SmallVector<TensorAttr> inputs, outputs;
  for (unsigned i = 0; i < numInputs; ++i)
    inputs.push_back(describe(entry, i));
  for (auto [index, value] : llvm::enumerate(terminator.getOperands())) {
    BlockArgument destination = body.getArgument(numInputs + index);
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getArgNumber() < numInputs &&
        isState(entry, argument, destination)) {
      inPlace.push_back(argument.getArgNumber());
    } else if (argument == destination) {
      slots[index] = outputs.size();
      outputs.push_back(describe(entry, numInputs + index));
    } else {
      return entry.emitOpError()
             << "does not return its argument " << numInputs + index
             << ", where result " << index << " belongs";
    }
  }
  // Which outputs count others, now that states are none.
  for (TensorAttr &output : outputs)
    if (DenseI64ArrayAttr counted = output.getCounted()) {
      if (slots[counted[1]] < 0)
        return entry.emitOpError()
               << "has output " << output.getName() << " counted by result "
               << counted[1] << ", a state; needs one that is none";
      output = TensorAttr::get(
          entry.getContext(), output.getName(), output.getType(),
          DenseI64ArrayAttr::get(entry.getContext(),
                                 {counted[0], slots[counted[1]]}));
    }
  terminator->setOperands({});

  MLIRContext *context = &getContext();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  Value runContext =
      body.insertArgument(0u, ContextType::get(context), entry.getLoc());
  for (unsigned i = 0; i < numInputs + numOutputs; ++i) {
    BlockArgument argument = body.getArgument(1);
    bool isInput = i < numInputs;
    int64_t slot = isInput ? int64_t(i) : slots[i - numInputs];
    if (slot >= 0)
      argument.replaceAllUsesWith(
          BufferOp::create(builder, entry.getLoc(), argument.getType(),
                           runContext, isInput ? Space::Input : Space::Output,
                           slot, 0, FlatSymbolRefAttr()));
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
  entry->setAttr(KernelDialect::kEntryAttr,
                 EntryAttr::get(context, inputs, outputs, arena->first,
                                arena->second, inPlace));
  return success();
}

FailureOr<std::pair<int64_t, int64_t>>
PlanArenaPass::planBuffers(func::FuncOp entry, Value context) {
  SmallVector<Buffer> fixed, scaled;
  OpNumbers numbers(entry);
  for (Operation *each : numbers.order) {
    Operation &op = *each;
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
        // What a loop uses lives as long as the loop.
        Operation *around = alloc->getBlock()->findAncestorOpInBlock(*user);
        buffer.first = std::min(buffer.first, numbers.first.lookup(around));
        buffer.last = std::max(buffer.last, numbers.last.lookup(around));
      }
      (alloc.getType().isDynamicDim(0) ? scaled : fixed).push_back(buffer);
    } else if (isa<memref::MemRefDialect>(op.getDialect()) &&
               !isa<memref::LoadOp>(op)) {
      // A number is read for a kernel's offset; nothing else is left.
      return op.emitOpError("is left by bufferisation; every kernel must own "
                            "its destination");
    } else if (isa<scf::ForOp, scf::WhileOp>(op) &&
               llvm::any_of(op.getResultTypes(), llvm::IsaPred<MemRefType>)) {
      return op.emitOpError("has results; what a loop carries must stay in one "
                            "buffer");
    } else if (op.getNumRegions() != 0 &&
               !isa<GenericOp, scf::ForOp, scf::WhileOp>(op)) {
      return op.emitOpError("has regions; buffers live along a list of "
                            "kernels and loops");
    }
  }

  if (reuse) {
    shareInPlace(fixed, numbers.first);
    shareInPlace(scaled, numbers.first);
  }
  int64_t base = placeBuffers(fixed, reuse);
  int64_t perBatch = placeBuffers(scaled, reuse);
  auto replace = [&](Buffer &buffer, int64_t offset, int64_t scale) {
    memref::AllocOp first = buffer.allocs.front();
    // Not inside of a loop: the buffers of an entry are those of its block.
    OpBuilder builder(entry.getBody().front().findAncestorOpInBlock(*first));
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
  using Expr = vitc::vit::WeightExprAttr;
  // What a concatenation holds at an aligned byte is read there.
  DenseMap<Expr, std::pair<Expr, int64_t>> parts;
  for (auto &[value, buffers] : weights) {
    if (value.getKind() != vitc::vit::WeightExprKind::Concat)
      continue;
    int64_t offset = 0;
    for (unsigned i = 0; i < value.getOperands().size(); ++i) {
      Expr part = value.getExprOperand(i);
      if (offset % kAlignment == 0)
        parts.try_emplace(part, value, offset);
      offset += *Expr::getStoredBytes(part.getType());
    }
  }

  OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
  DenseMap<Expr, std::string> names;
  int64_t offset = 0;
  for (auto &[value, buffers] : weights) {
    if (parts.contains(value))
      continue;
    std::string &name = names[value];
    name = "weight" + std::to_string(names.size() - 1);
    WeightOp::create(builder, buffers.front().getLoc(), name, offset, value);
    offset += llvm::alignTo(*Expr::getStoredBytes(value.getType()), kAlignment);
  }
  for (auto &[value, buffers] : weights) {
    Expr whole = value;
    int64_t begin = 0;
    for (auto part = parts.find(whole); part != parts.end();
         part = parts.find(whole)) {
      whole = part->second.first;
      begin += part->second.second;
    }
    for (BufferOp buffer : buffers) {
      buffer.setWeight(names.at(whole));
      buffer.setOffset(begin);
    }
  }
}
