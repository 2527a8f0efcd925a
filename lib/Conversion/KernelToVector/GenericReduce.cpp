//===- GenericReduce.cpp - Reductions of a kernel.generic -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenericReduce.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace vitc::kernel;

/// Vectors of one result that are accumulated side by side: a vector addition
/// takes 3 or 4 cycles on the machines we know.
static constexpr int64_t kAccumulators = 4;
/// Iterations of a reduced dim, and of all together, that become straight code:
/// a filter's, whose offsets are constants then.
static constexpr int64_t kUnrolledSize = 4;
static constexpr int64_t kUnrolledTotal = 16;

/// The associative op that alone updates the accumulator, or null.
static Operation *getCombiner(GenericOp op) {
  Value yielded =
      cast<YieldOp>(op.getBody().front().getTerminator()).getValue();
  Operation *combiner = yielded.getDefiningOp();
  BlockArgument accumulator = op.getAccumulator();
  if (!combiner || combiner->getParentRegion() != &op.getBody() ||
      !accumulator.hasOneUse() || *accumulator.user_begin() != combiner ||
      combiner->getNumOperands() != 2 || !arith::getNeutralElement(combiner))
    return nullptr;
  return combiner;
}

bool GenericReduce::isAlongReduced(GenericOp op, ArrayRef<Access> accesses) {
  if (!getCombiner(op))
    return false;
  unsigned result = op.getSizes().size();
  unsigned reduced = op.getNumDims() - 1;
  bool isContiguous = false, prefersResults = op.getSizes().back() > 1;
  for (const Access &access : accesses.drop_back()) {
    std::optional<int64_t> stride = access.getStride(reduced);
    if (stride != 0 && stride != 1)
      return false;
    isContiguous |= stride == 1;
    std::optional<int64_t> along = access.getStride(result);
    prefersResults &= along == 0 || along == 1;
  }
  prefersResults &= accesses.back().getStride(result) == 1;
  // A result that no input distinguishes is as well reduced at once.
  return isContiguous && op.getReduce().back() > 1 && !prefersResults;
}

GenericReduce::GenericReduce(GenericOp op, ArrayRef<Access> accesses,
                             int64_t lanes, KernelBuilder &builder)
    : op(op), accesses(accesses), lanes(lanes), b(builder), body(op, builder) {
  for (Value input : op.getInputs())
    inputs.push_back(b.getFlat(input));
  init = b.getFlat(op.getInit());
}

/// Calls `body` for every index of a box of `sizes`, each with the accumulators
/// that the one before gave.
static SmallVector<Value>
forEachIndex(VectorBuilder &b, ArrayRef<int64_t> sizes, bool unroll,
             SmallVector<Value> &indices, SmallVector<Value> accumulators,
             function_ref<SmallVector<Value>(ValueRange)> body) {
  if (indices.size() == sizes.size())
    return body(accumulators);
  int64_t size = sizes[indices.size()];
  auto next = [&](Value index, ValueRange accumulators) {
    indices.push_back(index);
    SmallVector<Value> result = forEachIndex(
        b, sizes, unroll, indices, SmallVector<Value>(accumulators), body);
    indices.pop_back();
    return result;
  };
  if (size != 1 && !unroll)
    return b.forLoop(b.index(0), b.index(size), 1, accumulators, next);
  for (int64_t i = 0; i < size; ++i)
    accumulators = next(b.index(i), accumulators);
  return accumulators;
}

static bool isUnrolled(ArrayRef<int64_t> sizes) {
  int64_t total = 1;
  for (int64_t size : sizes) {
    if (size > kUnrolledSize)
      return false;
    total *= size;
  }
  return total <= kUnrolledTotal;
}

Value GenericReduce::getStart(Value offset, int64_t stride, int64_t count) {
  Value start;
  if (TypedAttr identity = op.getIdentityAttr())
    start = arith::ConstantOp::create(b, identity);
  else
    start = readElement(b, loadElements(b, init, offset, stride, count),
                        op.getAccumulator().getType());
  return broadcastElements(b, start, count);
}

Value GenericReduce::emitStep(const Elements &elements, Indices indices,
                              unsigned lane, int64_t count, int64_t shift,
                              Value accumulator) {
  unsigned numBoxDims = 1 + op.getSizes().size();
  SmallVector<Value> dims = elements.dims;
  llvm::copy(indices, dims.begin() + numBoxDims);
  unsigned result = numBoxDims - 1;
  dims[result] = b.add(dims[result], shift);
  SmallVector<Value> arguments;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    const Access &access = accesses[i];
    // Away from the results' offset by constant steps, where there are such.
    Value offset = b.add(elements.offsets[i], shift * elements.strides[i]);
    for (auto [dim, index] : llvm::enumerate(indices)) {
      std::optional<int64_t> stride = access.getStride(numBoxDims + dim);
      if (!stride) {
        offset = b.apply(access.getOffset(), dims);
        break;
      }
      if (*stride != 0)
        offset = b.add(offset, b.mul(index, *stride));
    }
    int64_t stride = lane == result ? elements.strides[i]
                                    : access.getStride(lane).value_or(0);
    arguments.push_back(loadElements(b, input, offset, stride, count));
  }
  arguments.push_back(accumulator);
  return body.emit({dims, lane, count}, arguments);
}

Value GenericReduce::combine(Value lhs, Value rhs) {
  Operation *combiner = getCombiner(op);
  OperationState state(op.getLoc(), combiner->getName(), {lhs, rhs},
                       lhs.getType(), combiner->getAttrs());
  state.propertiesAttr = combiner->getPropertiesAsAttribute();
  return b.create(state)->getResult(0);
}

void GenericReduce::store(Value value, Value offset, int64_t stride,
                          int64_t count) {
  storeElements(b, writeElement(b, value, init), init, offset, stride, count);
}

void GenericReduce::emitResults(const Elements &elements) {
  unsigned lane = op.getSizes().size();
  int64_t stride = elements.strides.back();
  auto shiftOf = [&](size_t vector) {
    return static_cast<int64_t>(vector) * elements.count;
  };
  auto offsetOf = [&](size_t vector) {
    return b.add(elements.offsets.back(), shiftOf(vector) * stride);
  };
  SmallVector<Value> accumulators, indices;
  for (int64_t i = 0; i < elements.vectors; ++i)
    accumulators.push_back(getStart(offsetOf(i), stride, elements.count));
  accumulators = forEachIndex(
      b, op.getReduce(), isUnrolled(op.getReduce()), indices, accumulators,
      [&](ValueRange current) {
        SmallVector<Value> next;
        for (auto [i, accumulator] : llvm::enumerate(current))
          next.push_back(emitStep(elements, indices, lane, elements.count,
                                  shiftOf(i), accumulator));
        return next;
      });
  for (auto [i, accumulator] : llvm::enumerate(accumulators))
    store(accumulator, offsetOf(i), stride, elements.count);
}

void GenericReduce::emitFolded(const Elements &elements) {
  unsigned lane = op.getNumDims() - 1;
  int64_t size = op.getReduce().back();
  int64_t width =
      std::min<int64_t>(lanes, llvm::bit_floor(static_cast<uint64_t>(size)));
  int64_t numVectors = std::clamp<int64_t>(size / width, 1, kAccumulators);
  Value offset = elements.offsets.back();

  // Vectors begin as neutral elements; the last accumulator, which takes what
  // fills no vector, begins as the result does.
  Value neutral =
      arith::ConstantOp::create(b, *arith::getNeutralElement(getCombiner(op)));
  SmallVector<Value> accumulators(numVectors,
                                  broadcastElements(b, neutral, width));
  accumulators.push_back(getStart(offset, /*stride=*/0, /*count=*/1));

  SmallVector<Value> indices;
  accumulators = forEachIndex(
      b, op.getReduce().drop_back(), /*unroll=*/false, indices, accumulators,
      [&](ValueRange outer) {
        SmallVector<Value> current(outer);
        auto step = [&](Value position, int64_t count, Value accumulator) {
          SmallVector<Value> at(indices);
          at.push_back(position);
          return emitStep(elements, at, lane, count, /*shift=*/0, accumulator);
        };
        int64_t begin = 0;
        for (int64_t several : {numVectors, int64_t(1)}) {
          int64_t end =
              begin + (size - begin) / (several * width) * (several * width);
          if (begin == end)
            continue;
          SmallVector<Value> vectors =
              b.forLoop(b.index(begin), b.index(end), several * width,
                        ArrayRef(current).take_front(several),
                        [&](Value position, ValueRange arguments) {
                          SmallVector<Value> next;
                          for (auto [i, argument] : llvm::enumerate(arguments))
                            next.push_back(step(b.add(position, i * width),
                                                width, argument));
                          return next;
                        });
          llvm::copy(vectors, current.begin());
          begin = end;
        }
        if (begin < size)
          current.back() = b.forLoop(
              b.index(begin), b.index(size), 1, current.back(),
              [&](Value position, ValueRange arguments) {
                return SmallVector<Value>{step(position, 1, arguments[0])};
              })[0];
        return current;
      });

  Value folded = accumulators[0];
  for (int64_t i = 1; i < numVectors; ++i)
    folded = combine(folded, accumulators[i]);
  for (int64_t half = width / 2; half > 0; half /= 2) {
    auto slice = [&](int64_t from) -> Value {
      return vector::ExtractStridedSliceOp::create(b, folded, from, half,
                                                   /*strides=*/1);
    };
    folded = combine(slice(0), slice(half));
  }
  if (width > 1)
    folded = vector::ExtractOp::create(b, folded, 0);
  store(combine(accumulators.back(), folded), offset, /*stride=*/0,
        /*count=*/1);
}
