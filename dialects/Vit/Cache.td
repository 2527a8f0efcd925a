//===- Cache.td - Caches of decoders -------------------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_CACHE_TD
#define VIT_CACHE_TD

include "Vit/VitDialect.td"

def Vit_CacheUpdateOp : Vit_Op<"cache_update", [Pure, AllTypesMatch<["cache", "result"]>]> {
  let summary = "keys or values of new tokens in the cache of a decoder";
  let description = [{
    result[b, p + i] = rows[b, i] for each row i, every other row is cache's; p is
    `position`, or the nearest from which all rows are within the cache.

    Shapes: cache [B, T, C], rows [B, N, C], position [1], result [B, T, C].
    A cache that is an argument of the function, read by nothing else and returned
    under its name is updated where it lies: nothing is copied.
    Source: Shazeer 2019, section 2.4, incremental multihead attention.
    C1: rows has the C and the B of cache.   C2: N is T at most.
    C3: position has 1 element.   C4: rows has the element type of cache.
    ```mlir
    %c = vit.cache_update %cache, %rows at %p : tensor<?x64x512xf32>, tensor<?x1x512xf32>, tensor<1xi64>
    ```
  }];
  let arguments = (ins Vit_FloatTensor3D:$cache, Vit_FloatTensor3D:$rows, Vit_IndexTensor1D:$position);
  let results = (outs Vit_FloatTensor3D:$result);
  let assemblyFormat = [{
    $cache `,` $rows `at` $position attr-dict `:` type($cache) `,` type($rows) `,` type($position)
  }];
  let hasVerifier = 1;
}

#endif // VIT_CACHE_TD
