//===- Linear.td - Linear layers and their activations -- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_LINEAR_TD
#define VIT_LINEAR_TD

include "Vit/VitAttrs.td"

def Vit_LinearOp : Vit_Op<"linear", [Pure, AttrSizedOperandSegments,
    InferTypeOpAdaptor]> {
  let summary = "matrix product with bias, activation and residual";
  let description = [{
    result = activation(norm(input) · weight^T + bias) + residual, along the last axis
    of input. `norm` is none, or normalises each row of the input first.

    Shapes: input [..., K], weight [N, K] (PyTorch's layout), bias [N], residual and
    result [..., N]. Accumulates in f32 for element types of 32 bits or less.
    C1: input ends in K.    C2: bias has N elements.    C3: residual has result's shape.
    ```mlir
    %y = vit.linear %x, %w bias(%b : tensor<16xf32>) activation gelu
        : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor:$input, Vit_Parameter2D:$weight, Optional<Vit_Parameter1D>:$bias,
                       Optional<Vit_FloatTensor>:$residual,
                       DefaultValuedAttr<Vit_ActivationAttr, "Activation::None">:$activation,
                       OptionalAttr<Vit_NormAttr>:$norm);
  let results = (outs Vit_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` `(` $bias^ `:` type($bias) `)`)? (`residual` `(` $residual^ `:` type($residual) `)`)?
    (`activation` custom<Keyword>($activation)^)? (`norm` $norm^)? attr-dict `:` type($input) `,` type($weight) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Vit_GeluOp : Vit_Op<"gelu", [Pure, SameOperandsAndResultType]> {
  let summary = "Gaussian error linear unit, elementwise";
  let description = [{
    By `form`:

      exact  x * Phi(x) = x * (1 + erf(x / sqrt 2)) / 2
      tanh   x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2
      quick  x / (1 + exp(-1.702 x))

    Source: Hendrycks and Gimpel 2016.
    ```mlir
    %y = vit.gelu %x tanh : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor:$input, DefaultValuedAttr<Vit_GeluFormAttr, "GeluForm::Exact">:$form);
  let results = (outs Vit_FloatTensor:$result);
  let assemblyFormat = "$input (custom<OptionalKeyword>($form)^)? attr-dict `:` type($result)";
  let extraClassDeclaration = [{
    /// The same function as a linear layer's activation.
    Activation getActivation();
  }];
}

#endif // VIT_LINEAR_TD
