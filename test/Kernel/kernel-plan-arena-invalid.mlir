// RUN: vit-opt %s -kernel-plan-arena -split-input-file -verify-diagnostics

// expected-error @+1 {{'func.func' op has several blocks; only one is supported}}
func.func @negative_two_blocks() {
  cf.br ^next
^next:
  return
}

// -----

// expected-error @+1 {{'func.func' op returns 1 buffers; needs an argument for each}}
func.func @negative_no_destination() -> memref<4xf32> {
  %0 = memref.alloc() : memref<4xf32>
  return %0 : memref<4xf32>
}

// -----

// expected-error @+1 {{'func.func' op does not return its argument 1, where result 0 belongs}}
func.func @negative_other_result(%x: memref<4xf32>, %y: memref<4xf32>) -> memref<4xf32> {
  return %x : memref<4xf32>
}

// -----

// expected-error @+1 {{'func.func' op has an argument of type 'index'; needs memrefs, static but for the batch}}
func.func @negative_index_argument(%x: index) {
  return
}

// -----

// expected-error @+1 {{'func.func' op has an argument of type 'memref<4x?xf32>'; needs memrefs, static but for the batch}}
func.func @negative_dynamic_argument(%x: memref<4x?xf32>) {
  return
}

// -----

// expected-error @+1 {{'func.func' op has an argument of type '!kernel.context'; needs memrefs, static but for the batch}}
func.func @negative_planned_before(%context: !kernel.context) {
  return
}

// -----

func.func @negative_alloc_dynamic(%x: memref<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  // expected-error @+1 {{'memref.alloc' op needs a buffer 'memref<4x?xf32>'; buffers are static but for the batch}}
  %0 = memref.alloc(%n) : memref<4x?xf32>
  return
}

// -----

func.func @negative_alloc_size() {
  // expected-error @+1 {{'memref.alloc' op needs a buffer 'memref<9223372036854775807x2xf32>' of more than 2^63 bytes}}
  %0 = memref.alloc() : memref<9223372036854775807x2xf32>
  return
}

// -----

func.func @negative_dim(%x: memref<?x4xf32>) {
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{'memref.dim' op asks for a size that is not the batch}}
  %0 = memref.dim %x, %c1 : memref<?x4xf32>
  return
}

// -----

func.func @negative_dim_static(%x: memref<2x4xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{'memref.dim' op asks for a size that is not the batch}}
  %0 = memref.dim %x, %c0 : memref<2x4xf32>
  return
}

// -----

func.func @negative_copy(%x: memref<4xf32>, %y: memref<4xf32>) -> memref<4xf32> {
  // expected-error @+1 {{'memref.copy' op is left by bufferisation; every kernel must own its destination}}
  memref.copy %x, %y : memref<4xf32> to memref<4xf32>
  return %y : memref<4xf32>
}

// -----

func.func @negative_region(%x: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %condition = arith.constant true
  // expected-error @+1 {{'scf.if' op has regions; buffers live along a list of kernels and loops}}
  scf.if %condition {
  }
  return
}

// -----

func.func @negative_alloc_not_multiple(%x: memref<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  %s = arith.muli %n, %n : index
  // expected-error @+1 {{'memref.alloc' op has a size that is not the batch or a static multiple of it}}
  %0 = memref.alloc(%s) : memref<?x4xf32>
  return
}

// -----

// expected-error @+1 {{'func.func' op has output "y" counted by result 0, a state; needs one that is none}}
func.func @negative_counted_by_a_state(%n: memref<1xi64> {vit.name = "n"}, %unused: memref<1xi64> {vit.name = "n"},
                                       %y: memref<4xf32> {vit.name = "y", vit.counted = array<i64: 0, 0>})
    -> (memref<1xi64>, memref<4xf32>) {
  return %n, %y : memref<1xi64>, memref<4xf32>
}

// -----

func.func @negative_loop_with_results(%x: memref<4xf32>, %y: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  // expected-error @+1 {{'scf.for' op has results; what a loop carries must stay in one buffer}}
  %0 = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %x) -> (memref<4xf32>) {
    scf.yield %y : memref<4xf32>
  }
  return
}
