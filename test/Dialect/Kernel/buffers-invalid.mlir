// RUN: vit-opt %s -split-input-file -verify-diagnostics

vit.weight @bias : tensor<10xf32> seed(7 mean 0.0 scale 1.0)
func.func @constant_c1_shape() {
  // expected-error @+1 {{'kernel.constant' op has result 'memref<9xf32>' for a value of type 'tensor<10xf32>'}}
  %0 = kernel.constant #vit.expr<ref, [@bias]> : tensor<10xf32> as memref<9xf32>
  return
}

// -----

vit.weight @bias : tensor<10xf32> seed(7 mean 0.0 scale 1.0)
func.func @constant_c1_element_type() {
  // expected-error @+1 {{'kernel.constant' op has result 'memref<10xf16>' for a value of type 'tensor<10xf32>'}}
  %0 = kernel.constant #vit.expr<ref, [@bias]> : tensor<10xf32> as memref<10xf16>
  return
}

// -----

func.func @buffer_c1_missing_weight(%context: !kernel.context) {
  // expected-error @+1 {{'kernel.buffer' op in weights names no kernel.weight}}
  %0 = kernel.buffer %context weights : memref<10xf32>
  return
}

// -----

vit.weight @bias : tensor<10xf32> seed(7 mean 0.0 scale 1.0)
kernel.weight @w0 at 0 value #vit.expr<ref, [@bias]> : tensor<10xf32>
func.func @buffer_c1_weight_in_arena(%context: !kernel.context) {
  // expected-error @+1 {{'kernel.buffer' op outside of weights names one}}
  %0 = kernel.buffer %context arena @w0 : memref<10xf32>
  return
}

// -----

func.func @buffer_c2_per_batch(%context: !kernel.context) {
  // expected-error @+1 {{'kernel.buffer' op has per_batch 64, which only the arena has}}
  %0 = kernel.buffer %context input at 1 per_batch 64 : memref<10xf32>
  return
}

// -----

func.func @buffer_c3_dynamic_dim(%context: !kernel.context) {
  // expected-error @+1 {{'kernel.buffer' op has type 'memref<4x?xf32>'; needs an identity layout and static sizes but for dim 0}}
  %0 = kernel.buffer %context input at 1 : memref<4x?xf32>
  return
}

// -----

func.func @buffer_c3_layout(%context: !kernel.context) {
  // expected-error @+1 {{'kernel.buffer' op has type 'memref<4x4xf32, strided<[8, 1]>>'; needs an identity layout}}
  %0 = kernel.buffer %context input at 1 : memref<4x4xf32, strided<[8, 1]>>
  return
}

// -----

func.func @buffer_c4_unknown_weight(%context: !kernel.context) {
  // expected-error @+1 {{'kernel.buffer' op names @w1, which no kernel.weight defines}}
  %0 = kernel.buffer %context weights @w1 : memref<10xf32>
  return
}

// -----

func.func @launch_c1_unknown(%context: !kernel.context, %n: index) {
  // expected-error @+1 {{'kernel.launch' op calls @norm, which no function defines}}
  kernel.launch %context @norm tasks(%n) args() scratch 0
  return
}

// -----

func.func private @norm(index, index, memref<?xi8>) -> index
func.func @launch_c1_results(%context: !kernel.context, %n: index) {
  // expected-error @+1 {{'kernel.launch' op calls @norm, which has results}}
  kernel.launch %context @norm tasks(%n) args() scratch 0
  return
}

// -----

func.func private @norm(index, index, memref<?xi8>, memref<8xf32>)
func.func @launch_c1_count(%context: !kernel.context, %n: index) {
  // expected-error @+1 {{'kernel.launch' op calls @norm, which takes '(index, index, memref<?xi8>, memref<8xf32>) -> ()'; needs (index, index, memref<?xi8>, types of args)}}
  kernel.launch %context @norm tasks(%n) args() scratch 0
  return
}

// -----

func.func private @norm(i64, index, memref<?xi8>)
func.func @launch_c1_task(%context: !kernel.context, %n: index) {
  // expected-error @+1 {{'kernel.launch' op calls @norm, which takes '(i64, index, memref<?xi8>) -> ()'}}
  kernel.launch %context @norm tasks(%n) args() scratch 0
  return
}

// -----

func.func private @norm(index, index, memref<?xf32>)
func.func @launch_c1_scratch(%context: !kernel.context, %n: index) {
  // expected-error @+1 {{'kernel.launch' op calls @norm, which takes '(index, index, memref<?xf32>) -> ()'}}
  kernel.launch %context @norm tasks(%n) args() scratch 0
  return
}

// -----

func.func private @norm(index, index, memref<?xi8>, memref<8xf32>)
func.func @launch_c1_argument(%context: !kernel.context, %n: index, %x: memref<9xf32>) {
  // expected-error @+1 {{'kernel.launch' op calls @norm, which takes '(index, index, memref<?xi8>, memref<8xf32>) -> ()'}}
  kernel.launch %context @norm tasks(%n) args(%x : memref<9xf32>) scratch 0
  return
}

// -----

vit.weight @bias : tensor<10xf32> seed(7 mean 0.0 scale 1.0)
// expected-error @+1 {{'kernel.weight' op 'weight_c1_negative' lies at byte -64; needs a multiple of 64, 0 or more and less than 2^62}}
kernel.weight @weight_c1_negative at -64 value #vit.expr<ref, [@bias]> : tensor<10xf32>

// -----

vit.weight @bias : tensor<10xf32> seed(7 mean 0.0 scale 1.0)
// expected-error @+1 {{'kernel.weight' op 'weight_c1_unaligned' lies at byte 32; needs a multiple of 64, 0 or more and less than 2^62}}
kernel.weight @weight_c1_unaligned at 32 value #vit.expr<ref, [@bias]> : tensor<10xf32>

// -----

vit.weight @bias : tensor<10xf32> seed(7 mean 0.0 scale 1.0)
// expected-error @+1 {{'kernel.weight' op 'weight_c1_far' lies at byte 4611686018427387904; needs a multiple of 64, 0 or more and less than 2^62}}
kernel.weight @weight_c1_far at 4611686018427387904 value #vit.expr<ref, [@bias]> : tensor<10xf32>

// -----

func.func @grid_launch_c1_missing(%context: !kernel.context, %n: index) {
  // expected-error @+1 {{'kernel.grid_launch' op launches @kernels::@norm, which is no kernel; needs an llvm.func with nvvm.kernel, nvvm.reqntid and kernel.shared_bytes}}
  kernel.grid_launch %context @kernels::@norm blocks(%n) args()
  return
}

// -----

gpu.module @kernels {
  llvm.func @norm() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128>} {
    llvm.return
  }
}
func.func @grid_launch_c1_shared_bytes(%context: !kernel.context, %n: index) {
  // expected-error @+1 {{'kernel.grid_launch' op launches @kernels::@norm, which is no kernel}}
  kernel.grid_launch %context @kernels::@norm blocks(%n) args()
  return
}

// -----

gpu.module @kernels {
  llvm.func @norm(%x: !llvm.ptr<1>) attributes {kernel.shared_bytes = 0 : i64, nvvm.kernel, nvvm.reqntid = array<i32: 128>} {
    llvm.return
  }
}
func.func @grid_launch_c1_arguments(%context: !kernel.context, %n: index) {
  // expected-error @+1 {{'kernel.grid_launch' op launches @kernels::@norm, which takes '!llvm.func<void (ptr<1>)>'; has arguments of 'index'}}
  kernel.grid_launch %context @kernels::@norm blocks(%n) args(%n : index)
  return
}

// -----

func.func @read_c1_indices(%context: !kernel.context, %list: memref<4xi64>) {
  // expected-error @+1 {{'kernel.read' op has 0 indices and a result of type 'i64'; 'memref<4xi64>' needs 1 and 'i64'}}
  %0 = kernel.read %context %list[] : memref<4xi64> -> i64
  return
}

// -----

func.func @read_c1_type(%context: !kernel.context, %go: memref<i8>) {
  // expected-error @+1 {{'kernel.read' op has 0 indices and a result of type 'i1'; 'memref<i8>' needs 0 and 'i8'}}
  %0 = kernel.read %context %go[] : memref<i8> -> i1
  return
}
