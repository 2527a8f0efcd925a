// RUN: vit-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{#vit.expr<ref> needs a static ranked tensor type of rank 1 or more}}
#ref_dynamic = #vit.expr<ref, [@w]> : tensor<?xf32>

// -----

// expected-error @+1 {{#vit.expr<ref> needs a static ranked tensor type of rank 1 or more}}
#ref_rank_0 = #vit.expr<ref, [@w]> : tensor<f32>

// -----

// expected-error @+1 {{#vit.expr<ref> has 2 operands; needs one symbol}}
#ref_two = #vit.expr<ref, [@w, @v]> : tensor<4xf32>

// -----

// expected-error @+1 {{#vit.expr<ref> has operand "w"; needs one symbol}}
#ref_string = #vit.expr<ref, ["w"]> : tensor<4xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4xf32>
// expected-error @+1 {{#vit.expr<cast> has 1 params; only slice, transpose and scale take them}}
#cast_params = #vit.expr<cast, [#w], params = [0]> : tensor<4xf16>

// -----

// expected-error @+1 {{#vit.expr<cast> has operand @w; needs #vit.expr operands}}
#cast_symbol = #vit.expr<cast, [@w]> : tensor<4xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4xf32>
// expected-error @+1 {{#vit.expr<cast> has 2 operands; needs 1}}
#cast_two = #vit.expr<cast, [#w, #w]> : tensor<4xf16>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4xf32>
// expected-error @+1 {{#vit.expr<add> has 1 operands; needs 2}}
#add_one = #vit.expr<add, [#w]> : tensor<4xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4xf32>
// expected-error @+1 {{#vit.expr<cast> cannot make 'tensor<2x2xf16>' of 'tensor<4xf32>'}}
#cast_shape = #vit.expr<cast, [#w]> : tensor<2x2xf16>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<reshape> cannot make 'tensor<5x5xf32>' of 'tensor<4x6xf32>'}}
#reshape_elements = #vit.expr<reshape, [#w]> : tensor<5x5xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<reshape> cannot make 'tensor<24xf16>' of 'tensor<4x6xf32>'}}
#reshape_cast = #vit.expr<reshape, [#w]> : tensor<24xf16>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<slice> has 0 params; needs 1, the first row}}
#slice_no_params = #vit.expr<slice, [#w]> : tensor<1x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<slice> takes 2 rows from row 3 of 4}}
#slice_past_end = #vit.expr<slice, [#w], params = [3]> : tensor<2x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<slice> takes 2 rows from row -1 of 4}}
#slice_negative = #vit.expr<slice, [#w], params = [-1]> : tensor<2x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<slice> cannot make 'tensor<2x5xf32>' of 'tensor<4x6xf32>'}}
#slice_columns = #vit.expr<slice, [#w], params = [0]> : tensor<2x5xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<slice> cannot make 'tensor<2x6xf16>' of 'tensor<4x6xf32>'}}
#slice_cast = #vit.expr<slice, [#w], params = [0]> : tensor<2x6xf16>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<concat> of type 'tensor<8x5xf32>' has an operand of type 'tensor<4x6xf32>'; all but dim 0 must agree}}
#concat_columns = #vit.expr<concat, [#w, #w]> : tensor<8x5xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
#h = #vit.expr<ref, [@h]> : tensor<4x6xf16>
// expected-error @+1 {{#vit.expr<concat> of type 'tensor<8x6xf32>' has an operand of type 'tensor<4x6xf16>'; all but dim 0 must agree}}
#concat_element = #vit.expr<concat, [#w, #h]> : tensor<8x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<concat> of type 'tensor<9x6xf32>' has 8 rows in its operands}}
#concat_rows = #vit.expr<concat, [#w, #w]> : tensor<9x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
#v = #vit.expr<ref, [@v]> : tensor<6xf32>
// expected-error @+1 {{#vit.expr<add> cannot make 'tensor<4x6xf32>' of 'tensor<4x6xf32>' and 'tensor<6xf32>'}}
#add_broadcast = #vit.expr<add, [#w, #v]> : tensor<4x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<10x8xf32>
// expected-error @+1 {{#vit.expr<pack> cannot make 'tensor<80xf32>' of 'tensor<10x8xf32>'}}
#pack_unpadded = #vit.expr<pack, [#w]> : tensor<80xf32>

// -----

// expected-error @+1 {{#vit.expr<ref> has type 'tensor<0x8xf32>'; needs floats, dims of 1 or more and less than 2^62 bytes}}
#ref_empty = #vit.expr<ref, [@w]> : tensor<0x8xf32>

// -----

// expected-error @+1 {{#vit.expr<ref> has type 'tensor<4xindex>'; needs floats}}
#ref_index = #vit.expr<ref, [@w]> : tensor<4xindex>

// -----

// 2^66 bytes, which 64 bits would take for 0.
// expected-error @+1 {{#vit.expr<ref> has type 'tensor<4294967296x4294967296xf32>'; needs floats, dims of 1 or more and less than 2^62 bytes}}
#ref_bytes = #vit.expr<ref, [@w]> : tensor<4294967296x4294967296xf32>

// -----

// expected-error @+1 {{#vit.expr<data> has operand 1.000000e+00 : f32; needs one dense elements attribute of type 'tensor<4xf32>'}}
#data_scalar = #vit.expr<data, [1.0 : f32]> : tensor<4xf32>

// -----

// expected-error @+1 {{#vit.expr<data> has 2 operands; needs one dense elements attribute}}
#data_two = #vit.expr<data, [@w, @v]> : tensor<4xf32>

// -----

// expected-error @+1 {{#vit.expr<data> has type 'tensor<4xindex>'; needs integers or floats, dims of 1 or more and less than 2^62 bytes}}
#data_index = #vit.expr<data, [dense<1> : tensor<4xindex>]> : tensor<4xindex>

// -----

#d = #vit.expr<data, [dense<1> : tensor<4xi64>]> : tensor<4xi64>
// expected-error @+1 {{#vit.expr<cast> has type 'tensor<4xi32>'; needs floats, dims of 1 or more and less than 2^62 bytes}}
#cast_integer = #vit.expr<cast, [#d]> : tensor<4xi32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<transpose> has params [0, 0]; needs a permutation of 2 dims}}
#transpose_twice = #vit.expr<transpose, [#w], params = [0, 0]> : tensor<4x4xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<transpose> has params [1]; needs a permutation of 2 dims}}
#transpose_short = #vit.expr<transpose, [#w], params = [1]> : tensor<6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<transpose> cannot make 'tensor<4x6xf32>' of 'tensor<4x6xf32>'}}
#transpose_shape = #vit.expr<transpose, [#w], params = [1, 0]> : tensor<4x6xf32>

// -----

// expected-error @+1 {{#vit.expr<data> has elements of 24 bits; needs 1, 8, 16, 32 or 64}}
#data_bits = #vit.expr<data, [dense<1> : tensor<4xi24>]> : tensor<4xi24>

// -----

// Values that are written out are numbers of whole bytes.
// expected-error @+1 {{#vit.expr<data> has elements of 19 bits; needs 1, 8, 16, 32 or 64}}
#data_tf32 = #vit.expr<data, [dense<1.0> : tensor<4xtf32>]> : tensor<4xtf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
#v = #vit.expr<ref, [@v]> : tensor<6xf32>
// expected-error @+1 {{#vit.expr<scale> has 0 params; needs 1, the dim}}
#scale_no_dim = #vit.expr<scale, [#w, #v]> : tensor<4x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
#v = #vit.expr<ref, [@v]> : tensor<6xf32>
// expected-error @+1 {{#vit.expr<scale> has operands 'tensor<4x6xf32>' and 'tensor<6xf32>'; needs a vector along dim 0}}
#scale_other_dim = #vit.expr<scale, [#w, #v], params = [0]> : tensor<4x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
#v = #vit.expr<ref, [@v]> : tensor<6xf32>
// expected-error @+1 {{#vit.expr<scale> has operands 'tensor<4x6xf32>' and 'tensor<6xf32>'; needs a vector along dim 2}}
#scale_no_such_dim = #vit.expr<scale, [#w, #v], params = [2]> : tensor<4x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
// expected-error @+1 {{#vit.expr<scale> has 1 operands; needs 2}}
#scale_one = #vit.expr<scale, [#w], params = [1]> : tensor<4x6xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
#v = #vit.expr<ref, [@v]> : tensor<6xf16>
// expected-error @+1 {{#vit.expr<product> has operands 'tensor<4x6xf32>' and 'tensor<6xf16>'; needs a vector along dim 1}}
#product_element_types = #vit.expr<product, [#w, #v]> : tensor<4xf32>

// -----

#w = #vit.expr<ref, [@w]> : tensor<4x6xf32>
#v = #vit.expr<ref, [@v]> : tensor<6xf32>
// expected-error @+1 {{#vit.expr<product> cannot make 'tensor<6xf32>' of 'tensor<4x6xf32>'}}
#product_shape = #vit.expr<product, [#w, #v]> : tensor<6xf32>
