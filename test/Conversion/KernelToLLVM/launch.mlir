// RUN: vit-opt %s -convert-kernel-to-llvm | FileCheck %s

vit.weight @g : tensor<8xf32> seed(1 mean 0.0 scale 1.0)
kernel.weight @weight1 at 128 value #vit.expr<ref, [@g]> : tensor<8xf32>

func.func private @norm(%task: index, %first: index, %scratch: memref<?xi8>, %n: index, %x: memref<?x8xf32>) {
  return
}

// One task function for both launches: it unpacks the arguments and runs a range.
// CHECK-LABEL: func private @norm.tasks(
//  CHECK-SAME:     %[[ARGS:[^ ]+]]: !llvm.ptr, %[[BEGIN:[^ ]+]]: index, %[[END:[^ ]+]]: index, %[[SCRATCH:[^ ]+]]: !llvm.ptr)
//       CHECK:   %[[F0:.*]] = llvm.getelementptr %[[ARGS]][0, 0] : {{.*}} !llvm.struct<(i64, struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>)>
//       CHECK:   llvm.load %[[F0]] : !llvm.ptr -> i64
//       CHECK:   %[[F1:.*]] = llvm.getelementptr %[[ARGS]][0, 1]
//       CHECK:   llvm.load %[[F1]] : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
//       CHECK:   scf.for %[[TASK:.*]] = %[[BEGIN]] to %[[END]] step
//       CHECK:     call @norm(%[[TASK]], %[[BEGIN]], %{{.*}}) : (index, index, memref<?xi8>, index, memref<?x8xf32>) -> ()
//   CHECK-NOT: func private @norm.tasks

// Context: weights at 0, arena at 8, batch at 16, inputs at 24, outputs at 32,
// parallel at 40, threads at 56, as Runtime/Descriptor.h lays them out.
// CHECK-LABEL: func @forward(
//  CHECK-SAME:     %[[CONTEXT:[^ ]+]]: !llvm.ptr) attributes {
//  CHECK-SAME:     kernel.code = #kernel.code<scratch = 1024, onednn = false, sites = [<source = "blocks.0.norm", kernel = "norm", work = [1, 2, 3, 4]>, <source = "", kernel = "norm">]>
// The blocks of arguments lie in the entry's frame.
// CHECK-COUNT-2: llvm.alloca %{{.*}} x !llvm.struct<(i64, struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>)>
// Input 1: slot 8 of the table of inputs.
//       CHECK:   llvm.getelementptr %[[CONTEXT]][16]
//       CHECK:   %[[BATCH:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
//       CHECK:   llvm.getelementptr %[[CONTEXT]][24]
//       CHECK:   %[[INPUTS:.*]] = llvm.load
//       CHECK:   %[[EIGHT:.*]] = llvm.mlir.constant(8 : i64)
//       CHECK:   llvm.getelementptr %[[INPUTS]][%[[EIGHT]]]
//       CHECK:   llvm.insertvalue %[[BATCH]], %{{.*}}[3, 0]
// Output 0.
//       CHECK:   llvm.getelementptr %[[CONTEXT]][32]
// The arena at 64 + 256 * batch.
//       CHECK:   llvm.getelementptr %[[CONTEXT]][16]
//       CHECK:   %[[B:.*]] = llvm.load
//       CHECK:   %[[PER:.*]] = llvm.mlir.constant(256 : i64)
//       CHECK:   %[[SCALED:.*]] = llvm.mul %[[B]], %[[PER]]
//       CHECK:   %[[BASE:.*]] = llvm.mlir.constant(64 : i64)
//       CHECK:   %[[OFFSET:.*]] = llvm.add %[[SCALED]], %[[BASE]]
//       CHECK:   llvm.getelementptr %[[CONTEXT]][8]
//       CHECK:   %[[ARENA:.*]] = llvm.load
//       CHECK:   llvm.getelementptr %[[ARENA]][%[[OFFSET]]]
// The weight at 128.
//       CHECK:   llvm.getelementptr %[[CONTEXT]][0]
//       CHECK:   %[[WEIGHTS:.*]] = llvm.load
//       CHECK:   %[[AT:.*]] = llvm.mlir.constant(128 : i64)
//       CHECK:   llvm.getelementptr %[[WEIGHTS]][%[[AT]]]
// The batch and the threads as values.
//       CHECK:   llvm.getelementptr %[[CONTEXT]][16]
//       CHECK:   llvm.getelementptr %[[CONTEXT]][56]
//       CHECK:   %[[THREADS:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
//       CHECK:   builtin.unrealized_conversion_cast %[[THREADS]] : i64 to index
// parallel(context, site, function, arguments, tasks)
//       CHECK:   %[[FUNCTION:.*]] = constant @norm.tasks
//       CHECK:   %[[POINTER:.*]] = builtin.unrealized_conversion_cast %[[FUNCTION]]
//       CHECK:   llvm.getelementptr %[[CONTEXT]][40]
//       CHECK:   %[[PARALLEL:.*]] = llvm.load
//       CHECK:   %[[SITE:.*]] = llvm.mlir.constant(0 : i32)
//       CHECK:   llvm.call %[[PARALLEL]](%[[CONTEXT]], %[[SITE]], %[[POINTER]], %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr, !llvm.ptr, i64) -> ()
//       CHECK:   %[[SITE1:.*]] = llvm.mlir.constant(1 : i32)
//       CHECK:   llvm.call %{{.*}}(%[[CONTEXT]], %[[SITE1]]
//       CHECK:   return
func.func @forward(%context: !kernel.context) attributes {kernel.entry = #kernel.entry<
    inputs = [<name = "a", type = tensor<?x8xf32>>, <name = "x", type = tensor<?x8xf32>>],
    outputs = [<name = "y", type = tensor<?x8xf32>>], arena = 64, per_batch = 512>} {
  %x = kernel.buffer %context input at 1 : memref<?x8xf32>
  %y = kernel.buffer %context output : memref<?x8xf32>
  %a = kernel.buffer %context arena at 64 per_batch 256 : memref<?x8xf32>
  %w = kernel.buffer %context weights @weight1 : memref<8xf32>
  %n = kernel.batch %context
  %t = kernel.threads %context
  kernel.launch %context @norm tasks(%n) args(%n, %x : index, memref<?x8xf32>) scratch 64 work [1, 2, 3, 4] loc("blocks.0.norm")
  kernel.launch %context @norm tasks(%t) args(%n, %a : index, memref<?x8xf32>) scratch 1024
  return
}

// A function that is no entry is left alone.
// CHECK-LABEL: func @no_entry(
//       CHECK:   kernel.batch
func.func @no_entry(%context: !kernel.context) {
  %n = kernel.batch %context
  return
}
