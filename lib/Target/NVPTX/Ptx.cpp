//===- Ptx.cpp - LLVM IR to PTX -------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/Ptx.h"

#include "Machine.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;
using namespace vitc;

Expected<std::string> vitc::generatePtx(StringRef llvmIR,
                                        const GpuTarget &target) {
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module =
      parseAssemblyString(llvmIR, diagnostic, context);
  if (!module)
    return createStringError("line " + Twine(diagnostic.getLineNo()) +
                             " of the LLVM IR: " + diagnostic.getMessage());
  SmallString<0> ptx;
  raw_svector_ostream stream(ptx);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr,
                                      CodeGenFileType::AssemblyFile))
    return createStringError("LLVM cannot emit PTX");
  passes.run(*module);
  return ptx.str().str();
}
