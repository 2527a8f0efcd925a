//===- Program.cpp - Programs for a CPU -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One object for each level, one with the weights, one with the
// descriptor that names both; then the link.
//
//===----------------------------------------------------------------------===//

#include "Codegen.h"
#include "DescriptorModule.h"
#include "WeightsObject.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "vitc/Pipelines/CPU.h"
#include "vitc/Target/CPU.h"
#include "vitc/Target/Link.h"
#include "vitc/Target/Output.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;

/// Bytes of machine code in an object.
static int64_t getCodeSize(StringRef bytes) {
  auto object = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(bytes, "code"));
  if (!object) {
    llvm::consumeError(object.takeError());
    return 0;
  }
  int64_t size = 0;
  for (const llvm::object::SectionRef &section : (*object)->sections())
    if (section.isText())
      size += section.getSize();
  return size;
}

static std::string printModule(llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, nullptr);
  return text;
}

static LogicalResult dumpLevels(ArrayRef<LevelCode> levels, StringRef folder,
                                Location loc) {
  for (const LevelCode &level : levels) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, "4-llvm." + level.isa + ".ll");
    if (failed(writeOutput(path, printModule(*level.module), loc)))
      return failure();
  }
  return success();
}

int64_t ProgramSizes::getCode() const {
  int64_t bytes = 0;
  for (const Code &level : code)
    bytes += level.bytes;
  return bytes;
}

static ProgramSizes getSizes(ModuleOp module) {
  ProgramSizes sizes;
  sizes.weights = getWeightsSize(module);
  for (auto function : module.getOps<func::FuncOp>())
    if (auto entry = function->getAttrOfType<kernel::EntryAttr>(
            kernel::KernelDialect::kEntryAttr)) {
      sizes.arenaBase = std::max(sizes.arenaBase, entry.getArenaBase());
      sizes.arenaPerBatch =
          std::max(sizes.arenaPerBatch, entry.getArenaPerBatch());
    }
  return sizes;
}

/// Loads what lowering needs, which threads must not do.
static void loadCodeDialects(MLIRContext &context,
                             const ProgramOptions &options) {
  registerBuiltinDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  PassManager passes(&context);
  addCpuCodePasses(passes, options.isas.front(), options.backend);
  DialectRegistry registry;
  passes.getDependentDialects(registry);
  context.appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    context.getOrLoadDialect(name);
}

/// Calls `body` for each level: side by side, unless threads are disabled.
static void forEachLevel(MLIRContext &context, size_t numLevels,
                         function_ref<void(size_t)> body) {
  if (!context.isMultithreadingEnabled()) {
    for (size_t i = 0; i < numLevels; ++i)
      body(i);
    return;
  }
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(numLevels));
  for (size_t i = 0; i < numLevels; ++i)
    pool.async([=] { body(i); });
  pool.wait();
}

/// Lowers every level. Each has a module and an LLVM context of its own.
static LogicalResult lowerLevels(ModuleOp module, const ProgramOptions &options,
                                 SmallVectorImpl<LevelCode> &levels) {
  MLIRContext &context = *module.getContext();
  loadCodeDialects(context, options);
  std::vector<FailureOr<LevelCode>> lowered(options.isas.size());
  auto lower = [&](size_t i) {
    lowered[i] = lowerToLLVM(module, options.isas[i], options.backend);
  };
  {
    // An error of one level mostly is one of all: it is reported below, once.
    ScopedDiagnosticHandler handler(&context, [](Diagnostic &diagnostic) {
      return success(diagnostic.getSeverity() == DiagnosticSeverity::Error);
    });
    forEachLevel(context, lowered.size(), lower);
  }
  for (size_t i = 0; i < lowered.size(); ++i) {
    if (failed(lowered[i]))
      lower(i);
    if (failed(lowered[i]))
      return failure();
    levels.push_back(std::move(*lowered[i]));
  }
  return success();
}

/// Lowers the module for every level; dumps where options say so.
static LogicalResult lowerAndDump(ModuleOp module,
                                  const ProgramOptions &options,
                                  SmallVectorImpl<LevelCode> &levels) {
  initializeCpuTargets();
  if (failed(lowerLevels(module, options, levels)))
    return failure();
  if (options.dumpFolder.empty())
    return success();
  return dumpLevels(levels, options.dumpFolder, module.getLoc());
}

/// Generates code for each level and writes it to a part of `output`; adds the
/// sizes of machine code to `sizes`.
static LogicalResult writeCode(MutableArrayRef<LevelCode> levels,
                               const ProgramOptions &options, Output &output,
                               Location loc,
                               SmallVectorImpl<std::string> &paths,
                               ProgramSizes &sizes) {
  bool assembly = options.kind == OutputKind::Assembly;
  SmallVector<SmallVector<char, 0>> code(levels.size());
  SmallVector<std::string> errors(levels.size());
  forEachLevel(*loc.getContext(), levels.size(), [&](size_t i) {
    generateCode(*levels[i].module,
                 {levels[i].cpu, levels[i].features, options.optLevel, assembly,
                  options.target},
                 code[i], errors[i]);
  });
  for (size_t i = 0; i < levels.size(); ++i) {
    if (!errors[i].empty())
      return emitError(loc) << "cannot generate code for " << levels[i].isa
                            << ": " << errors[i];
    StringRef bytes(code[i].data(), code[i].size());
    paths.push_back(output.addPart(levels[i].isa + (assembly ? ".s" : ".o")));
    if (failed(writeFile(paths.back(), bytes, loc)))
      return failure();
    if (!assembly)
      sizes.code.push_back({levels[i].isa, getCodeSize(bytes)});
  }
  return success();
}

/// Writes the objects with the weights and the descriptor.
static LogicalResult writeData(ModuleOp module, ArrayRef<LevelCode> levels,
                               const ProgramOptions &options,
                               const ProgramSizes &sizes, Output &output,
                               SmallVectorImpl<std::string> &paths) {
  if (sizes.weights != 0) {
    paths.push_back(output.addPart("weights.o"));
    if (failed(writeWeightsObject(module, *options.target, paths.back())))
      return failure();
  }
  llvm::LLVMContext context;
  FailureOr<std::unique_ptr<llvm::Module>> descriptor =
      buildDescriptorModule(module, levels, sizes, options, context);
  if (failed(descriptor))
    return failure();
  SmallVector<char, 0> bytes;
  std::string error;
  CodegenOptions codegen;
  codegen.target = options.target;
  codegen.cpu = options.target->baseCpu;
  if (!generateCode(**descriptor, codegen, bytes, error))
    return module.emitError("cannot write the descriptor: ") << error;
  paths.push_back(output.addPart("descriptor.o"));
  return writeFile(paths.back(), StringRef(bytes.data(), bytes.size()),
                   module.getLoc());
}

FailureOr<ProgramSizes> vitc::emitObjects(ModuleOp module,
                                          const ProgramOptions &options,
                                          Output &output,
                                          SmallVectorImpl<std::string> &paths) {
  ProgramSizes sizes = getSizes(module);
  SmallVector<LevelCode> levels;
  if (failed(lowerAndDump(module, options, levels)) ||
      failed(
          writeCode(levels, options, output, module.getLoc(), paths, sizes)) ||
      failed(writeData(module, levels, options, sizes, output, paths)))
    return failure();
  return sizes;
}

/// Writes one level's code as text.
static LogicalResult emitText(ModuleOp module, const ProgramOptions &options,
                              Output &output) {
  Location loc = module.getLoc();
  SmallVector<LevelCode> levels;
  if (failed(lowerAndDump(module, options, levels)))
    return failure();
  if (options.kind == OutputKind::LLVMIR)
    return writeOutput(options.output, printModule(*levels.front().module),
                       loc);
  SmallVector<std::string> paths;
  ProgramSizes sizes;
  if (failed(writeCode(levels, options, output, loc, paths, sizes)))
    return failure();
  return output.install(paths.front(), loc);
}

FailureOr<ProgramSizes> vitc::emitProgram(ModuleOp module,
                                          const ProgramOptions &options) {
  Location loc = module.getLoc();
  Output output(options.output);
  if (!options.dryRun && failed(output.check(loc)))
    return failure();
  if (options.kind == OutputKind::LLVMIR ||
      options.kind == OutputKind::Assembly) {
    if (failed(emitText(module, options, output)))
      return failure();
    return getSizes(module);
  }
  SmallVector<std::string> objects;
  FailureOr<ProgramSizes> sizes = emitObjects(module, options, output, objects);
  if (failed(sizes))
    return failure();
  std::string program = output.addPart("program");
  if (failed(linkProgram(objects, program, options, loc)))
    return failure();
  if (!options.dryRun && failed(output.install(program, loc)))
    return failure();
  return sizes;
}
