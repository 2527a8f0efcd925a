//===- KernelDialect.td - The kernel dialect ------------ -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_DIALECT_TD
#define KERNEL_DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::vitc::kernel";
  let summary = "one op for each piece of generated code: what, not how";
  let description = [{
    Destination style, on tensors or on memrefs, as linalg's ops are. Every operand
    has an affine index map from the kernel's iteration space to the operand's
    indices, quasi-affine where data movement was composed into it: head splits,
    token offsets, windows. The last result of a map is the contiguous axis.

    The batch, rows and key length are runtime operands; channel counts and head
    sizes are constants. Schedule attributes, set by kernel-schedule-cpu or -nvptx, say
    how, and nothing else does.

    After kernel-plan-arena a function takes one !kernel.context, and its memrefs
    come from kernel.buffer.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 0;
  let dependentDialects = ["::vitc::vit::VitDialect"];
  let extraClassDeclaration = [{
    /// Attribute of the module: #kernel.cpu, what code is generated for.
    static constexpr llvm::StringLiteral kCpuAttr = "kernel.cpu";
    /// Attribute of the module: #kernel.gpu, likewise.
    static constexpr llvm::StringLiteral kGpuAttr = "kernel.gpu";
    /// Attribute of a kernel for a GPU: i64, bytes of dynamic shared memory that a
    /// block has.
    static constexpr llvm::StringLiteral kSharedBytesAttr = "kernel.shared_bytes";
    /// Attribute of an entry function: #kernel.entry.
    static constexpr llvm::StringLiteral kEntryAttr = "kernel.entry";
    /// Attribute of a lowered entry function: #kernel.code.
    static constexpr llvm::StringLiteral kCodeAttr = "kernel.code";
  }];
}

class Kernel_Op<string mnemonic, list<Trait> traits = []> : Op<Kernel_Dialect, mnemonic, traits>;

def Kernel_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef], "ranked tensor or memref">;

/// A kernel writes `init`; on tensors its result is the updated init.
class Kernel_ComputeOp<string mnemonic, list<Trait> traits = []>
    : Kernel_Op<mnemonic, !listconcat(traits, [
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>])> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasVerifier = 1;
  code computeOpDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
  let extraClassDeclaration = computeOpDeclaration;
}

def Kernel_ContextType : TypeDef<Kernel_Dialect, "Context"> {
  let mnemonic = "context";
  let summary = "what the runtime hands to an entry function";
  let description = "vitc::rt::Context of Runtime/Descriptor.h; a pointer in LLVM.";
}

#endif // KERNEL_DIALECT_TD
