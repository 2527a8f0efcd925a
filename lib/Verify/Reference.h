//===- Reference.h - What every layer should compute ---------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_REFERENCE_H
#define VITC_LIB_VERIFY_REFERENCE_H

#include "HostTensor.h"
#include "Jit.h"
#include "ObserveValues.h"

#include "Vit/VitDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Support/Timing.h"

namespace vitc {

/// A value of the source model: an op's result, or an output of the model.
struct ReferenceValue {
  std::string name; // of the layer; of an output its own
  std::string op;   // "vit.linear"
  HostTensor tensor;
};

struct ReferenceRun {
  /// In the order in which they are computed.
  std::vector<ReferenceValue> values;
  /// One for each result of @forward.
  std::vector<HostTensor> outputs;
  /// The attention probabilities of the layers asked for, [items, 1, heads,
  /// queries, keys].
  std::vector<HostTensor> maps;
};

/// @forward of a module of the raise phase, one thread, in its own element
/// types. Every op becomes what convert-vit-to-linalg says and then plain
/// loops, one function for equal ones; nothing is fused.
class Reference {
public:
  /// `mapLayers` are the layers whose attention maps are computed too. Errors
  /// are diagnostics.
  static mlir::FailureOr<std::unique_ptr<Reference>>
  create(mlir::ModuleOp raised,
         llvm::ArrayRef<vit::AttentionLayerAttr> mapLayers,
         mlir::TimingScope &timing);

  ReferenceRun run(llvm::ArrayRef<HostTensor> inputs) const;

private:
  Reference() = default;

  llvm::SmallVector<ObservedValue> observed;
  llvm::SmallVector<mlir::Type> types; // of all that the function returns
  size_t numOutputs = 0, numMaps = 0;
  llvm::StringMap<std::string> constants;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  PackedFn function = nullptr;
};

} // namespace vitc

#endif // VITC_LIB_VERIFY_REFERENCE_H
