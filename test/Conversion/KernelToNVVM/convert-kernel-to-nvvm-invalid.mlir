// RUN: vit-opt %s -split-input-file -verify-diagnostics -convert-kernel-to-nvvm

// expected-error @+1 {{has no kernel.gpu; needs kernel-schedule-nvptx to have run}}
module {
}

// -----

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#box = affine_map<(b, c) -> (b, c)>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 166912>} {
  func.func @no_tiling(%context: !kernel.context) attributes {kernel.entry = #entry} {
    %b = kernel.batch %context
    %x = kernel.buffer %context input at 0 : memref<?x8xf32>
    // expected-error @+1 {{'kernel.gather' op has no tiling; needs kernel-schedule-nvptx to have run}}
    kernel.gather batch(%b) sizes [8] input(%x at #box : memref<?x8xf32>) init(%x at #box : memref<?x8xf32>)
    return
  }
}

// -----

#box = affine_map<(b, c) -> (b, c)>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 166912>} {
  func.func @no_context(%b: index, %x: memref<?x8xf32>) {
    // expected-error @+1 {{'kernel.gather' op is in a function without a !kernel.context; needs kernel-plan-arena to have run}}
    kernel.gather batch(%b) sizes [8] input(%x at #box : memref<?x8xf32>) init(%x at #box : memref<?x8xf32>) tiling <rows = 1, columns = 1>
    return
  }
}

// -----

#box = affine_map<(b, c) -> (b, c)>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 166912>} {
  func.func @strided(%b: index, %x: memref<?x8xf32, strided<[16, 1]>>) {
    // expected-error @+1 {{'kernel.gather' op has an operand of type 'memref<?x8xf32, strided<[16, 1]>>'; a GPU's kernels need memrefs of numbers with identity layout}}
    kernel.gather batch(%b) sizes [8] input(%x at #box : memref<?x8xf32, strided<[16, 1]>>) init(%x at #box : memref<?x8xf32, strided<[16, 1]>>) tiling <rows = 1, columns = 1>
    return
  }
}

// -----

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#box = affine_map<(b, c) -> (b, c)>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 166912>} {
  func.func @exp_of_f64(%context: !kernel.context) attributes {kernel.entry = #entry} {
    %b = kernel.batch %context
    %x = kernel.buffer %context input at 0 : memref<?x8xf64>
    // expected-error @+1 {{'kernel.generic' op computes 'exp' of 'f64', which a GPU has no instruction for; needs f32}}
    kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xf64>) at [#box] init(%x at #box : memref<?x8xf64>) tiling <rows = 1, columns = 1> {
    ^bb0(%e: f64):
      %0 = math.exp %e : f64
      kernel.yield %0 : f64
    }
    return
  }
}

// -----

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 166912>} {
  func.func @scratch(%context: !kernel.context) attributes {kernel.entry = #entry} {
    %b = kernel.batch %context
    %x = kernel.buffer %context input at 0 : memref<?x1x999x8xf32>
    %w = kernel.buffer %context input at 1 : memref<1x1x1x8xf32>
    // expected-error @+1 {{'kernel.grouped_conv' op needs 3840 bytes of scratch memory; a GPU's thread has 1024}}
    kernel.grouped_conv batch(%b) size [1, 999] input_size [1, 999] groups 8 stride [1, 1] dilation [1, 1] pad [0, 0]
        input(%x at #places : memref<?x1x999x8xf32>) filter(%w : memref<1x1x1x8xf32>)
        init(%x at #places : memref<?x1x999x8xf32>) activation gelu
        tiling <columns = 960, vectors = 1, taps = 1, rows = 1, channels = 1>
    return
  }
}

// -----

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#rows = affine_map<(b, i, c) -> (b, i, c)>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 101376>} {
  func.func @norm_rows(%context: !kernel.context) attributes {kernel.entry = #entry} {
    %b = kernel.batch %context
    %n = arith.constant 9 : index
    %x = kernel.buffer %context input at 0 : memref<?x9x8xf32>
    // expected-error @+1 {{'kernel.norm' op has a tiling of 513 rows, of 2 threads each; a block has 1 to 512 of them}}
    kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06
        input(%x at #rows : memref<?x9x8xf32>) init(%x at #rows : memref<?x9x8xf32>) tiling <rows = 513, columns = 0>
    return
  }
}

// -----

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 101376>} {
  func.func @store_on_the_host(%context: !kernel.context) attributes {kernel.entry = #entry} {
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %x = kernel.buffer %context input at 0 : memref<8xf32>
    // expected-error @+1 {{'memref.store' op touches memory of a GPU on the host; needs to be a load from a kernel.buffer}}
    memref.store %zero, %x[%c0] : memref<8xf32>
    return
  }
}

// -----

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#box = affine_map<(b, c) -> (b, c)>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 101376>} {
  func.func @remainder(%context: !kernel.context) attributes {kernel.entry = #entry} {
    %b = kernel.batch %context
    %x = kernel.buffer %context input at 0 : memref<?x8xf64>
    // expected-error @+1 {{'kernel.generic' op computes 'remf' of 'f64', which a GPU has no exact instruction for; needs f32}}
    kernel.generic batch(%b) sizes [8] inputs(%x, %x : memref<?x8xf64>, memref<?x8xf64>) at [#box, #box] init(%x at #box : memref<?x8xf64>) tiling <rows = 1, columns = 1> {
    ^bb0(%e: f64, %f: f64):
      %0 = arith.remf %e, %f : f64
      kernel.yield %0 : f64
    }
    return
  }
}

// -----

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#box = affine_map<(b, c) -> (b, c)>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 101376>} {
  func.func @generic_of_tf32(%context: !kernel.context) attributes {kernel.entry = #entry} {
    %b = kernel.batch %context
    %x = kernel.buffer %context input at 0 : memref<?x8xtf32>
    // expected-error @+1 {{'kernel.generic' op has an operand of type 'memref<?x8xtf32>'; needs integers, f16, bf16, f32 or f64}}
    kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xtf32>) at [#box] init(%x at #box : memref<?x8xtf32>) tiling <rows = 1, columns = 1> {
    ^bb0(%e: tf32):
      kernel.yield %e : tf32
    }
    return
  }
}

// -----

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#box = affine_map<(b, c) -> (b, c)>
module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 101376>} {
  func.func @body_of_tf32(%context: !kernel.context) attributes {kernel.entry = #entry} {
    %b = kernel.batch %context
    %x = kernel.buffer %context input at 0 : memref<?x8xf32>
    // expected-error @+1 {{'kernel.generic' op has 'arith.truncf' of type 'tf32' in its body; needs integers, f16, bf16, f32 or f64}}
    kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xf32>) at [#box] init(%x at #box : memref<?x8xf32>) tiling <rows = 1, columns = 1> {
    ^bb0(%e: f32):
      %0 = arith.truncf %e : f32 to tf32
      %1 = arith.extf %0 : tf32 to f32
      kernel.yield %1 : f32
    }
    return
  }
}
