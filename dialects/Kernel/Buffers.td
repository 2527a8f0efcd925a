//===- Buffers.td - Weights, buffers and launches ------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_BUFFERS_TD
#define KERNEL_BUFFERS_TD

include "Kernel/KernelAttrs.td"
include "Vit/VitAttrs.td"

def Kernel_ConstantOp : Kernel_Op<"constant", [Pure]> {
  let summary = "a read-only value, given by a weight expression";
  let description = [{
    C1: the result has the shape and element type of the expression.
    ```mlir
    %w = kernel.constant #vit.expr<ref, [@bias]> : tensor<10xf32> as memref<10xf32>
    ```
  }];
  let arguments = (ins Vit_WeightExprAttr:$value);
  let results = (outs Kernel_Shaped:$result);
  let assemblyFormat = "qualified($value) `as` type($result) attr-dict";
  let hasVerifier = 1;
}

def Kernel_WeightOp : Kernel_Op<"weight", [Symbol]> {
  let summary = "a value in the weights section of the program";
  let description = [{
    The object writer stores `value` at byte `offset`.
    C1: offset is a multiple of 64, 0 or more and less than 2^62.
    ```mlir
    kernel.weight @w0 at 0 value #vit.expr<ref, [@bias]> : tensor<10xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$offset, Vit_WeightExprAttr:$value);
  let assemblyFormat = "$sym_name `at` $offset `value` qualified($value) attr-dict";
  let hasVerifier = 1;
}

def Kernel_BatchOp : Kernel_Op<"batch", [Pure]> {
  let summary = "the batch of this run";
  let description = [{
    ```mlir
    %b = kernel.batch %context
    ```
  }];
  let arguments = (ins Kernel_ContextType:$ctx);
  let results = (outs Index:$result);
  let assemblyFormat = "$ctx attr-dict";
}

def Kernel_ThreadsOp : Kernel_Op<"threads", [Pure]> {
  let summary = "the threads that launches of this run share their tasks among";
  let description = [{
    1 or more. How work is cut into tasks may depend on it, a result never does.
    ```mlir
    %t = kernel.threads %context
    ```
  }];
  let arguments = (ins Kernel_ContextType:$ctx);
  let results = (outs Index:$result);
  let assemblyFormat = "$ctx attr-dict";
}

def Kernel_BufferOp : Kernel_Op<"buffer", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the memory behind a memref";
  let description = [{
    input, output: the context's pointer number `offset`. arena: byte `offset` +
    `perBatch` * batch of the arena. weights: byte `offset` of where kernel.weight
    @weight lies. A dynamic leading dimension is the batch or, in the arena, a
    multiple of it.
    C1: `weight` is given for weights and only there.
    C2: perBatch is given for the arena only.
    C3: only dim 0 of the memref is dynamic, and its layout is the identity.
    C4: `weight` names a kernel.weight.
    ```mlir
    %w = kernel.buffer %context weights @w0 : memref<10xf32>
    %x = kernel.buffer %context arena at 64 per_batch 4096 : memref<?x32x32xf32>
    ```
  }];
  let arguments = (ins Kernel_ContextType:$ctx, Kernel_SpaceAttr:$space,
                       DefaultValuedAttr<I64Attr, "0">:$offset, DefaultValuedAttr<I64Attr, "0">:$perBatch,
                       OptionalAttr<FlatSymbolRefAttr>:$weight);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $ctx custom<Keyword>($space) ($weight^)? (`at` $offset^)? (`per_batch` $perBatch^)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Kernel_LaunchOp : Kernel_Op<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a function once a task, on the thread pool";
  let description = [{
    Calls `callee(task, first, scratch, args...)` for every task below `tasks`, and
    returns when all are done. Tasks are cut into ranges, which run in any order and
    on any thread; those of a range run one after the other from `first` on, on one
    thread. `scratch` is a memref<?xi8> of `scratchBytes`, private to the thread: what
    a task leaves there is what the next of its range finds.
    `work` is [flops, flops a batch, bytes, bytes a batch], for profiles.
    C1: the callee takes two indices, a memref<?xi8> and the types of args, and has no
    results.
    ```mlir
    kernel.launch %context @norm tasks(%n) args(%x, %y : memref<?x8xf32>, memref<?x8xf32>) scratch 1024
    ```
  }];
  let arguments = (ins Kernel_ContextType:$ctx, FlatSymbolRefAttr:$callee, Index:$tasks,
                       Variadic<AnyTypeOf<[Index, AnyFloat, AnyMemRef]>>:$args, I64Attr:$scratchBytes, OptionalAttr<DenseI64ArrayAttr>:$work);
  let assemblyFormat = [{
    $ctx $callee `tasks` `(` $tasks `)` `args` `(` ($args^ `:` type($args))? `)` `scratch` $scratchBytes
    (`work` $work^)? attr-dict
  }];
}

def Kernel_GridLaunchOp : Kernel_Op<"grid_launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a kernel on the GPU, behind what was launched before";
  let description = [{
    Starts `blocks` blocks of callee, a function of a gpu.module, which says how many
    threads and how much shared memory a block has. A memref is passed as the address
    of its first element, an index as i64. `work` is that of kernel.launch.
    C1: the callee is a kernel: an llvm.func with nvvm.kernel, nvvm.reqntid and
    kernel.shared_bytes that takes the addresses and numbers that args become.
    ```mlir
    kernel.grid_launch %context @kernels::@norm blocks(%n) args(%x, %y : memref<?x8xf32>, memref<?x8xf32>)
    ```
  }];
  let arguments = (ins Kernel_ContextType:$ctx, SymbolRefAttr:$callee, Index:$blocks,
                       Variadic<AnyTypeOf<[Index, AnyMemRef]>>:$args, OptionalAttr<DenseI64ArrayAttr>:$work);
  let assemblyFormat = [{
    $ctx $callee `blocks` `(` $blocks `)` `args` `(` ($args^ `:` type($args))? `)` (`work` $work^)? attr-dict
  }];
}

def Kernel_ReadOp : Kernel_Op<"read"> {
  let summary = "an element of a buffer on the GPU, once it is computed";
  let description = [{
    What a loop of an entry function decides on. It waits for all that was launched.
    C1: as many indices as the memref has dims, and the result is of its element type.
    ```mlir
    %go = kernel.read %context %condition[] : memref<i8> -> i8
    ```
  }];
  let arguments = (ins Kernel_ContextType:$ctx, AnyMemRef:$source, Variadic<Index>:$indices);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$ctx $source `[` $indices `]` attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

#endif // KERNEL_BUFFERS_TD
