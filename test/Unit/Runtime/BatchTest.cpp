//===- BatchTest.cpp - Many pictures into one file ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TaskModel.h"

#include "Program/Journal.h"
#include "Status.h"

#include <filesystem>
#include <sys/stat.h>

using namespace vitc::rt;
using namespace vitc::rt::test;

namespace {
/// Pictures in/0.png to in/4.png, of which 2 is broken.
class BatchTest : public TaskTest {
protected:
  BatchTest() {
    give(Task::Classification, {{"logits", {2}, {0, 1}}});
    ::mkdir((directory / "in").c_str(), 0700);
    for (int i = 0; i < 5; ++i)
      writePicture("in/" + std::to_string(i) + ".png");
    directory.write("in/2.png", "no picture");
  }

  Outcome runBatch(const std::string &file) {
    return run({directory / "in", "--output-file", directory / file});
  }
};
} // namespace

TEST_F(BatchTest, WritesJsonLines) {
  Outcome outcome = runBatch("out.jsonl");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            (directory / "out.jsonl") + ": 4 pictures, 1 left out\n");
  EXPECT_EQ(outcome.err.find("warning: " + (directory / "in/2.png: ")), 0u)
      << outcome.err;
  std::string lines = directory.read("out.jsonl");
  std::string first = "{\"image\": \"" + (directory / "in/0.png") +
                      "\", \"classes\": [{\"index\": 1, \"label\": \"cat\", ";
  EXPECT_EQ(lines.find(first), 0u) << lines;
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 4);
  EXPECT_FALSE(std::filesystem::exists(directory / "out.jsonl.partial"));
}

TEST_F(BatchTest, WritesRowsOfEachOutput) {
  give(Task::Embedding, {{"embeds", {2}, {3, 4}}, {"map", {1, 2, 1}, {5, 6}}});
  Outcome outcome = runBatch("out.npy");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  NpyArray embeds = readNpy(directory / "out.embeds.npy");
  EXPECT_EQ(embeds.dims, (std::vector<int64_t>{4, 2}));
  NpyArray map = readNpy(directory / "out.map.npy");
  EXPECT_EQ(map.dims, (std::vector<int64_t>{4, 1, 2, 1}));
  float last[2];
  std::memcpy(last, &map.bytes[3 * sizeof(last)], sizeof(last));
  EXPECT_EQ(last[0], 5);
  EXPECT_EQ(last[1], 6);
  std::string names = directory.read("out.names.txt");
  EXPECT_EQ(names.find(directory / "in/0.png\n"), 0u);
  EXPECT_EQ(names.find("2.png"), std::string::npos);
}

// A journal with two pictures and half of a third: these two are not done
// again, the others are, and all stand in order.
TEST_F(BatchTest, GoesOnAfterAnInterruption) {
  ASSERT_EQ(runBatch("whole.jsonl").code, 0);
  std::string identity = "vitc batch 1: Given , .jsonl, top 5, threshold 0.5";
  {
    Journal journal(directory / "out.jsonl.partial", identity);
    journal.append(directory / "in/3.png", "three\n");
    journal.append(directory / "in/1.png", "one\n");
    journal.append(directory / "in/0.png", "zero\n");
  }
  std::string partial = directory.read("out.jsonl.partial");
  directory.write("out.jsonl.partial", partial.substr(0, partial.size() - 2));
  Outcome outcome = runBatch("out.jsonl");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::string lines = directory.read("out.jsonl");
  std::string whole = directory.read("whole.jsonl");
  std::string first = whole.substr(0, whole.find('\n') + 1);
  std::string last = whole.substr(whole.rfind('\n', whole.size() - 2) + 1);
  EXPECT_EQ(lines, first + "one\nthree\n" + last);
}

TEST_F(BatchTest, JournalsKeepWhatIsWhole) {
  std::string path = directory / "journal";
  {
    Journal journal(path, "a run");
    journal.append("x", "1");
    journal.append("y", std::string(1000, 'y'));
    EXPECT_THROW(Journal(path, "a run"), Failure); // in use
  }
  std::string whole = directory.read("journal");
  // Cut anywhere, a journal has the records before the cut and goes on there.
  for (size_t size = 0; size <= whole.size(); size += 7) {
    directory.write("journal", whole.substr(0, size));
    Journal journal(path, "a run");
    EXPECT_EQ(journal.contains("y"), size == whole.size());
    journal.append("z", "after the cut");
    EXPECT_EQ(journal.read("z"), "after the cut");
    if (journal.contains("x"))
      EXPECT_EQ(journal.read("x"), "1");
  }
  EXPECT_THROW(Journal(path, "b run"), Failure);
}

TEST_F(BatchTest, NegativeBatches) {
  std::string file = directory / "out.csv";
  EXPECT_EQ(runBatch("out.csv").err,
            "given: error: the output file is '" + file +
                "'; needs one that ends in .jsonl or .npy\n");
  directory.write("out.jsonl.partial",
                  "vitc batch 1: another model, ...........................\n");
  EXPECT_EQ(runBatch("out.jsonl").err,
            "given: error: " + (directory / "out.jsonl.partial") +
                ": is left of a run of another model or with other options; "
                "needs to be deleted\n");
  give(Task::Embedding, {{"embeds", {2}, {3, 4}}});
  EXPECT_EQ(runBatch("out.jsonl").err,
            "given: error: the output file is '" + (directory / "out.jsonl") +
                "'; embeddings need one that ends in .npy\n");
  std::filesystem::remove_all(directory / "in");
  ::mkdir((directory / "in").c_str(), 0700);
  directory.write("in/a.png", "no picture");
  Outcome outcome = runBatch("out.npy");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("none of 1 pictures could be read"),
            std::string::npos)
      << outcome.err;
}
