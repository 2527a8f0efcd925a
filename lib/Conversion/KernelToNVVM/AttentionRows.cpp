//===- AttentionRows.cpp - Tokens' rows, to shared memory -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace vitc::kernel;

//===----------------------------------------------------------------------===//
// Where rows lie
//===----------------------------------------------------------------------===//

Value DeviceTokenRows::getOffset(DeviceBuilder &b, Value item, Value head,
                                 Value token) const {
  if (!table)
    return b.apply(expr, {item, head, token, b.index(0)});
  return b.add(b.toIndex(b.load(table, token)),
               b.apply(expr, {item, head, b.index(0), b.index(0)}));
}

int64_t DeviceTokenRows::getVectorWidth(int64_t most) const {
  int64_t width = most;
  while (divisor % width != 0 || size % width != 0)
    width /= 2;
  return width;
}

DeviceTokenRows DeviceTokenTables::add(DeviceTokenRows rows,
                                       const Access &access, Value tokens) {
  std::optional<TokenOffset> offset = splitTokenOffset(access, tokens);
  if (!offset)
    return rows;
  int64_t count = *getConstant(tokens);
  auto *table = llvm::find_if(tables, [&](const Table &table) {
    return table.expr == offset->ofToken && table.tokens == count;
  });
  if (table == tables.end()) {
    int64_t used = 0;
    for (const Table &each : tables)
      used += each.tokens;
    if ((used + count) * static_cast<int64_t>(sizeof(int64_t)) >
        AttentionBlock::kMaxTableBytes / 2)
      return rows;
    tables.push_back(
        {offset->ofToken, count, b.getShared(count, b.getI64Type())});
    table = &tables.back();
  }
  rows.expr = offset->rest;
  rows.table = table->memory;
  return rows;
}

void DeviceTokenTables::fill(Value item) {
  for (const Table &table : tables)
    b.forLoop(b.getThread(), b.index(table.tokens), b.getNumThreads(),
              [&](Value token) {
                Value offset =
                    b.apply(table.expr, {item, b.index(0), token, b.index(0)});
                b.store(b.toInteger(offset, 64), table.memory, token);
              });
  if (!tables.empty())
    b.barrier();
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

SmallVector<Value> vitc::kernel::loadFloats(DeviceBuilder &b,
                                            DevicePointer pointer, Value offset,
                                            int64_t width) {
  Value loaded = b.extend(b.load(pointer, offset, width));
  if (width == 1)
    return {loaded};
  SmallVector<Value> elements;
  for (int64_t i = 0; i < width; ++i)
    elements.push_back(vector::ExtractOp::create(b, loaded, i));
  return elements;
}

void vitc::kernel::storeFloats(DeviceBuilder &b, ValueRange values,
                               DevicePointer pointer, Value offset) {
  if (values.size() == 1)
    return b.storeFloat(values.front(), pointer, offset);
  auto type = VectorType::get(values.size(), b.getF32Type());
  Value vector = vector::FromElementsOp::create(b, type, values);
  b.store(b.roundTo(vector, pointer.element), pointer, offset);
}

Value SharedRows::getOffset(DeviceBuilder &b, Value row, Value column) const {
  Value begin = b.mul(row, stride);
  if (pieceStride == 0)
    return b.add(begin, column);
  constexpr int64_t kVector = kVectorBytes / AttentionBlock::kWarpgroupBytes;
  constexpr int64_t kVectors = AttentionBlock::kSwizzledColumns / kVector;
  Value vector = arith::XOrIOp::create(
      b, b.rem(b.div(column, kVector), kVectors), b.rem(row, kVectors));
  Value piece = b.mul(b.div(column, stride), pieceStride);
  return b.add(b.add(piece, begin),
               b.add(b.mul(vector, kVector), b.rem(column, kVector)));
}

/// Runs `body` on the rows that this thread has of `count`, with `step` threads
/// on each column.
static void forEachRow(DeviceBuilder &b, int64_t count, int64_t step,
                       Value first, function_ref<void(Value)> body) {
  if (count % step != 0)
    return b.forLoop(first, b.index(count), step, body);
  // With a constant number of rounds.
  b.forLoop(b.index(0), b.index(count), step,
            [&](Value row) { body(b.add(row, first)); });
}

void vitc::kernel::copyRows(DeviceBuilder &b, const DeviceTokenRows &rows,
                            Value item, Value head, Value first, Value end,
                            int64_t count, SharedRows target) {
  constexpr int64_t kLeastBytes = 4; // of a copy
  DevicePointer memory = rows.getMemory();
  bool isCopied = memory.element == target.memory.element ||
                  getHeldType(memory.element) == target.memory.element;
  int64_t elementBytes =
      vit::WeightExprAttr::getStoredElementBytes(memory.element);
  int64_t width = isCopied ? rows.getVectorWidth(kVectorBytes / elementBytes)
                           : rows.getVectorWidth();
  int64_t bytes = width * elementBytes;
  RowLanes lanes(rows.getSize() / width);
  Value lane = b.mul(b.rem(b.getThread(), lanes.lanes), width);
  auto copyVector = [&](Value from, Value to, Value valid) {
    if (isCopied && bytes >= kLeastBytes)
      return b.copyAsync(target.memory, to, memory, from, bytes, valid);
    auto load = [&] { return loadFloats(b, memory, from, width); };
    auto zeros = [&] { return SmallVector<Value>(width, b.scalar(0.0)); };
    SmallVector<Type> types(width, b.getF32Type());
    storeFloats(b, b.ifElse(valid, types, load, zeros), target.memory, to);
  };
  forEachRow(
      b, count, b.getNumThreads() / lanes.lanes,
      b.div(b.getThread(), lanes.lanes), [&](Value row) {
        Value token = b.add(first, row);
        Value valid = b.less(token, end);
        // Of no token nothing is read: its table has none.
        Value from = b.add(
            rows.getOffset(b, item, head, b.select(valid, token, b.index(0))),
            lane);
        for (int64_t part = 0; part < lanes.getParts(); ++part) {
          int64_t column = part * lanes.lanes * width;
          auto copy = [&] {
            copyVector(b.add(from, column),
                       target.getOffset(b, row, b.add(lane, column)), valid);
          };
          bool isLast = part + 1 == lanes.getParts();
          if (isLast && lanes.isRagged())
            b.ifElse(b.less(b.add(lane, column), b.index(rows.getSize())), copy,
                     nullptr);
          else
            copy();
        }
      });
}

void vitc::kernel::clearColumns(DeviceBuilder &b, SharedRows target,
                                int64_t count, int64_t begin, int64_t end) {
  if (begin == end)
    return;
  Value zero = arith::ConstantOp::create(
      b, b.getFloatAttr(getHeldType(target.memory.element), 0.0));
  b.forLoop(b.getThread(), b.index(count), b.getNumThreads(), [&](Value row) {
    for (int64_t column = begin; column < end; ++column)
      b.store(zero, target.memory, target.getOffset(b, row, b.index(column)));
  });
}
