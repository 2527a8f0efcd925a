//===- Program.cpp - The command line of a compiled program ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Program.h"

#include "Isa.h"
#include "Program/Commands.h"
#include "Program/GenerationRun.h"
#include "Program/TextInput.h"
#include "Status.h"

#include <algorithm>
#include <cstdio>

using namespace vitc::rt;

/// Where stderr cannot be written there is nobody left to tell.
static void printToStderr(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

/// Prints a message of any length as one line.
static void printError(const std::string &program,
                       std::string_view message) noexcept {
  try {
    std::string line = fmt::format("{}: error: {}", program, message);
    std::transform(line.begin(), line.end(), line.begin(), toPrintable);
    printToStderr(line + "\n");
  } catch (const std::bad_alloc &) {
    printToStderr(message); // better than nothing
  }
}

/// A descriptor of another version is refused later.
static Processor getProcessor(const vitc_model_descriptor_t &descriptor) {
  bool isKnown = descriptor.version == kDescriptorVersion;
  const EntryDescriptor *entry = isKnown ? findMainEntry(descriptor) : nullptr;
  return entry && needsGpu(*entry) ? Processor::Gpu : Processor::Cpu;
}

static void runMode(const vitc_model_descriptor_t &descriptor,
                    const Options &options, const std::string &program,
                    Output &output) {
  switch (options.mode) {
  case Mode::Help:
    return output.print(formatHelp(program, getProcessor(descriptor)));
  case Mode::Version:
    return output.print(fmt::format(
        "{} compiled by vitc {}, runtime {}\n", descriptor.modelName,
        descriptor.compilerVersion, vitc_version()));
  case Mode::Info:
    return printInfo(descriptor, options, output);
  default:
    break;
  }
  vitc_runtime runtime(options.threads);
  vitc_model model(runtime, descriptor, options.isa.c_str(), options.device);
  bool generates = model.step.descriptor;
  if (!generates && (options.beams || options.maxLength || options.minLength))
    throw UsageError("--beams, --max-length or --min-length was given; needs a "
                     "model that generates text");
  if (generates)
    switch (options.mode) {
    case Mode::Images:
    case Mode::Texts:
      return runGeneration(model, options, output);
    case Mode::Attention:
      return runGenerationAttention(model, options, output);
    case Mode::Batch:
      return runGenerationBatch(model, options, output);
    default:
      break;
    }
  if (options.mode == Mode::Batch && options.images.empty())
    throw UsageError("--text was given alone; the model needs a picture, too");
  switch (options.mode) {
  case Mode::Images:
    return runImages(model, options, output);
  case Mode::Texts:
    return runTexts(model, options, output);
  case Mode::Batch:
    return runBatch(model, options, output);
  case Mode::Tensors:
    return runTensors(model, options, output);
  case Mode::Attention:
    return runAttention(model, options, output);
  case Mode::Benchmark:
    return runBenchmark(model, options, output);
  default:
    return runProfile(model, options, output);
  }
}

static int exitCodeOf(vitc_status_t status) {
  switch (status) {
  case VITC_OK:
    return kExitDone;
  case VITC_INVALID_ARGUMENT:
  case VITC_UNSUPPORTED:
  case VITC_OUT_OF_MEMORY:
  case VITC_IO:
    return kExitUserError;
  case VITC_INTERNAL:
    break;
  }
  return kExitInternalError;
}

/// What a report of an internal error needs, after the error itself.
static void printReproduction(const vitc_model_descriptor_t &model, int argc,
                              const char *const *argv) {
  std::string text = fmt::format(
      "note: internal error in vitc {} with model {} ({}); to reproduce it:",
      vitc_version(), model.modelName, model.sourceHash);
  for (int i = 0; i < argc; ++i)
    text.append(" ").append(argv[i]);
  printToStderr(text + "\n");
}

int vitc::rt::runProgram(const vitc_model_descriptor_t &model, int argc,
                         const char *const *argv) {
  std::string program = argc > 0 ? argv[0] : "program";
  program.erase(0, program.rfind('/') + 1);
  bool isUsageError = false;
  auto report = [&](vitc_status_t status, std::string_view message) {
    printError(program, message);
    return status;
  };
  vitc_status_t status = guardWith(report, [&] {
    Output output;
    try {
      Options options = parseOptions(argc, argv, getProcessor(model));
      runMode(model, options, program, output);
    } catch (const UsageError &usage) {
      isUsageError = true;
      throw Failure(VITC_INVALID_ARGUMENT, std::string(usage.what()));
    }
    output.commit();
  });
  if (status == VITC_INTERNAL)
    printReproduction(model, argc, argv);
  return isUsageError ? kExitUsageError : exitCodeOf(status);
}
