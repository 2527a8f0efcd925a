//===- TilesTest.cpp - Large pictures part by part ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Tiles.h"
#include "TaskModel.h"

using namespace vitc::rt;
using namespace vitc::rt::test;

TEST(TilesTest, BeginsAndEndsWithThePicture) {
  EXPECT_EQ(getTileBegins(64, 64), std::vector<int>({0}));
  EXPECT_EQ(getTileBegins(3, 64), std::vector<int>({0}));
  EXPECT_EQ(getTileBegins(65, 64), std::vector<int>({0, 1}));
  EXPECT_EQ(getTileBegins(112, 64), std::vector<int>({0, 48}));
  EXPECT_EQ(getTileBegins(200, 64), std::vector<int>({0, 45, 90, 136}));
  EXPECT_EQ(getTileBegins(3, 1), std::vector<int>({0, 1, 2}));
}

// Tiles of 4 pixels count 1, 2, 2 and 1 times.
TEST(TilesTest, NearerCentresCountMore) {
  TileCanvas canvas(1, 6);
  canvas.add({1, 4, std::vector<double>(12, 1.0)}, 0, 0);
  canvas.add({1, 4, std::vector<double>(12, 7.0)}, 0, 2);
  std::vector<double> red;
  TileValues whole = canvas.finish();
  for (size_t x = 0; x < 6; ++x)
    red.push_back(whole.values[3 * x]);
  EXPECT_EQ(red, std::vector<double>({1, 1, 3, 5, 7, 7}));
}

// A model that changes nothing changes no picture of any size.
TEST_F(TaskTest, TilesOfLargePictures) {
  give(Task::Picture, {{"reconstruction", {3, kHeight, kWidth}, {}}});
  descriptor.preprocess.padding = static_cast<int32_t>(Padding::Mirror);
  code.function = [](Context *context) {
    std::memcpy(context->outputs[0], context->inputs[0],
                sizeof(float) * 3 * kHeight * kWidth);
  };
  for (auto [height, width] : {std::pair(11, 19), {2, 19}, {11, 5}}) {
    std::string picture = writePicture("large.png", height, width);
    Outcome outcome = run({picture, "-o", directory / "out"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    Image tiled = readPicture("out/large.png"), whole;
    std::string error;
    ASSERT_TRUE(readImage(picture.c_str(), whole, error)) << error;
    EXPECT_EQ(tiled.height, height);
    EXPECT_EQ(tiled.width, width);
    EXPECT_EQ(tiled.rgb, whole.rgb);
  }
}

// Rows of one file have the model's size.
TEST_F(TaskTest, NegativeTilesInRows) {
  give(Task::Picture, {{"reconstruction", {3, 1, 1}, {0, 0, 0}}});
  descriptor.preprocess.padding = static_cast<int32_t>(Padding::Mirror);
  std::string picture = writePicture("large.png", 11, 19);
  Outcome outcome = run({picture, "--output-file", directory / "rows.npy"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("picture has 11 x 19 pixels; a row of the file "
                             "needs at most 4 x 8"),
            std::string::npos)
      << outcome.err;
}

// Models that resize their pictures have none that is too large.
TEST_F(TaskTest, NegativeTilesOfAnotherTask) {
  give(Task::Embedding, {{"embedding", {1}, {1}}});
  descriptor.preprocess.padding = static_cast<int32_t>(Padding::Mirror);
  std::string picture = writePicture("large.png", 11, 19);
  EXPECT_EQ(run({picture, "-o", directory / "out"}).err,
            "given: error: " + picture +
                ": picture has 11 x 19 pixels; the model needs at most 4 x "
                "8\n");
}
