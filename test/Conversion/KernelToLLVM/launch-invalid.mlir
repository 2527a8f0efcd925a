// RUN: vit-opt %s -convert-kernel-to-llvm -split-input-file -verify-diagnostics

func.func @negative_kernel_left(%context: !kernel.context)
    attributes {kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>} {
  %n = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x8xf32>
  // expected-error @+1 {{'kernel.norm' op is left; convert-kernel-to-vector must come before convert-kernel-to-llvm}}
  kernel.norm batch(%n) rows(%n) channels 8 epsilon 1.0e-06 input(%x at affine_map<(b, i, c) -> (b, c)> : memref<?x8xf32>)
      init(%x at affine_map<(b, i, c) -> (b, c)> : memref<?x8xf32>)
  return
}

// -----

// expected-error @+1 {{'func.func' op has type '() -> ()' and kernel.entry #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>; needs one !kernel.context and #kernel.entry}}
func.func @negative_no_context()
    attributes {kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>} {
  return
}

// -----

// expected-error @+1 {{'func.func' op has type '(!kernel.context) -> ()' and kernel.entry 1 : i64; needs one !kernel.context and #kernel.entry}}
func.func @negative_entry_attribute(%context: !kernel.context) attributes {kernel.entry = 1 : i64} {
  return
}

// -----

// expected-error @+1 {{'func.func' op has type '(!kernel.context) -> ()'}}
func.func private @negative_declaration(!kernel.context)
    attributes {kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>}
