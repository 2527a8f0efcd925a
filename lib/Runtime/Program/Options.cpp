//===- Options.cpp - Options of a compiled program ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Options.h"

#include "Status.h"
#include "ThreadPool.h"
#include "vitc/Runtime/Descriptor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

using namespace vitc::rt;

namespace {
class Parser;

/// An option: `apply` gets its value, empty for a flag.
struct OptionSpec {
  std::string_view name;
  std::string_view value; // what help calls the value; empty: a flag
  std::optional<Mode> selects;
  uint32_t modes; // in which it may stand, a bit for each
  void (*apply)(Parser &parser, std::string_view value);
  std::string_view help;
  std::string_view gpuHelp = help; // of a program that was compiled for GPUs
};

class Parser {
public:
  Parser(int argc, const char *const *argv, Processor processor)
      : processor(processor), args(argv + std::min(argc, 1), argv + argc) {}

  Options parse();

  const Processor processor;
  Options options;
  /// Parses the value of the current option; the range is inclusive.
  int64_t parseInteger(std::string_view text, int64_t least, int64_t most);
  double parseSeconds(std::string_view text);
  double parseFraction(std::string_view text);
  NumberSet parseNumbers(std::string_view text);
  void parseQuery(std::string_view text);
  void readTexts(const std::string &path);

private:
  void parseOption(std::string_view arg);
  void selectMode(const OptionSpec &spec);
  void checkModes();
  bool takesJsonFile() const;

  std::vector<std::string_view> args;
  size_t next = 0;
  std::vector<const OptionSpec *> given;
  const OptionSpec *current = nullptr;
  const OptionSpec *selector = nullptr; // what chose the mode
};
} // namespace

static constexpr uint32_t bit(Mode mode) {
  return 1u << static_cast<int32_t>(mode);
}
static constexpr uint32_t kPictures = bit(Mode::Images) | bit(Mode::Batch);
static constexpr uint32_t kAnswers = kPictures | bit(Mode::Texts);
static constexpr uint32_t kTexts = kAnswers | bit(Mode::Attention);
static constexpr uint32_t kGenerations =
    kTexts | bit(Mode::Tensors) | bit(Mode::Benchmark);
static constexpr uint32_t kRuns = kAnswers | bit(Mode::Tensors) |
                                  bit(Mode::Attention) | bit(Mode::Benchmark) |
                                  bit(Mode::Profile);
static constexpr uint32_t kDescriptions = bit(Mode::Info) | bit(Mode::Version);
static constexpr uint32_t kSynthetic =
    bit(Mode::Benchmark) | bit(Mode::Profile);
static constexpr uint32_t kAll = ~0u;
static constexpr int64_t kMaxCount = std::numeric_limits<int32_t>::max();
static constexpr double kMaxSeconds = 1e6;

static void setDevice(Parser &parser, std::string_view value) {
  if (parser.processor == Processor::Cpu)
    throw UsageError("--device was given; this program was compiled for a CPU");
  parser.options.device =
      static_cast<int32_t>(parser.parseInteger(value, 0, kMaxCount));
}

static void addInput(Parser &parser, std::string_view value) {
  size_t equals = value.find('=');
  bool named = equals != std::string_view::npos;
  std::string_view name = named ? value.substr(0, equals) : "";
  std::string_view path = named ? value.substr(equals + 1) : value;
  if (path.empty() || (named && name.empty()))
    throw UsageError(
        fmt::format("--input is '{}'; needs NAME=FILE.npy or FILE.npy", value));
  parser.options.inputs.push_back({std::string(name), std::string(path)});
}

static const OptionSpec kOptions[] = {
    {"--top-k",
     "N",
     {},
     kAnswers,
     [](Parser &p, std::string_view v) {
       p.options.topK = static_cast<int32_t>(p.parseInteger(v, 1, kMaxCount));
     },
     "print the N likeliest classes (default 5)"},
    {"--threshold",
     "X",
     {},
     kPictures,
     [](Parser &p, std::string_view v) {
       p.options.threshold = p.parseFraction(v);
     },
     "what a box must score to be shown (default 0.5)"},
    {"--text",
     "TEXT",
     {},
     kTexts,
     [](Parser &p, std::string_view v) { p.options.texts.emplace_back(v); },
     "run on a text, or rank texts for the pictures; may be repeated"},
    {"--text-file",
     "FILE",
     {},
     kTexts,
     [](Parser &p, std::string_view v) { p.readTexts(std::string(v)); },
     "the same of each line of a file"},
    {"--text-pair",
     "TEXT",
     {},
     bit(Mode::Texts),
     [](Parser &p, std::string_view v) { p.options.pairs.emplace_back(v); },
     "the second text of the --text before it; one for each"},
    {"--beams",
     "N",
     {},
     kGenerations,
     [](Parser &p, std::string_view v) {
       p.options.beams = static_cast<int32_t>(p.parseInteger(v, 1, kMaxBeams));
     },
     "search N ways at once for the likeliest text"},
    {"--max-length",
     "N",
     {},
     kGenerations,
     [](Parser &p, std::string_view v) {
       p.options.maxLength = p.parseInteger(v, 1, kMaxCount);
     },
     "generate until there are N tokens, a prompt's too"},
    {"--min-length",
     "N",
     {},
     kGenerations,
     [](Parser &p, std::string_view v) {
       p.options.minLength = p.parseInteger(v, 0, kMaxCount);
     },
     "and N at least"},
    {"--input", "[NAME=]FILE", Mode::Tensors, bit(Mode::Tensors), addInput,
     "read an input tensor from a .npy file"},
    {"--output-dir",
     "DIR",
     {},
     bit(Mode::Images) | bit(Mode::Texts) | bit(Mode::Tensors),
     [](Parser &p, std::string_view v) { p.options.outputDir = v; },
     "where files are written; -o for short"},
    {"--output-file", "FILE", Mode::Batch, bit(Mode::Batch),
     [](Parser &p, std::string_view v) { p.options.outputFile = v; },
     "write all results to one .jsonl, .npy or .txt"},
    {"--attention", "DIR", Mode::Attention, bit(Mode::Attention),
     [](Parser &p, std::string_view v) { p.options.outputDir = v; },
     "write attention maps of the pictures, .png and .npy"},
    {"--attention-layers",
     "LIST",
     {},
     bit(Mode::Attention) | bit(Mode::Tensors),
     [](Parser &p, std::string_view v) {
       p.options.attention.layers = p.parseNumbers(v);
     },
     "of these layers, e.g. 0,5-7 (default all)"},
    {"--attention-heads",
     "LIST",
     {},
     bit(Mode::Attention) | bit(Mode::Tensors),
     [](Parser &p, std::string_view v) {
       p.options.attention.heads = p.parseNumbers(v);
     },
     "of these heads (default all)"},
    {"--attention-query",
     "ROW,COL",
     {},
     bit(Mode::Attention),
     [](Parser &p, std::string_view v) { p.parseQuery(v); },
     "of this patch (default the class token or mean)"},
    {"--attention-matrix",
     "",
     {},
     bit(Mode::Attention) | bit(Mode::Tensors),
     [](Parser &p, std::string_view) { p.options.attention.matrix = true; },
     "write the attention of all queries, too"},
    {"--attention-rollout",
     "",
     {},
     bit(Mode::Attention),
     [](Parser &p, std::string_view) { p.options.attention.rollout = true; },
     "write the rollout over all layers, too"},
    {"--benchmark", "", Mode::Benchmark, bit(Mode::Benchmark), nullptr,
     "time the model on synthetic input"},
    {"--min-time",
     "S",
     {},
     bit(Mode::Benchmark),
     [](Parser &p, std::string_view v) {
       p.options.minTime = p.parseSeconds(v);
     },
     "measure for at least S seconds (default 1)"},
    {"--warmup",
     "N",
     {},
     kSynthetic,
     [](Parser &p, std::string_view v) {
       p.options.warmup = p.parseInteger(v, 0, kMaxCount);
     },
     "run N times before measuring (default 2)"},
    {"--batch",
     "N",
     {},
     kSynthetic,
     [](Parser &p, std::string_view v) {
       p.options.batch = p.parseInteger(v, 1, kMaxCount);
     },
     "images in a run (default 1, or the model's own)"},
    {"--entry",
     "NAME",
     {},
     kSynthetic,
     [](Parser &p, std::string_view v) { p.options.entry = v; },
     "of a model with several, e.g. text (default the first)"},
    {"--profile", "FILE", Mode::Profile, bit(Mode::Profile),
     [](Parser &p, std::string_view v) { p.options.outputFile = v; },
     "write a Chrome trace of one run on synthetic input"},
    {"--json",
     "",
     {},
     bit(Mode::Images) | bit(Mode::Texts) | bit(Mode::Attention) |
         bit(Mode::Benchmark) | bit(Mode::Info),
     [](Parser &p, std::string_view v) {
       p.options.json = true;
       p.options.outputFile = v;
     },
     "print JSON; after --benchmark: --json FILE, - for stdout"},
    {"--threads",
     "N",
     {},
     kRuns | kDescriptions,
     [](Parser &p, std::string_view v) {
       p.options.threads =
           static_cast<int32_t>(p.parseInteger(v, 1, ThreadPool::kMaxThreads));
     },
     "threads to use (default one a core)",
     "threads for what the processor does (default one a core)"},
    {"--isa",
     "LEVEL",
     {},
     kRuns | kDescriptions,
     [](Parser &p, std::string_view v) { p.options.isa = v; },
     "code to run, e.g. x86-64-v3 (default the best)",
     "code to run, e.g. sm_80 (default the best)"},
    {"--device",
     "N",
     {},
     kAll,
     setDevice,
     "",
     "GPU to run on, counted from 0 (default 0)"},
    {"--info", "", Mode::Info, bit(Mode::Info), nullptr,
     "describe the model and this program"},
    {"--version", "", Mode::Version, bit(Mode::Version), nullptr,
     "print the versions of compiler and runtime"},
    {"--help", "", Mode::Help, kAll, nullptr, "print this text"},
};

static const OptionSpec *findOption(std::string_view name) {
  if (name == "-o")
    name = "--output-dir";
  if (name == "-h")
    name = "--help";
  const OptionSpec *spec =
      std::find_if(std::begin(kOptions), std::end(kOptions),
                   [&](const OptionSpec &s) { return s.name == name; });
  return spec == std::end(kOptions) ? nullptr : spec;
}

int64_t Parser::parseInteger(std::string_view text, int64_t least,
                             int64_t most) {
  int64_t value = 0;
  const char *end = text.data() + text.size();
  auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end || value < least || value > most)
    throw UsageError(fmt::format("{} is '{}'; needs an integer from {} to {}",
                                 current->name, text, least, most));
  return value;
}

double Parser::parseSeconds(std::string_view text) {
  double value = 0;
  const char *end = text.data() + text.size();
  auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end ||
      !(value >= 0 && value <= kMaxSeconds))
    throw UsageError(fmt::format("{} is '{}'; needs seconds from 0 to {:.0f}",
                                 current->name, text, kMaxSeconds));
  return value;
}

double Parser::parseFraction(std::string_view text) {
  double value = 0;
  const char *end = text.data() + text.size();
  auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end || !(value >= 0 && value <= 1))
    throw UsageError(fmt::format("{} is '{}'; needs a number from 0 to 1",
                                 current->name, text));
  return value;
}

/// A number of `text`, which has nothing but its digits; -1 for anything else.
static int64_t parseNumber(std::string_view text) {
  int32_t value = -1;
  const char *end = text.data() + text.size();
  auto [stop, code] = std::from_chars(text.data(), end, value);
  return code == std::errc() && stop == end ? value : -1;
}

NumberSet Parser::parseNumbers(std::string_view text) {
  NumberSet numbers;
  numbers.all = text == "all";
  for (std::string_view rest = text; !numbers.all;) {
    std::string_view part = rest.substr(0, rest.find(','));
    size_t dash = part.find('-');
    int64_t first = parseNumber(part.substr(0, dash));
    int64_t last =
        dash == part.npos ? first : parseNumber(part.substr(dash + 1));
    if (first < 0 || last < first)
      throw UsageError(
          fmt::format("{} is '{}'; needs all, or numbers such as 0,5-7",
                      current->name, text));
    numbers.ranges.emplace_back(first, last);
    if (part.size() == rest.size())
      break;
    rest.remove_prefix(part.size() + 1);
  }
  return numbers;
}

void Parser::parseQuery(std::string_view text) {
  size_t comma = std::min(text.find(','), text.size());
  AttentionOptions &attention = options.attention;
  attention.hasQuery = true;
  attention.queryRow = parseNumber(text.substr(0, comma));
  attention.queryColumn =
      comma < text.size() ? parseNumber(text.substr(comma + 1)) : -1;
  if (attention.queryRow < 0 || attention.queryColumn < 0)
    throw UsageError(fmt::format(
        "{} is '{}'; needs the row and the column of a patch, e.g. 3,5",
        current->name, text));
}

void Parser::readTexts(const std::string &path) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    options.texts.push_back(line);
  }
  if (!file.eof())
    throw Failure(VITC_IO, "{}: cannot be read: {}", path,
                  std::strerror(errno));
  if (options.texts.empty())
    throw Failure(VITC_IO, "{}: has no line; needs a text a line", path);
}

bool NumberSet::contains(int64_t number) const {
  return all || std::any_of(ranges.begin(), ranges.end(), [&](auto range) {
           return range.first <= number && number <= range.second;
         });
}

int64_t NumberSet::last() const {
  int64_t last = -1;
  for (auto [begin, end] : ranges)
    last = std::max(last, end);
  return last;
}

/// --json takes a file only beside --benchmark, wherever that stands.
bool Parser::takesJsonFile() const {
  return std::find(args.begin(), args.end(), "--benchmark") != args.end();
}

void Parser::selectMode(const OptionSpec &spec) {
  // Help is for whoever has a wrong command line, too.
  bool wantsHelp = *spec.selects == Mode::Help;
  if (!wantsHelp && selector && selector != &spec)
    throw UsageError(fmt::format("{} and {} were given; needs one of them",
                                 selector->name, spec.name));
  selector = &spec;
  options.mode = *spec.selects;
}

void Parser::parseOption(std::string_view arg) {
  size_t equals = arg.substr(0, 2) == "--" ? arg.find('=') : arg.npos;
  std::string_view name = arg.substr(0, equals);
  const OptionSpec *spec = findOption(name);
  if (!spec)
    throw UsageError(
        fmt::format("unknown option '{}'; --help lists the options", name));
  current = spec;
  bool isJsonFile = spec->name == "--json" && takesJsonFile();
  bool hasValue = equals != arg.npos;
  std::string_view value = hasValue ? arg.substr(equals + 1) : "";
  if (spec->value.empty() && !isJsonFile && hasValue)
    throw UsageError(fmt::format("{} is '{}'; needs no value", name, value));
  if ((!spec->value.empty() || isJsonFile) && !hasValue) {
    if (next == args.size())
      throw UsageError(fmt::format("{} is the last argument; needs {}", name,
                                   isJsonFile ? "FILE" : spec->value));
    value = args[next++];
    hasValue = true;
  }
  if (hasValue && value.empty())
    throw UsageError(fmt::format("{} has an empty value; needs {}", name,
                                 isJsonFile ? "FILE" : spec->value));
  if (spec->selects)
    selectMode(*spec);
  if (spec->apply)
    spec->apply(*this, value);
  given.push_back(spec);
}

void Parser::checkModes() {
  if (!selector && options.images.empty() && !options.texts.empty())
    options.mode = Mode::Texts;
  // A model without inputs is given no more.
  else if (!selector && options.images.empty() && !options.outputDir.empty())
    options.mode = Mode::Tensors;
  for (const OptionSpec *spec : given)
    if (!(spec->modes & bit(options.mode)))
      throw UsageError(fmt::format("{} does not go with {}", spec->name,
                                   selector ? selector->name
                                   : options.mode == Mode::Texts
                                       ? "--text alone"
                                       : "pictures"));
  bool takesImages = options.mode == Mode::Images ||
                     options.mode == Mode::Batch ||
                     options.mode == Mode::Attention;
  if (takesImages && options.images.empty() && options.texts.empty())
    throw UsageError("no picture was given; needs one or more, or an option "
                     "such as --info (--help lists them)");
  if (!takesImages && !options.images.empty())
    throw UsageError(fmt::format("picture '{}' does not go with {}",
                                 options.images.front(), selector->name));
  if (options.mode == Mode::Tensors && options.outputDir.empty())
    throw UsageError("--input was given without --output-dir; needs both");
}

Options Parser::parse() {
  bool optionsEnded = false;
  while (next < args.size()) {
    std::string_view arg = args[next++];
    if (!optionsEnded && arg == "--")
      optionsEnded = true;
    else if (!optionsEnded && arg.size() > 1 && arg.front() == '-')
      parseOption(arg);
    else if (arg.empty())
      throw UsageError("an argument is empty; needs the name of a picture");
    else
      options.images.emplace_back(arg);
    if (options.mode == Mode::Help)
      return options;
  }
  checkModes();
  return options;
}

Options vitc::rt::parseOptions(int argc, const char *const *argv,
                               Processor processor) {
  return Parser(argc, argv, processor).parse();
}

std::string vitc::rt::formatHelp(const std::string &program,
                                 Processor processor) {
  std::string text = fmt::format(
      "usage: {0} IMAGE...                                    what the "
      "pictures show\n"
      "       {0} --text TEXT ... [IMAGE...]                  what is in "
      "texts, "
      "or fits\n"
      "       {0} --input [NAME=]FILE.npy ... --output-dir DIR raw tensors\n"
      "       {0} --attention DIR IMAGE...\n"
      "       {0} --benchmark | --profile FILE | --info\n\noptions:\n",
      program);
  for (const OptionSpec &spec : kOptions) {
    std::string_view help =
        processor == Processor::Gpu ? spec.gpuHelp : spec.help;
    if (!help.empty())
      text += fmt::format("  {:<24}{}\n",
                          fmt::format("{} {}", spec.name, spec.value), help);
  }
  return text;
}
