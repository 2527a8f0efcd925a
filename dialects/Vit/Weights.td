//===- Weights.td - Weights of the vit dialect ---------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_WEIGHTS_TD
#define VIT_WEIGHTS_TD

include "Vit/VitAttrs.td"

def Vit_WeightFileOp : Vit_Op<"weight_file", [Symbol]> {
  let summary = "a file that holds weights";
  let description = [{
    Names the file by path and by the hex BLAKE3 of its content, which the object
    writer checks before it reads.

    ```mlir
    vit.weight_file @weights path "model.safetensors" hash "3f2a"
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$path, StrAttr:$hash);
  let assemblyFormat = "$sym_name `path` $path `hash` $hash attr-dict";
}

def Vit_WeightOp : Vit_Op<"weight", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a stored tensor, by reference";
  let description = [{
    The symbol is the source's name of the tensor, which messages use. Its data are
    `type` elements, row-major and little-endian, at byte `offset` of a
    vit.weight_file; or, for zoo models, generated: element i is

      mean + scale * (2 * u(i) - 1),  u(i) = (splitmix64(seed + i * 0x9E3779B97F4A7C15) >> 40) / 2^24

    in f32, splitmix64 being the finaliser of Steele et al. 2014, "Fast splittable
    pseudorandom number generators".
    C1: exactly one of file and seed is given.
    C2: the element type is f16, bf16, f32 or f64; f32 for a generated tensor.
    C3: the shape is static, no dim is empty, and there are less than 2^62 bytes.
    C4: file and offset, of 0 or more, come together; so do seed, mean and scale.
    C5: file names a vit.weight_file.
    ```mlir
    vit.weight @classifier.bias : tensor<10xf32> file(@weights offset 1024)
    vit.weight @head : tensor<10x8xf32> seed(7 mean 0.000000e+00 scale 5.000000e-02)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type,
                       OptionalAttr<FlatSymbolRefAttr>:$file, OptionalAttr<I64Attr>:$offset,
                       OptionalAttr<I64Attr>:$seed, OptionalAttr<F32Attr>:$mean, OptionalAttr<F32Attr>:$scale);
  let assemblyFormat = [{
    $sym_name `:` $type (`file` `(` $file^ `offset` $offset `)`)?
    (`seed` `(` $seed^ `mean` $mean `scale` $scale `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

def Vit_ConstantOp : Vit_Op<"constant", [ConstantLike, Pure, AllTypesMatch<["value", "result"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a weight expression";
  let description = [{
    C1: each ref names a vit.weight.    C2: each ref has its weight's type.
    ```mlir
    %b = vit.constant #vit.expr<ref, [@classifier.bias]> : tensor<10xf32>
    ```
  }];
  let arguments = (ins Vit_WeightExprAttr:$value);
  let results = (outs Vit_FloatTensor:$result);
  let assemblyFormat = "attr-dict qualified($value)";
  let hasFolder = 1;
}

#endif // VIT_WEIGHTS_TD
