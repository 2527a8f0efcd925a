//===- Verify.cpp - Compare kernels with the reference --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Verify/Verify.h"

#include "Candidate.h"
#include "Compare.h"
#include "Inputs.h"
#include "OnnxRuntime.h"
#include "Reference.h"
#include "vitc/Analysis/SourceName.h"
#include "vitc/Target/Weights.h"
#include "llvm/Support/FormatVariadic.h"

#include <unistd.h>

using namespace mlir;
using namespace vitc;

namespace {
/// One comparison of a model.
class Verifier {
public:
  Verifier(const ReferenceRun &reference, const Candidate &candidate,
           const VerifyOptions &options)
      : reference(reference), candidate(candidate), options(options) {
    for (const ReferenceValue &value : reference.values)
      values[value.name].push_back(&value);
  }

  void compareKernels();
  void compareOutputs(ArrayRef<HostTensor> shipped,
                      ArrayRef<HostTensor> spread);
  void compareWithOnnxRuntime(ArrayRef<HostTensor> shipped,
                              const OnnxRuntimeRun &run);
  void reportStaleRead();
  bool agrees() const { return report.agrees; }
  VerifyReport takeReport() { return std::move(report); }

private:
  /// A reference of what a kernel wrote, and what it wrote.
  struct Match {
    StringRef op;
    HostTensor found, expected;
    Comparison comparison;
  };
  void consider(std::optional<Match> &best, StringRef op, HostTensor found,
                ArrayRef<HostTensor> aligned);
  std::optional<Match> findMatch(const KernelAccesses &kernel,
                                 ArrayRef<StringRef> names);
  /// The names of what a kernel computes: not of a norm of a product's rows.
  SmallVector<StringRef> getNames(Operation *kernel);
  /// Whether a later kernel writes where this one did.
  bool isOverwritten(const KernelAccesses &kernel);
  bool isPart(const KernelAccesses &kernel, StringRef name);
  InFlightDiagnostic emitDifference(Location loc);
  Location nameLoc(StringRef name) {
    MLIRContext *context = candidate.getInterface().getContext();
    return NameLoc::get(StringAttr::get(context, name));
  }

  const ReferenceRun &reference;
  const Candidate &candidate;
  const VerifyOptions &options;
  llvm::StringMap<SmallVector<const ReferenceValue *>> values;
  VerifyReport report;
};
} // namespace

/// The source's name of what `op` computes.
static StringRef getValueName(Operation *op) {
  SmallVector<StringRef> names = getSourceNames(op->getLoc());
  return names.empty() ? StringRef() : names.back();
}

InFlightDiagnostic Verifier::emitDifference(Location loc) {
  report.agrees = false;
  return emitError(loc);
}

static void describe(InFlightDiagnostic &error, const Comparison &comparison,
                     double tolerance) {
  auto number = [](double value) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << llvm::format("%.6g", value);
    return text;
  };
  error << "; first at " << formatShape(comparison.index) << ", "
        << number(comparison.found) << " where " << number(comparison.expected)
        << " is right; the largest error is " << number(comparison.largestError)
        << " of values up to " << number(comparison.largestReference)
        << ", the tolerance " << number(tolerance) << " of that";
}

void Verifier::consider(std::optional<Match> &best, StringRef op,
                        HostTensor found, ArrayRef<HostTensor> aligned) {
  for (const HostTensor &expected : aligned) {
    Comparison comparison = compare(found, expected, options.tolerance);
    if (!best ||
        comparison.getRelativeError() < best->comparison.getRelativeError())
      best = {op, found, expected, std::move(comparison)};
  }
}

bool Verifier::isOverwritten(const KernelAccesses &kernel) {
  bool behind = false;
  for (const KernelAccesses &other : candidate.getKernels()) {
    if (behind && other.result.buffer == kernel.result.buffer &&
        haveCommonElement(kernel.result, other.result,
                          candidate.getNumElements(kernel.result.buffer)))
      return true;
    behind |= &other == &kernel;
  }
  return false;
}

/// Whether a later kernel of the same layer reads what this one writes: a part
/// of the layer's value, such as a softmax's sum, which has a shape of the
/// value at times.
bool Verifier::isPart(const KernelAccesses &kernel, StringRef name) {
  bool behind = false;
  for (const KernelAccesses &other : candidate.getKernels()) {
    if (behind && llvm::is_contained(other.reads, kernel.result.buffer) &&
        getValueName(other.kernel) == name)
      return true;
    behind |= &other == &kernel;
  }
  return false;
}

std::optional<Verifier::Match> Verifier::findMatch(const KernelAccesses &kernel,
                                                   ArrayRef<StringRef> names) {
  std::optional<Match> best;
  auto named = values.find(names.back());
  if (named == values.end() || isOverwritten(kernel) ||
      isPart(kernel, names.back()))
    return best;
  HostTensor found = candidate.readResult(kernel);
  for (const ReferenceValue *value : named->second)
    consider(best, value->op, found,
             alignReference(value->tensor, found.shape));
  // Layers side by side that read the same input, one behind the other.
  SmallVector<const HostTensor *> parts;
  for (StringRef name : names)
    if (auto part = values.find(name); part != values.end())
      parts.push_back(&part->second.front()->tensor);
  if (parts.size() > 1 && parts.size() == names.size())
    if (std::optional<HostTensor> whole = concatLastDim(parts))
      consider(best, named->second.front()->op, found,
               alignReference(*whole, found.shape));
  // Several kernels, or one through a map, that write one value.
  HostTensor buffer = candidate.readBuffer(kernel.result.buffer);
  for (const ReferenceValue *value : named->second)
    consider(best, value->op, buffer,
             alignReference(value->tensor, buffer.shape));
  if (best)
    return best;
  for (const ReferenceValue *value : named->second)
    consider(best, value->op, found, alignTokens(value->tensor, found.shape));
  return best;
}

SmallVector<StringRef> Verifier::getNames(Operation *kernel) {
  SmallVector<StringRef> names = getSourceNames(kernel->getLoc());
  if (isa<kernel::GemmOp>(kernel))
    llvm::erase_if(names, [&](StringRef name) {
      auto named = values.find(name);
      return named != values.end() &&
             llvm::all_of(named->second, [](const ReferenceValue *value) {
               return value->op == vit::LayerNormOp::getOperationName() ||
                      value->op == vit::RmsNormOp::getOperationName();
             });
    });
  return names;
}

void Verifier::compareKernels() {
  for (const KernelAccesses &kernel : candidate.getKernels()) {
    // What is gathered was compared before, and is again where it is read.
    if (isa<kernel::GatherOp>(kernel.kernel))
      continue;
    // A fill has the name of the reduction that starts from it.
    auto generic = dyn_cast<kernel::GenericOp>(kernel.kernel);
    if (generic && generic.getInputs().empty())
      continue;
    SmallVector<StringRef> names = getNames(kernel.kernel);
    StringRef op = kernel.kernel->getName().getStringRef();
    std::optional<Match> match;
    if (!names.empty())
      match = findMatch(kernel, names);
    // Its scale and shift may be in the weights of what reads it, which is
    // compared.
    auto norm = dyn_cast<kernel::NormOp>(kernel.kernel);
    if (norm && !norm.getScale() && match && !match->comparison.agrees)
      match.reset();
    if (!match) {
      report.notCompared.push_back(
          (op + " of " + (names.empty() ? "no layer" : names.back())).str());
      continue;
    }
    report.layers.push_back(
        {names.back().str(), op.str(), match->comparison.getRelativeError()});
    if (match->comparison.agrees || !report.agrees)
      continue;
    InFlightDiagnostic error = emitDifference(nameLoc(names.back()));
    error << "'" << op << "' differs from the reference, '" << match->op << "'";
    describe(error, match->comparison, options.tolerance);
  }
}

void Verifier::reportStaleRead() {
  std::optional<StaleRead> stale = candidate.getStaleRead();
  if (!stale || !report.agrees)
    return;
  emitDifference(nameLoc(getValueName(stale->reader)))
      << "'" << stale->reader->getName()
      << "' reads what the arena plan gives no memory of its own: '"
      << getValueName(stale->overwriter) << "' overwrites the value of '"
      << getValueName(stale->writer) << "' before";
}

void Verifier::compareOutputs(ArrayRef<HostTensor> shipped,
                              ArrayRef<HostTensor> spread) {
  for (auto [i, output] :
       llvm::enumerate(candidate.getInterface().getOutputs())) {
    StringRef name = output.getName();
    if (report.agrees && shipped[i].bytes != spread[i].bytes) {
      Comparison comparison = compare(shipped[i], spread[i], 0);
      InFlightDiagnostic error = emitDifference(nameLoc(name));
      error << "output differs between the arena as planned and one that "
               "reuses nothing: a kernel reads memory that another has taken";
      if (!comparison.agrees)
        describe(error, comparison, 0);
    }
    Comparison comparison =
        compare(shipped[i], reference.outputs[i], options.tolerance);
    report.layers.push_back({name.str(), "", comparison.getRelativeError()});
    if (comparison.agrees || !report.agrees)
      continue;
    InFlightDiagnostic error = emitDifference(nameLoc(name));
    error << "output differs from the reference";
    describe(error, comparison, options.tolerance);
  }
}

void Verifier::compareWithOnnxRuntime(ArrayRef<HostTensor> shipped,
                                      const OnnxRuntimeRun &run) {
  OnnxRuntimeReport &result = report.onnxRuntime.emplace();
  result.version = run.version;
  result.reason = run.reason;
  for (auto [output, found, expected] :
       llvm::zip(candidate.getInterface().getOutputs(), shipped, run.outputs)) {
    if (!report.agrees)
      return;
    if (found.shape != expected.shape) {
      emitDifference(nameLoc(output.getName()))
          << "output has shape " << formatShape(found.shape)
          << "; ONNX Runtime " << run.version << " gives "
          << formatShape(expected.shape);
      continue;
    }
    Comparison comparison = compare(found, expected, options.tolerance);
    result.error = std::max(result.error, comparison.getRelativeError());
    if (comparison.agrees)
      continue;
    InFlightDiagnostic error = emitDifference(nameLoc(output.getName()));
    error << "output differs from ONNX Runtime " << run.version;
    describe(error, comparison, options.tolerance);
  }
}

/// Whether both modules are of a model with these inputs and outputs.
static LogicalResult checkInterface(func::FuncOp raised,
                                    kernel::EntryAttr entry) {
  SmallVector<Type> inputs, outputs;
  for (kernel::TensorAttr input : entry.getInputs())
    inputs.push_back(input.getType());
  for (kernel::TensorAttr output : entry.getOutputs())
    outputs.push_back(output.getType());
  auto signless = [](TypeRange types) {
    SmallVector<Type> result;
    for (Type type : types) {
      auto tensor = cast<RankedTensorType>(type);
      Type element = tensor.getElementType();
      if (element.isInteger())
        element = IntegerType::get(type.getContext(),
                                   element.getIntOrFloatBitWidth());
      result.push_back(tensor.clone(element));
    }
    return result;
  };
  auto found = FunctionType::get(raised.getContext(), signless(inputs),
                                 signless(outputs));
  auto needed = FunctionType::get(raised.getContext(),
                                  signless(raised.getArgumentTypes()),
                                  signless(raised.getResultTypes()));
  if (found == needed)
    return success();
  return emitError(raised.getLoc())
         << "the candidate is " << found << "; the model is " << needed;
}

namespace {
/// Runs of the model: of the reference once, of the kernels for each level.
class ModelRuns {
public:
  ModelRuns(ModuleOp raised, const VerifyOptions &options, TimingScope &timing)
      : raised(raised), options(options), timing(timing) {}

  FailureOr<VerifyReport> verifyLevel(ModuleOp kernels, StringRef isa);

private:
  /// Makes the inputs and runs the reference, unless that is done.
  LogicalResult runReference(const Candidate &candidate);
  /// Runs the ONNX file, unless that is done.
  LogicalResult runOnnxFile(const Candidate &candidate);

  ModuleOp raised;
  const VerifyOptions &options;
  TimingScope &timing;
  std::vector<HostTensor> inputs;
  std::optional<ReferenceRun> reference;
  std::optional<OnnxRuntimeRun> onnxRuntime;
};
} // namespace

LogicalResult ModelRuns::runReference(const Candidate &candidate) {
  if (reference)
    return success();
  auto forward = raised.lookupSymbol<func::FuncOp>("forward");
  if (failed(checkInterface(forward, candidate.getInterface())))
    return failure();
  FailureOr<std::vector<HostTensor>> made = makeInputs(
      candidate.getModel(), candidate.getInterface(), options, raised.getLoc());
  if (failed(made))
    return failure();
  inputs = std::move(*made);
  FailureOr<ReferenceRun> run = vitc::runReference(raised, inputs, timing);
  if (failed(run))
    return failure();
  reference = std::move(*run);
  return success();
}

LogicalResult ModelRuns::runOnnxFile(const Candidate &candidate) {
  if (onnxRuntime)
    return success();
  FailureOr<OnnxRuntimeRun> run =
      runOnnxRuntime(candidate.getModel(), candidate.getInterface(), inputs,
                     options, raised.getLoc());
  if (failed(run))
    return failure();
  onnxRuntime = std::move(*run);
  return success();
}

FailureOr<VerifyReport> ModelRuns::verifyLevel(ModuleOp kernels,
                                               StringRef isa) {
  ProgramOptions program = options.program;
  program.isas = {isa.str()};
  FailureOr<std::unique_ptr<Candidate>> candidate =
      Candidate::create(kernels, program, options.batch);
  if (failed(candidate) || failed(runReference(**candidate)))
    return failure();
  FailureOr<std::vector<HostTensor>> shipped = (*candidate)->runShipped(inputs);
  FailureOr<std::vector<HostTensor>> spread = (*candidate)->runSpread(inputs);
  if (failed(shipped) || failed(spread))
    return failure();
  Verifier verifier(*reference, **candidate, options);
  verifier.compareKernels();
  verifier.reportStaleRead();
  verifier.compareOutputs(*shipped, *spread);
  if (!options.onnxFile.empty() && verifier.agrees()) {
    if (failed(runOnnxFile(**candidate)))
      return failure();
    verifier.compareWithOnnxRuntime(*shipped, *onnxRuntime);
  }
  return verifier.takeReport();
}

/// Reports a batch whose values, of the kernels and of the reference, are more
/// than this machine's memory.
static LogicalResult checkMemory(ModuleOp kernels, int64_t batch) {
  double bytes = 0;
  kernels.lookupSymbol<func::FuncOp>("forward").walk([&](kernel::BufferOp op) {
    if (op.getSpace() == kernel::Space::Weights)
      return;
    auto type = cast<MemRefType>(op.getType());
    double size = getTensorElementBytes(type.getElementType());
    for (int64_t dim : type.getShape())
      size *= ShapedType::isDynamic(dim) ? batch : dim;
    bytes += 2 * size;
  });
  double memory = double(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  if (bytes <= memory)
    return success();
  return emitError(kernels.getLoc())
         << "verifying keeps every value, "
         << llvm::formatv("{0:f1} GB for a batch of {1}; this machine has "
                          "{2:f1} GB",
                          bytes * 1e-9, batch, memory * 1e-9)
                .str();
}

FailureOr<VerifyReport> vitc::verifyKernels(ModuleOp raised, ModuleOp kernels,
                                            const VerifyOptions &options,
                                            TimingScope &timing) {
  if (failed(checkMemory(kernels, options.batch)))
    return failure();
  ModelRuns runs(raised, options, timing);
  VerifyReport report;
  for (const std::string &isa : options.program.isas) {
    FailureOr<VerifyReport> level = runs.verifyLevel(kernels, isa);
    if (failed(level))
      return failure();
    report.agrees = level->agrees;
    llvm::append_range(report.layers, level->layers);
    llvm::append_range(report.notCompared, level->notCompared);
    report.onnxRuntime = level->onnxRuntime;
    if (report.agrees)
      continue;
    emitRemark(raised.getLoc()) << "the kernels of " << isa << " differ";
    break;
  }
  return report;
}
