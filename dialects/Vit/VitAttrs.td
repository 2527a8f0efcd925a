//===- VitAttrs.td - Attributes of the vit dialect ------ -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_ATTRS_TD
#define VIT_ATTRS_TD

include "Vit/VitDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"

class Vit_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Vit_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Vit_Activation : I32EnumAttr<"Activation", "activation of a linear layer or a convolution", [
    I32EnumAttrCase<"None", 0, "none">,
    I32EnumAttrCase<"Gelu", 1, "gelu">,
    I32EnumAttrCase<"GeluTanh", 2, "gelu_tanh">,
    I32EnumAttrCase<"GeluQuick", 3, "gelu_quick">,
    I32EnumAttrCase<"Relu", 4, "relu">,
    I32EnumAttrCase<"Silu", 5, "silu">,
    I32EnumAttrCase<"Sigmoid", 6, "sigmoid">]> {
  let cppNamespace = "::vitc::vit";
  let genSpecializedAttr = 0;
}
def Vit_ActivationAttr : EnumAttr<Vit_Dialect, Vit_Activation, "activation"> {
  let assemblyFormat = "`<` $value `>`";
}

def Vit_GeluForm : I32EnumAttr<"GeluForm", "how a GELU is computed", [
    I32EnumAttrCase<"Exact", 0, "exact">,
    I32EnumAttrCase<"Tanh", 1, "tanh">,
    I32EnumAttrCase<"Quick", 2, "quick">]> {
  let cppNamespace = "::vitc::vit";
  let genSpecializedAttr = 0;
}
def Vit_GeluFormAttr : EnumAttr<Vit_Dialect, Vit_GeluForm, "gelu_form"> {
  let assemblyFormat = "`<` $value `>`";
}

def Vit_NormAttr : Vit_Attr<"Norm", "norm"> {
  let summary = "normalisation of the rows that a product reads";
  let description = [{
    A row x of K values becomes (x - mean) / sqrt(variance + epsilon), with the mean
    and the biased variance of the row; with `rms`, 0 stands for the mean, and the
    mean of squares for the variance. Scale and shift of the layer's norm are part
    of the weights that multiply it.
    Source: Ba et al. 2016 (layer norm), Zhang and Sennrich 2019 (RMS norm).
    C1: epsilon is 0 or more, and finite.
    ```mlir
    #vit.norm<epsilon = 1.000000e-05 : f64>
    ```
  }];
  let parameters = (ins "::mlir::FloatAttr":$epsilon, DefaultValuedParameter<"bool", "false">:$rms);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Weight expressions
//===----------------------------------------------------------------------===//

def Vit_WeightExprKind : I32EnumAttr<"WeightExprKind", "operation of a weight expression", [
    I32EnumAttrCase<"Ref", 0, "ref">,
    I32EnumAttrCase<"Cast", 1, "cast">,
    I32EnumAttrCase<"Reshape", 2, "reshape">,
    I32EnumAttrCase<"Slice", 3, "slice">,
    I32EnumAttrCase<"Concat", 4, "concat">,
    I32EnumAttrCase<"Add", 5, "add">,
    I32EnumAttrCase<"Pack", 6, "pack">,
    I32EnumAttrCase<"Transpose", 7, "transpose">,
    I32EnumAttrCase<"Data", 8, "data">,
    I32EnumAttrCase<"Scale", 9, "scale">,
    I32EnumAttrCase<"Product", 10, "product">]> {
  let cppNamespace = "::vitc::vit";
  let genSpecializedAttr = 0;
}

def Vit_WeightExprAttr : Vit_Attr<"WeightExpr", "expr", [TypedAttrInterface]> {
  let summary = "the value of a weight, as an expression on stored tensors";
  let description = [{
    Stands for a tensor without holding its data: the object writer evaluates it
    tile by tile. `operands` are expressions, or, for `ref`, one symbol, or, for
    `data`, one elements attribute.

      ref      the vit.weight @name as stored
      data     the values of a DenseElementsAttr of this type
      cast     to the element type of `type`
      reshape  same elements in row-major order
      slice    rows [params[0], params[0] + type.dim(0)) of dim 0
      concat   along dim 0
      add      element by element, operands of one shape
      transpose  dim i of the result is dim params[i] of the operand
      scale    the first operand, times the second, a vector, along dim params[0]
      product  of a matrix [N, K] and a vector [K]: [N], summed in f64
      pack     [N, K] to the layout that every gemm kernel reads: panels
               [N/64][K16][64], K16 = K rounded up to 16 and zero-filled; the last
               panel is N mod 64 rounded up to 16 wide; a flat tensor of
               packedSize(N, K) elements. Of f16 and bf16 panels are
               [N/64][K16/8][64][8]: 8 neighbours of a row of [N, K] side by side;
               of tf32 [N/64][K16/4][64][4]

    `type` has a float element type (`data` and what moves it: any integer or float;
    i1 is stored in one byte), a static shape of rank 1 or more without empty dims, and less than 2^62 bytes.
    A tf32, which no `data` holds, is stored as the f32 of its value.
    ```mlir
    #vit.expr<cast, [#vit.expr<ref, [@classifier.weight]> : tensor<10x128xf16>]> : tensor<10x128xf32>
    ```
  }];
  let parameters = (ins EnumParameter<Vit_WeightExprKind>:$kind,
                        ArrayRefParameter<"::mlir::Attribute">:$operands,
                        OptionalArrayRefParameter<"int64_t">:$params,
                        AttributeSelfTypeParameter<"", "::mlir::RankedTensorType">:$type);
  let assemblyFormat = "`<` $kind `,` `[` $operands `]` (`,` `params` `=` `[` $params^ `]`)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static WeightExprAttr ref(::mlir::FlatSymbolRefAttr name, ::mlir::RankedTensorType type);
    /// Each of these folds what it can: a cast to the same type is its operand.
    static WeightExprAttr castTo(WeightExprAttr operand, ::mlir::Type elementType);
    static WeightExprAttr reshape(WeightExprAttr operand, ::llvm::ArrayRef<int64_t> shape);
    static WeightExprAttr slice(WeightExprAttr operand, int64_t begin, int64_t size);
    static WeightExprAttr concat(::llvm::ArrayRef<WeightExprAttr> operands);
    static WeightExprAttr add(WeightExprAttr lhs, WeightExprAttr rhs);
    static WeightExprAttr pack(WeightExprAttr matrix);
    static WeightExprAttr transpose(WeightExprAttr operand, ::llvm::ArrayRef<int64_t> permutation);
    /// `values` has a ranked type of rank 1 or more.
    static WeightExprAttr data(::mlir::DenseElementsAttr values);
    /// `operand`, its dim `dim` multiplied by `factors`, a vector.
    static WeightExprAttr scale(WeightExprAttr operand, WeightExprAttr factors, int64_t dim);
    static WeightExprAttr product(WeightExprAttr matrix, WeightExprAttr vector);
    WeightExprAttr getExprOperand(unsigned index);
    /// Columns of a panel of the packed layout, and what its tail and K round to.
    static constexpr int64_t kPanelColumns = 64;
    static constexpr int64_t kPackGranule = 16;
    /// Elements of a packed [n, k] matrix; saturates.
    static int64_t packedSize(int64_t n, int64_t k);
    /// Bytes of a stored element: one of an i1, four of a tf32.
    static int64_t getStoredElementBytes(::mlir::Type element);
    /// Bytes of a stored tensor; none for a dynamic shape, an empty dim
    /// or 2^62 bytes and more.
    static ::std::optional<int64_t> getStoredBytes(::mlir::RankedTensorType type);
  }];
}

//===----------------------------------------------------------------------===//
// The model as its user sees it
//===----------------------------------------------------------------------===//

def Vit_Padding : I32EnumAttr<"Padding", "what fills the input around a smaller picture", [
    I32EnumAttrCase<"None", 0, "none">,
    I32EnumAttrCase<"Zero", 1, "zero">,
    I32EnumAttrCase<"Mirror", 2, "mirror">,
    I32EnumAttrCase<"Center", 3, "center">]> {
  let cppNamespace = "::vitc::vit";
  let genSpecializedAttr = 0;
}

def Vit_PaddingParameter : EnumParameter<Vit_Padding> {
  let defaultValue = "::vitc::vit::Padding::None";
}

def Vit_PreprocessAttr : Vit_Attr<"Preprocess", "preprocess"> {
  let summary = "how a picture becomes the input, in this order";
  let description = [{
    Resize to `resize` (height, width; one number: the shorter edge; with `inside` the
    largest size within both that keeps the aspect ratio) with PIL's filter number
    `interpolation` (0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, 5 hamming),
    crop the centre to `crop`, multiply by `rescale`, normalise to (x - mean) / std,
    pad to the input's size. An absent step is not done.

    Without `antialias` a filter does not widen where a side shrinks.
    `pad`: `zero` puts zeros to the right and below, `mirror` the picture's last
    columns and rows, the edge included; `center` puts zeros on all sides.
    Channels are those of PIL's modes L, LA, RGB, RGBA, as many as the input has; of
    three, with `bgr`, the blue one comes first.
    `mask` names an input [B, H, W] that is 1 where the picture is and 0 where it
    was padded. `noise` names an input that the program fills with uniform numbers
    from 0 to 1, the same for every picture.
    C1: resize has 1 or 2 entries, with `inside` 2, crop 2, all positive.
    C2: interpolation is a filter's number.
    C3: mean and std come together, one entry for each of 1 to 4 channels; no
    entry of std is 0.
  }];
  let parameters = (ins OptionalParameter<"::mlir::DenseI64ArrayAttr">:$resize,
                        DefaultValuedParameter<"bool", "false">:$inside,
                        DefaultValuedParameter<"int64_t", "2">:$interpolation,
                        DefaultValuedParameter<"bool", "true">:$antialias,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$crop,
                        Vit_PaddingParameter:$pad,
                        OptionalParameter<"::mlir::FloatAttr">:$rescale,
                        OptionalParameter<"::mlir::DenseF64ArrayAttr">:$mean,
                        OptionalParameter<"::mlir::DenseF64ArrayAttr">:$std,
                        DefaultValuedParameter<"bool", "false">:$bgr,
                        OptionalParameter<"::mlir::StringAttr">:$mask,
                        OptionalParameter<"::mlir::StringAttr">:$noise);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Vit_TextAttr : Vit_Attr<"Text", "text"> {
  let summary = "how text becomes inputs";
  let description = [{
    `tokenizer` is the table that vitc::import_::readTokenizer made of the source's
    files, which the program carries as it is. An item's text is cut to `maxLength`
    tokens, or padded to them. `ids`, `mask` and `types` name the inputs [B, maxLength]
    of integers that get the tokens' numbers, 1 for each token and 0 for padding, and
    the number of the sentence.
    C1: tokenizer is a vector of i8.
    C2: maxLength is positive.
    ```mlir
    #vit.text<tokenizer = dense_resource<tokenizer> : tensor<4096xi8>, maxLength = 77, ids = "input_ids">
    ```
  }];
  let parameters = (ins "::mlir::DenseResourceElementsAttr":$tokenizer, "int64_t":$maxLength,
                        "::mlir::StringAttr":$ids, OptionalParameter<"::mlir::StringAttr">:$mask,
                        OptionalParameter<"::mlir::StringAttr">:$types);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Vit_TokenGridAttr : Vit_Attr<"TokenGrid", "token_grid"> {
  let summary = "where the tokens lie in the picture";
  let description = [{
    `prefix` tokens (class, distillation, registers), then height x width patches,
    row-major. `classToken` says that token 0 is a class token.
    C1: height and width are positive, prefix is 0 or more, 1 or more with a class
    token.
  }];
  let parameters = (ins "int64_t":$prefix, "int64_t":$height, "int64_t":$width, "bool":$classToken);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Vit_AttentionLayerAttr : Vit_Attr<"AttentionLayer", "attention_layer"> {
  let summary = "where the queries and keys of an attention layer lie in the picture";
  let description = [{
    `number` counts the model's attention layers from 0, `name` is the source's.
    `queries` and `keys` are grids that their tokens fill; absent where they are not
    tokens of the picture. With `window`, tokens are those of a window of Mh x Mw of a
    map that was padded to `size` and rolled by `shift`, as vit.window_partition and
    vit.cyclic_shift do; the grids are then the map before both. With `projection`,
    the keys are rows of result number `projection` of @attention, [Nk, N], times the
    N tokens of `keys`.
    C1: window, size and shift come together, 2 numbers each; the window's are positive
    and divide the size, the size holds the grids, the shift's are 0 or more and less.
    C2: projection is -1, for none, or more, and not in windows.
    ```mlir
    #vit.attention_layer<number = 0, name = "layers.0", keys = <prefix = 0, height = 7, width = 7, classToken = false>,
        window = [4, 4], size = [8, 8], shift = [2, 2]>
    ```
  }];
  let parameters = (ins "int64_t":$number, "::mlir::StringAttr":$name,
                        OptionalParameter<"TokenGridAttr">:$queries, OptionalParameter<"TokenGridAttr">:$keys,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$window,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$size,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$shift,
                        DefaultValuedParameter<"int64_t", "-1">:$projection);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Vit_RankingAttr : Vit_Attr<"Ranking", "ranking"> {
  let summary = "how well a text fits a picture, by their embeddings";
  let description = [{
    The score of image i and text t is scale * (image[i] · text[t]) + bias, where
    image [B, E] is the output image_embeds of @forward, text [T, E] is text_embeds of
    @text, and each row has length 1.
    Source: Radford et al. 2021 (CLIP), fig. 3; Zhai et al. 2023 (SigLIP), algorithm 1.
    C1: scale is positive; scale and bias are finite.
  }];
  let parameters = (ins "::mlir::FloatAttr":$scale, "::mlir::FloatAttr":$bias);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Vit_EarlyStopping : I32EnumAttr<"EarlyStopping", "when a beam search is done with an item", [
    I32EnumAttrCase<"Off", 0, "off">,
    I32EnumAttrCase<"On", 1, "on">,
    I32EnumAttrCase<"Never", 2, "never">]> {
  let cppNamespace = "::vitc::vit";
  let genSpecializedAttr = 0;
}

def Vit_EarlyStoppingParameter : EnumParameter<Vit_EarlyStopping> {
  let defaultValue = "::vitc::vit::EarlyStopping::Off";
}

def Vit_GenerationAttr : Vit_Attr<"Generation", "generation"> {
  let summary = "how @step is run to generate tokens";
  let description = [{
    The tensors of @step go by their names. `token`, an input [B] or [B, 1] of
    integers, is the token before; `position`, an input [1] of integers, is how many
    tokens came before it, the same for all rows; `scores`, an output [B, V] or
    [B, 1, V], are logits of the next token over the vocabulary. An input and an
    output of one name are a state: it begins as @encode's output of that name, else
    as zeros, and what a step returns goes into the next. An input with the name of an
    output of @encode is memory, one with the name of an input of @encode is that
    input.

    Generation feeds `start`, then what it chooses, until a token of `end` or until
    there are `maxLength` tokens, `start` included. Text given by the user comes
    behind `start` or, with `promptReplacesStart`, instead of it. Rows that ended
    before others are filled with `pad`. What changes the logits (with beams their log
    softmax) before a choice, in this order:

      repetitionPenalty r   negative scores of tokens that were there, times r, others
                            divided by r
      noRepeatNgram n       no n tokens follow each other twice
      suppressed            tokens that are never chosen
      minLength             no end before as many tokens
      forcedFirst           the token behind one start token
      forcedLast            the token number maxLength
      beginSuppressed       tokens that are not chosen first
      renormalize           scores become log probabilities again

    Beam search keeps `beams` rows an item; a hypothesis of L tokens behind the prompt
    has its sum of log probabilities divided by L ^ lengthPenalty as its score.
    `earlyStopping`: an item is done when it has as many hypotheses as beams and, if
    `off`, the best row's score now, if `never`, the best that it could reach, is less
    than the worst hypothesis'; if `on`, at once.
    `attention`, an output [B, ..., keys], is how much each key of the source counts
    for the token that follows; without it the attention layers of @step tell.
    `tokenizer`, a table as #vit.text has, makes text of tokens.
    Source: Vaswani et al. 2017, section 6.1, and Wu et al. 2016 (GNMT), section 7,
    as transformers 5 computes them.
    C1: start has a token; maxLength is larger than their number, minLength is less
    than it.   C2: tokens are 0 or more, forcedFirst and forcedLast -1 for none.
    C3: beams is 1 to 1024, noRepeatNgram 0 or more.   C4: lengthPenalty is finite,
    repetitionPenalty positive and finite.   C5: tokenizer is a vector of i8.
    ```mlir
    #vit.generation<token = "input_ids", position = "position", scores = "logits", start = [0], end = [1], pad = 0,
        maxLength = 20>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$token, OptionalParameter<"::mlir::StringAttr">:$position,
                        "::mlir::StringAttr":$scores, "::mlir::DenseI64ArrayAttr":$start,
                        "::mlir::DenseI64ArrayAttr":$end, "int64_t":$pad, "int64_t":$maxLength,
                        DefaultValuedParameter<"int64_t", "0">:$minLength,
                        DefaultValuedParameter<"bool", "false">:$promptReplacesStart,
                        DefaultValuedParameter<"int64_t", "1">:$beams,
                        OptionalParameter<"::mlir::FloatAttr">:$lengthPenalty,
                        Vit_EarlyStoppingParameter:$earlyStopping,
                        OptionalParameter<"::mlir::FloatAttr">:$repetitionPenalty,
                        DefaultValuedParameter<"int64_t", "0">:$noRepeatNgram,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$suppressed,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$beginSuppressed,
                        DefaultValuedParameter<"int64_t", "-1">:$forcedFirst,
                        DefaultValuedParameter<"int64_t", "-1">:$forcedLast,
                        DefaultValuedParameter<"bool", "false">:$renormalize,
                        OptionalParameter<"::mlir::StringAttr">:$attention,
                        OptionalParameter<"::mlir::DenseResourceElementsAttr">:$tokenizer);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Vit_ModelAttr : Vit_Attr<"Model", "model"> {
  let summary = "what the compiled program needs to know beside its functions";
  let description = [{
    `name` is the source's architecture, `labels` the class names, `source` the hex
    BLAKE3 of the weights. `task` says what the outputs mean; each is the first output
    of the shape:

      tensor          nothing to the program
      classification  scores [B, classes]
      embedding       whatever the outputs are
      segmentation    scores [B, classes, h, w]
      detection       scores [B, Q, classes + 1], the last class being no object, and
                      boxes [B, Q, 4]: centre x, centre y, width, height, as parts of
                      the picture
      picture         [B, 1 or 3, h, w], normalised as the input is
      ranking         scores [B, texts], or what `ranking` makes them of
      fill-mask       scores [B, N, tokens] of what stands at each token's place
      generation      tokens, as `generation` says

    Scores are logits, of which a softmax gives probabilities; with `sigmoid` each is
    one of its own, and a detection has no class of no object.
    C1: task is one of these; generation comes with its attribute, and that with it.
    C2: parameters is 0 or more.
    C3: labels are strings.
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::StringAttr":$task,
                        "::mlir::StringAttr":$source, "int64_t":$parameters,
                        OptionalParameter<"::mlir::StringAttr">:$licence,
                        OptionalParameter<"::mlir::ArrayAttr">:$labels,
                        OptionalParameter<"PreprocessAttr">:$preprocess,
                        OptionalParameter<"TokenGridAttr">:$grid,
                        OptionalParameter<"TextAttr">:$text,
                        DefaultValuedParameter<"bool", "false">:$sigmoid,
                        OptionalParameter<"RankingAttr">:$ranking,
                        OptionalParameter<"GenerationAttr">:$generation);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // VIT_ATTRS_TD
