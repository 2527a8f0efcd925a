//===- TargetArguments.cpp - Options for what code is made for ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TargetArguments.h"

#include "vitc/Kernel/CostModel.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace vitc;

static cl::opt<std::string>
    march("march",
          cl::desc("x86-64-v2, x86-64-v3, x86-64-v4, armv8-a or native; "
                   "default: all levels of the target, chosen at start"),
          cl::cat(getOptionCategory()));
static cl::opt<std::string>
    optLevel("O", cl::Prefix, cl::init("3"),
             cl::desc("Effort of code generation, 0 to 3"), cl::value_desc("N"),
             cl::cat(getOptionCategory()));
static cl::list<std::string>
    target("target", cl::CommaSeparated, cl::value_desc("TARGET"),
           cl::desc("x86_64-linux-gnu or aarch64-linux-gnu, default: this "
                    "machine's; or GPUs, one or more of sm_80, sm_86, sm_89, "
                    "sm_90, sm_90a, sm_100 and sm_120"),
           cl::cat(getOptionCategory()));
static cl::opt<std::string>
    ptxas("ptxas", cl::value_desc("FILE"),
          cl::desc("NVIDIA's assembler; default: the first in PATH, CUDA_ROOT, "
                   "CUDA_HOME and CUDA_PATH"),
          cl::cat(getOptionCategory()));
static cl::opt<std::string>
    precision("precision", cl::init("f32"),
              cl::desc("What matrix products multiply: f32 or, on GPUs, tf32, "
                       "bf16 or f16; sums stay f32"),
              cl::cat(getOptionCategory()));
static cl::opt<std::string>
    backend("backend", cl::init("llvm"),
            cl::desc("Who computes matrix products: llvm, onednn, or auto, the "
                     "cheaper for each"),
            cl::cat(getOptionCategory()));

ArrayRef<const cl::Option *> vitc::getTargetOptions() {
  static const cl::Option *const options[] = {
      &march, &optLevel,  std::addressof<cl::Option>(target),
      &ptxas, &precision, &backend};
  return options;
}

StringRef vitc::getLevelArgument() { return march; }

/// --target, as it was given.
static std::string getTarget() { return join(target, ","); }

/// Whether code for --target runs on this machine's CPU.
static bool isHostTarget() {
  return target.empty() || findCpuTarget(getTarget()) == &getHostCpuTarget();
}

static bool refuseHere() {
  return usageError("--target is '" + getTarget() +
                    "'; its code is run here, on " + getHostCpuTarget().name);
}

bool vitc::requireHostTarget() { return isHostTarget() || refuseHere(); }

bool vitc::requireLocalTarget(const CompileOptions &options) {
  return isHostTarget() || !options.program.gpus.empty() || refuseHere();
}

void vitc::setDefaultLevel() {
  if (march.empty() && isHostTarget())
    march = "native";
}

static bool parseLevels(CompileOptions &options) {
  ArrayRef<StringRef> levels = options.program.target->levels;
  bool isNative = march == "native" && isHostTarget();
  StringRef level = isNative ? getHostCpuLevel() : StringRef(march);
  if (!level.empty() && !is_contained(levels, level)) {
    SmallVector<StringRef> needed = to_vector(reverse(levels));
    if (isHostTarget())
      needed.push_back("native");
    return usageError("-march is '" + march + "'; needs " +
                      join(drop_end(needed), ", ") +
                      (needed.size() > 1 ? " or " : "") + needed.back());
  }
  if (!level.empty())
    levels = level;
  for (StringRef each : levels)
    options.program.isas.push_back(each.str());
  if (isText(options.program.kind))
    options.program.isas.resize(1);
  return true;
}

/// "one or more of sm_80, sm_86, ...".
static std::string listGpus() {
  SmallVector<StringRef> names;
  for (const GpuTarget &gpu : reverse(getGpuTargets()))
    names.push_back(gpu.name);
  return "one or more of " + join(names, ", ");
}

static std::string listCpus() {
  SmallVector<StringRef> names;
  for (const CpuTarget &cpu : getCpuTargets())
    names.push_back(cpu.name);
  return join(names, ", ");
}

/// --target names GPUs: best first, whatever their order there.
static bool parseGpus(CompileOptions &options) {
  SmallVector<const GpuTarget *> &gpus = options.program.gpus;
  for (StringRef name : target) {
    const GpuTarget *gpu = findGpuTarget(name);
    if (!gpu && findCpuTarget(name))
      return usageError("--target is '" + getTarget() +
                        "'; a program is for one CPU or for GPUs");
    if (!gpu)
      return usageError("--target is '" + getTarget() + "'; needs " +
                        listCpus() + ", or " + listGpus());
    if (is_contained(gpus, gpu))
      return usageError("--target is '" + getTarget() + "'; needs " + name +
                        " once");
    gpus.push_back(gpu);
  }
  sort(gpus); // by their places in getGpuTargets()
  if (gpus.size() > 1 && isText(options.program.kind))
    return usageError("--target is '" + getTarget() +
                      "'; PTX and LLVM IR are of one architecture");
  if (!march.empty())
    return usageError("-march is '" + march + "'; --target=" + getTarget() +
                      " has no levels");
  if (!ptxas.empty() && isText(options.program.kind))
    return usageError("--ptxas makes machine code; PTX and LLVM IR have none");
  options.program.ptxas = ptxas;
  return true;
}

static bool parseCpu(CompileOptions &options) {
  if (!target.empty())
    options.program.target = findCpuTarget(target.front());
  if (options.program.kind == OutputKind::Ptx)
    return usageError("PTX is for GPUs; --target is '" +
                      options.program.target->name + "' and needs " +
                      listGpus());
  if (!ptxas.empty())
    return usageError("--ptxas is for GPUs; --target is '" +
                      options.program.target->name + "'");
  return parseLevels(options);
}

bool vitc::parseTarget(CompileOptions &options) {
  if (!kernel::parseBackend(backend))
    return usageError("--backend is '" + backend +
                      "'; needs llvm, onednn or auto");
  if (backend != "llvm" && !isHostTarget())
    return usageError("--backend is '" + backend +
                      "'; --target=" + getTarget() + " needs llvm");
  options.program.backend = backend;

  if (StringRef(optLevel).getAsInteger(10, options.program.optLevel) ||
      options.program.optLevel > 3)
    return usageError("-O is '" + optLevel + "'; needs 0 to 3");

  bool isCpu =
      target.empty() || (target.size() == 1 && findCpuTarget(target.front()));
  if (!is_contained({"f32", "tf32", "bf16", "f16"}, precision))
    return usageError("--precision is '" + precision +
                      "'; needs f32, tf32, bf16 or f16");
  if (isCpu && precision != "f32")
    return usageError("--precision is '" + precision +
                      "'; a CPU's kernels compute in f32");
  if (precision != "f32" && options.compileFrom >= Phase::Kernel)
    return usageError("--precision is '" + precision +
                      "'; kernels say themselves what they multiply");
  options.precision = precision;
  return isCpu ? parseCpu(options) : parseGpus(options);
}
