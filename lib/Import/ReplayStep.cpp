//===- ReplayStep.cpp - A step that says known tokens ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReplayStep.h"

#include "Onnx/TensorBuilder.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;
using onnx::Shape;
using onnx::Size;
using onnx::TensorBuilder;

/// The score of the token that is said, others have 0: its probability is 1.
static constexpr double kScore = 100;

/// Whether column v of a row is the token that the row has at `position`, or
/// at its end.
static Value buildScores(TensorBuilder &b, Value tokens, Value position,
                         int64_t vocabulary) {
  Shape shape = {b.getShape(tokens).front(), vocabulary};
  int64_t last = cast<RankedTensorType>(tokens.getType()).getDimSize(1) - 1;
  auto map = AffineMap::get(/*dimCount=*/2, 0, {}, b.getContext());
  return b.generic(
      b.reshape(position, {}), map, shape, b.getF32Type(),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value row = linalg::IndexOp::create(b, 0);
        Value column = linalg::IndexOp::create(b, 1);
        Value at = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
        at = arith::MinUIOp::create(b, at,
                                    arith::ConstantIndexOp::create(b, last));
        Value token = tensor::ExtractOp::create(b, tokens, ValueRange{row, at});
        Value number = arith::IndexCastOp::create(b, token.getType(), column);
        Value isSaid =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, token, number);
        return arith::SelectOp::create(
            b, isSaid, TensorBuilder::scalar(b, b.getF32Type(), kScore),
            TensorBuilder::scalar(b, b.getF32Type(), 0));
      });
}

OwningOpRef<ModuleOp> import_::buildReplayStep(Location loc,
                                               const ReplayNames &names,
                                               RankedTensorType type,
                                               int64_t vocabulary) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  TensorBuilder b(loc, loc.getContext());
  int64_t batch = type.getDimSize(0);
  auto token = RankedTensorType::get({batch, 1}, b.getI64Type());
  auto position = RankedTensorType::get(1, b.getI64Type());
  auto scores = RankedTensorType::get({batch, vocabulary}, b.getF32Type());
  b.setInsertionPointToEnd(module->getBody());
  auto step = func::FuncOp::create(
      b, "step", b.getFunctionType({token, position, type}, {scores}));
  const StringRef inputs[] = {names.token, names.position, names.tokens};
  for (auto [index, name] : llvm::enumerate(inputs))
    step.setArgAttr(index, vit::VitDialect::kNameAttr, b.getStringAttr(name));
  step.setResultAttr(0, vit::VitDialect::kNameAttr,
                     b.getStringAttr(names.scores));
  b.startFunction(step.addEntryBlock());
  Value tokens = step.getArgument(2);
  if (ShapedType::isDynamic(batch)) {
    b.setBatchSource(tokens, 0);
    b.setShape(tokens, {Size::batch(1), type.getDimSize(1)});
  }
  func::ReturnOp::create(
      b, buildScores(b, tokens, step.getArgument(1), vocabulary));
  return module;
}
