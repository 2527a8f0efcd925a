//===- Recurrent.cpp - Recurrent cells to kernels -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All gates of a cell in one sweep over its columns: each gate is another map
// of the product that computed it.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc;

/// 1 / (1 + exp(-x)).
static Value emitSigmoid(ImplicitLocOpBuilder &builder, Value x) {
  Value one = arith::ConstantOp::create(builder,
                                        builder.getFloatAttr(x.getType(), 1.0));
  Value power = math::ExpOp::create(builder, arith::NegFOp::create(builder, x));
  Value divisor = arith::AddFOp::create(builder, one, power);
  return arith::DivFOp::create(builder, one, divisor);
}

/// Columns of gate `number`, of which each has as many as `state`.
static ValueAccess getGate(const ValueAccess &gates, int64_t number,
                           RankedTensorType state) {
  MLIRContext *context = state.getContext();
  AffineExpr b, c;
  bindDims(context, b, c);
  AffineMap columns =
      AffineMap::get(2, 0, {b, c + number * state.getDimSize(1)}, context);
  return {gates.base, gates.map.compose(columns)};
}

ValueAccess KernelEmitter::emitColumns(Value result,
                                       ArrayRef<ValueAccess> inputs,
                                       ColumnBody body) {
  Destination destination = write(result);
  Box box = getBox(result);
  SmallVector<Value> bases;
  SmallVector<AffineMap> maps;
  for (const ValueAccess &input : inputs) {
    bases.push_back(input.base);
    maps.push_back(input.map.compose(box.map));
  }
  auto generic = kernel::GenericOp::create(
      builder, TypeRange(destination.init.getType()), box.batch, box.sizes,
      bases, builder.getAffineMapArrayAttr(maps), destination.init,
      AffineMapAttr::get(destination.map.compose(box.map)),
      kernel::RowTilingAttr());
  {
    OpBuilder::InsertionGuard guard(builder);
    Type type = cast<RankedTensorType>(result.getType()).getElementType();
    Block *block = builder.createBlock(
        &generic.getBody(), {}, SmallVector<Type>(bases.size(), type),
        SmallVector<Location>(bases.size(), builder.getLoc()));
    kernel::YieldOp::create(builder, body(block->getArguments()));
  }
  finish(destination, generic.getResult(0));
  return {generic.getResult(0), destination.map};
}

LogicalResult KernelEmitter::convert(vit::GruCellOp op) {
  RankedTensorType state = op.getHidden().getType();
  ValueAccess input = read(op.getInput()), recurrent = read(op.getRecurrent());
  SmallVector<ValueAccess> inputs;
  for (int64_t number : op.getOrder()) {
    inputs.push_back(getGate(input, number, state));
    inputs.push_back(getGate(recurrent, number, state));
  }
  inputs.push_back(read(op.getHidden()));
  emitColumns(op.getResult(), inputs, [&](ValueRange args) -> Value {
    auto add = [&](Value lhs, Value rhs) -> Value {
      return arith::AddFOp::create(builder, lhs, rhs);
    };
    auto multiply = [&](Value lhs, Value rhs) -> Value {
      return arith::MulFOp::create(builder, lhs, rhs);
    };
    Value reset = emitSigmoid(builder, add(args[0], args[1]));
    Value update = emitSigmoid(builder, add(args[2], args[3]));
    Value candidate =
        math::TanhOp::create(builder, add(args[4], multiply(reset, args[5])));
    // (1 - z) * n + z * h.
    Value change = arith::SubFOp::create(builder, args[6], candidate);
    return add(candidate, multiply(update, change));
  });
  return success();
}

LogicalResult KernelEmitter::convert(vit::LstmCellOp op) {
  RankedTensorType state = op.getCell().getType();
  ValueAccess gates = read(op.getGates());
  auto getRole = [&](unsigned role) {
    return getGate(gates, op.getOrder()[role], state);
  };
  enum : unsigned { kInput, kForget, kCandidate, kOutput };
  // Its reader here is none of its users, which decide where it is placed.
  ValueAccess next =
      emitColumns(op.getNextCell(),
                  {getRole(kInput), getRole(kForget), getRole(kCandidate),
                   read(op.getCell())},
                  [&](ValueRange args) -> Value {
                    Value candidate = math::TanhOp::create(builder, args[2]);
                    Value added = arith::MulFOp::create(
                        builder, emitSigmoid(builder, args[0]), candidate);
                    Value kept = arith::MulFOp::create(
                        builder, emitSigmoid(builder, args[1]), args[3]);
                    return arith::AddFOp::create(builder, kept, added);
                  });
  emitColumns(
      op.getHidden(), {getRole(kOutput), next}, [&](ValueRange args) -> Value {
        return arith::MulFOp::create(builder, emitSigmoid(builder, args[0]),
                                     math::TanhOp::create(builder, args[1]));
      });
  return success();
}
