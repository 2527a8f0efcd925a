//===- VitOps.td - All ops of the vit dialect ----------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_OPS_TD
#define VIT_OPS_TD

include "Vit/AdditiveAttention.td"
include "Vit/Attention.td"
include "Vit/Cache.td"
include "Vit/Convolution.td"
include "Vit/Linear.td"
include "Vit/Norm.td"
include "Vit/PatchEmbed.td"
include "Vit/Pooling.td"
include "Vit/Recurrent.td"
include "Vit/Weights.td"
include "Vit/Window.td"

#endif // VIT_OPS_TD
