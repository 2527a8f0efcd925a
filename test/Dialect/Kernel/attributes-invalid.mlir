// RUN: vit-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{#kernel.tensor "y" of type 'tensor<4xf32>' has counted = [0]; needs a dim of it and the number of an output}}
#tensor_c1_one_number = #kernel.tensor<name = "y", type = tensor<4xf32>, counted = [0]>

// -----

// expected-error @+1 {{#kernel.tensor "y" of type 'tensor<4xf32>' has counted = [1, 0]; needs a dim of it and the number of an output}}
#tensor_c1_dim = #kernel.tensor<name = "y", type = tensor<4xf32>, counted = [1, 0]>

// -----

// expected-error @+1 {{#kernel.tensor "y" of type 'tensor<4xf32>' has counted = [0, -1]; needs a dim of it and the number of an output}}
#tensor_c1_output = #kernel.tensor<name = "y", type = tensor<4xf32>, counted = [0, -1]>

// -----

// expected-error @+1 {{#kernel.entry has output "y" counted by output 1 of 1; needs one i64}}
#entry_c1_output = #kernel.entry<inputs = [], outputs = [<name = "y", type = tensor<4xf32>, counted = [0, 1]>],
                                 arena = 0, per_batch = 0>

// -----

// expected-error @+1 {{#kernel.entry has output "y" counted by output 1 of 2; needs one i64}}
#entry_c1_type = #kernel.entry<inputs = [], outputs = [<name = "y", type = tensor<4xf32>, counted = [0, 1]>,
                                                       <name = "n", type = tensor<2xi64>>],
                               arena = 0, per_batch = 0>

// -----

// expected-error @+1 {{#kernel.entry has in_place 1; has 1 inputs and needs one of them}}
#entry_c2 = #kernel.entry<inputs = [<name = "cache", type = tensor<4xf32>>], outputs = [],
                          arena = 0, per_batch = 0, in_place = [1]>
