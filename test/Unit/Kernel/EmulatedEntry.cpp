//===- EmulatedEntry.cpp - Entry functions whose kernels are a GPU's ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatedEntry.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "vitc/Pipelines/GPU.h"
#include "vitc/Target/GpuTarget.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/Support/SourceMgr.h"
#include <cstring>

using namespace llvm;
using namespace vitc;
using namespace vitc::test;

/// The module's functions of the host as code of this process.
static Expected<std::unique_ptr<orc::LLJIT>> loadHost(mlir::ModuleOp module) {
  for (mlir::Operation &op : make_early_inc_range(*module.getBody())) {
    if (!isa<mlir::LLVM::LLVMFuncOp>(op)) {
      op.erase();
      continue;
    }
    for (mlir::NamedAttribute attribute : to_vector(op.getDiscardableAttrs()))
      op.removeDiscardableAttr(attribute.getName());
  }
  for (mlir::NamedAttribute attribute :
       to_vector(module->getDiscardableAttrs()))
    module->removeDiscardableAttr(attribute.getName());
  auto context = std::make_unique<LLVMContext>();
  auto host = mlir::translateModuleToLLVMIR(module, *context);
  if (!host)
    return createStringError("the entry is no LLVM IR");
  auto jit = orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  if (Error error = (*jit)->addIRModule({std::move(host), std::move(context)}))
    return error;
  return jit;
}

Expected<std::unique_ptr<EmulatedEntry>>
EmulatedEntry::load(mlir::ModuleOp module, StringRef arch) {
  const GpuTarget *target = findGpuTarget(arch);
  if (!target)
    return createStringError("there is no GPU " + arch);
  initializeGpuTargets();
  mlir::OwningOpRef<mlir::ModuleOp> lowered(module.clone());
  registerDeviceTranslations(*module.getContext());
  mlir::PassManager passes(module.getContext());
  addGpuCodePasses(passes, arch);
  if (failed(passes.run(*lowered)))
    return createStringError("the module does not lower");
  auto device = *lowered->getOps<mlir::gpu::GPUModuleOp>().begin();
  mlir::FailureOr<DeviceCode> code =
      generateDeviceCode(device, *target, /*optLevel=*/3);
  if (failed(code))
    return createStringError("kernels do not become code");

  std::unique_ptr<EmulatedEntry> entry(new EmulatedEntry());
  entry->kernels.assign(code->kernels.begin(), code->kernels.end());
  auto context = std::make_unique<LLVMContext>();
  SMDiagnostic diagnostic;
  auto kernels = parseAssemblyString(code->llvmIR, diagnostic, *context);
  if (!kernels)
    return createStringError("the kernels' LLVM IR does not parse: " +
                             diagnostic.getMessage());
  auto program =
      emulator::Program::load(std::move(context), std::move(kernels));
  if (!program)
    return program.takeError();
  entry->program = std::move(*program);
  auto jit = loadHost(*lowered);
  if (!jit)
    return jit.takeError();
  entry->jit = std::move(*jit);
  auto address = entry->jit->lookup("forward");
  if (!address)
    return address.takeError();
  entry->function = address->toPtr<rt::EntryFn>();
  return entry;
}

void EmulatedEntry::launch(rt::Context *context, int32_t, int32_t number,
                           int64_t blocks, const void *const *arguments) {
  auto *entry = static_cast<EmulatedEntry *>(context->session);
  if (!entry->error.empty() || blocks == 0)
    return;
  const DeviceKernel &kernel = entry->kernels[number];
  emulator::LaunchOptions options;
  options.grid = {static_cast<uint32_t>(blocks)};
  options.block = {static_cast<uint32_t>(kernel.threads)};
  options.dynamicSharedBytes = kernel.sharedBytes;
  options.seed = entry->seed;
  const emulator::KernelShape &shape = *entry->program->findShape(kernel.name);
  ArrayRef<void *> parameters(const_cast<void *const *>(arguments),
                              shape.parameters.size());
  entry->error = toString(
      entry->program->launch(kernel.name, options, parameters, entry->memory));
}

int32_t EmulatedEntry::read(rt::Context *context, void *host,
                            const void *device, int64_t bytes) {
  auto *entry = static_cast<EmulatedEntry *>(context->session);
  if (!entry->error.empty())
    return 0;
  std::memcpy(host, device, bytes);
  return 1;
}

Error EmulatedEntry::run(int64_t batch, ArrayRef<const void *> inputs,
                         ArrayRef<void *> outputs, const Buffers &buffers,
                         uint64_t seed) {
  std::map<const void *, void *> copies;
  for (auto [buffer, bytes] : buffers) {
    copies[buffer] =
        memory.allocate("buffer " + std::to_string(copies.size()), bytes);
    std::memcpy(copies[buffer], buffer, bytes);
  }
  auto getCopy = [&](const void *buffer) {
    auto copy = copies.find(buffer);
    return copy == copies.end() ? nullptr : copy->second;
  };
  std::vector<const void *> deviceInputs;
  std::vector<void *> deviceOutputs;
  for (const void *input : inputs)
    deviceInputs.push_back(getCopy(input));
  for (void *output : outputs)
    deviceOutputs.push_back(getCopy(output));
  this->seed = seed;
  error.clear();
  rt::Context context = {};
  context.batch = batch;
  context.inputs = deviceInputs.data();
  context.outputs = deviceOutputs.data();
  context.launch = launch;
  context.read = read;
  context.threads = 1;
  context.session = this;
  function(&context);
  for (auto [buffer, bytes] : buffers) {
    // Constant buffers are not written, not even with what they hold.
    if (std::memcmp(buffer, copies[buffer], bytes) != 0)
      std::memcpy(const_cast<void *>(buffer), copies[buffer], bytes);
    memory.free(copies[buffer]);
  }
  return error.empty() ? Error::success() : createStringError(error);
}
