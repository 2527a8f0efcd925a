//===- ImportRun.cpp - Importing the file of a fuzzing run ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportRun.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "vitc/Import/Import.h"
#include <cstdio>
#include <cstdlib>

using namespace mlir;

void vitc::test::importOrRefuse(const std::string &path) {
  // Types and attributes live as long as their context: one for each run.
  MLIRContext context(MLIRContext::Threading::DISABLED);
  import_::loadDialects(context);
  int numErrors = 0;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    numErrors += diagnostic.getSeverity() == DiagnosticSeverity::Error;
    return success();
  });
  OwningOpRef<ModuleOp> module =
      import_::importModel(path, context, import_::ImportOptions());
  bool isRight =
      module ? numErrors == 0 && succeeded(verify(*module)) : numErrors > 0;
  if (isRight)
    return;
  std::fprintf(stderr, "%s with %d errors\n", module ? "imported" : "refused",
               numErrors);
  std::abort();
}
