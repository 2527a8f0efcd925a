//===- VitDialect.td - The vit dialect ------------------ -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_DIALECT_TD
#define VIT_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Vit_Dialect : Dialect {
  let name = "vit";
  let cppNamespace = "::vitc::vit";
  let summary = "the building blocks of vision transformers, on tensors";
  let description = [{
    One op per building block, as the papers name and shape it. What has no such
    meaning stays in linalg, tensor, arith and math. Rationale.md says why these
    ops and what was left out.

    Axis letters: B batch, H heads, N tokens (Nq queries, Nk keys), D head dim,
    E = H * D embed dim, C channels, P patch. Only B may be dynamic.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let extraClassDeclaration = [{
    /// Attribute of a function's arguments and results: the source's name.
    static constexpr llvm::StringLiteral kNameAttr = "vit.name";
    /// Attribute of a function's arguments and results: integers without sign.
    static constexpr llvm::StringLiteral kUnsignedAttr = "vit.unsigned";
    /// Attribute of a function's results, array<i64: dim, result>: of the dim's positions the run counts as many as
    /// the other result, one i64, says; what is behind them has no meaning. On buffers the arguments that results
    /// are written to have it.
    static constexpr llvm::StringLiteral kCountedAttr = "vit.counted";
    /// Attribute of the module: #vit.model.
    static constexpr llvm::StringLiteral kModelAttr = "vit.model";
    /// Attribute of @attention: a #vit.attention_layer for each row of its selection.
    static constexpr llvm::StringLiteral kAttentionLayersAttr = "vit.attention_layers";
    void registerAttributes();
  }];
}

class Vit_Op<string mnemonic, list<Trait> traits = []> : Op<Vit_Dialect, mnemonic, traits>;

// Rank 1 or more; dim 0 may be dynamic, the others are static; none is 0.
def Vit_ShapePred : CPred<
    "[](::llvm::ArrayRef<int64_t> shape) { return !shape.empty() && shape[0] != 0 && "
    "::llvm::all_of(shape.drop_front(), [](int64_t dim) { return dim > 0; }); }("
    "::llvm::cast<::mlir::ShapedType>($_self).getShape())">;
def Vit_StaticPred : CPred<"::llvm::cast<::mlir::ShapedType>($_self).hasStaticShape()">;

class Vit_TensorOfRank<int rank>
    : RankedTensorOf<[AnyFloat], [HasAnyRankOfPred<[rank]>, Vit_ShapePred],
                     rank # "D tensor, not empty and static but for dim 0,">;
def Vit_FloatTensor : RankedTensorOf<[AnyFloat], [Vit_ShapePred],
                                     "tensor of rank 1 or more, not empty and static but for dim 0,">;
def Vit_FloatTensor2D : Vit_TensorOfRank<2>;
def Vit_FloatTensor3D : Vit_TensorOfRank<3>;
def Vit_FloatTensor4D : Vit_TensorOfRank<4>;

// One integer for each item of the batch.
def Vit_IndexTensor1D
    : RankedTensorOf<[I32, I64], [HasAnyRankOfPred<[1]>, Vit_ShapePred], "1D tensor of integers, not empty,">;

class Vit_ParameterOfRank<int rank>
    : RankedTensorOf<[AnyFloat], [HasAnyRankOfPred<[rank]>, Vit_ShapePred, Vit_StaticPred],
                     rank # "D tensor, not empty and static,">;
def Vit_Parameter1D : Vit_ParameterOfRank<1>;
def Vit_Parameter2D : Vit_ParameterOfRank<2>;
def Vit_Parameter4D : Vit_ParameterOfRank<4>;

#endif // VIT_DIALECT_TD
