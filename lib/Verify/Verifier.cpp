//===- Verifier.cpp - One comparison of a model ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verifier.h"

#include "Vit/VitDialect.h"
#include "vitc/Analysis/SourceName.h"

using namespace mlir;
using namespace vitc;

/// The source's name of what `op` computes.
static StringRef getValueName(Operation *op) {
  SmallVector<StringRef> names = getSourceNames(op->getLoc());
  return names.empty() ? StringRef() : names.back();
}

InFlightDiagnostic Verifier::emitDifference(Location loc) {
  report.agrees = false;
  return emitError(loc);
}

void Verifier::describe(InFlightDiagnostic &error, const Comparison &comparison,
                        double tolerance) {
  auto number = [](double value) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << llvm::format("%.6g", value);
    return text;
  };
  if (!where.empty())
    error << ", in " << where;
  error << "; first at " << formatShape(comparison.index) << ", "
        << number(comparison.found) << " where " << number(comparison.expected)
        << " is right; the largest error is " << number(comparison.largestError)
        << " of values up to " << number(comparison.largestReference)
        << ", the tolerance " << number(tolerance) << " of that"
        << (comparison.allowsUnit ? " or a unit in the last place" : "");
}

void Verifier::consider(std::optional<Match> &best, StringRef op,
                        HostTensor found, ArrayRef<HostTensor> aligned) {
  for (const HostTensor &expected : aligned) {
    // The maximum of an argmax, say, where the layer's value is its index.
    if (isa<FloatType>(found.element) != isa<FloatType>(expected.element))
      continue;
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

/// Whether a later kernel of the same layer computes with what this one writes:
/// a part of the layer's value, such as a softmax's sum, which has a shape of
/// the value at times.
bool Verifier::isPart(const KernelAccesses &kernel, StringRef name) {
  bool behind = false;
  for (const KernelAccesses &other : candidate.getKernels()) {
    if (behind && !isa<kernel::GatherOp>(other.kernel) &&
        llvm::is_contained(other.reads, kernel.result.buffer) &&
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
  for (auto [i, name] : llvm::enumerate(candidate.getResultNames())) {
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
