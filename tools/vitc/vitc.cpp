//===- vitc.cpp - The compiler driver -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// vitc VERB ARGUMENTS; `vitc MODEL -o OUT` is `vitc compile MODEL -o OUT`.
//
//===----------------------------------------------------------------------===//

#include "CompileOptions.h"
#include "Verbs.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "vitc/Config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <unistd.h>

using namespace llvm;

namespace {
enum class Verb { Compile, Run, Batch, Inspect, Explain, Verify, Doctor };
} // namespace

static constexpr std::pair<StringLiteral, Verb> kVerbs[] = {
    {"compile", Verb::Compile}, {"run", Verb::Run},
    {"batch", Verb::Batch},     {"inspect", Verb::Inspect},
    {"explain", Verb::Explain}, {"verify", Verb::Verify},
    {"doctor", Verb::Doctor},
};
/// Verbs of later versions: not folders of models.
static constexpr StringLiteral kLaterVerbs[] = {"bench", "diff", "quantize"};

static void printVersion(raw_ostream &os) {
  os << "vitc " << VITC_VERSION << " (" << VITC_COMMIT << "), LLVM "
     << VITC_LLVM_VERSION << '\n';
}

/// Leaves vitc's own options and MLIR's in --help: LLVM has hundreds more.
static void hideForeignOptions() {
  for (auto &[name, option] : cl::getRegisteredOptions()) {
    bool ours = name.starts_with("mlir-") || name == "help" ||
                name == "version" ||
                is_contained(option->Categories, &vitc::getOptionCategory()) ||
                is_contained(option->Categories, &vitc::getReportCategory()) ||
                is_contained(option->Categories, &vitc::getVerifyCategory());
    if (!ours)
      option->setHiddenFlag(cl::ReallyHidden);
  }
}

/// What LLVM says of a mistake, in one line of ours.
static std::string describeMistake(StringRef message) {
  StringRef line = message.split('\n').first;
  line.consume_front("vitc: ");
  constexpr StringLiteral unknown("Unknown command line argument '");
  if (line.consume_front(unknown))
    return ("unknown option '" + line.split('\'').first +
            "'; try 'vitc --help'")
        .str();
  return line.str();
}

/// Parses the options behind the verb.
static bool parseOptions(int argc, char **argv) {
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  cl::SetVersionPrinter(printVersion);
  hideForeignOptions();
  std::string message;
  raw_string_ostream os(message);
  if (cl::ParseCommandLineOptions(
          argc, argv, "vitc: ahead-of-time compiler for vision transformers\n",
          &os))
    return true;
  // LLVM has printed by itself what is wrong with a boolean's value.
  if (!message.empty())
    errs() << "error: " << describeMistake(message) << '\n';
  return false;
}

static int usageError(const Twine &message) {
  errs() << "error: " << message << '\n';
  return vitc::kUsageError;
}

/// What --help and doctor print must have been written.
static void checkStandardOutput() {
  outs().flush();
  if (!outs().has_error())
    return;
  errs() << "error: cannot write '-': " << outs().error().message() << '\n';
  outs().clear_error();
  _exit(vitc::kUserError);
}

/// Moves what is no option of vitc behind MODEL to `programArguments`: the
/// command line of `vitc run` and `batch` is the compiler's and the program's.
static void splitRunArguments(SmallVectorImpl<char *> &arguments,
                              SmallVectorImpl<const char *> &programArguments) {
  const auto &options = cl::getRegisteredOptions();
  SmallVector<char *> ours(arguments.begin(), arguments.begin() + 1);
  bool hasModel = false;
  for (size_t i = 1; i < arguments.size(); ++i) {
    StringRef argument = arguments[i];
    if (!argument.starts_with("-") || argument == "-") {
      if (hasModel)
        programArguments.push_back(arguments[i]);
      else
        ours.push_back(arguments[i]);
      hasModel = true;
      continue;
    }
    auto [name, value] = argument.ltrim('-').split('=');
    auto option = options.find(name);
    bool isOurs =
        option != options.end() &&
        (name.starts_with("mlir-") ||
         is_contained(option->second->Categories, &vitc::getOptionCategory()));
    // -O3 is option O.
    isOurs |= name.size() == 2 && name.starts_with("O");
    // Behind MODEL they are the program's.
    isOurs |= !hasModel && (name == "help" || name == "version");
    if (!isOurs) {
      programArguments.push_back(arguments[i]);
      // Its value is no MODEL.
      if (!hasModel && i + 1 < arguments.size())
        programArguments.push_back(arguments[++i]);
      continue;
    }
    ours.push_back(arguments[i]);
    bool takesValue =
        option != options.end() && value.empty() && !argument.contains('=') &&
        option->second->getValueExpectedFlag() == cl::ValueRequired;
    if (takesValue && i + 1 < arguments.size())
      ours.push_back(arguments[++i]);
  }
  arguments.assign(ours.begin(), ours.end());
}

int main(int argc, char **argv) {
  // Before LLVM's handlers, which print a stack trace.
  vitc::installInternalErrorHandlers(ArrayRef(argv, argc));
  InitLLVM init(argc, argv);
  outs(); // outlives the check
  std::atexit(checkStandardOutput);
  SmallVector<char *> arguments(argv, argv + argc);
  static char tool[] = "vitc";
  arguments[0] = tool;
  StringRef name = argc > 1 ? StringRef(argv[1]) : StringRef();
  if (is_contained(kLaterVerbs, name))
    return usageError("this version has compile, run, batch, inspect, explain, "
                      "verify and doctor; '" +
                      name + "' comes later");
  Verb verb = Verb::Compile;
  for (auto [each, value] : kVerbs)
    if (each == name) {
      verb = value;
      arguments.erase(arguments.begin() + 1);
    }
  if (verb == Verb::Doctor && arguments.size() > 1 &&
      StringRef(arguments[1]) != "--help")
    return usageError("doctor takes no arguments; found '" +
                      Twine(arguments[1]) + "'");
  SmallVector<const char *> programArguments = {
      verb == Verb::Batch ? "vitc batch" : "vitc run"};
  if (verb == Verb::Batch && !vitc::renameBatchOutput(arguments))
    return vitc::kUsageError;
  if (verb == Verb::Run || verb == Verb::Batch)
    splitRunArguments(arguments, programArguments);
  if (verb == Verb::Batch && arguments.size() > 1 &&
      vitc::isProgram(arguments[1]))
    return vitc::runProgramBatch(ArrayRef(arguments).drop_front(),
                                 programArguments);
  if (!parseOptions(arguments.size(), arguments.data()))
    return vitc::kUsageError;
  switch (verb) {
  case Verb::Compile:
    return vitc::runCompile();
  case Verb::Run:
  case Verb::Batch:
    return vitc::runRun(programArguments);
  case Verb::Inspect:
    return vitc::runInspect();
  case Verb::Explain:
    return vitc::runExplain();
  case Verb::Verify:
    return vitc::runVerify();
  case Verb::Doctor:
    return vitc::runDoctor();
  }
  llvm_unreachable("all verbs are covered");
}
