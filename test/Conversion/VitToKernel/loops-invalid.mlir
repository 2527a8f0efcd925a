// RUN: vit-opt %s -convert-vit-to-kernel -split-input-file -verify-diagnostics

func.func @negative_offset_is_a_size(%x: tensor<?x4xf32>, %y: tensor<8x4xf32>) -> tensor<1x4xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{a number of type 'index' decides where a kernel runs; needs one that is computed from a loop's index and elements of tensors}}
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %row = tensor.extract_slice %y[%n, 0] [1, 4] [1, 1] : tensor<8x4xf32> to tensor<1x4xf32>
  return %row : tensor<1x4xf32>
}

// -----

func.func @negative_loop_carries_a_number(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  // expected-error @+1 {{'scf.for' op carries a value of type 'index'; needs tensors}}
  %r:2 = scf.for %i = %c0 to %c8 step %c1 iter_args(%sum = %c0, %y = %x) -> (index, tensor<8x4xf32>) {
    %next = arith.addi %sum, %i : index
    scf.yield %next, %y : index, tensor<8x4xf32>
  }
  return %r#1 : tensor<8x4xf32>
}

// -----

func.func @negative_condition_hands_on_another_value(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %limit = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{'scf.while' op has a condition that hands on a value that the loop does not carry; needs those that it does}}
  %r = scf.while (%a = %x) : (tensor<4xf32>) -> tensor<4xf32> {
    %first = tensor.extract %a[%c0] : tensor<4xf32>
    %goes_on = arith.cmpf olt, %first, %limit : f32
    scf.condition(%goes_on) %y : tensor<4xf32>
  } do {
  ^bb0(%a: tensor<4xf32>):
    scf.yield %a : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

func.func @negative_computed_stride(%x: tensor<8x4xf32>) -> tensor<2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %init = tensor.empty() : tensor<2x4xf32>
  %r = scf.for %i = %c1 to %c3 step %c1 iter_args(%y = %init) -> (tensor<2x4xf32>) {
    // expected-error @+1 {{'tensor.extract_slice' op has a computed stride or one below 1; needs positive static strides}}
    %rows = tensor.extract_slice %x[%i, 0] [2, 4] [%i, 1] : tensor<8x4xf32> to tensor<2x4xf32>
    scf.yield %rows : tensor<2x4xf32>
  }
  return %r : tensor<2x4xf32>
}
