//===- Onnx.cpp - Importer of ONNX files ----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Onnx.h"

#include "GraphImporter.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vitc;

/// Names in a file may have any bytes; a message is one line.
static std::string escapeControls(StringRef text) {
  std::string escaped;
  for (char c : text) {
    bool isControl = uint8_t(c) < 0x20 || c == 0x7f;
    escaped +=
        isControl ? "\\x" + llvm::toHex(StringRef(&c, 1)) : std::string(1, c);
  }
  return escaped;
}

static void emitEscaped(const Diagnostic &diagnostic,
                        DiagnosticEngine &engine) {
  InFlightDiagnostic escaped =
      engine.emit(diagnostic.getLocation(), diagnostic.getSeverity())
      << escapeControls(diagnostic.str());
  for (const Diagnostic &note : diagnostic.getNotes())
    escaped.attachNote(note.getLocation()) << escapeControls(note.str());
}

FailureOr<import_::OnnxNames> import_::readOnnxNames(StringRef path,
                                                     MLIRContext &context) {
  FailureOr<std::unique_ptr<onnx::ModelFile>> file =
      onnx::ModelFile::open(path, context);
  if (failed(file))
    return failure();
  const onnx_proto::GraphProto &graph = (*file)->getModel().graph();
  OnnxNames names;
  for (const auto &input : graph.input())
    names.inputs.push_back(input.name());
  for (const auto &output : graph.output())
    names.outputs.push_back(output.name());
  return names;
}

OwningOpRef<ModuleOp> import_::importOnnx(StringRef path, MLIRContext &context,
                                          const ImportOptions &options,
                                          const OnnxPart &part) {
  FailureOr<std::unique_ptr<onnx::ModelFile>> file =
      onnx::ModelFile::open(path, context);
  const std::vector<std::string> &outputs =
      part.outputs.empty() ? options.outputs : part.outputs;
  if (failed(file) ||
      (!outputs.empty() && failed((*file)->setOutputs(outputs))))
    return nullptr;
  onnx::OpRegistry registry;
  onnx::registerActivationOps(registry);
  onnx::registerAttentionOps(registry);
  onnx::registerCompactionOps(registry);
  onnx::registerConstantOps(registry);
  onnx::registerContribOps(registry);
  onnx::registerConvolutionOps(registry);
  onnx::registerEinsumOps(registry);
  onnx::registerElementwiseOps(registry);
  onnx::registerFoldOps(registry);
  onnx::registerGatherOps(registry);
  onnx::registerGridSampleOps(registry);
  onnx::registerLogicalOps(registry);
  onnx::registerNonMaxSuppressionOps(registry);
  onnx::registerNormOps(registry);
  onnx::registerPadOps(registry);
  onnx::registerPoolingOps(registry);
  onnx::registerProductOps(registry);
  onnx::registerQuantizationOps(registry);
  onnx::registerRankingOps(registry);
  onnx::registerRecurrentOps(registry);
  onnx::registerReduceOps(registry);
  onnx::registerResizeOps(registry);
  onnx::registerRotaryEmbeddingOps(registry);
  onnx::registerScatterOps(registry);
  onnx::registerShapeOps(registry);
  onnx::registerSliceOps(registry);
  onnx::registerSoftmaxOps(registry);
  onnx::registerUnaryOps(registry);

  // An op may need to know an input that there is a file for: then the graph is
  // imported again, with that input a constant.
  ImportOptions bound = options;
  while (true) {
    onnx::GraphImporter importer(**file, registry, bound, part);
    std::vector<Diagnostic> diagnostics;
    OwningOpRef<ModuleOp> module;
    {
      ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
        diagnostics.push_back(std::move(diagnostic));
        return success();
      });
      module = importer.run();
    }
    bool again = false;
    for (const std::string &name : importer.getNeededInputs()) {
      auto it = options.inputFiles.find(name);
      if (module || it == options.inputFiles.end() ||
          !bound.constants.insert(*it).second)
        continue;
      again = true;
      if (options.boundInputs)
        options.boundInputs->insert(name);
    }
    if (again)
      continue;
    for (const Diagnostic &diagnostic : diagnostics)
      emitEscaped(diagnostic, context.getDiagEngine());
    return module;
  }
}
