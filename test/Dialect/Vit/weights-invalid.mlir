// RUN: vit-opt %s -split-input-file -verify-diagnostics

vit.weight_file @weights path "model.safetensors" hash "3f2a"
// expected-error @+1 {{'vit.weight' op 'weight_c1_both' has both a file and a seed; it needs exactly one}}
vit.weight @weight_c1_both : tensor<4xf32> file(@weights offset 0) seed(7 mean 0.0 scale 1.0)

// -----

// expected-error @+1 {{'vit.weight' op 'weight_c1_neither' has neither a file nor a seed; it needs exactly one}}
vit.weight @weight_c1_neither : tensor<4xf32>

// -----

vit.weight_file @weights path "model.safetensors" hash "3f2a"
// expected-error @+1 {{'vit.weight' op 'weight_c2_element' has element type 'i32'; needs f16, bf16, f32 or f64}}
vit.weight @weight_c2_element : tensor<4xi32> file(@weights offset 0)

// -----

// expected-error @+1 {{'vit.weight' op 'weight_c2_generated' has element type 'f16'; needs f32}}
vit.weight @weight_c2_generated : tensor<4xf16> seed(7 mean 0.0 scale 1.0)

// -----

vit.weight_file @weights path "model.safetensors" hash "3f2a"
// expected-error @+1 {{'vit.weight' op 'weight_c3_dynamic' has type 'tensor<?xf32>'; needs static dims of 1 or more and less than 2^62 bytes}}
vit.weight @weight_c3_dynamic : tensor<?xf32> file(@weights offset 0)

// -----

// expected-error @+1 {{'vit.weight' op 'weight_c3_empty' has type 'tensor<4x0xf32>'; needs static dims of 1 or more}}
vit.weight @weight_c3_empty : tensor<4x0xf32> seed(7 mean 0.0 scale 1.0)

// -----

// 2^60 elements of 4 bytes.
// expected-error @+1 {{'vit.weight' op 'weight_c3_bytes' has type 'tensor<1073741824x1073741824xf32>'; needs static dims of 1 or more and less than 2^62 bytes}}
vit.weight @weight_c3_bytes : tensor<1073741824x1073741824xf32> seed(7 mean 0.0 scale 1.0)

// -----

vit.weight_file @weights path "model.safetensors" hash "3f2a"
// expected-error @+1 {{'vit.weight' op 'weight_c4_offset_negative' has offset -4; needs 0 or more}}
vit.weight @weight_c4_offset_negative : tensor<4xf32> file(@weights offset -4)

// -----

vit.weight_file @weights path "model.safetensors" hash "3f2a"
// expected-error @+1 {{'vit.weight' op 'weight_c4_no_offset' has a file but no offset; it needs both or neither}}
"vit.weight"() <{file = @weights, sym_name = "weight_c4_no_offset", type = tensor<4xf32>}> : () -> ()

// -----

// expected-error @+1 {{'vit.weight' op 'weight_c4_no_file' has an offset but no file; it needs both or neither}}
"vit.weight"() <{offset = 0 : i64, seed = 7 : i64, mean = 0.0 : f32, scale = 1.0 : f32, sym_name = "weight_c4_no_file", type = tensor<4xf32>}> : () -> ()

// -----

// expected-error @+1 {{'vit.weight' op 'weight_c4_no_scale' has only a part of seed, mean and scale; it needs all or none}}
"vit.weight"() <{seed = 7 : i64, mean = 0.0 : f32, sym_name = "weight_c4_no_scale", type = tensor<4xf32>}> : () -> ()

// -----

// expected-error @+1 {{'vit.weight' op 'weight_c5_file' refers to file @weights, which no vit.weight_file defines}}
vit.weight @weight_c5_file : tensor<4xf32> file(@weights offset 0)

// -----

func.func @constant_c1_no_weight() {
  // expected-error @+1 {{'vit.constant' op refers to weight @w, which no vit.weight defines}}
  %0 = vit.constant #vit.expr<ref, [@w]> : tensor<4xf32>
  return
}

// -----

vit.weight @w : tensor<4xf32> seed(7 mean 0.0 scale 1.0)
func.func @constant_c2_type() {
  // expected-error @+1 {{'vit.constant' op refers to weight @w as 'tensor<8xf32>' but it is 'tensor<4xf32>'}}
  %0 = vit.constant #vit.expr<slice, [#vit.expr<ref, [@w]> : tensor<8xf32>], params = [0]> : tensor<4xf32>
  return
}
