//===- WireFormat.h - ONNX models of any size ------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_WIREFORMAT_H
#define VITC_LIB_IMPORT_ONNX_WIREFORMAT_H

#include "mlir/IR/Diagnostics.h"

#include <string>

namespace vitc::onnx {

/// Encoded tensors of more bytes than this stay in the file.
constexpr uint64_t kInlineBytes = 128;

/// Rewrites an encoded ModelProto, without decoding it, into a small one: a
/// tensor's data become an external_data reference to the model's own bytes (an
/// empty location, offset and length), documentation is left out. Protobuf then
/// needs memory for the graph only, and a model may have more than its 2 GB.
/// Refuses what would decode to far more memory than a graph has.
mlir::FailureOr<std::string> detachTensors(llvm::StringRef model,
                                           mlir::Location loc);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_WIREFORMAT_H
