//===- CompileOptions.cpp - Options of vitc compile ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompileOptions.h"

#include "TargetArguments.h"
#include "vitc/Transforms/LayerNumbers.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;
using namespace vitc;

static cl::OptionCategory category("vitc options");

static cl::opt<std::string> model(cl::Positional, cl::desc("MODEL"),
                                  cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("Output file; - is stdout"),
                                   cl::value_desc("OUT"), cl::cat(category));
static cl::opt<std::string>
    emit("emit",
         cl::desc("exe, so, o, s, ptx, ll or mlir; default: by OUT's suffix"),
         cl::cat(category));
static cl::opt<std::string>
    batch("batch", cl::init("dynamic"),
          cl::desc("Images a run: a number, or dynamic"), cl::cat(category));
static cl::opt<std::string> imageSize("image-size", cl::value_desc("HxW"),
                                      cl::desc("Input size in pixels"),
                                      cl::cat(category));
static cl::opt<std::string>
    maxLength("max-length", cl::value_desc("N"),
              cl::desc("Tokens of a text: it is cut or padded to them, or "
                       "generated up to them"),
              cl::cat(category));
static cl::opt<std::string>
    maxSourceLength("max-source-length", cl::value_desc("N"),
                    cl::desc("Tokens of the text that a generating model "
                             "reads: it is cut or padded to them"),
                    cl::cat(category));
static cl::list<std::string>
    outputs("outputs", cl::CommaSeparated, cl::value_desc("NAME,..."),
            cl::desc("What the program gives: tensors or layers of the source; "
                     "NAME:map is tokens as a map of the picture"),
            cl::cat(category));
static cl::list<std::string>
    shapes("shape", cl::value_desc("NAME=VALUE"),
           cl::desc("Value of a size that an ONNX file leaves open"),
           cl::cat(category));
static cl::list<std::string>
    constants("constant", cl::value_desc("NAME=FILE.npy"),
              cl::desc("Compile the value of an ONNX file's input in"),
              cl::cat(category));
static cl::opt<std::string> attentionOutputs(
    "attention-outputs", cl::init("all"), cl::value_desc("LAYERS"),
    cl::desc("Layers whose attention maps are compiled in: all, none or "
             "numbers such as 0,5-7"),
    cl::cat(category));
static cl::opt<std::string>
    compileTo("compile-to",
              cl::desc("Stop after import, raise, fuse, kernel or llvm"),
              cl::cat(category));
static cl::opt<std::string>
    compileFrom("compile-from",
                cl::desc("The phase that MODEL, a .mlir file, is in"),
                cl::cat(category));
static cl::opt<std::string>
    dumpPhasesTo("dump-phases-to", cl::value_desc("DIR"),
                 cl::desc("Write the IR after each phase"), cl::cat(category));
static cl::opt<bool>
    verifyFirst("verify",
                cl::desc("Compare every kernel with the reference before "
                         "the output is written"),
                cl::cat(category));
static cl::opt<bool> verbose("v", cl::desc("Print commands, sizes and remarks"),
                             cl::cat(category));
static cl::opt<bool>
    printCommands("###", cl::desc("Print the commands, do not run them"),
                  cl::cat(category));

// Not vitc run's, whose program has a --json of its own.
static cl::OptionCategory reportCategory("vitc inspect and explain options");
static cl::opt<bool> printJson("json", cl::desc("Print the report as JSON"),
                               cl::cat(reportCategory));
static cl::opt<std::string> peak(
    "peak", cl::value_desc("GFLOP/s"),
    cl::desc("What the machine computes: explain says what bounds kernels"),
    cl::cat(reportCategory));
static cl::opt<std::string>
    bandwidth("bandwidth", cl::value_desc("GB/s"),
              cl::desc("What the machine's memory delivers"),
              cl::cat(reportCategory));

// vitc run's program has an --input of its own.
static cl::OptionCategory verifyCategory("vitc verify options");
static cl::opt<std::string>
    candidate("candidate", cl::value_desc("FILE.mlir"),
              cl::desc("The kernels to compare: a dump of the fuse or the "
                       "kernel phase"),
              cl::cat(verifyCategory));
static cl::opt<std::string>
    tolerance("tolerance", cl::init("1e-4"),
              cl::desc("Largest error of a layer, of its largest value"),
              cl::cat(verifyCategory));
static cl::list<std::string>
    inputs("input", cl::value_desc("NAME=FILE.npy"),
           cl::desc("An input to compare on; default: random numbers"),
           cl::cat(verifyCategory));
static cl::list<std::string>
    images("image", cl::value_desc("FILE"),
           cl::desc("A picture to compare on, prepared as a program would; "
                    "repeated for a batch"),
           cl::cat(verifyCategory));

cl::OptionCategory &vitc::getReportCategory() { return reportCategory; }
cl::OptionCategory &vitc::getVerifyCategory() { return verifyCategory; }
cl::OptionCategory &vitc::getOptionCategory() { return category; }

bool vitc::usageError(const Twine &message) {
  errs() << "error: " << message << '\n';
  return false;
}

static bool parsePositive(const cl::opt<std::string> &option, double &value) {
  if (to_float(option.getValue(), value) && value > 0 && std::isfinite(value))
    return true;
  return usageError("--" + option.ArgStr + " is '" + option.getValue() +
                    "'; needs a number above 0");
}

static std::optional<Phase> parsePhase(StringRef name) {
  return StringSwitch<std::optional<Phase>>(name)
      .Case("import", Phase::Import)
      .Case("raise", Phase::Raise)
      .Case("fuse", Phase::Fuse)
      .Case("kernel", Phase::Kernel)
      .Case("llvm", Phase::LLVM)
      .Default(std::nullopt);
}

bool CompileOptions::isModelIR() const {
  StringRef name = model;
  return name == "-" || name.ends_with(".mlir") || name.ends_with(".mlirbc");
}

static bool parsePhases(CompileOptions &options) {
  for (auto [option, phase] : {std::pair(&compileTo, &options.compileTo),
                               std::pair(&compileFrom, &options.compileFrom)}) {
    if (option->empty())
      continue;
    std::optional<Phase> parsed = parsePhase(*option);
    if (!parsed)
      return usageError("--" + option->ArgStr + " is '" + *option +
                        "'; needs import, raise, fuse, kernel or llvm");
    *phase = *parsed;
  }
  if (options.compileFrom == Phase::LLVM)
    return usageError("--compile-from is 'llvm'; needs import, raise, fuse or "
                      "kernel");
  if (!compileFrom.empty() && !options.isModelIR())
    return usageError("--compile-from needs a .mlir file; MODEL is '" +
                      options.model + "'");
  if (options.compileFrom > options.compileTo)
    return usageError("--compile-from=" + compileFrom +
                      " comes after --compile-to=" + compileTo);
  if (attentionOutputs.getNumOccurrences() > 0 &&
      options.compileFrom >= Phase::Fuse)
    return usageError("--attention-outputs is for the fuse phase; "
                      "--compile-from is '" +
                      compileFrom + "'");
  return true;
}

/// "mlir" stands for the module, the others for an OutputKind.
static bool parseKind(CompileOptions &options) {
  StringRef kind = emit;
  if (kind.empty()) {
    kind = sys::path::extension(options.program.output);
    kind.consume_front(".");
    if (kind == "h")
      return usageError("-o is '" + output +
                        "'; this version does not write ." + kind);
    if (!compileTo.empty() && options.compileTo != Phase::LLVM)
      kind = "mlir";
    else if (kind != "so" && kind != "o" && kind != "s" && kind != "ptx" &&
             kind != "ll" && kind != "mlir")
      kind = compileTo.empty() ? "exe" : "ll";
  }
  if (kind == "mlir") {
    options.emitModule = true;
    if (compileTo.empty())
      options.compileTo = Phase::Kernel;
    if (options.compileTo == Phase::LLVM)
      return usageError("--emit=mlir ends with the kernel phase; the llvm "
                        "phase is written with --emit=ll");
    return true;
  }
  if (options.compileTo != Phase::LLVM)
    return usageError("--compile-to=" + compileTo + " needs --emit=mlir");
  auto parsed = StringSwitch<std::optional<OutputKind>>(kind)
                    .Case("exe", OutputKind::Executable)
                    .Case("so", OutputKind::SharedLibrary)
                    .Case("o", OutputKind::Object)
                    .Case("s", OutputKind::Assembly)
                    .Case("ll", OutputKind::LLVMIR)
                    .Case("ptx", OutputKind::Ptx)
                    .Default(std::nullopt);
  if (!parsed)
    return usageError("--emit is '" + kind +
                      "'; needs exe, so, o, s, ptx, ll or mlir");
  options.program.kind = *parsed;
  return true;
}

static bool parseNamedSizes(CompileOptions &options) {
  for (StringRef text : shapes) {
    auto [name, value] = text.rsplit('=');
    int64_t size;
    if (name.empty() || value.getAsInteger(10, size) || size < 1)
      return usageError("--shape is '" + text +
                        "'; needs NAME=VALUE, VALUE a number of 1 or more");
    options.shapes[name.str()] = size;
  }
  for (StringRef text : constants) {
    auto [name, path] = text.split('=');
    if (name.empty() || path.empty())
      return usageError("--constant is '" + text + "'; needs NAME=FILE.npy");
    options.constants[name.str()] = path.str();
  }
  return true;
}

/// A number of tokens; none where `option` is not given.
static bool parseLength(const cl::opt<std::string> &option,
                        std::optional<int64_t> &length) {
  if (option.empty())
    return true;
  int64_t value;
  if (StringRef(option).getAsInteger(10, value) || value < 1)
    return usageError("--" + option.ArgStr + " is '" + option +
                      "'; needs a number of 1 or more");
  length = value;
  return true;
}

static bool parseSizes(CompileOptions &options) {
  for (cl::Option *option :
       {static_cast<cl::Option *>(&batch),
        static_cast<cl::Option *>(&imageSize),
        static_cast<cl::Option *>(&maxLength),
        static_cast<cl::Option *>(&maxSourceLength),
        std::addressof<cl::Option>(outputs), std::addressof<cl::Option>(shapes),
        std::addressof<cl::Option>(constants)})
    if (option->getNumOccurrences() > 0 && options.isModelIR())
      return usageError("--" + option->ArgStr +
                        " is set when a model is imported; MODEL is '" +
                        options.model + "', whose sizes are set");
  if (batch != "dynamic") {
    int64_t value;
    if (StringRef(batch).getAsInteger(10, value) || value < 1)
      return usageError("--batch is '" + batch +
                        "'; needs a number of 1 or more, or dynamic");
    options.batch = value;
  }
  if (!imageSize.empty()) {
    auto [height, width] = StringRef(imageSize).split('x');
    std::pair<int64_t, int64_t> size;
    if (height.getAsInteger(10, size.first) ||
        width.getAsInteger(10, size.second) || size.first < 1 ||
        size.second < 1)
      return usageError("--image-size is '" + imageSize +
                        "'; needs HEIGHTxWIDTH in pixels, as in 224x224");
    options.imageSize = size;
  }
  if (!parseLength(maxLength, options.maxLength) ||
      !parseLength(maxSourceLength, options.maxSourceLength))
    return false;
  for (StringRef name : outputs)
    if (name.empty() || name == ":map")
      return usageError("--outputs has an empty name; needs NAME,...");
  options.outputs = outputs;
  return parseNamedSizes(options) && parsePictureOptions(options);
}

/// What compile and run have in common.
static bool parseModel(CompileOptions &options) {
  options.model = model;
  if (options.model.empty())
    return usageError("no MODEL; try 'vitc --help'");
  options.program.verbose = verbose;
  options.program.dryRun = printCommands;
  options.dumpFolder = dumpPhasesTo;
  options.program.dumpFolder = dumpPhasesTo;
  options.attentionLayers = attentionOutputs;
  if (failed(LayerNumbers::parse(attentionOutputs)))
    return usageError("--attention-outputs is '" + attentionOutputs +
                      "'; needs " + LayerNumbers::kSyntax);
  return true;
}

/// Refuses options that a verb has no use for.
static bool rejectOptions(const Twine &reason,
                          ArrayRef<const cl::Option *> options) {
  for (const cl::Option *option : options)
    if (option->getNumOccurrences() > 0)
      return usageError(reason + "; found -" + option->ArgStr);
  return true;
}

/// What vitc verify and compile --verify have in common, behind all else: they
/// compare with the raise phase, on this machine.
static bool parseVerification(CompileOptions &options) {
  if (!requireHostTarget())
    return false;
  if (options.compileFrom > Phase::Raise)
    return usageError("--compile-from is '" + compileFrom +
                      "'; the reference is made of import or raise");
  if (options.compileTo < Phase::Kernel)
    return usageError("--verify compares kernels; --compile-to is '" +
                      compileTo + "' and needs kernel or llvm");
  if (getVerifyOptions(options).program.isas.empty())
    return usageError("-march is '" + getLevelArgument() +
                      "'; verifying runs kernels, and this machine has " +
                      getHostCpuLevel());
  return parsePositive(tolerance, options.tolerance);
}

bool vitc::parseCompileOptions(CompileOptions &options) {
  if (!rejectOptions("compile writes a program and no report",
                     {&printJson, &peak, &bandwidth}) ||
      !rejectOptions("compile has its kernels and inputs from MODEL",
                     {&candidate, std::addressof<cl::Option>(inputs),
                      std::addressof<cl::Option>(images)}) ||
      (!verifyFirst &&
       !rejectOptions("compile compares only with --verify", {&tolerance})) ||
      !parseModel(options))
    return false;
  options.program.output = output;
  if (options.program.output.empty())
    return usageError("no output; needs -o OUT");
  options.verify = verifyFirst;
  return parsePhases(options) && parseKind(options) && parseTarget(options) &&
         parseSizes(options) && (!options.verify || parseVerification(options));
}

bool vitc::parseRunOptions(CompileOptions &options) {
  if (!rejectOptions("run writes no program",
                     {&output, &emit, &compileTo, &printCommands}))
    return false;
  setDefaultLevel();
  return parseModel(options) && parsePhases(options) && parseTarget(options) &&
         requireLocalTarget(options) && parseSizes(options);
}

bool vitc::parseInspectOptions(CompileOptions &options, bool &json) {
  if (!rejectOptions("inspect compiles nothing",
                     {&output, &emit, &compileTo, &attentionOutputs,
                      &printCommands, &peak, &bandwidth, &verifyFirst,
                      &candidate, &tolerance,
                      std::addressof<cl::Option>(inputs),
                      std::addressof<cl::Option>(images)}) ||
      !rejectOptions("inspect compiles nothing", getTargetOptions()) ||
      !parseModel(options) || !parsePhases(options))
    return false;
  json = printJson;
  if (options.compileFrom > Phase::Raise)
    return usageError("--compile-from is '" + compileFrom +
                      "'; inspect needs import or raise");
  options.compileTo = Phase::Raise;
  return parseSizes(options);
}

bool vitc::parseExplainOptions(CompileOptions &options,
                               ExplainOptions &explain) {
  if (!rejectOptions("explain writes no program",
                     {&output, &emit, &compileTo, &printCommands}) ||
      !rejectOptions("explain runs nothing",
                     {&verifyFirst, &candidate, &tolerance,
                      std::addressof<cl::Option>(inputs),
                      std::addressof<cl::Option>(images)}))
    return false;
  setDefaultLevel();
  explain.json = printJson;
  if ((peak.getNumOccurrences() > 0 && !parsePositive(peak, explain.peak)) ||
      (bandwidth.getNumOccurrences() > 0 &&
       !parsePositive(bandwidth, explain.bandwidth)))
    return false;
  if ((explain.peak == 0) != (explain.bandwidth == 0))
    return usageError("--peak and --bandwidth tell what bounds kernels "
                      "together; found one of them");
  if (!parseModel(options) || !parsePhases(options) || !parseTarget(options))
    return false;
  if (options.program.gpus.size() > 1)
    return usageError("--target names " + Twine(options.program.gpus.size()) +
                      " GPUs; explain shows the kernels of one");
  return parseSizes(options);
}

static bool parseInputFiles(VerifyOptions &verify) {
  verify.pictures = images;
  if (!images.empty() && batch == "dynamic")
    verify.batch = images.size();
  for (StringRef text : inputs) {
    auto [name, path] = text.split('=');
    if (name.empty() || path.empty())
      return usageError("--input is '" + text + "'; needs NAME=FILE.npy");
    verify.inputFiles[name.str()] = path.str();
  }
  return true;
}

VerifyOptions vitc::getVerifyOptions(const CompileOptions &options) {
  VerifyOptions verify;
  verify.program = options.program;
  verify.batch = options.batch.value_or(1);
  verify.tolerance = options.tolerance;
  if (sys::path::extension(options.model) == ".onnx")
    verify.onnxFile = options.model;
  verify.onnxConstants = options.constants;
  ArrayRef<StringRef> levels = verify.program.target->levels;
  erase_if(verify.program.isas, [&](StringRef isa) {
    return find(levels, isa) < find(levels, getHostCpuLevel());
  });
  return verify;
}

bool vitc::parseVerifyOptions(CompileOptions &options,
                              VerifyArguments &arguments) {
  if (!rejectOptions(
          "verify writes no program",
          {&output, &emit, &compileTo, &printCommands, &verifyFirst}) ||
      !rejectOptions("verify has one form of report",
                     {&printJson, &peak, &bandwidth}))
    return false;
  setDefaultLevel();
  if (!parseModel(options) || !parsePhases(options))
    return false;
  options.compileTo = Phase::Kernel;
  if (!parseTarget(options) || !parseSizes(options) ||
      !parseVerification(options))
    return false;
  arguments.verify = getVerifyOptions(options);
  arguments.candidate = candidate;
  return parseInputFiles(arguments.verify);
}
