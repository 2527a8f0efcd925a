//===- Program.cpp - Programs for a CPU -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One object for each level, one with the weights, one with the descriptor that
// names both and holds the kernels of GPUs; then the link.
//
//===----------------------------------------------------------------------===//

#include "DescriptorModule.h"
#include "Levels.h"
#include "WeightsObject.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Target/Link.h"
#include "vitc/Target/Output.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
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

static int64_t getSize(const std::optional<DeviceCode> &device) {
  return device ? device->ptx.size() + device->cubin.size() : 0;
}

bool vitc::isText(OutputKind kind) {
  return kind == OutputKind::Assembly || kind == OutputKind::LLVMIR ||
         kind == OutputKind::Ptx;
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
      sizes.code.push_back(
          {levels[i].isa, getCodeSize(bytes) + getSize(levels[i].device)});
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
  FailureOr<std::vector<LevelCode>> levels = lowerLevels(module, options);
  if (failed(levels) ||
      failed(assembleLevels(*levels, options, module.getLoc())) ||
      failed(
          writeCode(*levels, options, output, module.getLoc(), paths, sizes)) ||
      failed(writeData(module, *levels, options, sizes, output, paths)))
    return failure();
  return sizes;
}

/// Writes one level's code as text; of a GPU its kernels'.
static LogicalResult emitText(ModuleOp module, const ProgramOptions &options,
                              Output &output) {
  Location loc = module.getLoc();
  FailureOr<std::vector<LevelCode>> levels = lowerLevels(module, options);
  if (failed(levels))
    return failure();
  const LevelCode &level = levels->front();
  bool isLLVMIR = options.kind == OutputKind::LLVMIR;
  if (level.device)
    return writeOutput(options.output,
                       isLLVMIR ? level.device->llvmIR : level.device->ptx,
                       loc);
  if (isLLVMIR)
    return writeOutput(options.output, printModule(*level.module), loc);
  SmallVector<std::string> paths;
  ProgramSizes sizes;
  if (failed(writeCode(*levels, options, output, loc, paths, sizes)))
    return failure();
  return output.install(paths.front(), loc);
}

/// Copies what the linker wrote, a huge page at a time. The system then keeps
/// the file in huge pages, if it can, by which programs map it: measured with
/// 226 MB of weights, 3 % less time a run.
static LogicalResult copyByHugePages(StringRef from, StringRef to,
                                     Location loc) {
  auto file = llvm::MemoryBuffer::getFile(from);
  auto permissions = llvm::sys::fs::getPermissions(from);
  std::error_code code = file ? permissions.getError() : file.getError();
  if (code)
    return emitError(loc) << "cannot read '" << from << "': " << code.message();
  llvm::raw_fd_ostream os(to, code);
  if (!code) {
    os.SetUnbuffered();
    StringRef bytes = (*file)->getBuffer();
    for (; !bytes.empty();
         bytes = bytes.drop_front(std::min(bytes.size(), kHugePageBytes)))
      os << bytes.take_front(kHugePageBytes);
    os.close();
    code = os.error();
    os.clear_error(); // else the stream ends the process
  }
  if (!code)
    code = llvm::sys::fs::setPermissions(to, *permissions);
  if (code)
    return emitError(loc) << "cannot write '" << to << "': " << code.message();
  return success();
}

FailureOr<ProgramSizes> vitc::emitProgram(ModuleOp module,
                                          const ProgramOptions &options) {
  Location loc = module.getLoc();
  Output output(options.output);
  if (!options.dryRun && failed(output.check(loc)))
    return failure();
  if (isText(options.kind)) {
    if (failed(emitText(module, options, output)))
      return failure();
    return getSizes(module);
  }
  SmallVector<std::string> objects;
  FailureOr<ProgramSizes> sizes = emitObjects(module, options, output, objects);
  if (failed(sizes))
    return failure();
  std::string linked = output.addPart("linked");
  if (failed(linkProgram(objects, linked, options, loc)))
    return failure();
  if (options.dryRun)
    return sizes;
  std::string program = output.addPart("program");
  if (failed(copyByHugePages(linked, program, loc)) ||
      failed(output.install(program, loc)))
    return failure();
  return sizes;
}
