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

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @generic_c1_result_of_reduced(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has init map affine_map<(d0, d1, d2) -> (d0, d2)> of the reduced dim 2}}
  kernel.generic batch(%b) sizes [8] reduce [8] inputs(%x : memref<2x8xf32>) at [#all]
      init(%y at affine_map<(b, c, r) -> (b, r)> : memref<2x8xf32>) {
  ^bb0(%e: f32, %sum: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @generic_c2_reduce(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has size 0; needs 1 or more}}
  kernel.generic batch(%b) sizes [8] reduce [0] inputs(%x : memref<2x8xf32>) at [#all] init(%y at #all : memref<2x8xf32>) {
  ^bb0(%e: f32, %sum: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @generic_c3_no_accumulator(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has a body of 1 arguments for 1 inputs and an accumulator}}
  kernel.generic batch(%b) sizes [8] reduce [4] inputs(%x : memref<2x8xf32>) at [#all] init(%y at #all : memref<2x8xf32>) {
  ^bb0(%e: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @generic_c3_accumulator_type(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has an accumulator of type 'f64' for init 'memref<2x8xf32>'}}
  kernel.generic batch(%b) sizes [8] reduce [4] inputs(%x : memref<2x8xf32>) at [#all] init(%y at #all : memref<2x8xf32>) {
  ^bb0(%e: f32, %sum: f64):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @generic_c4_count(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has 1 tables and 2 table maps}}
  kernel.generic batch(%b) sizes [8] at [] tables(%x : memref<2x8xf32>) through [#row, #row] init(%y at #row : memref<2x8xf32>) {
    %c = kernel.index 1
    %e = kernel.load 0[%c, %c] : f32
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @generic_c4_map(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has table map affine_map<(d0, d1) -> (d0)> for 'memref<2x8xf32>'; needs 2 dims, no symbols and 2 results}}
  kernel.generic batch(%b) sizes [8] at [] tables(%x : memref<2x8xf32>) through [#sum] init(%y at #row : memref<2x8xf32>) {
    %c = kernel.index 1
    %e = kernel.load 0[%c, %c] : f32
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @generic_c5_no_reduce(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has an identity and reduces nothing}}
  kernel.generic batch(%b) sizes [8] identity 0.0 : f32 inputs(%x : memref<2x8xf32>) at [#row] init(%y at #row : memref<2x8xf32>) {
  ^bb0(%e: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @generic_c5_type(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.generic' op has identity 0 : i32 for init 'memref<2x8xf32>'}}
  kernel.generic batch(%b) sizes [8] reduce [4] identity 0 : i32 inputs(%x : memref<2x8xf32>) at [#all] init(%y at #all : memref<2x8xf32>) {
  ^bb0(%e: f32, %sum: f32):
    kernel.yield %e : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @index_c1(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  kernel.generic batch(%b) sizes [8] at [] tables(%x : memref<2x8xf32>) through [#row] init(%y at #row : memref<2x8xf32>) {
    %c = kernel.index 1
    // expected-error @+1 {{'kernel.index' op has dim 2; the kernel has 2}}
    %e = kernel.index 2
    %one = arith.constant 1.0 : f32
    kernel.yield %one : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @load_c1(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  kernel.generic batch(%b) sizes [8] at [] tables(%x : memref<2x8xf32>) through [#row] init(%y at #row : memref<2x8xf32>) {
    %c = kernel.index 1
    // expected-error @+1 {{'kernel.load' op has table 1; the kernel has 1}}
    %e = kernel.load 1[%c, %c] : f32
    %one = arith.constant 1.0 : f32
    kernel.yield %one : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @load_c2(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  kernel.generic batch(%b) sizes [8] at [] tables(%x : memref<2x8xf32>) through [#row] init(%y at #row : memref<2x8xf32>) {
    %c = kernel.index 1
    // expected-error @+1 {{'kernel.load' op has 1 indices; the table's map takes 2}}
    %e = kernel.load 0[%c] : f32
    %one = arith.constant 1.0 : f32
    kernel.yield %one : f32
  }
  return
}

// -----

#row = affine_map<(b, c) -> (b, c)>
#sum = affine_map<(b, c) -> (b)>
#all = affine_map<(b, c, r) -> (b, c)>
func.func @load_c3(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  kernel.generic batch(%b) sizes [8] at [] tables(%x : memref<2x8xf32>) through [#row] init(%y at #row : memref<2x8xf32>) {
    %c = kernel.index 1
    // expected-error @+1 {{'kernel.load' op has type 'i32' for table 'memref<2x8xf32>'}}
    %e = kernel.load 0[%c, %c] : i32
    %one = arith.constant 1.0 : f32
    kernel.yield %one : f32
  }
  return
}

// -----

#row = affine_map<(b, n, c, p) -> (b, n, c)>
#bad = affine_map<(b, n, c, p) -> (b, (n + p) floordiv 2, c)>
func.func @gather_c3_step(%b: index, %p: index, %x: memref<2x1x8xf32>, %y: memref<2x4x8xf32>) {
  // expected-error @+1 {{'kernel.gather' op has init map affine_map<(d0, d1, d2, d3) -> (d0, (d1 + d3) floordiv 2, d2)> that offset d3 does not move by a constant; needs one, 0 or more}}
  kernel.gather batch(%b) sizes [1, 8] offsets(%p) input(%x at #row : memref<2x1x8xf32>) init(%y at #bad : memref<2x4x8xf32>)
  return
}

// -----

#row = affine_map<(b, n, c, p) -> (b, n, c)>
#bad = affine_map<(b, n, c, p) -> (b, n - p, c)>
func.func @gather_c3_negative(%b: index, %p: index, %x: memref<2x4x8xf32>, %y: memref<2x1x8xf32>) {
  // expected-error @+1 {{'kernel.gather' op has input map affine_map<(d0, d1, d2, d3) -> (d0, d1 - d3, d2)> that offset d3 does not move by a constant; needs one, 0 or more}}
  kernel.gather batch(%b) sizes [1, 8] offsets(%p) input(%x at #bad : memref<2x4x8xf32>) init(%y at #row : memref<2x1x8xf32>)
  return
}
