// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @gru_cell_c1_columns(%x: tensor<2x25xf32>, %h: tensor<2x8xf32>) {
  // expected-error @+1 {{'vit.gru_cell' op has gates 'tensor<2x25xf32>' for state 'tensor<2x8xf32>'; needs 3 gates of its columns, its batch and its elements}}
  %y = vit.gru_cell %x, %x, %h order [0, 1, 2] : tensor<2x25xf32>, tensor<2x8xf32>
  return
}

// -----

func.func @gru_cell_c1_batch(%x: tensor<3x24xf32>, %h: tensor<2x8xf32>) {
  // expected-error @+1 {{'vit.gru_cell' op has gates 'tensor<3x24xf32>' for state 'tensor<2x8xf32>'; needs 3 gates of its columns, its batch and its elements}}
  %y = vit.gru_cell %x, %x, %h order [0, 1, 2] : tensor<3x24xf32>, tensor<2x8xf32>
  return
}

// -----

func.func @gru_cell_c2_twice(%x: tensor<2x24xf32>, %h: tensor<2x8xf32>) {
  // expected-error @+1 {{'vit.gru_cell' op has order [0, 1, 1]; needs each number from 0 to 2 once}}
  %y = vit.gru_cell %x, %x, %h order [0, 1, 1] : tensor<2x24xf32>, tensor<2x8xf32>
  return
}

// -----

func.func @lstm_cell_c1_elements(%g: tensor<2x32xf16>, %c: tensor<2x8xf32>) {
  // expected-error @+1 {{'vit.lstm_cell' op has gates 'tensor<2x32xf16>' for state 'tensor<2x8xf32>'; needs 4 gates of its columns, its batch and its elements}}
  %h, %d = vit.lstm_cell %g, %c order [0, 1, 2, 3] : tensor<2x32xf16>, tensor<2x8xf32>
  return
}

// -----

func.func @lstm_cell_c2_short(%g: tensor<2x32xf32>, %c: tensor<2x8xf32>) {
  // expected-error @+1 {{'vit.lstm_cell' op has order [0, 1, 2]; needs each number from 0 to 3 once}}
  %h, %d = vit.lstm_cell %g, %c order [0, 1, 2] : tensor<2x32xf32>, tensor<2x8xf32>
  return
}
