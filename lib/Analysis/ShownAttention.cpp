//===- ShownAttention.cpp - Attention that has maps -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/ShownAttention.h"

#include "mlir/Analysis/SliceAnalysis.h"

using namespace mlir;
using namespace vitc::vit;

/// The names of what `function` returns.
static DenseSet<Attribute> getResultNames(func::FuncOp function) {
  DenseSet<Attribute> names;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (Attribute name = function.getResultAttr(i, VitDialect::kNameAttr))
      names.insert(name);
  return names;
}

/// The arguments of @step that tell of tokens: the last one, its position, and
/// states, which have the name of a result.
static DenseSet<Value> getTokenArguments(func::FuncOp step,
                                         GenerationAttr generation) {
  DenseSet<Attribute> results = getResultNames(step);
  DenseSet<Value> arguments;
  for (BlockArgument argument : step.getArguments()) {
    Attribute name =
        step.getArgAttr(argument.getArgNumber(), VitDialect::kNameAttr);
    if (name && (name == generation.getToken() ||
                 name == generation.getPosition() || results.contains(name)))
      arguments.insert(argument);
  }
  return arguments;
}

SmallVector<AttentionOp> vitc::getShownAttention(func::FuncOp function,
                                                 GenerationAttr generation) {
  SmallVector<AttentionOp> attentions(function.getOps<AttentionOp>());
  if (!generation)
    return attentions;
  DenseSet<Value> tokens = getTokenArguments(function, generation);
  llvm::erase_if(attentions, [&](AttentionOp op) {
    SetVector<Operation *> slice;
    BackwardSliceOptions options;
    options.omitBlockArguments = true;
    options.inclusive = true;
    Value key = op.getKey();
    if (!key.getDefiningOp())
      return tokens.contains(key);
    (void)getBackwardSlice(key, &slice, options);
    return llvm::any_of(slice, [&](Operation *each) {
      return llvm::any_of(each->getOperands(), [&](Value operand) {
        return tokens.contains(operand);
      });
    });
  });
  return attentions;
}
