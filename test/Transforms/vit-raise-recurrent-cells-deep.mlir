// A chain too long to be followed to its end.
// RUN: %python -c "print('func.func @negative_deep_chain(%%x: tensor<2x4xf32>) -> tensor<2x4xf32> {');\
// RUN:   print('%%v0 = math.tanh %%x : tensor<2x4xf32>');\
// RUN:   [print('%%v' + str(i) + ' = arith.negf %%v' + str(i - 1) + ' : tensor<2x4xf32>') for i in range(1, 60000)];\
// RUN:   print('%%t0 = math.tanh %%v59999 : tensor<2x4xf32>');\
// RUN:   [print('%%t' + str(i) + ' = math.tanh %%t' + str(i - 1) + ' : tensor<2x4xf32>') for i in range(1, 5)];\
// RUN:   print('%%y = arith.addf %%t4, %%t3 : tensor<2x4xf32> return %%y : tensor<2x4xf32> }')" > %t.mlir
// RUN: vit-opt %t.mlir -vit-raise-recurrent-cells | FileCheck %s

// CHECK-LABEL: func @negative_deep_chain(
//   CHECK-NOT:   vit.lstm_cell
//       CHECK:   return
