//===- TaskTest.cpp - What programs make of outputs -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#include "TaskModel.h"

#include <cmath>
#include <sys/stat.h>

using namespace vitc::rt;
using namespace vitc::rt::test;

//===----------------------------------------------------------------------===//
// Segmentation
//===----------------------------------------------------------------------===//

// Scores of 1 x 2 cells over 8 columns: the centres lie at columns 1.5 and 5.5,
// so class 1, ahead by -3 and 1, begins where -3 + (x - 1.5) passes 0.
TEST_F(TaskTest, SegmentsAtThePicturesSize) {
  give(Task::Segmentation, {{"logits", {2, 1, 2}, {0, 0, -3, 1}}});
  std::string picture = writePicture("cat.png");
  Outcome outcome = run({picture, "-o", directory / "out"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            picture + ": wall 62.5 %\n" + picture + ": cat 37.5 %\n");
  std::vector<int32_t> row = {0, 0, 0, 0, 0, 1, 1, 1}, expected;
  for (int y = 0; y < kHeight; ++y)
    expected.insert(expected.end(), row.begin(), row.end());
  EXPECT_EQ(readClasses("out/cat.npy"), expected);
  EXPECT_EQ(readNpy(directory / "out/cat.npy").dims,
            (std::vector<int64_t>{kHeight, kWidth}));
  // The palette's black and dark red; over the picture half of each.
  Image mask = readPicture("out/cat.mask.png");
  Image overlay = readPicture("out/cat.overlay.png");
  EXPECT_EQ(mask.rgb[0], 0);
  EXPECT_EQ(mask.rgb[3 * 7], 128);
  EXPECT_EQ(mask.rgb[3 * 7 + 1], 0);
  EXPECT_EQ(overlay.rgb[0], 50);
  EXPECT_EQ(overlay.rgb[3 * 7], (121 + 128 + 1) / 2);
}

TEST_F(TaskTest, SegmentationAsJson) {
  give(Task::Segmentation, {{"logits", {2, 1, 2}, {0, 0, -3, 1}}});
  std::string picture = writePicture("cat.png");
  Outcome outcome = run({picture, "-o", directory / "out", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char *part : {"\"label\": \"cat\"", "\"pixels\": 12",
                           "\"share\": 0.375", "cat.mask.png"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << outcome.out;
}

// The model sees the middle; what a crop cut off has no class.
TEST_F(TaskTest, PixelsThatWereCutOffHaveNoClass) {
  give(Task::Segmentation, {{"logits", {1, 1, 1}, {0}}});
  descriptor.preprocess.doCenterCrop = 1;
  descriptor.preprocess.cropHeight = kHeight;
  descriptor.preprocess.cropWidth = kWidth;
  Outcome outcome =
      run({writePicture("wide.png", 4, 10), "-o", directory / "."});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::vector<int32_t> classes = readClasses("wide.npy");
  for (int x = 0; x < 10; ++x)
    EXPECT_EQ(classes[x], x == 0 || x == 9 ? -1 : 0) << x;
  Image mask = readPicture("wide.mask.png");
  EXPECT_EQ(mask.rgb[0], 224); // colour 255
}

// 300 classes do not fit a palette: the mask has 16 bits.
TEST_F(TaskTest, MasksOfManyClasses) {
  GivenOutput logits{"logits", {300, 1, 1}, std::vector<float>(300)};
  logits.values[299] = 1;
  give(Task::Segmentation, {logits});
  Outcome outcome = run({writePicture("cat.png"), "-o", directory / "."});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::string png = directory.read("cat.mask.png");
  EXPECT_EQ(png[24], 16); // bits
  EXPECT_EQ(png[25], 0);  // grey
  EXPECT_EQ(readClasses("cat.npy").front(), 299);
}

TEST_F(TaskTest, NegativeSegmentation) {
  give(Task::Segmentation, {{"logits", {2, 1, 2}, {0, NAN, 0, 0}}});
  std::string picture = writePicture("cat.png");
  EXPECT_EQ(run({picture}).err,
            "given: error: " + picture +
                ": score 1 of the model is nan; needs a finite number\n");
  give(Task::Segmentation, {{"logits", {2}, {0, 0}}});
  EXPECT_EQ(run({picture}).err,
            "given: error: the model has no output [batch, classes, height, "
            "width]; use --input and --output-dir\n");
}

//===----------------------------------------------------------------------===//
// Detection
//===----------------------------------------------------------------------===//

// Three boxes: a cat, nothing, and a wall of too low a score.
static std::vector<GivenOutput> makeBoxes() {
  return {{"logits", {3, 3}, {0, 4, 0, 0, 0, 9, 0.5f, 0, 0}},
          {"pred_boxes",
           {3, 4},
           {0.5f, 0.5f, 0.5f, 0.5f, 0, 0, 1, 1, 0.5f, 0.5f, 1, 1}}};
}

TEST_F(TaskTest, DetectsInPixelsOfThePicture) {
  give(Task::Detection, makeBoxes());
  descriptor.preprocess.doResize = 1;
  descriptor.preprocess.resizeHeight = kHeight;
  descriptor.preprocess.resizeWidth = kWidth;
  std::string picture = writePicture("cat.png", 40, 20);
  Outcome outcome = run({picture, "-o", directory / "out"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  // e^4 / (e^4 + 2) is 96.5 %.
  EXPECT_EQ(outcome.out, picture + ": cat 96.5 % at 5,10 to 15,30\n");
  std::string json = directory.read("out/cat.json");
  for (const char *part : {"\"label\": \"cat\"", "\"xmin\": 5", "\"ymin\": 10",
                           "\"xmax\": 15", "\"ymax\": 30"})
    EXPECT_NE(json.find(part), std::string::npos) << json;
  // The outline of class 1 has colour 2, dark green; the rest is as it was.
  Image drawn = readPicture("out/cat.boxes.png");
  auto pixel = [&](int y, int x) { return &drawn.rgb[3 * (20 * y + x)]; };
  EXPECT_EQ(pixel(10, 5)[0], 0);
  EXPECT_EQ(pixel(10, 5)[1], 128);
  EXPECT_EQ(pixel(29, 14)[1], 128);
  EXPECT_EQ(pixel(25, 7)[0], static_cast<uint8_t>(100 + 3 * (20 * 25 + 7)));
  // The label, wider than the picture, begins with a white c.
  EXPECT_EQ(pixel(14, 1)[0], 255);
  EXPECT_EQ(pixel(14, 0)[1], 128);
  // A lower threshold shows the wall, behind the cat.
  outcome = run({picture, "-o", directory / "more", "--threshold=0.4"});
  EXPECT_EQ(outcome.out, picture + ": cat 96.5 % at 5,10 to 15,30\n" + picture +
                             ": wall 45.2 % at 0,0 to 20,40\n");
}

// With sigmoids every class counts for itself, the last one too.
TEST_F(TaskTest, DetectsWithSigmoids) {
  give(Task::Detection, {{"logits", {1, 2}, {1, 2}},
                         {"pred_boxes", {1, 4}, {0.5f, 0.5f, 1, 1}}});
  descriptor.sigmoid = 1;
  std::string picture = writePicture("cat.png");
  Outcome outcome = run({picture, "-o", directory / "."});
  EXPECT_EQ(outcome.out, picture + ": cat 88.1 % at 0,0 to 8,4\n" + picture +
                             ": wall 73.1 % at 0,0 to 8,4\n");
}

// Padding lies outside of the boxes' unit.
TEST_F(TaskTest, DetectsInPaddedPictures) {
  give(Task::Detection, {{"logits", {1, 2}, {1, 0}},
                         {"pred_boxes", {1, 4}, {0.5f, 0.5f, 1, 1}}});
  descriptor.preprocess.padding = static_cast<int32_t>(Padding::Zero);
  std::string picture = writePicture("cat.png", 2, 4);
  Outcome outcome = run({picture, "-o", directory / "."});
  EXPECT_EQ(outcome.out, picture + ": wall 73.1 % at 0,0 to 4,2\n");
}

TEST_F(TaskTest, NegativeDetection) {
  give(Task::Detection, {{"logits", {1, 2}, {1, 0}},
                         {"pred_boxes", {1, 4}, {INFINITY, 0, 1, 1}}});
  std::string picture = writePicture("cat.png");
  EXPECT_EQ(run({picture}).err,
            "given: error: " + picture +
                ": box 0 of the model is inf, 0, 1, 1; needs finite numbers\n");
  EXPECT_EQ(run({picture, "--threshold=2"}).err,
            "given: error: --threshold is '2'; needs a number from 0 to 1\n");
  give(Task::Detection, {{"logits", {1, 2}, {1, 0}}});
  EXPECT_EQ(run({picture}).err,
            "given: error: the model has no outputs [batch, boxes, classes] "
            "and [batch, boxes, 4]; use --input and --output-dir\n");
}

//===----------------------------------------------------------------------===//
// Pictures
//===----------------------------------------------------------------------===//

// Twice the size; of a padded picture what shows it. 0.5 is 127.5, rounded to
// even, and values beyond the range are cut off.
TEST_F(TaskTest, WritesPictures) {
  GivenOutput picture{"reconstruction", {3, 8, 16}, std::vector<float>(384)};
  picture.values[0] = 0.5f;
  picture.values[1] = 2;
  picture.values[2] = -1;
  give(Task::Picture, {picture});
  descriptor.preprocess.padding = static_cast<int32_t>(Padding::Mirror);
  Outcome outcome =
      run({writePicture("small.png", 3, 5), "-o", directory / "out"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  Image image = readPicture("out/small.png");
  EXPECT_EQ(image.height, 6);
  EXPECT_EQ(image.width, 10);
  EXPECT_EQ(image.rgb[0], 128);
  EXPECT_EQ(image.rgb[3], 255);
  EXPECT_EQ(image.rgb[6], 0);
}

// Folders keep their structure; the pictures come in order.
TEST_F(TaskTest, WritesFoldersOfFrames) {
  give(Task::Picture, {{"picture", {1, 1, 1}, {1}}});
  ::mkdir((directory / "in").c_str(), 0700);
  ::mkdir((directory / "in/b").c_str(), 0700);
  for (const char *name : {"in/2.png", "in/10.PNG", "in/b/1.png"})
    writePicture(name);
  directory.write("in/notes.txt", "no picture");
  Outcome outcome = run({directory / "in", "-o", directory / "out"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find(directory / "in/10.PNG"), 0u) << outcome.out;
  for (const char *name : {"out/2.png", "out/10.png", "out/b/1.png"})
    EXPECT_EQ(readPicture(name).rgb[0], 255) << name;
  ::mkdir((directory / "none").c_str(), 0700);
  EXPECT_EQ(run({directory / "none"}).err,
            "given: error: " + (directory / "none") +
                ": has no picture; needs files that end in .jpg, .jpeg or "
                ".png\n");
}

TEST_F(TaskTest, NegativePictureInItsOwnPlace) {
  give(Task::Picture, {{"picture", {1, 1, 1}, {1}}});
  std::string picture = writePicture("cat.png");
  Outcome outcome = run({picture, "-o", directory / "."});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err, "given: error: the picture made of '" + picture +
                             "' would replace it; needs -o DIR, another "
                             "folder\n");
}

// The mask is 1 where the picture is.
TEST_F(TaskTest, FillsTheMask) {
  give(Task::Embedding, {{"seen", {1}, {0}}});
  int64_t maskDims[3] = {-1, kHeight, kWidth};
  TensorDescriptor both[2] = {input, {"pixel_mask", maskDims, 3, VITC_I64}};
  entry.inputs = both;
  entry.numInputs = 2;
  descriptor.preprocess.maskIndex = 1;
  descriptor.preprocess.padding = static_cast<int32_t>(Padding::Zero);
  code.function = [](Context *context) {
    const auto *mask = static_cast<const int64_t *>(context->inputs[1]);
    float sum = 0;
    for (int i = 0; i < kHeight * kWidth; ++i)
      sum += static_cast<float>(mask[i] * (i + 1));
    *static_cast<float *>(context->outputs[0]) = sum;
  };
  Outcome outcome =
      run({writePicture("small.png", 2, 3), "-o", directory / "out"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  float sum;
  std::memcpy(&sum, readNpy(directory / "out/small.npy").bytes.data(), 4);
  EXPECT_EQ(sum, 1 + 2 + 3 + 9 + 10 + 11);
}

// The noise is the same in every run, and each number is another.
TEST_F(TaskTest, FillsTheNoise) {
  give(Task::Embedding, {{"seen", {8}, std::vector<float>(8)}});
  int64_t noiseDims[2] = {-1, 8};
  TensorDescriptor both[2] = {input, {"noise", noiseDims, 2, VITC_F32}};
  entry.inputs = both;
  entry.numInputs = 2;
  descriptor.preprocess.noiseIndex = 1;
  code.function = [](Context *context) {
    std::memcpy(context->outputs[0], context->inputs[1], 8 * sizeof(float));
  };
  std::string first = writePicture("a.png"), second = writePicture("b.png");
  Outcome outcome = run({first, second, "-o", directory / "out"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  NpyArray noise = readNpy(directory / "out/a.npy");
  EXPECT_EQ(noise.bytes, readNpy(directory / "out/b.npy").bytes);
  float values[8];
  std::memcpy(values, noise.bytes.data(), sizeof(values));
  // std::mt19937 begins with 3499211612, of which 24 bits are kept.
  EXPECT_EQ(values[0], 13668795 / 16777216.0f);
  std::sort(values, values + 8);
  EXPECT_GE(values[0], 0);
  EXPECT_LT(values[7], 1);
  EXPECT_EQ(std::adjacent_find(values, values + 8), values + 8);
}
