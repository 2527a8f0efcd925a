// RUN: vit-opt %s -split-input-file -verify-diagnostics

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @gather_c1_input(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.gather' op has input map affine_map<(d0, d1, d2) -> (d0, d2)> for 'memref<2x8xf32>'; needs 2 dims, no symbols and 2 results}}
  kernel.gather batch(%b) sizes [8] input(%x at #bad : memref<2x8xf32>) init(%y at #row : memref<2x8xf32>)
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @gather_c1_init(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.gather' op has init map affine_map<(d0, d1, d2) -> (d0, d2)> for 'memref<2x8xf32>'; needs 2 dims, no symbols and 2 results}}
  kernel.gather batch(%b) sizes [8] input(%x at #row : memref<2x8xf32>) init(%y at #bad : memref<2x8xf32>)
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @gather_c2_zero(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.gather' op has size 0; needs 1 or more}}
  kernel.gather batch(%b) sizes [0] input(%x at #row : memref<2x8xf32>) init(%y at #row : memref<2x8xf32>)
  return
}

// -----

#one = affine_map<(b) -> (b)>
func.func @gather_c2_none(%b: index, %x: memref<8xf32>, %y: memref<8xf32>) {
  // expected-error @+1 {{'kernel.gather' op has no sizes; needs 1 or more}}
  kernel.gather batch(%b) sizes [] input(%x at #one : memref<8xf32>) init(%y at #one : memref<8xf32>)
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @generic_c1_count(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has 1 inputs and 0 input maps}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<2x8xf32>) at [] init(%y at #row : memref<2x8xf32>) {
  ^bb0(%e: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @generic_c1_input(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has input map affine_map<(d0, d1, d2) -> (d0, d2)> for 'memref<2x8xf32>'; needs 2 dims, no symbols and 2 results}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<2x8xf32>) at [#bad] init(%y at #row : memref<2x8xf32>) {
  ^bb0(%e: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @generic_c1_init(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has init map affine_map<(d0, d1, d2) -> (d0, d2)> for 'memref<2x8xf32>'; needs 2 dims, no symbols and 2 results}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<2x8xf32>) at [#row] init(%y at #bad : memref<2x8xf32>) {
  ^bb0(%e: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @generic_c2_sizes(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has size -1; needs 1 or more}}
  kernel.generic batch(%b) sizes [-1] inputs(%x : memref<2x8xf32>) at [#row] init(%y at #row : memref<2x8xf32>) {
  ^bb0(%e: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @generic_c3_arguments(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has a body of 2 arguments for 1 inputs}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<2x8xf32>) at [#row] init(%y at #row : memref<2x8xf32>) {
  ^bb0(%e: f32, %f: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @generic_c3_argument_type(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has a body argument of type 'f16' for input 'memref<2x8xf32>'}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<2x8xf32>) at [#row] init(%y at #row : memref<2x8xf32>) {
  ^bb0(%e: f16):
    %0 = arith.extf %e : f16 to f32
    kernel.yield %0 : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @generic_c3_yield_type(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op yields 'f16' for init 'memref<2x8xf32>'}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<2x8xf32>) at [#row] init(%y at #row : memref<2x8xf32>) {
  ^bb0(%e: f32):
    %0 = arith.truncf %e : f32 to f16
    kernel.yield %0 : f16
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#bad = affine_map<(b, n, c) -> (b, c)>
func.func @generic_c3_terminator(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has a body that ends in 'func.return'; needs kernel.yield}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<2x8xf32>) at [#row] init(%y at #row : memref<2x8xf32>) {
  ^bb0(%e: f32):
    func.return
  }
  return
}

// -----

func.func @yield_parent(%x: f32) {
  // expected-error @+1 {{'kernel.yield' op expects parent op 'kernel.generic'}}
  kernel.yield %x : f32
}
