//===- ZooFamilies.h - The families of the zoo -----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ZOOFAMILIES_H
#define VITC_LIB_IMPORT_ZOOFAMILIES_H

#include "Vit/VitDialect.h"
#include "vitc/Import/Import.h"

namespace vitc::import_ {

/// A name of the zoo, taken apart: BASE?PARAMETERS.
struct ZooName {
  llvm::StringRef full, base, parameters;
};

/// What may stand before "?".
llvm::SmallVector<llvm::StringRef> getZooVitNames();
llvm::SmallVector<llvm::StringRef> getZooSwinNames();
llvm::SmallVector<llvm::StringRef> getZooLinformerNames();

/// Builds a model whose base is one of these names; errors at `loc`.
mlir::OwningOpRef<mlir::ModuleOp> importZooVit(const ZooName &name,
                                               const ImportOptions &options,
                                               mlir::Location loc);
mlir::OwningOpRef<mlir::ModuleOp> importZooSwin(const ZooName &name,
                                                const ImportOptions &options,
                                                mlir::Location loc);
mlir::OwningOpRef<mlir::ModuleOp>
importZooLinformer(const ZooName &name, const ImportOptions &options,
                   mlir::Location loc);

/// Mean and deviation of one half, for pictures of grey or RGB; null for other
/// channels.
vit::PreprocessAttr getZooPreprocess(mlir::MLIRContext &context, int64_t height,
                                     int64_t width, int64_t channels);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ZOOFAMILIES_H
