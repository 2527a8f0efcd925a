// RUN: vit-opt %s -convert-kernel-to-llvm | FileCheck %s

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#rows = affine_map<(b, i, l) -> (b, i, l)>
#behind = affine_map<(b, i, l) -> (b, i + 1, l)>
#class = affine_map<(b, i, l) -> (b, 0, l)>

// rt::OneDnnGemm: five pointers, then count, rows, n, k, then strides of an
// item and of a row of lhs, residual and result, then the activation.
// Offsets go into the pointers: the result starts at row 1, 16 floats on.
// CHECK-LABEL: func @gemm(
//  CHECK-SAME:     %[[CONTEXT:[^ ]+]]: !llvm.ptr)
//  CHECK-SAME:     kernel.code = #kernel.code<scratch = 0, onednn = true, sites = [<source = "blocks.0", kernel = "onednn_gemm_n16_k8">]>
//       CHECK:   %[[BLOCK:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(ptr, ptr, ptr, ptr, ptr, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i32)>
//       CHECK:   %[[SIXTEEN:.*]] = llvm.mlir.constant(64 : i64)
//       CHECK:   %[[RESULT:.*]] = llvm.getelementptr %{{.*}}[%[[SIXTEEN]]]
//       CHECK:   %[[N:.*]] = llvm.mlir.constant(16 : i64)
//       CHECK:   %[[K:.*]] = llvm.mlir.constant(8 : i64)
//       CHECK:   %[[LHS_ITEM:.*]] = llvm.mlir.constant(40 : i64)
//       CHECK:   %[[LHS_ROW:.*]] = llvm.mlir.constant(8 : i64)
//       CHECK:   %[[RESIDUAL_ITEM:.*]] = llvm.mlir.constant(16 : i64)
//       CHECK:   %[[RESIDUAL_ROW:.*]] = llvm.mlir.constant(0 : i64)
//       CHECK:   %[[RESULT_ITEM:.*]] = llvm.mlir.constant(96 : i64)
//       CHECK:   %[[RESULT_ROW:.*]] = llvm.mlir.constant(16 : i64)
//       CHECK:   %[[GELU:.*]] = llvm.mlir.constant(1 : i32)
//       CHECK:   llvm.store %[[RESULT]], %{{.*}}
//       CHECK:   llvm.store %[[N]], %{{.*}}
//       CHECK:   llvm.store %[[RESULT_ROW]], %{{.*}}
//       CHECK:   llvm.store %[[GELU]], %{{.*}}
//       CHECK:   llvm.getelementptr %[[CONTEXT]][48]
//       CHECK:   %[[CALL:.*]] = llvm.load
//       CHECK:   %[[SITE:.*]] = llvm.mlir.constant(0 : i32)
//       CHECK:   llvm.call %[[CALL]](%[[CONTEXT]], %[[SITE]], %[[BLOCK]]) : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr) -> ()
func.func @gemm(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %n = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %b = kernel.buffer %context input at 2 : memref<16xf32>
  %r = kernel.buffer %context input at 3 : memref<?x1x16xf32>
  %y = kernel.buffer %context output : memref<?x6x16xf32>
  kernel.gemm batch(%n) rows(%n) n 16 k 8 lhs(%x at #rows : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      bias(%b : memref<16xf32>) residual(%r at #class : memref<?x1x16xf32>) init(%y at #behind : memref<?x6x16xf32>)
      activation gelu loc("blocks.0")
  return
}

// Without bias and residual their pointers are null.
// CHECK-LABEL: func @gemm_plain(
// CHECK-COUNT-2: llvm.mlir.zero : !llvm.ptr
//       CHECK:   llvm.call
func.func @gemm_plain(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %n = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  kernel.gemm batch(%n) rows(%n) n 16 k 8 lhs(%x at #rows : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<?x5x16xf32>)
  return
}
