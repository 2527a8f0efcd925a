//===- Passes.td - Passes from vit to vit --------------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TRANSFORMS_PASSES_TD
#define VITC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def NarrowTokensPass : Pass<"vit-narrow-tokens", "mlir::func::FuncOp"> {
  let summary = "compute only the tokens that are read";
  let description = [{
    A classifier on the class token reads one token of the last block. The slice
    moves up through norms, linear layers, activations, residuals and the queries of
    attention, to where another token is needed: for ViT-B/16 this saves 7 % of all
    FLOPs. Each value that is still computed keeps its bits.
    Example: test/Transforms/vit-narrow-tokens.mlir
  }];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numNarrowed", "num-narrowed", "ops that compute fewer tokens">];
}

def FuseQkvPass : Pass<"vit-fuse-qkv", "mlir::func::FuncOp"> {
  let summary = "make one wide product of linear layers that read one input";
  let description = [{
    Query, key and value become slices of one product, whose input is read once.
    Left alone: computed weights, some with a bias and some without, activations.
    Example: test/Transforms/vit-fuse-qkv.mlir
  }];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "vit.linear ops that became slices">];
}

def FuseLinearGeluPass : Pass<"vit-fuse-linear-gelu", "mlir::func::FuncOp"> {
  let summary = "fold vit.gelu into the vit.linear that feeds it";
  let description = [{
    Saves one read and one write of the N x hidden tensor per MLP block.
    Example: test/Transforms/vit-fuse-linear-gelu.mlir
  }];
  let options = [Option<"fuseTanh", "fuse-tanh", "bool", /*default=*/"true",
      "Also fuse the tanh form; off for targets with an erf-only epilogue">];
  let statistics = [Statistic<"numFused", "num-fused", "vit.gelu ops folded">];
}

def FuseLinearResidualPass : Pass<"vit-fuse-linear-residual", "mlir::func::FuncOp"> {
  let summary = "fold the addition of a residual into the vit.linear before it";
  let description = [{
    Saves one read and one write of the N x E tensor per residual connection.
    Example: test/Transforms/vit-fuse-linear-residual.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "additions folded">];
}

def AddAttentionEntryPass : Pass<"vit-add-attention-entry", "mlir::ModuleOp"> {
  let summary = "add the function that also returns attention maps";
  let description = [{
    @attention is @forward with one more result, [B, layers, heads, keys]: the
    attention of the class token, or the mean over queries where there is none. All
    else stays as it is, fused, so that the outputs keep their bits.
    Left alone, with a remark: models whose layers differ in heads or keys, or whose
    batch is of no argument. Left alone: models without a token grid.
    Example: test/Transforms/vit-add-attention-entry.mlir
  }];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
}

#endif // VITC_TRANSFORMS_PASSES_TD
