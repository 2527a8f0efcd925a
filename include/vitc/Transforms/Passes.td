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

def RaiseGeluPass : Pass<"vit-raise-gelu", "mlir::func::FuncOp"> {
  let summary = "find GELUs that are written out";
  let description = [{
    A product or quotient of elementwise ops on one tensor becomes vit.gelu where it is
    the same function of each element. The function is evaluated at sample points, so
    that every order of factors and every form of their constants is found; the forms
    of GELU differ from each other by 1e-4 and more, spellings of one by less than 1e-6.
    A remark names each erf that is left, and each expression that is nearly a GELU.
    Example: test/Transforms/vit-raise-gelu.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.gelu ops found">];
}

def RaiseLayerNormPass : Pass<"vit-raise-layer-norm", "mlir::func::FuncOp"> {
  let summary = "find layer norms that are written out";
  let description = [{
    (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) along one axis, with the
    constant scale and shift that follow. Along another axis than the last, the channels
    of [B, C, H, W], it is transposed to the last and back.
    Example: test/Transforms/vit-raise-layer-norm.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.layer_norm ops found">];
}

def RaiseRmsNormPass : Pass<"vit-raise-rms-norm", "mlir::func::FuncOp"> {
  let summary = "find root mean square norms that are written out";
  let description = [{
    x / sqrt(mean(x^2) + epsilon) along one axis, with the constant scale that follows.
    A layer norm, whose input had its mean taken off, is left to vit-raise-layer-norm.
    Example: test/Transforms/vit-raise-rms-norm.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.rms_norm ops found">];
}

def RaisePatchEmbedPass : Pass<"vit-raise-patch-embed", "mlir::func::FuncOp"> {
  let summary = "find patch embeddings written as convolutions";
  let description = [{
    A vit.conv2d whose kernels tile its input and whose result is flattened to tokens
    becomes vit.patch_embed.
    Example: test/Transforms/vit-raise-patch-embed.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.patch_embed ops found">];
}

def RaisePatchLinearPass : Pass<"vit-raise-patch-linear", "mlir::func::FuncOp"> {
  let summary = "find patch embeddings written as linear layers";
  let description = [{
    A vit.linear on the pixels of each patch, in either order, becomes vit.patch_embed.
    A norm of the pixels before it becomes its norm, scale and shift part of the filter
    and the bias. A remark says why such a layer is left. Runs after vit-raise-linear.
    Example: test/Transforms/vit-raise-patch-linear.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.patch_embed ops found">];
}

def RaisePatchTokensPass : Pass<"vit-raise-patch-tokens", "mlir::func::FuncOp"> {
  let summary = "fold class tokens and position embeddings into vit.patch_embed";
  let description = [{
    Constant tokens before the patches, and those put between other tokens and the
    patches (registers); constants added to all tokens or to the patches alone.
    Example: test/Transforms/vit-raise-patch-tokens.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "concatenations and additions folded">];
}

def RaiseWindowsPass : Pass<"vit-raise-windows", "mlir::func::FuncOp"> {
  let summary = "find window partitions and their reverses";
  let description = [{
    The transpose of [B, nH, Mh, nW, Mw, C] to windows first, or back. A window op on
    one window that is the whole map becomes a reshape.
    Example: test/Transforms/vit-raise-windows.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "window ops found">,
                    Statistic<"numFolded", "num-folded", "window ops that became reshapes">];
}

def RaiseCyclicShiftPass : Pass<"vit-raise-cyclic-shift", "mlir::func::FuncOp"> {
  let summary = "find cyclic shifts of feature maps";
  let description = [{
    Two slices whose concatenation rolls the rows or the columns of a map, or a gather
    of rows or columns by a constant index that does, or both axes one after the other.
    Example: test/Transforms/vit-raise-cyclic-shift.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "rolled axes found">];
}

def RaisePatchMergingPass : Pass<"vit-raise-patch-merging", "mlir::func::FuncOp"> {
  let summary = "find patch merging";
  let description = [{
    The concatenation of four strided slices, or a transpose of six dims.
    Example: test/Transforms/vit-raise-patch-merging.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.patch_merging ops found">];
}

def RaiseShiftMaskPass : Pass<"vit-raise-shift-mask", "mlir::func::FuncOp"> {
  let summary = "find the masks of shifted windows among constants";
  let description = [{
    A constant with the values that vit.shift_mask generates for the maps, windows and
    shifts in use becomes that op. So does its part of attention's bias where that is
    the sum of one of [1, H, N, N] and it, which would be H times the mask. Kernels
    compute what the op stands for from indices. A remark names each constant and addend
    of that shape that masks other tokens.
    Runs after vit-raise-windows, vit-raise-cyclic-shift and vit-raise-attention.
    Example: test/Transforms/vit-raise-shift-mask.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.shift_mask ops found">];
}

def RaiseCausalMaskPass : Pass<"vit-raise-causal-mask", "mlir::func::FuncOp"> {
  let summary = "find causal masks among the constants that attention adds";
  let description = [{
    A bias or mask that is 0 for the keys j <= i + offset of each query i, and -inf or a
    number of at most -1e9 for the others, becomes vit.attention's `causal`. A remark says
    why another mask of such numbers is left.
    Runs behind vit-fold-constants and vit-raise-shift-mask.
    Example: test/Transforms/vit-raise-causal-mask.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "masks that became causal forms">];
}

def RaiseKeyLengthPass : Pass<"vit-raise-key-length", "mlir::func::FuncOp"> {
  let summary = "find masks of the rows that a decoder's cache has room for";
  let description = [{
    Where the keys are a vit.cache_update at a position p, terms of the bias or mask that
    are 0 for the keys j < p + offset and -inf for the others become vit.attention's
    `key_length`, p + offset: free rows are not read. Other terms, such as a position bias,
    stay. A number of at most -1e9 masks as -inf does where all terms that stay are known to
    be finite; a remark names an attention where they are not. Masks are evaluated at the
    positions from 0 to the last at which the rows fit in the cache, and a program is
    assumed to be run at these alone; a remark names masks of more than 2048 positions, and
    those that take too long.
    Runs behind vit-raise-attention.
    Example: test/Transforms/vit-raise-key-length.mlir
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect", "vitc::vit::VitDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "attentions that got a key length">];
}

def RaiseRelativePositionBiasPass : Pass<"vit-raise-relative-position-bias", "mlir::func::FuncOp"> {
  let summary = "find relative position biases that are gathered from a table";
  let description = [{
    The rows of a table, stored or computed, that an index picks for each pair of a
    window's tokens, moved to [H, N, N]. What is computed from each element of the bias
    is computed from the table instead.
    Runs before vit-fold-constants, which computes what the rows are read from. A remark
    names each gather from a table of this size by another index.
    Example: test/Transforms/vit-raise-relative-position-bias.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::arith::ArithDialect",
      "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.relative_position_bias ops found">];
}

def RaiseMeanTokensPass : Pass<"vit-raise-mean-tokens", "mlir::func::FuncOp"> {
  let summary = "find means over tokens";
  let description = [{
    The mean over the dims between the batch and the channels, of [B, N, E] or
    [B, H, W, E], also where the channels were moved to the front before. A remark
    names each mean that keeps two other dims.
    Example: test/Transforms/vit-raise-mean-tokens.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.mean_tokens ops found">];
}

def MoveBatchFirstPass : Pass<"vit-move-batch-first", "mlir::func::FuncOp"> {
  let summary = "keep a dynamic batch in dim 0";
  let description = [{
    A tensor that is moved from one with the batch in dim 0 to another of these is moved
    without a batch in other dims between. A linear layer of rows [N * B] computes
    [B, N].
    Example: test/Transforms/vit-move-batch-first.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numMoved", "num-moved", "values whose batch was moved">];
}

def RaiseLinearPass : Pass<"vit-raise-linear", "mlir::func::FuncOp"> {
  let summary = "find linear layers among products with constants";
  let description = [{
    A product of a computed tensor and a constant along one or more dims, in any order
    of operands and dims, becomes vit.linear on the transposed input where it is not
    the last dim that is contracted. So does a 1x1 vit.conv2d between a feature map and
    tokens. A constant that is added to each output channel becomes the bias.
    Left alone: what follows a linear layer along the sequence, as Linformer's keys and
    values; there the tokens' channels stay the last dim. A remark says why another product
    with one constant is left.
    Example: test/Transforms/vit-raise-linear.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.linear ops found">];
}

def RaiseAttentionPass : Pass<"vit-raise-attention", "mlir::func::FuncOp"> {
  let summary = "find attention: softmax between two products";
  let description = [{
    From each linalg.softmax, up through scales, a softcap, biases, masks and movement to the
    product of queries and keys, and down to the product with values. A select of -inf, or
    of a number of at most -1e30, for masked scores becomes an addend: unlike the select it
    does not hide NaN or +inf in a masked score. A remark at each softmax that is left says
    why.
    Example: test/Transforms/vit-raise-attention.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::arith::ArithDialect",
      "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.attention ops found">,
                    Statistic<"numLeft", "num-left", "softmax ops left">];
}

def RaiseSoftmaxMatmulPass : Pass<"vit-raise-softmax-matmul", "mlir::func::FuncOp"> {
  let summary = "find softmax before a product with values";
  let description = [{
    Where the scores are no product of queries and keys, as in additive attention or with
    talking heads before the softmax: vit.softmax_matmul stores no probabilities. A remark
    names softmax ops whose types or sizes stand against it; vit-raise-attention, which
    runs before, names those without a product.
    Example: test/Transforms/vit-raise-softmax-matmul.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect",
      "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.softmax_matmul ops found">];
}

def RaiseAdditiveAttentionPass : Pass<"vit-raise-additive-attention", "mlir::func::FuncOp"> {
  let summary = "find attention whose scores are a product with the tanh of a sum";
  let description = [{
    Follows the scores of a vit.softmax_matmul of one head up to the sum of query and key.
    Runs behind vit-raise-softmax-matmul.
    Example: test/Transforms/vit-raise-additive-attention.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect",
      "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "vit.additive_attention ops found">];
}

def RaiseRecurrentCellsPass : Pass<"vit-raise-recurrent-cells", "mlir::func::FuncOp"> {
  let summary = "find GRU and LSTM cells";
  let description = [{
    An expression over slices of products that is, at random points, the formula of a cell
    becomes vit.gru_cell or vit.lstm_cell, whatever its spelling and the order of the gates.
    Cells with peepholes, other activations or a reset gate before the product are left.
    Example: test/Transforms/vit-raise-recurrent-cells.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::arith::ArithDialect",
      "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "cells found">];
}

def RaiseHeadsPass : Pass<"vit-raise-heads", "mlir::func::FuncOp"> {
  let summary = "write what moves heads as vit.split_heads and vit.merge_heads";
  let description = [{
    Whatever reshapes, transposes and slices lie between the tokens and the operands of
    vit.attention becomes at most a slice of the channels and vit.split_heads; what
    follows its result becomes vit.merge_heads, with more movement where the tokens
    are moved as well. So does what splits tokens into as many heads anywhere else.
    A remark names each operand that is broadcast, which stays as it is.
    Example: test/Transforms/vit-raise-heads.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "operands and results rewritten">];
}

def MergeAttentionHeadsPass : Pass<"vit-merge-attention-heads", "mlir::func::FuncOp"> {
  let summary = "make one attention of heads that are computed one by one";
  let description = [{
    The concatenation of attentions of one shape and scale, whose queries, keys and
    values are each slices of one tensor or linear layers of one input. Left alone:
    heads that read another head's result, biases.
    Runs after vit-raise-heads.
    Example: test/Transforms/vit-merge-attention-heads.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numMerged", "num-merged", "vit.attention ops that became heads of one">];
}

def FoldConstantsPass : Pass<"vit-fold-constants", "mlir::func::FuncOp"> {
  let summary = "compute what depends on constants alone";
  let description = [{
    Transposes, reshapes, slices with unit strides, concatenations, casts to f32 and f32
    sums of stored weights become weight expressions, which hold no data. Every other op
    on constants is computed: integers, scalars and tensors of equal elements become
    arith.constant, other floats vit.constant of a `data` expression.
    Left alone, with a remark: ops with a tensor of more than max-bytes, and ops that
    the evaluator does not cover. Left alone: a linalg.fill that is only written to.
    Example: test/Transforms/vit-fold-constants.mlir
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect", "mlir::linalg::LinalgDialect",
                           "mlir::math::MathDialect", "mlir::tensor::TensorDialect", "vitc::vit::VitDialect"];
  let options = [Option<"maxBytes", "max-bytes", "int64_t", /*default=*/"int64_t(64) << 20",
      "The most bytes of a tensor that is computed">,
                 Option<"foldPositionBias", "fold-position-bias", "bool", /*default=*/"true",
      "Also compute vit.relative_position_bias; off while later passes should see it">];
  let statistics = [Statistic<"numFolded", "num-folded", "ops that became constants">,
                    Statistic<"numTooLarge", "num-too-large", "ops with a tensor of more than max-bytes">];
}

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

def FoldLayerScalePass : Pass<"vit-fold-layer-scale", "mlir::func::FuncOp"> {
  let summary = "fold a factor of each channel into the product before it";
  let description = [{
    LayerScale multiplies what a branch adds to its residual by a constant for each
    channel: the rows of the weight and the bias of the vit.linear or vit.conv2d before it
    are multiplied instead. So are they by a number.
    A remark says why a product with such a constant behind one is left.
    Source: Touvron et al. 2021 (CaiT), section 2.
    Example: test/Transforms/vit-fold-layer-scale.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numFolded", "num-folded", "factors folded">];
}

def FoldBatchNormPass : Pass<"vit-fold-batch-norm", "mlir::func::FuncOp"> {
  let summary = "fold batch norms into the products around them";
  let description = [{
    In inference a batch norm multiplies each channel by a constant and adds another. Behind
    a vit.linear or vit.conv2d both become part of the weight and the bias; before a
    vit.linear, and before a vit.conv2d of 1x1 without padding, the constants that it adds
    become part of the bias, too. One that multiplies by 1 and adds 0 vanishes.
    A remark says why a batch norm behind a product is left.
    Source: Ioffe and Szegedy 2015, section 3.1.
    Example: test/Transforms/vit-fold-batch-norm.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numFolded", "num-folded", "batch norms folded">];
}

def ReassociateProjectionPass : Pass<"vit-reassociate-projection", "mlir::func::FuncOp"> {
  let summary = "project tokens along the sequence before a linear layer, not behind it";
  let description = [{
    Linformer's keys and values are E (X W^T), E [K, N]: they become (E X) W^T where that
    takes fewer multiply-adds. The projections of one X are one product. A bias b adds the
    constant (E 1) b^T. A norm that gives X and has other readers is computed once more.
    A remark says why a projection behind a linear layer is left.
    Source: Wang et al. 2020 (Linformer), eq. (7).
    Example: test/Transforms/vit-reassociate-projection.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numMoved", "num-moved", "projections moved">];
}

def DecomposeConvolutionPass : Pass<"vit-decompose-convolution", "mlir::func::FuncOp"> {
  let summary = "compute convolutions of 3 x 3 taps at a stride of 2 with fewer products";
  let description = [{
    Four results of a 2 x 2 tile take 25 products instead of 36, in nine vit.linear over the
    tiles, where that is less work: with many channels, and tiles enough that 2.8 times
    the weights are worth reading. Pixels are subtracted before the products and sums
    added behind them, in f32. A remark says why a convolution is left.
    Source: Winograd 1980, minimal filtering F(2, 2).
    Example: test/Transforms/vit-decompose-convolution.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numDecomposed", "num-decomposed", "convolutions that became sums">];
}

def FuseQkvPass : Pass<"vit-fuse-qkv", "mlir::func::FuncOp"> {
  let summary = "make one wide product of linear layers that read one input";
  let description = [{
    Query, key and value become slices of one product, whose input is read once.
    Where only some have a bias, as in BEiT and Swin v2, the others' is zeros.
    Left alone: computed weights and biases, activations, residuals, and what is
    computed for attention maps alone, which shares the weights of @forward.
    Example: test/Transforms/vit-fuse-qkv.mlir
  }];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "vit.linear ops that became slices">];
}

def FoldNormAffinePass : Pass<"vit-fold-norm-affine", "mlir::func::FuncOp"> {
  let summary = "fold a norm's scale and shift into the next linear layers' weights";
  let description = [{
    With W' = W diag(scale) and b' = b + W shift for each vit.linear that reads the norm,
    through ops that move whole rows or directly. Both are expressions, the sums of W shift
    in f64, computed once when the program is written.
    A remark says why a norm keeps its scale and shift.
    Example: test/Transforms/vit-fold-norm-affine.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numFolded", "num-folded", "norms that lost scale and shift">];
}

def FuseNormPass : Pass<"vit-fuse-norm", "mlir::func::FuncOp"> {
  let summary = "fuse a norm into the linear layers that read it";
  let description = [{
    A norm without scale and shift becomes the `norm` of the one or two vit.linear ops that
    read it, through ops that move whole rows or directly: its result is not stored.
    A remark says why a norm is left.
    Example: test/Transforms/vit-fuse-norm.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "norms that became part of products">];
}

def FuseLinearGeluPass : Pass<"vit-fuse-linear-gelu", "mlir::func::FuncOp"> {
  let summary = "fold vit.gelu into the product that feeds it";
  let description = [{
    Saves one read and one write of the N x hidden tensor per MLP block. Also where the
    result of the vit.linear or vit.conv2d is moved before.
    Example: test/Transforms/vit-fuse-linear-gelu.mlir
  }];
  let options = [Option<"fuseTanh", "fuse-tanh", "bool", /*default=*/"true",
      "Also fuse the tanh form; off for targets with an erf-only epilogue">];
  let statistics = [Statistic<"numFused", "num-fused", "vit.gelu ops folded">];
}

def FuseActivationPass : Pass<"vit-fuse-activation", "mlir::func::FuncOp"> {
  let summary = "fold ReLU, SiLU and sigmoid into the product that feeds them";
  let description = [{
    However they are written: the function that follows a vit.linear or vit.conv2d, whose
    result may be moved before, is evaluated at sample points.
    Left alone: results with another user.
    Example: test/Transforms/vit-fuse-activation.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "activations folded">];
}

def FuseLinearResidualPass : Pass<"vit-fuse-linear-residual", "mlir::func::FuncOp"> {
  let summary = "fold the addition of a residual into the product before it";
  let description = [{
    Saves one read and one write of the N x E tensor per residual connection. Where
    windows, heads, transposes or reshapes lie between the vit.linear or vit.conv2d and
    the addition, the residual moves back through them, and the sum is moved.
    A remark names each addition behind a slice, which drops a part of the result.
    Left alone: results with another user.
    Example: test/Transforms/vit-fuse-linear-residual.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect", "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "additions folded">];
}

def AddAttentionEntryPass : Pass<"vit-add-attention-entry", "mlir::ModuleOp"> {
  let summary = "add the function that also returns attention maps";
  let description = [{
    @attention is @forward with one more argument, "attention_queries", [layers, 2] of
    i64, which says for each layer what queries are asked for, and with one more result
    for each layer, the map of these queries: see vit.attention_map. All else stays as
    it is, fused, so that the outputs keep their bits.
    A #vit.attention_layer for each layer says where its tokens lie in the picture, as
    the ops before it tell: windows, shifts, padding, patches; keys that are
    projections of tokens (Wang et al. 2020, Linformer) come with one more result,
    the projection.
    Of a model that generates tokens @attention is @step in the same way; its layers
    are those that attend to memory, not to tokens.
    Left alone, with a remark: attention that is not in f32, or whose batch is neither
    the picture's nor its windows'.
    Example: test/Transforms/vit-add-attention-entry.mlir
  }];
  let dependentDialects = ["vitc::vit::VitDialect"];
  let options = [Option<"layers", "layers", "std::string", /*default=*/"\"all\"",
      "Which layers' maps: all, none or numbers such as 0,5-7">];
}

#endif // VITC_TRANSFORMS_PASSES_TD
