//===- ZooSwin.h - The zoo's Swin transformers -----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ZOOSWIN_H
#define VITC_LIB_IMPORT_ZOOSWIN_H

#include "SwinSpec.h"

namespace vitc::import_ {

/// A Swin transformer of the zoo, parsed.
struct ZooSwinModel {
  SwinSpec spec;
  uint64_t seed = 0;
};

/// What may stand before "?".
llvm::SmallVector<llvm::StringRef> getZooSwinNames();

/// Parses what follows "zoo:", one of these names; errors at `loc` list what
/// is valid.
mlir::FailureOr<ZooSwinModel> parseZooSwinName(llvm::StringRef name,
                                               mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_ZOOSWIN_H
