//===- LoadProgram.cpp - A program's objects in this process --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Verify/LoadProgram.h"

#include "vitc/Target/Output.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace vitc;

static llvm::Error addObjects(llvm::orc::LLJIT &jit,
                              ArrayRef<std::string> paths) {
  for (const std::string &path : paths) {
    auto object = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!object)
      return llvm::errorCodeToError(object.getError());
    if (llvm::Error error = jit.addObjectFile(std::move(*object)))
      return error;
  }
  return llvm::Error::success();
}

/// Large weights ask for the alignment of a huge page, see WeightsObject.cpp.
/// The linker takes no section that asks for more than a page, so it is told
/// that pages are as large: each segment gets whole ones, from the address on
/// that the system gives. Nothing but speed depends on the alignment.
static constexpr uint64_t kPageBytes = uint64_t(2) << 20;

static llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> createJit() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  return llvm::orc::LLJITBuilder()
      .setObjectLinkingLayerCreator([](llvm::orc::ExecutionSession &session) {
        return std::make_unique<llvm::orc::ObjectLinkingLayer>(
            session, std::make_unique<llvm::jitlink::InProcessMemoryManager>(
                         kPageBytes));
      })
      .create();
}

FailureOr<const vitc_model_descriptor_t *>
vitc::loadProgram(ModuleOp module, const ProgramOptions &options,
                  std::unique_ptr<llvm::orc::LLJIT> &jit) {
  auto report = [&](llvm::Error error) {
    return emitError(module.getLoc())
           << "cannot be loaded: " << llvm::toString(std::move(error));
  };
  auto created = createJit();
  if (!created)
    return report(created.takeError());
  jit = std::move(*created);
  // Removes the objects once they are loaded.
  Output output("-");
  SmallVector<std::string> objects;
  if (failed(emitObjects(module, options, output, objects)))
    return failure();
  if (llvm::Error error = addObjects(*jit, objects))
    return report(std::move(error));
  auto symbol = jit->lookup("vitc_model_descriptor");
  if (!symbol)
    return report(symbol.takeError());
  return symbol->toPtr<const vitc_model_descriptor_t *>();
}
