//===- OnnxRuntime.cpp - What ONNX Runtime computes -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// It runs in a process of its own, through its Python package, which is how it
// is installed; tensors go through .npy files.
//
//===----------------------------------------------------------------------===//

#include "OnnxRuntime.h"

#include "Npy.h"
#include "mlir/IR/Diagnostics.h"
#include "vitc/Target/Output.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

#include <cstdlib>

using namespace mlir;
using namespace vitc;

/// MODEL ANSWER, the number of inputs, then NAME FILE of each input and of each
/// output. ANSWER gets the version, or with exit code 1 why there is no run.
static constexpr StringLiteral kScript = R"(
import sys

model, answer, number, *words = sys.argv[1:]
names = list(zip(words[::2], words[1::2]))
inputs, outputs = names[: int(number)], names[int(number) :]


def end(text, code):
    with open(answer, "w", encoding="utf-8") as file:
        file.write(text)
    sys.exit(code)


try:
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    results = session.run([name for name, _ in outputs], {name: numpy.load(path) for name, path in inputs})
    for (_, path), result in zip(outputs, results):
        numpy.save(path, numpy.ascontiguousarray(result))
except Exception as error:
    end(str(error) or type(error).__name__, 1)
end(onnxruntime.__version__, 0)
)";

static LogicalResult writeTensor(const HostTensor &tensor, vitc_dtype_t dtype,
                                 StringRef path, Location loc) {
  rt::NpyArray array;
  array.dtype = dtype;
  array.dims.assign(tensor.shape.begin(), tensor.shape.end());
  array.bytes.assign(tensor.bytes.begin(), tensor.bytes.end());
  return writeFile(path, rt::formatNpy(array), loc);
}

namespace {
/// The process: its command, and its files, which go away with this object.
class Process {
public:
  Process(const vitc_model &model, kernel::EntryAttr entry,
          const VerifyOptions &options, Location loc)
      : model(model), entry(entry), options(options), loc(loc) {}

  LogicalResult addInputs(ArrayRef<HostTensor> inputs);
  void addOutputs();
  /// Whether it came to its end; `answer` is the version, else the reason.
  bool run(std::string &answer);
  /// Reads what it wrote.
  FailureOr<std::vector<HostTensor>> readOutputs() const;

private:
  InFlightDiagnostic report(const vitc_error_t &error) const {
    return emitError(loc) << error.message;
  }

  const vitc_model &model;
  kernel::EntryAttr entry;
  const VerifyOptions &options;
  Location loc;
  Output files{"-"};
  /// Names and files by turns.
  SmallVector<std::string> words;
  size_t numInputs = 0;
};
} // namespace

LogicalResult Process::addInputs(ArrayRef<HostTensor> inputs) {
  for (auto [i, input] : llvm::enumerate(entry.getInputs())) {
    vitc_tensor_info_t info;
    vitc_error_t error;
    if (vitc_model_input(&model, i, &info, &error) != VITC_OK)
      return report(error);
    std::string path = files.addPart("input" + std::to_string(i) + ".npy");
    if (failed(writeTensor(inputs[i], info.dtype, path, loc)))
      return failure();
    words.append({input.getName().str(), path});
  }
  for (const auto &[name, path] : options.onnxConstants)
    words.append({name, path});
  numInputs = words.size() / 2;
  return success();
}

void Process::addOutputs() {
  for (auto [i, output] : llvm::enumerate(entry.getOutputs()))
    words.append({output.getName().str(),
                  files.addPart("output" + std::to_string(i) + ".npy")});
}

bool Process::run(std::string &answer) {
  const char *name = std::getenv("VITC_PYTHON");
  if (!name || !*name)
    name = "python3";
  auto python = llvm::sys::findProgramByName(name);
  if (!python) {
    answer = std::string(name) + ": " + python.getError().message();
    return false;
  }
  std::string number = std::to_string(numInputs), error;
  std::string answerFile = files.addPart("answer");
  SmallVector<StringRef> command = {*python,          "-c",       kScript,
                                    options.onnxFile, answerFile, number};
  command.append(words.begin(), words.end());
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(),
                                          StringRef()};
  int code = llvm::sys::ExecuteAndWait(*python, command, std::nullopt,
                                       redirects, 0, 0, &error);
  if (auto file = llvm::MemoryBuffer::getFile(answerFile))
    answer = (*file)->getBuffer().split('\n').first.str();
  if (code != 0 && answer.empty())
    answer =
        *python + (error.empty() ? " ended with status " + std::to_string(code)
                                 : ": " + error);
  return code == 0;
}

FailureOr<std::vector<HostTensor>> Process::readOutputs() const {
  std::vector<HostTensor> outputs;
  ArrayRef<std::string> outputWords = ArrayRef(words).drop_front(2 * numInputs);
  for (auto [i, output] : llvm::enumerate(entry.getOutputs())) {
    vitc_tensor_info_t info;
    vitc_error_t error;
    rt::NpyArray array;
    if (vitc_model_output(&model, i, &info, &error) != VITC_OK ||
        rt::loadNpy(outputWords[2 * i + 1], info.dtype, array, &error) !=
            VITC_OK)
      return report(error);
    outputs.push_back({output.getType().getElementType(),
                       llvm::to_vector(array.dims),
                       {array.bytes.begin(), array.bytes.end()}});
  }
  return outputs;
}

FailureOr<OnnxRuntimeRun> vitc::runOnnxRuntime(const vitc_model &model,
                                               kernel::EntryAttr entry,
                                               ArrayRef<HostTensor> inputs,
                                               const VerifyOptions &options,
                                               Location loc) {
  Process process(model, entry, options, loc);
  if (failed(process.addInputs(inputs)))
    return failure();
  process.addOutputs();
  OnnxRuntimeRun run;
  std::string answer;
  if (!process.run(answer)) {
    run.reason = answer;
    return run;
  }
  run.version = answer;
  FailureOr<std::vector<HostTensor>> outputs = process.readOutputs();
  if (failed(outputs))
    return failure();
  run.outputs = std::move(*outputs);
  return run;
}
