//===- Recurrent.td - Recurrent cells ------------------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_RECURRENT_TD
#define VIT_RECURRENT_TD

include "Vit/VitDialect.td"

def Vit_GruCellOp : Vit_Op<"gru_cell", [Pure, AllTypesMatch<["input", "recurrent"]>,
    AllTypesMatch<["hidden", "result"]>]> {
  let summary = "the gates of a gated recurrent unit";
  let description = [{
    With s(x) = 1 / (1 + exp(-x)) and each of `input` and `recurrent` cut into three
    gates of H columns, of which `order` has the number of the reset gate, of the
    update gate and of the candidate:

      r = s(input_r + recurrent_r)    z = s(input_z + recurrent_z)
      n = tanh(input_n + r * recurrent_n)
      result = (1 - z) * n + z * hidden

    `input` is the step's input times its weights, `recurrent` is `hidden` times its
    own, each with its bias: a vit.linear computes them, all gates at once.
    PyTorch's order is [0, 1, 2], ONNX's [1, 0, 2].

    Shapes: input and recurrent [B, 3H], hidden and result [B, H]. All is computed in
    f32 for element types of 32 bits or less.
    Source: Cho et al. 2014, section 2.3, with the reset gate behind the product as in
    Chung et al. 2014 and cuDNN.
    C1: input has 3 gates of hidden's H, and its B.   C2: order is a permutation of 0, 1, 2.
    ```mlir
    %h = vit.gru_cell %x, %r, %s order [0, 1, 2] : tensor<?x24xf32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor2D:$input, Vit_FloatTensor2D:$recurrent, Vit_FloatTensor2D:$hidden,
                       DenseI64ArrayAttr:$order);
  let results = (outs Vit_FloatTensor2D:$result);
  let assemblyFormat = [{
    $input `,` $recurrent `,` $hidden `order` $order attr-dict `:` type($input) `,` type($hidden)
  }];
  let hasVerifier = 1;
}

def Vit_LstmCellOp : Vit_Op<"lstm_cell", [Pure, AllTypesMatch<["cell", "hidden", "nextCell"]>]> {
  let summary = "the gates of a long short-term memory";
  let description = [{
    With s(x) = 1 / (1 + exp(-x)) and `gates` cut into four of H columns, of which
    `order` has the number of the input gate, of the forget gate, of the candidate and
    of the output gate:

      nextCell = s(gates_f) * cell + s(gates_i) * tanh(gates_c)
      hidden = s(gates_o) * tanh(nextCell)

    `gates` is the step's input times its weights plus the hidden state times its own,
    with the biases: a vit.linear with a residual. PyTorch's order is [0, 1, 2, 3],
    ONNX's [0, 2, 3, 1].

    Shapes: gates [B, 4H], cell, hidden and nextCell [B, H]. All is computed in f32 for
    element types of 32 bits or less.
    Source: Hochreiter and Schmidhuber 1997; Gers et al. 2000, the forget gate.
    C1: gates has 4 gates of cell's H, and its B.   C2: order is a permutation of 0 to 3.
    ```mlir
    %h, %d = vit.lstm_cell %g, %c order [0, 1, 2, 3] : tensor<?x32xf32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor2D:$gates, Vit_FloatTensor2D:$cell, DenseI64ArrayAttr:$order);
  let results = (outs Vit_FloatTensor2D:$hidden, Vit_FloatTensor2D:$nextCell);
  let assemblyFormat = "$gates `,` $cell `order` $order attr-dict `:` type($gates) `,` type($cell)";
  let hasVerifier = 1;
}

#endif // VIT_RECURRENT_TD
