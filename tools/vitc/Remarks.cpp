//===- Remarks.cpp - What passes could not do -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Remarks.h"

#include "vitc/Analysis/SourceName.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace vitc;

RemarkHandler::RemarkHandler(MLIRContext *context, std::vector<Remark> &remarks)
    : ScopedDiagnosticHandler(context) {
  setHandler([&remarks](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Remark)
      return failure();
    Remark remark = {getSourceName(diagnostic.getLocation()).str(),
                     diagnostic.str()};
    bool known = llvm::any_of(remarks, [&](const Remark &other) {
      return other.layer == remark.layer && other.text == remark.text;
    });
    if (!known)
      remarks.push_back(std::move(remark));
    return success();
  });
}
