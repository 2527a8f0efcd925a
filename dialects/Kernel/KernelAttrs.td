//===- KernelAttrs.td - Attributes of the kernel dialect - -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_ATTRS_TD
#define KERNEL_ATTRS_TD

include "Kernel/KernelDialect.td"

class Kernel_Attr<string name, string attrMnemonic> : AttrDef<Kernel_Dialect, name> {
  let mnemonic = attrMnemonic;
  let assemblyFormat = "`<` struct(params) `>`";
}

def Kernel_CpuAttr : Kernel_Attr<"Cpu", "cpu"> {
  let summary = "the instruction set that code is generated for";
  let description = [{
    `lanes` f32 values in a vector register, `registers` of them, `fma` when there
    is a fused multiply-add; `cpu` and `features` are LLVM's names.
  }];
  let parameters = (ins "::mlir::StringAttr":$isa, "::mlir::StringAttr":$cpu, "::mlir::StringAttr":$features,
                        "int64_t":$lanes, "int64_t":$registers, "bool":$fma);
}

def Kernel_GpuAttr : Kernel_Attr<"Gpu", "gpu"> {
  let summary = "the GPU that code is generated for";
  let description = [{
    `arch` is LLVM's and ptxas' name, sm_80 or sm_90a; a block has up to
    `sharedBytes` of shared memory.
  }];
  let parameters = (ins "::mlir::StringAttr":$arch, "int64_t":$sharedBytes);
}

def Kernel_Provider : I32EnumAttr<"Provider", "who computes a gemm", [
    I32EnumAttrCase<"Vector", 0, "vector">,
    I32EnumAttrCase<"OneDNN", 1, "onednn">,
    I32EnumAttrCase<"Nvvm", 2, "nvvm">]> {
  let cppNamespace = "::vitc::kernel";
}

def Kernel_GemmTilingAttr : Kernel_Attr<"GemmTiling", "gemm_tiling"> {
  let summary = "how a gemm is cut";
  let description = [{
    A micro-tile of up to `rows` x `columns` of the result stays in registers while
    K runs, unrolled by `unroll`, in blocks of `kBlock`. A task computes
    `panels` panels of 64 columns for about `rowBlock` rows. By nvvm a task is a
    block of threads, each with a micro-tile, or by tensor cores each warp; operands of
    `unroll` steps of `kBlock` terms lie in shared memory. 64 rows and all columns of a
    block are a warpgroup's micro-tile, which sm_90a alone has.
  }];
  let parameters = (ins EnumParameter<Kernel_Provider>:$provider, "int64_t":$rows, "int64_t":$columns,
                        "int64_t":$kBlock, "int64_t":$unroll, "int64_t":$rowBlock,
                        DefaultValuedParameter<"int64_t", "1">:$panels);
}

def Kernel_AttentionTilingAttr : Kernel_Attr<"AttentionTiling", "attention_tiling"> {
  let summary = "how attention is cut";
  let description = [{
    A task computes up to `queryBlock` queries of one head, over blocks of `keyBlock`
    keys with online softmax, in micro-tiles of `rows` x `columns`; on a GPU a task is
    a block of threads, each with a micro-tile. Of 16 bits 64 rows and all keys of a
    block are a warpgroup's micro-tile, which sm_90a alone has.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "int64_t":$queryBlock, "int64_t":$keyBlock);
}

def Kernel_RowTilingAttr : Kernel_Attr<"RowTiling", "row_tiling"> {
  let summary = "how a kernel over rows is cut: `rows` of them a task";
  let description = [{
    A row of a box is its last dim; of a reduction, what one result is reduced from.
    A row of a box that is longer than `columns` makes several tasks, each of about
    `columns` elements; 0 leaves rows whole.
  }];
  let parameters = (ins "int64_t":$rows, DefaultValuedParameter<"int64_t", "0">:$columns);
}

def Kernel_TensorAttr : Kernel_Attr<"Tensor", "tensor"> {
  let summary = "name and type of an input or output of the program";
  let description = [{
    `counted`, [dim, output]: of the dim's positions a run fills as many as that
    output, one i64, says.
    C1: counted is a dim of the type and 0 or more.
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::RankedTensorType":$type,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$counted);
  let genVerifyDecl = 1;
}

def Kernel_EntryAttr : Kernel_Attr<"Entry", "entry"> {
  let summary = "the interface of an entry function and the arena it needs";
  let description = [{
    The arena takes `arenaBase` + `arenaPerBatch` * batch bytes. `inPlace` are the
    inputs that the function writes too: states that it updates where they lie.
    C1: what counts an output is an output, one i64.   C2: inPlace are inputs.
  }];
  let parameters = (ins OptionalArrayRefParameter<"TensorAttr">:$inputs,
                        OptionalArrayRefParameter<"TensorAttr">:$outputs,
                        "int64_t":$arenaBase, "int64_t":$arenaPerBatch,
                        OptionalArrayRefParameter<"int64_t">:$inPlace);
  let assemblyFormat = [{
    `<` `inputs` `=` `[` (`]`) : ($inputs^ `]`)? `,` `outputs` `=` `[` (`]`) : ($outputs^ `]`)? `,`
    `arena` `=` $arenaBase `,` `per_batch` `=` $arenaPerBatch (`,` `in_place` `=` `[` $inPlace^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
}

def Kernel_SiteAttr : Kernel_Attr<"Site", "site"> {
  let summary = "one launch of an entry function, for profiles";
  let description = [{
    `work` is [flops, flops an item of the batch, bytes, bytes an item of the batch].
  }];
  let parameters = (ins "::mlir::StringAttr":$source, "::mlir::StringAttr":$kernel,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$work);
}

def Kernel_CodeAttr : Kernel_Attr<"Code", "code"> {
  let summary = "what the runtime must provide to a compiled entry function";
  let description = [{
    `readsDevice`: what it launches depends on what it reads back from the GPU.
  }];
  let parameters = (ins "int64_t":$scratchBytes, "bool":$usesOneDNN, OptionalArrayRefParameter<"SiteAttr">:$sites,
                        DefaultValuedParameter<"bool", "false">:$readsDevice);
  let assemblyFormat = [{
    `<` `scratch` `=` $scratchBytes `,` `onednn` `=` $usesOneDNN `,` `sites` `=` `[` (`]`) : ($sites^ `]`)?
    (`,` `reads_device` `=` $readsDevice^)? `>`
  }];
}

def Kernel_Space : I32EnumAttr<"Space", "where a buffer lies", [
    I32EnumAttrCase<"Input", 0, "input">,
    I32EnumAttrCase<"Output", 1, "output">,
    I32EnumAttrCase<"Arena", 2, "arena">,
    I32EnumAttrCase<"Weights", 3, "weights">]> {
  let cppNamespace = "::vitc::kernel";
  let genSpecializedAttr = 0;
}
def Kernel_SpaceAttr : EnumAttr<Kernel_Dialect, Kernel_Space, "space"> {
  let assemblyFormat = "`<` $value `>`";
}

#endif // KERNEL_ATTRS_TD
