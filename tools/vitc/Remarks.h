//===- Remarks.h - What passes could not do ------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_REMARKS_H
#define VITC_TOOLS_VITC_REMARKS_H

#include "mlir/IR/Diagnostics.h"
#include <string>
#include <vector>

namespace vitc {

/// What a pass could not do, and why.
struct Remark {
  std::string layer, text;
};

/// Keeps remarks, each once: a phase runs some passes twice. Other diagnostics
/// go on to the handler before.
class RemarkHandler : mlir::ScopedDiagnosticHandler {
public:
  RemarkHandler(mlir::MLIRContext *context, std::vector<Remark> &remarks);
};

} // namespace vitc

#endif // VITC_TOOLS_VITC_REMARKS_H
