//===- Contrib.h - The domain of ONNX Runtime's ops ------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_CONTRIB_H
#define VITC_LIB_IMPORT_ONNX_CONTRIB_H

#include "Node.h"

namespace vitc::onnx {

constexpr llvm::StringLiteral kContribDomain = "com.microsoft";

/// Errors when an input of the list, by index and name, is there.
mlir::LogicalResult
verifyAbsent(Node &node,
             llvm::ArrayRef<std::pair<unsigned, llvm::StringRef>> inputs);

mlir::LogicalResult importGroupQueryAttention(Node &node);
mlir::LogicalResult importEmbedLayerNormalization(Node &node);

void registerContribAttentionOps(OpRegistry &registry);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_CONTRIB_H
