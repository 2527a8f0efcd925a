//===- Zoo.h - Named architectures with seeded weights ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// zoo:NAME[?KEY=VALUE,...], e.g. zoo:vit-b or zoo:swin?dim=48,depths=2-2. A
// model of the zoo needs no file: its weights are generated, the same ones on
// every machine, and python/vitc/zoo writes many of them as a Hugging Face
// folder and as ONNX, for comparisons.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ZOO_H
#define VITC_LIB_IMPORT_ZOO_H

#include "vitc/Import/Import.h"

namespace vitc::import_ {

mlir::OwningOpRef<mlir::ModuleOp> importZoo(llvm::StringRef name,
                                            mlir::MLIRContext &context,
                                            const ImportOptions &options);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ZOO_H
