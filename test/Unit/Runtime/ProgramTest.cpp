//===- ProgramTest.cpp - The command line of a compiled program -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Program.h"
#include "Image/Image.h"
#include "Npy.h"

#include "FakeModel.h"
#include "TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace vitc::rt;
using vitc::rt::test::FakeModel;
using vitc::rt::test::TemporaryDirectory;

namespace {
struct Outcome {
  int code;
  std::string out, err;
};

class ProgramTest : public ::testing::Test {
protected:
  Outcome run(std::vector<std::string> args) {
    std::vector<const char *> argv = {"/bin/fake"};
    for (const std::string &arg : args)
      argv.push_back(arg.c_str());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    int code =
        runProgram(fake.descriptor, static_cast<int>(argv.size()), argv.data());
    return {code, ::testing::internal::GetCapturedStdout(),
            ::testing::internal::GetCapturedStderr()};
  }

  void expectError(std::vector<std::string> args, int code,
                   const std::string &message) {
    std::set<std::string> before = directory.list();
    Outcome outcome = run(args);
    EXPECT_EQ(outcome.code, code);
    EXPECT_EQ(outcome.err, "fake: error: " + message + "\n");
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(directory.list(), before) << "an error left files behind";
  }

  std::string writePicture(const std::string &name, uint8_t grey) {
    Image image;
    image.height = 8;
    image.width = 8;
    image.rgb.assign(8 * 8 * 3, grey);
    std::string bytes, message;
    EXPECT_TRUE(encodePng(image, bytes, message)) << message;
    return directory.write(name, bytes);
  }

  std::string writePixels(const std::string &name, int64_t batch) {
    NpyArray array;
    array.dims = {batch, 3, 8, 8};
    array.bytes.resize(batch * FakeModel::kPixels * sizeof(float));
    return directory.write(name, formatNpy(array));
  }

  FakeModel fake;
  TemporaryDirectory directory;
};
} // namespace

static std::vector<float> floatsOf(const NpyArray &array) {
  std::vector<float> values(array.bytes.size() / sizeof(float));
  std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
  return values;
}

TEST_F(ProgramTest, NamesWhatPicturesShow) {
  std::string path = writePicture("grey.png", 255);
  Outcome outcome = run({path, "--top-k", "2", "--threads=2"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  // Softmax over 1, 2, 3, 4: 64.4 % and 23.7 %.
  EXPECT_EQ(outcome.out, path + ": hammerhead 64.4 %\n" + path +
                             ": white \"shark\" 23.7 %\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(ProgramTest, PrintsClassesAsJson) {
  std::string a = writePicture("a.png", 0), b = writePicture("b.png", 255);
  Outcome outcome = run({"--json", a, b, "--top-k=1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find("[\n  {\n    \"image\": \"" + a), 0u);
  EXPECT_NE(outcome.out.find("\"label\": \"hammerhead\""), std::string::npos);
  EXPECT_NE(outcome.out.find("\"image\": \"" + b), std::string::npos);
}

// Nothing is printed for the good picture when the next one is bad.
TEST_F(ProgramTest, ABadPictureEndsTheRun) {
  std::string good = writePicture("good.png", 9);
  std::string bad = directory.write("bad.png", "no picture");
  Outcome outcome = run({good, bad});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err.find("fake: error: " + bad + ": "), 0u) << outcome.err;
}

TEST_F(ProgramTest, RunsTensorsOfAnyBatch) {
  for (int64_t batch : {1, 3}) {
    std::string input = writePixels("in.npy", batch);
    Outcome outcome =
        run({"--input", input, "--output-dir", directory / "out/deep"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    NpyArray logits = readNpy(directory / "out/deep/logits.npy");
    EXPECT_EQ(logits.dims, (std::vector<int64_t>{batch, 4}));
    EXPECT_EQ(floatsOf(logits)[3], 3.0f);
    outcome =
        run({"--input", "pixel_values=" + input, "-o", directory / "out/deep"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
}

TEST_F(ProgramTest, BadTensorsAreErrors) {
  std::string out = directory / "out";
  NpyArray array;
  array.dims = {1, 3, 8, 9};
  array.bytes.resize(3 * 8 * 9 * sizeof(float));
  std::string path = directory.write("wide.npy", formatNpy(array));
  expectError({"--input", path, "--output-dir", out}, 1,
              path + ": input 'pixel_values' has shape [1, 3, 8, 9]; needs "
                     "[batch, 3, 8, 8]");
  array.dtype = VITC_F64;
  array.dims = {1};
  array.bytes.resize(8);
  path = directory.write("double.npy", formatNpy(array));
  expectError({"--input", path, "--output-dir", out}, 1,
              path + ": elements are f64; needs f32, or a type that converts "
                     "to it without loss");
  expectError({"--input", path, "-o", out, "--attention-layers=0"}, 2,
              "--attention-layers or --attention-heads was given with --input; "
              "needs --attention-matrix, too");
  expectError({"--input", path, "-o", out, "--attention-matrix"}, 2,
              "--attention-matrix was given with --input; needs a model that "
              "generates text");
  expectError({"--input", directory / "none.npy", "--output-dir", out}, 1,
              directory / "none.npy" +
                  ": cannot be read: No such file or directory");
}

// The folder to write to is a file: found out after the run, and nothing stays.
TEST_F(ProgramTest, AnUnwritableOutputLeavesNothing) {
  std::string input = writePixels("in.npy", 1);
  std::string file = directory.write("file", "");
  expectError({"--input", input, "--output-dir", file}, 1,
              file + ": cannot be written: Not a directory");
  expectError({"--input", input, "--output-dir", file + "/sub"}, 1,
              file + ": cannot be written: Not a directory");
}

// What is no regular file is written to, and a link stays a link.
TEST_F(ProgramTest, PipesDevicesAndLinksAreWrittenThrough) {
  std::string pipe = directory / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::string received;
  std::thread reader([&] { received = directory.read("pipe"); });
  Outcome outcome = run({"--profile", pipe});
  reader.join();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(received.find("traceEvents"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));

  outcome = run({"--profile", "/dev/stdout"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("traceEvents"), std::string::npos);

  for (const char *target : {"target.json", "target of none.json"}) {
    std::string link = directory / (std::string("link to ") + target);
    std::filesystem::create_symlink(target, link);
    directory.write("target.json", "old");
    outcome = run({"--profile", link});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_NE(directory.read(target).find("traceEvents"), std::string::npos);
  }
}

// A device that refuses the text ends the run before any file has its name.
TEST_F(ProgramTest, AFailedWriteWithdrawsTheFiles) {
  int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  fake.descriptor.task = static_cast<int32_t>(Task::Embedding);
  std::string picture = writePicture("cat.png", 0);
  std::set<std::string> before = directory.list();
  std::string out = directory / "out";
  const char *argv[] = {"/bin/fake", picture.c_str(), "-o", out.c_str()};
  std::fflush(stdout);
  int saved = ::dup(STDOUT_FILENO);
  ::dup2(full, STDOUT_FILENO);
  ::testing::internal::CaptureStderr();
  int code = runProgram(fake.descriptor, 4, argv);
  ::dup2(saved, STDOUT_FILENO);
  ::close(saved);
  ::close(full);
  EXPECT_EQ(code, 1);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "fake: error: standard output: cannot be written: No space left on "
            "device\n");
  EXPECT_EQ(directory.list(), before);
}

TEST_F(ProgramTest, ScoresThatAreNotFiniteAreErrors) {
  std::string picture = writePicture("cat.png", 0);
  alignas(64) static float weights[4] = {0, 1, INFINITY, 3};
  fake.descriptor.weights = reinterpret_cast<const uint8_t *>(weights);
  expectError({picture}, 1,
              "the model's score of class 2 is inf; needs a finite number");
  weights[2] = NAN;
  expectError({picture}, 1,
              "the model's score of class 2 is nan; needs a finite number");
}

TEST_F(ProgramTest, ModelsThatTakeNoPicture) {
  std::string picture = writePicture("cat.png", 0);
  fake.descriptor.preprocess.channels = 5;
  expectError({picture}, 1,
              "the model's input has 5 channels; a picture needs 1 to 4, or "
              "else --input");
  fake.descriptor.preprocess.inputIndex = -1;
  expectError({picture}, 1,
              "the model's source has no picture preprocessing "
              "(preprocessor_config.json); needs --input");
}

TEST_F(ProgramTest, LongMessagesAreWhole) {
  std::string name(3000, 'x');
  expectError({"--benchmark", name}, 2,
              "picture '" + name + "' does not go with --benchmark");
}

TEST_F(ProgramTest, WritesAttentionMaps) {
  std::string picture = writePicture("cat.png", 100);
  Outcome outcome =
      run({"--attention", directory / "maps", picture, "--threads", "1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  // The class token's probabilities, and those of the patches.
  NpyArray row = readNpy(directory / "maps/cat.layer-01.npy");
  EXPECT_EQ(row.dims, (std::vector<int64_t>{3, 5}));
  EXPECT_FLOAT_EQ(floatsOf(row)[4], 5.0f / FakeModel::kSum);
  NpyArray map = readNpy(directory / "maps/cat.layer-01.map.npy");
  EXPECT_EQ(map.dims, (std::vector<int64_t>{3, 2, 2}));
  EXPECT_FLOAT_EQ(floatsOf(map)[3], 5.0f / FakeModel::kSum);
  Image image;
  std::string message, path = directory / "maps/cat.layer-01.png";
  EXPECT_TRUE(readImage(path.c_str(), image, message)) << message;
  fake.descriptor.attention = {};
  expectError({"--attention", directory / "none", picture}, 2,
              "--attention was given and the model has no attention maps; "
              "needs a model compiled with them");
}

TEST_F(ProgramTest, WritesTheAttentionThatIsAskedFor) {
  std::string picture = writePicture("cat.png", 100);
  Outcome outcome =
      run({"--attention", directory / "maps", "--attention-layers=1",
           "--attention-heads=0,2", "--attention-query=1,0",
           "--attention-matrix", "--attention-rollout", picture});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(directory / "maps/cat.layer-00.npy"));
  // Patch (1, 0) is query 3, behind the class token; head 2 is the second.
  NpyArray row = readNpy(directory / "maps/cat.layer-01.npy");
  EXPECT_EQ(row.dims, (std::vector<int64_t>{2, 5}));
  EXPECT_FLOAT_EQ(floatsOf(row)[0], 4.0f / FakeModel::kSum);
  EXPECT_FLOAT_EQ(floatsOf(row)[5], 1.0f / FakeModel::kSum);
  NpyArray matrix = readNpy(directory / "maps/cat.layer-01.matrix.npy");
  EXPECT_EQ(matrix.dims, (std::vector<int64_t>{2, 5, 5}));
  for (size_t key = 0; key < 5; ++key)
    EXPECT_EQ(floatsOf(matrix)[15 + key], floatsOf(row)[key]);
  EXPECT_EQ(readNpy(directory / "maps/cat.rollout.npy").dims,
            std::vector<int64_t>{5});
  Image image;
  std::string message, path = directory / "maps/cat.rollout.png";
  EXPECT_TRUE(readImage(path.c_str(), image, message)) << message;
}

TEST_F(ProgramTest, NamesWhatAttentionHasNot) {
  std::string picture = writePicture("cat.png", 100);
  std::string maps = directory / "maps";
  expectError({"--attention", maps, "--attention-layers=0-2", picture}, 2,
              "--attention-layers names layer 2; the program has maps of 0,1");
  expectError({"--attention", maps, "--attention-layers=1-0", picture}, 2,
              "--attention-layers is '1-0'; needs all, or numbers such as "
              "0,5-7");
  expectError({"--attention", maps, "--attention-heads=3", picture}, 2,
              "--attention-heads names head 3; the layers have 3, from 0 on");
  expectError({"--attention", maps, "--attention-query=2,0", picture}, 2,
              "--attention-query is 2,0; layer 0 has 2 x 2 patches");
  expectError({"--attention", maps, "--attention-query=2", picture}, 2,
              "--attention-query is '2'; needs the row and the column of a "
              "patch, e.g. 3,5");
  expectError({"--attention-matrix", picture}, 2,
              "--attention-matrix does not go with pictures");
  fake.layers[1].queryGrid.height = 0;
  expectError({"--attention", maps, "--attention-query=0,0", picture}, 2,
              "--attention-query was given; the queries of layer 1 are no "
              "patches");
  fake.layers[1].keyGrid.classToken = 0;
  expectError({"--attention", maps, "--attention-rollout", picture}, 2,
              "--attention-rollout was given; layer 1 has none: it has no "
              "class token");
  fake.layers[1].queries = fake.layers[1].keys = 1 << 20;
  fake.layers[1].queryGrid.height = 2;
  expectError({"--attention", maps, "--attention-matrix", picture}, 1,
              "the attention maps take more than 8 GiB; needs fewer layers "
              "(--attention-layers) or no whole matrices");
}

TEST_F(ProgramTest, WritesEmbeddings) {
  fake.descriptor.task = static_cast<int32_t>(Task::Embedding);
  std::string picture = writePicture("cat.png", 0);
  Outcome outcome = run({picture, "-o", directory / "out"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, picture + ": " + (directory / "out/cat.npy") + "\n");
  EXPECT_EQ(floatsOf(readNpy(directory / "out/cat.npy")),
            (std::vector<float>{0, 1, 2, 3}));
  expectError({picture, picture, "-o", directory / "out"}, 1,
              "two results would be written to '" +
                  (directory / "out/cat.npy") +
                  "'; needs pictures with different names");
}

TEST_F(ProgramTest, Benchmarks) {
  std::string file = directory / "times.json";
  for (std::vector<std::string> args :
       {std::vector<std::string>{"--benchmark", "--json", file},
        {"--json", file, "--benchmark"},
        {"--benchmark", "--json=-"}}) {
    args.insert(args.end(), {"--threads", "2", "--min-time", "0.01", "--batch",
                             "2", "--warmup", "0"});
    Outcome outcome = run(args);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    std::string json = args.back() == "0" && args[1] == "--json=-"
                           ? outcome.out
                           : directory.read("times.json");
    for (const char *key : {"median_ms", "min_ms", "p90_ms", "runs", "threads",
                            "precision", "isa", "batch", "images_per_second"})
      EXPECT_NE(json.find(std::string("\"") + key + "\": "), std::string::npos)
          << key;
    EXPECT_NE(json.find("\"threads\": 2"), std::string::npos);
    EXPECT_NE(json.find("\"batch\": 2"), std::string::npos);
  }
  Outcome outcome = run({"--benchmark", "--min-time=0"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out.find("FakeForImageClassification: median "), 0u);
}

TEST_F(ProgramTest, ProfilesASliceALaunch) {
  Outcome outcome = run({"--profile", directory / "trace.json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::string trace = directory.read("trace.json");
  EXPECT_NE(trace.find("\"name\": \"encoder.embed\""), std::string::npos);
  EXPECT_NE(trace.find("\"name\": \"classifier\""), std::string::npos);
  EXPECT_NE(trace.find("\"flops\": 192"), std::string::npos);
}

TEST_F(ProgramTest, DescribesTheModel) {
  Outcome outcome = run({"--info"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.out.find("pixel_values f32 [batch, 3, 8, 8]"),
            std::string::npos)
      << outcome.out;
  outcome = run({"--info", "--json"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.out.find("\"source_hash\": \"0123\""), std::string::npos);
  const char *lowest = FakeModel::isaLevels().back();
  outcome = run({"--info", "--threads", "1", "--isa", lowest});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find(std::string("; here: ") + lowest + "\n"),
            std::string::npos)
      << outcome.out;
  outcome = run({"--version", "--threads", "1"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "FakeForImageClassification compiled by vitc 0.1.0, "
                         "runtime 0.1.0\n");
  for (std::vector<std::string> args :
       {std::vector<std::string>{"--help"}, {"--benchmark", "--help"}}) {
    outcome = run(args);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("usage: fake IMAGE..."), std::string::npos);
  }
}

TEST_F(ProgramTest, BadCommandLines) {
  expectError({}, 2,
              "no picture was given; needs one or more, or an option such as "
              "--info (--help lists them)");
  expectError({"--frobnicate"}, 2,
              "unknown option '--frobnicate'; --help lists the options");
  expectError({"a.png", "--top-k", "0"}, 2,
              "--top-k is '0'; needs an integer from 1 to 2147483647");
  expectError({"a.png", "--top-k", "3x"}, 2,
              "--top-k is '3x'; needs an integer from 1 to 2147483647");
  expectError({"a.png", "--threads"}, 2,
              "--threads is the last argument; needs N");
  expectError({"a.png", "--threads", "99999999999999999999"}, 2,
              "--threads is '99999999999999999999'; needs an integer from 1 "
              "to 1024");
  expectError({"--benchmark", "--min-time", "nan"}, 2,
              "--min-time is 'nan'; needs seconds from 0 to 1000000");
  expectError({"--benchmark", "--info"}, 2,
              "--benchmark and --info were given; needs one of them");
  expectError({"--benchmark", "--top-k", "3"}, 2,
              "--top-k does not go with --benchmark");
  expectError({"--benchmark", "a.png"}, 2,
              "picture 'a.png' does not go with --benchmark");
  expectError({"--info=yes"}, 2, "--info is 'yes'; needs no value");
  expectError({"--input", "a.npy"}, 2,
              "--input was given without --output-dir; needs both");
  expectError({"--input", "x=a.npy", "-o", "d"}, 2,
              "--input names 'x'; the model has pixel_values");
  expectError({"--input", "=a.npy", "-o", "d"}, 2,
              "--input is '=a.npy'; needs NAME=FILE.npy or FILE.npy");
  expectError({"--device", "0", "a.png"}, 2,
              "--device was given; this program was compiled for a CPU");
  expectError({"--text", "a cat"}, 2,
              "--text was given; this model has no tokenizer, needs one that "
              "was compiled from a folder with it");
  expectError({"--text", "a cat", "a.png"}, 2,
              "--text was given with pictures; needs a model that ranks texts "
              "for a picture");
  expectError({"--text", "a cat", "--attention", "d"}, 2,
              "--json or --text was given with --attention; needs a model that "
              "generates text");
  expectError({"--text", "a cat", "--output-file", "d.jsonl"}, 2,
              "--text was given alone; the model needs a picture, too");
}

TEST_F(ProgramTest, LevelsAndBatchesThatAreNotThere) {
  EXPECT_EQ(run({"--benchmark", "--isa", "x86-64-v9"}).code, 1);
  static const int64_t dims[] = {2, 3, 8, 8}, logits[] = {2, 4};
  fake.inputs[0].dims = dims;
  fake.outputs[0].dims = logits;
  for (std::string batch : {"1", "3"})
    expectError({"--benchmark", "--batch", batch}, 2,
                "--batch is " + batch +
                    "; the model was compiled for a batch of 2");
  EXPECT_EQ(run({"--benchmark", "--min-time=0", "--batch=2"}).code, 0);
  Outcome outcome = run({"--benchmark", "--min-time=0"});
  EXPECT_NE(outcome.out.find(", batch 2, "), std::string::npos) << outcome.out;
  outcome = run({"--info"});
  EXPECT_NE(outcome.out.find("24 bytes for a batch of 2\n"), std::string::npos)
      << outcome.out;
}

TEST_F(ProgramTest, OurOwnErrorsSayHowToReproduceThem) {
  for (CodeDescriptor &code : fake.forwardCodes)
    code.function = [](Context *context) {
      auto task = [](const void *args, int64_t, int64_t, void *) {
        auto *context = static_cast<Context *>(const_cast<void *>(args));
        context->parallel(context, 1, nullptr, nullptr, 4);
      };
      context->parallel(context, 0, task, context, 2);
    };
  Outcome outcome = run({"--benchmark"});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_NE(outcome.err.find("\nnote: internal error in vitc 0.1.0 with model "
                             "FakeForImageClassification (0123); to reproduce "
                             "it: /bin/fake --benchmark\n"),
            std::string::npos)
      << outcome.err;
}
