//===- Passes.td - Conversions between dialects --------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_PASSES_TD
#define VITC_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertVitToLinalgPass : Pass<"convert-vit-to-linalg", "mlir::func::FuncOp"> {
  let summary = "lower vit ops to linalg, plain and unfused: the reference";
  let description = [{
    Each op becomes the textbook sequence of linalg, tensor, arith and math ops, in
    the op's own element type, f32 or f64. What the shipped kernels compute is
    compared with this lowering.
    Example: test/Conversion/VitToLinalg/attention.mlir

    With `without-kernel` it is also the way of the kernel phase for what
    convert-vit-to-kernel has no kernel for: element types other than f32, weights
    that are computed, position biases and masks that are, rows without a batch. Each
    such op gets a remark, for the loops are slower.
    Example: test/Conversion/VitToLinalg/without-kernel.mlir
  }];
  let options = [Option<"withoutKernel", "without-kernel", "bool", /*default=*/"false",
      "Lower only what no kernel computes, with a remark on each op">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
                           "mlir::math::MathDialect", "mlir::tensor::TensorDialect"];
}

def ConvertGroupNormToLinalgPass : Pass<"convert-group-norm-to-linalg", "mlir::func::FuncOp"> {
  let summary = "lower the norms of groups of a convolution's channels to linalg";
  let description = [{
    A group norm is a vit.layer_norm over a reshaped feature map. Where kernels store
    the map with its channels last its rows are not contiguous, and a kernel.norm would
    need a copy. As linalg the map is read as it lies: x * scale + shift, with a scale and
    a shift for each channel that the norm's weight and bias are part of, fuses with the
    elementwise ops behind it. Statistics are sums over chunks of the map, in f32, which
    VitToKernel lets the product compute that writes it.
    Source: Wu and He 2018; Chan, Golub and LeVeque 1983.
    Left alone: other norms, element types other than f32, norms with a scale or a shift
    for each element of a row.
    Example: test/Conversion/VitToLinalg/group-norm.mlir
  }];
  let statistics = [Statistic<"numConverted", "num-converted", "group norms converted">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
                           "mlir::math::MathDialect", "mlir::tensor::TensorDialect"];
}

def ConvertVitToKernelPass : Pass<"convert-vit-to-kernel", "mlir::ModuleOp"> {
  let summary = "lower vit and linalg ops to kernels with composed index maps";
  let description = [{
    One kernel op for each piece of generated code. Reshapes, transposes, heads,
    windows, shifts, slices and placements become the index maps of the kernels that
    read and write; no op is left that only moves data, but where a map cannot say it
    or a matrix would have rows that are not contiguous.
    Results become destination arguments, which the functions return.
    Example: test/Conversion/VitToKernel/attention.mlir
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::tensor::TensorDialect",
                           "vitc::kernel::KernelDialect"];
}

def ConvertKernelToVectorPass : Pass<"convert-kernel-to-vector", "mlir::ModuleOp"> {
  let summary = "generate vector code for kernels, one function a shape";
  let description = [{
    Replaces every kernel by a kernel.launch of a function that computes one task of
    it; equal kernels share the function. Needs kernel-schedule-cpu.
    Example: test/Conversion/KernelToVector/gemm.mlir
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect",
                           "mlir::vector::VectorDialect", "vitc::kernel::KernelDialect"];
}

def ConvertKernelToNVVMPass : Pass<"convert-kernel-to-nvvm", "mlir::ModuleOp"> {
  let summary = "generate kernels of a GPU, one function a shape";
  let description = [{
    Each kernel op becomes an llvm.func of gpu.module @kernels, the code of one
    thread, and a kernel.grid_launch of it. Needs the tiling that
    kernel-schedule-nvptx attaches.
    Example: test/Conversion/KernelToNVVM/generic.mlir
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect", "mlir::gpu::GPUDialect",
                           "mlir::LLVM::LLVMDialect", "mlir::math::MathDialect", "mlir::memref::MemRefDialect",
                           "mlir::NVVM::NVVMDialect", "mlir::scf::SCFDialect", "mlir::vector::VectorDialect",
                           "vitc::kernel::KernelDialect"];
}

def ConvertKernelToLLVMPass : Pass<"convert-kernel-to-llvm", "mlir::ModuleOp"> {
  let summary = "lower what is left of the kernel dialect, and all the rest, to LLVM";
  let description = [{
    kernel.buffer becomes a memref descriptor over the context's pointers,
    kernel.launch a call of the runtime through the context with a packed argument
    block, as Runtime/Descriptor.h lays them out; kernel.grid_launch one with the number
    of its kernel in the gpu.module and the addresses of its arguments.
    Example: test/Conversion/KernelToLLVM/launch.mlir
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::cf::ControlFlowDialect"];
}

#endif // VITC_CONVERSION_PASSES_TD
