// RUN: vit-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{'func.func' op has vit.counted = 0 : i64 on a 'tensor<4xf32>'; needs array<i64: dim, result>, the dim of a shaped type}}
func.func private @counted_number() -> (tensor<4xf32> {vit.counted = 0}, tensor<i64>)

// -----

// expected-error @+1 {{'func.func' op has vit.counted = array<i64: 0> on a 'tensor<4xf32>'; needs array<i64: dim, result>, the dim of a shaped type}}
func.func private @counted_one_number() -> (tensor<4xf32> {vit.counted = array<i64: 0>}, tensor<i64>)

// -----

// expected-error @+1 {{'func.func' op has vit.counted = array<i64: 1, 1> on a 'tensor<4xf32>'; needs array<i64: dim, result>, the dim of a shaped type}}
func.func private @counted_dim() -> (tensor<4xf32> {vit.counted = array<i64: 1, 1>}, tensor<i64>)

// -----

// expected-error @+1 {{'func.func' op has vit.counted = array<i64: -1, 1> on a 'tensor<4xf32>'; needs array<i64: dim, result>, the dim of a shaped type}}
func.func private @counted_negative_dim() -> (tensor<4xf32> {vit.counted = array<i64: -1, 1>}, tensor<i64>)

// -----

// expected-error @+1 {{'func.func' op has vit.counted = array<i64: 0, 0> on a 'index'; needs array<i64: dim, result>, the dim of a shaped type}}
func.func private @counted_index() -> (index {vit.counted = array<i64: 0, 0>})

// -----

// expected-error @+1 {{'func.func' op has vit.counted = array<i64: 0, 2> on a 'tensor<4xf32>'; needs array<i64: dim, result>, the result one of 2}}
func.func private @counted_result() -> (tensor<4xf32> {vit.counted = array<i64: 0, 2>}, tensor<i64>)

// -----

// expected-error @+1 {{'func.func' op has vit.counted = array<i64: 0, -1> on a 'tensor<4xf32>'; needs array<i64: dim, result>, the result one of 2}}
func.func private @counted_negative_result() -> (tensor<4xf32> {vit.counted = array<i64: 0, -1>}, tensor<i64>)

// -----

// expected-error @+1 {{'func.func' op has vit.counted = array<i64: 0, 1> on a 'tensor<4xf32>'; needs array<i64: dim, result>, the result one i64 and no 'tensor<i32>'}}
func.func private @counted_type() -> (tensor<4xf32> {vit.counted = array<i64: 0, 1>}, tensor<i32>)

// -----

// expected-error @+1 {{'func.func' op has vit.counted = array<i64: 0, 1> on a 'tensor<4xf32>'; needs array<i64: dim, result>, the result one i64 and no 'tensor<2xi64>'}}
func.func private @counted_shape() -> (tensor<4xf32> {vit.counted = array<i64: 0, 1>}, tensor<2xi64>)

// -----

// On buffers the arguments that results are written to have it.
// expected-error @+1 {{'func.func' op has vit.counted = array<i64: 0, 1> on a 'memref<4xf32>'; needs array<i64: dim, result>, the result one of 1}}
func.func private @counted_argument(memref<4xf32> {vit.counted = array<i64: 0, 1>}) -> memref<4xf32>
