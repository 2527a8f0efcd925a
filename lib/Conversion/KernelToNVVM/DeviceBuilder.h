//===- DeviceBuilder.h - Building kernels for a GPU ----------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the code of one thread is built with: VectorBuilder's index arithmetic,
// loops and mathematics for a machine of one lane, and beside them a GPU's
// threads, memories and instructions. Memory is reached through pointers of
// LLVM's, which say in which space it lies.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_DEVICEBUILDER_H
#define VITC_CONVERSION_KERNELTONVVM_DEVICEBUILDER_H

#include "../KernelToVector/VectorBuilder.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "vitc/Kernel/Multiprocessor.h"

namespace vitc::kernel {

/// Address spaces of NVPTX.
inline constexpr unsigned kGlobalSpace = 1, kSharedSpace = 3;

/// What code is generated for, and where kernels go.
struct DeviceContext {
  GpuAttr gpu;
  /// A thread, to code that every target shares: one lane.
  CpuAttr thread;
  mlir::gpu::GPUModuleOp module;
  mlir::SymbolTable symbols; // of the gpu.module

  DeviceContext(GpuAttr gpu, mlir::gpu::GPUModuleOp module);
};

/// What memory and registers hold of an element: of a tf32 the f32 of its
/// value.
mlir::Type getHeldType(mlir::Type element);

/// Elements of one type from an address on.
struct DevicePointer {
  mlir::Value address; // null for an operand that is absent
  mlir::Type element;

  explicit operator bool() const { return static_cast<bool>(address); }
};

/// A kernel, and what its launches need to know.
struct DeviceKernel {
  mlir::LLVM::LLVMFuncOp function;
  int64_t threads = 0;
};

/// Builds a kernel `name`, made unique, for `op`: a function of the arguments
/// of a launch, for blocks of `threads` threads. Offsets and indices are of
/// type index; a boolean takes a byte of memory.
class DeviceBuilder : public VectorBuilder {
public:
  DeviceBuilder(mlir::Operation *op, llvm::StringRef name, int64_t threads,
                DeviceContext &context);

  // Where this thread is.

  int64_t getNumThreads() const { return threads; }
  int64_t getNumWarps() const { return threads / kWarpThreads; }
  mlir::Value getThread() const { return thread; } ///< In the block.
  mlir::Value getBlock() const { return block; }   ///< In the grid.
  mlir::Value getNumBlocks();                      ///< Of the grid.
  mlir::Value getWarp();                           ///< In the block.
  mlir::Value getLane();                           ///< In the warp.

  /// While it lives, what is built is for whole warps of the block alone, from
  /// thread `first` on: they are counted from there, and barrier() waits for
  /// them, by a barrier `number`, not 0, of their own.
  class Team {
  public:
    Team(DeviceBuilder &builder, int64_t first, int64_t threads,
         int64_t number);
    ~Team();

  private:
    DeviceBuilder &b;
    mlir::Value thread;
    int64_t threads, number; // of those before
  };

  // What it works on.

  /// What stands for an index operand of the op; null for null.
  mlir::Value get(mlir::Value operand);
  /// The elements of a memref operand of the op, in global memory.
  DevicePointer getPointer(mlir::Value operand);
  /// Shared memory of the block, `elements` of a type, at a multiple of
  /// `alignment` bytes. It holds nothing yet.
  DevicePointer getShared(int64_t elements, mlir::Type element,
                          int64_t alignment = 16);

  // Memory. `width` neighbours at a time are one vector; where they lie is then
  // a multiple of their size.

  using VectorBuilder::load;
  using VectorBuilder::store;
  DevicePointer advance(DevicePointer pointer, mlir::Value offset);
  mlir::Value load(DevicePointer pointer, mlir::Value offset,
                   int64_t width = 1);
  void store(mlir::Value value, DevicePointer pointer, mlir::Value offset);
  /// The element as f32, and f32 as the element, rounded.
  mlir::Value loadFloat(DevicePointer pointer, mlir::Value offset);
  void storeFloat(mlir::Value value, DevicePointer pointer, mlir::Value offset);
  /// Copies `bytes`, 4, 8 or 16, from global to shared memory while threads run
  /// on; zeros where `valid`, if it is given, is false.
  void copyAsync(DevicePointer to, mlir::Value toOffset, DevicePointer from,
                 mlir::Value fromOffset, int64_t bytes, mlir::Value valid = {});
  /// Ends a group of copies, and waits until at most `groups` are under way.
  /// Others see them behind a barrier.
  void commitCopies();
  void waitForCopies(int64_t groups);
  /// Lets wgmma and copies in bulk see what this thread wrote to shared memory,
  /// once it has arrived at a barrier.
  void fenceForAsync();

  // Threads together.

  /// Waits for all threads of the block, or team; orders their accesses to
  /// memory.
  void barrier();
  /// The value, i32 or f32, of the thread whose lane differs in the bits
  /// `mask`; all of the warp take part.
  mlir::Value shuffleXor(mlir::Value value, int64_t mask);
  /// The sum or the maximum over the `width` neighbouring lanes that this one
  /// is among, a power of two up to a warp; the same bits in each.
  mlir::Value sumOverLanes(mlir::Value value, int64_t width = kWarpThreads);
  mlir::Value maxOverLanes(mlir::Value value, int64_t width = kWarpThreads);

  // Arithmetic.

  /// 2^x by the special function unit: relative error below 2^-22, denormals
  /// are 0.
  mlir::Value fastExp2(mlir::Value x);
  /// An f32, or a vector of them, rounded to the nearest element: ties to even,
  /// but to tf32 away from zero, all that sm_80 can.
  mlir::Value roundTo(mlir::Value value, mlir::Type element);
  mlir::Value integer(int64_t value, unsigned bits);
  /// An index as an integer, and back.
  mlir::Value toInteger(mlir::Value index, unsigned bits);
  mlir::Value toIndex(mlir::Value integer);
  mlir::Value both(mlir::Value a, mlir::Value b);

  /// An instruction of PTX for which there is no op, with pointers and integers
  /// for `$0`, `$1` and so on. It may touch any memory.
  void emitPtx(llvm::StringRef text, mlir::ValueRange operands);

  /// Ends the body. A thread's registers are as many as let `resident` blocks
  /// share a multiprocessor.
  DeviceKernel finish(int64_t resident = 1);

private:
  mlir::Value reduceOverLanes(
      mlir::Value value, int64_t width,
      llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);

  DeviceContext &context;
  mlir::LLVM::LLVMFuncOp function;
  mlir::IRMapping mapping;
  mlir::Value thread, block;
  int64_t threads, blockThreads;
  int64_t barrierNumber = 0;
  int64_t sharedBytes = 0;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_DEVICEBUILDER_H
