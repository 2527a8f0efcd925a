//===- Options.h - Options of a compiled program -------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_OPTIONS_H
#define VITC_LIB_RUNTIME_PROGRAM_OPTIONS_H

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace vitc::rt {

/// What the program is to do.
enum class Mode : int32_t {
  Images,
  Texts,
  Batch,
  Tensors,
  Attention,
  Benchmark,
  Profile,
  Info,
  Version,
  Help
};

/// A wrong command line; the message is one line.
class UsageError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A tensor to read; `name` is empty for --input FILE.
struct InputFile {
  std::string name, path;
};

/// Numbers of layers or heads, counted from 0.
struct NumberSet {
  bool all = true;
  std::vector<std::pair<int64_t, int64_t>> ranges; // inclusive

  bool contains(int64_t number) const;
  /// The greatest number that is named; -1 for all.
  int64_t last() const;
};

/// What --attention writes.
struct AttentionOptions {
  NumberSet layers, heads;
  bool hasQuery = false; // a patch's attention, not the class token's
  int64_t queryRow = 0, queryColumn = 0;
  bool matrix = false;  // all queries' attention, too
  bool rollout = false; // over all layers, too
};

struct Options {
  Mode mode = Mode::Images;
  std::vector<std::string> images;
  std::vector<std::string> texts; // of --text and --text-file
  std::vector<std::string> pairs; // second texts: none, or one for each text
  std::vector<InputFile> inputs;
  std::string outputDir;  // of --output-dir or --attention
  std::string outputFile; // of --profile, --output-file or --benchmark's --json
  bool json = false;
  int32_t topK = 5;
  double threshold = 0.5; // of a detection's score
  int32_t beams = 0;      // of generated text; 0: the model's own number
  int64_t maxLength = 0;  // tokens; 0: the model's own number
  std::optional<int64_t> minLength;
  int32_t threads = 0; // 0: one a core
  int64_t batch = 0;   // 0: 1, or what the model was compiled for
  int64_t warmup = 2;  // runs
  double minTime = 1;  // seconds
  std::string isa = "native";
  std::optional<int32_t> device; // number of a GPU
  std::string entry; // of --benchmark and --profile; "": the main one
  AttentionOptions attention;
};

/// What a program was compiled for.
enum class Processor : int32_t { Cpu, Gpu };

/// Throws UsageError.
Options parseOptions(int argc, const char *const *argv,
                     Processor processor = Processor::Cpu);

/// The text of --help for a program called `program`.
std::string formatHelp(const std::string &program,
                       Processor processor = Processor::Cpu);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_OPTIONS_H
