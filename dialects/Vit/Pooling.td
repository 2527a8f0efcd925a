//===- Pooling.td - Pooling of tokens ------------------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_POOLING_TD
#define VIT_POOLING_TD

include "Vit/VitDialect.td"

def Vit_MeanTokensOp : Vit_Op<"mean_tokens", [Pure, InferTypeOpAdaptor]> {
  let summary = "mean over the tokens, those before `skip` left out";
  let description = [{
    result[b, e] = sum over n >= skip of input[b, n, e] / (N - skip).

    Shapes: input [B, N, E], result [B, E]. Accumulates in f32 for element types of
    32 bits or less. `skip` leaves out the class token for a mean over patches.
    C1: 0 <= skip < N.
    ```mlir
    %p = vit.mean_tokens %x skip 1 : tensor<?x50x128xf32> -> tensor<?x128xf32>
    ```
  }];
  let arguments = (ins Vit_FloatTensor3D:$input, DefaultValuedAttr<I64Attr, "0">:$skip);
  let results = (outs Vit_FloatTensor2D:$result);
  let assemblyFormat = "$input (`skip` $skip^)? attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif // VIT_POOLING_TD
