// RUN: vit-opt %s -split-input-file -verify-diagnostics

#rows = affine_map<(b, i, c) -> (b, i, c)>
#bad = affine_map<(b, c) -> (b, 0, c)>
func.func @norm_c1_input(%b: index, %x: memref<2x9x8xf32>, %y: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.norm' op has input map affine_map<(d0, d1) -> (d0, 0, d1)> for 'memref<2x9x8xf32>'; needs 3 dims, no symbols and 3 results}}
  kernel.norm batch(%b) rows(%b) channels 8 epsilon 1.0e-06 input(%x at #bad : memref<2x9x8xf32>)
      init(%y at #rows : memref<2x9x8xf32>)
  return
}

// -----

#rows = affine_map<(b, i, c) -> (b, i, c)>
#bad = affine_map<(b, c) -> (b, 0, c)>
func.func @norm_c1_init(%b: index, %x: memref<2x9x8xf32>, %y: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.norm' op has init map affine_map<(d0, d1) -> (d0, 0, d1)> for 'memref<2x9x8xf32>'; needs 3 dims}}
  kernel.norm batch(%b) rows(%b) channels 8 epsilon 1.0e-06 input(%x at #rows : memref<2x9x8xf32>)
      init(%y at #bad : memref<2x9x8xf32>)
  return
}

// -----

#rows = affine_map<(b, i, c) -> (b, i, c)>
func.func @norm_c2_scale(%b: index, %x: memref<2x9x8xf32>, %g: memref<9xf32>, %y: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.norm' op has scale of type 'memref<9xf32>'; needs 8 elements}}
  kernel.norm batch(%b) rows(%b) channels 8 epsilon 1.0e-06 input(%x at #rows : memref<2x9x8xf32>)
      scale(%g : memref<9xf32>) init(%y at #rows : memref<2x9x8xf32>)
  return
}

// -----

#rows = affine_map<(b, i, c) -> (b, i, c)>
func.func @norm_c2_shift(%b: index, %x: memref<2x9x8xf32>, %g: memref<1x8xf32>, %y: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.norm' op has shift of type 'memref<1x8xf32>'; needs 8 elements}}
  kernel.norm batch(%b) rows(%b) channels 8 epsilon 1.0e-06 input(%x at #rows : memref<2x9x8xf32>)
      shift(%g : memref<1x8xf32>) init(%y at #rows : memref<2x9x8xf32>)
  return
}

// -----

#pooled = affine_map<(b, c) -> (b, c)>
func.func @mean_c1_input(%b: index, %x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.mean' op has input map affine_map<(d0, d1) -> (d0, d1)> for 'memref<2x8xf32>'; needs 3 dims, no symbols and 2 results}}
  kernel.mean batch(%b) rows(%b) channels 8 input(%x at #pooled : memref<2x8xf32>) init(%y at #pooled : memref<2x8xf32>)
  return
}

// -----

#rows = affine_map<(b, i, c) -> (b, i, c)>
func.func @mean_c1_init(%b: index, %x: memref<2x9x8xf32>, %y: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.mean' op has init map affine_map<(d0, d1, d2) -> (d0, d1, d2)> for 'memref<2x9x8xf32>'; needs 2 dims, no symbols and 3 results}}
  kernel.mean batch(%b) rows(%b) channels 8 input(%x at #rows : memref<2x9x8xf32>) init(%y at #rows : memref<2x9x8xf32>)
  return
}

// -----

#rows = affine_map<(b, i, c) -> (b, i, c)>
func.func @norm_c3_channels(%b: index, %x: memref<2x9x8xf32>, %y: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.norm' op has channels 0; needs 1 or more}}
  kernel.norm batch(%b) rows(%b) channels 0 epsilon 1.0e-06 input(%x at #rows : memref<2x9x8xf32>)
      init(%y at #rows : memref<2x9x8xf32>)
  return
}

// -----

#rows = affine_map<(b, i, c) -> (b, i, c)>
#pooled = affine_map<(b, c) -> (b, c)>
func.func @mean_c2_channels(%b: index, %x: memref<2x9x8xf32>, %y: memref<2x8xf32>) {
  // expected-error @+1 {{'kernel.mean' op has channels 0; needs 1 or more}}
  kernel.mean batch(%b) rows(%b) channels 0 input(%x at #rows : memref<2x9x8xf32>) init(%y at #pooled : memref<2x8xf32>)
  return
}
