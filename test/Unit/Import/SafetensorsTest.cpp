//===- SafetensorsTest.cpp - Headers that lie are refused -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Import/Safetensors.h"

#include "ImportTest.h"

using namespace mlir;
using namespace vitc::import_;

namespace {

class SafetensorsTest : public ImportTest {
protected:
  FailureOr<std::unique_ptr<SafetensorsFile>> open(StringRef bytes) {
    writeFile("model.safetensors", bytes);
    return SafetensorsFile::open(path("model.safetensors"), context);
  }
  void expectRefused(StringRef bytes, const std::string &message) {
    diagnostics.clear();
    EXPECT_TRUE(failed(open(bytes)));
    EXPECT_EQ(messages(), message);
  }
};

} // namespace

TEST_F(SafetensorsTest, ReadsEntriesAndIgnoresMetadata) {
  std::string bytes = safetensors(
      R"({"__metadata__":{"format":"pt"},)"
      R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]},)"
      R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("scalar":{"dtype":"I64","shape":[],"data_offsets":[14,22]}}    )",
      std::string(22, 'x'));
  auto file = open(bytes);
  ASSERT_TRUE(succeeded(file)) << messages();
  EXPECT_EQ((*file)->getEntries().size(), 3u);
  EXPECT_EQ((*file)->lookup("absent"), nullptr);
  const SafetensorsEntry *entry = (*file)->lookup("b");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->dtype, "BF16");
  EXPECT_EQ(entry->shape, (llvm::SmallVector<int64_t, 4>{3}));
  EXPECT_EQ(entry->offset, int64_t(bytes.size()) - 14);
  EXPECT_EQ(entry->bytes, 6);
}

TEST_F(SafetensorsTest, HashIsBlake3OfTheFile) {
  auto file = open(safetensors("{}", ""));
  ASSERT_TRUE(succeeded(file)) << messages();
  EXPECT_EQ((*file)->hash(),
            "b8b38d1cb0675f6b3512a37c75287375d8a17f9992e59155c409a35837560cf9");
}

TEST_F(SafetensorsTest, RefusesAMissingFile) {
  EXPECT_TRUE(failed(SafetensorsFile::open(path("absent"), context)));
  EXPECT_EQ(messages(), "cannot be read: No such file or directory");
}

TEST_F(SafetensorsTest, RefusesAFolder) {
  EXPECT_TRUE(failed(SafetensorsFile::open(folder, context)));
  EXPECT_EQ(messages(), "is not a regular file");
}

TEST_F(SafetensorsTest, RefusesAShortFile) {
  expectRefused("", "file has 0 bytes; a .safetensors file starts with 8 bytes "
                    "of header length");
}

TEST_F(SafetensorsTest, RefusesAHeaderBehindTheEnd) {
  expectRefused(std::string(8, '\xff') + "{}",
                "header length is 18446744073709551615; this file allows at "
                "most 2");
}

TEST_F(SafetensorsTest, RefusesTextThatIsNotJson) {
  diagnostics.clear();
  EXPECT_TRUE(failed(open(safetensors("{\"a\":", ""))));
  EXPECT_EQ(messages().find("header is not JSON: "), 0u) << messages();
}

TEST_F(SafetensorsTest, RefusesAHeaderThatIsNoObject) {
  expectRefused(safetensors("[1]", ""), "header is not a JSON object");
}

// A recursive parser would run out of stack on this.
TEST_F(SafetensorsTest, RefusesDeepNesting) {
  expectRefused(safetensors(std::string(10'000'000, '['), ""),
                "header nests deeper than 64 levels of JSON");
}

TEST_F(SafetensorsTest, RefusesAnEntryWithoutItsFields) {
  const char *message = "tensor 'a' needs dtype, shape and two data_offsets";
  expectRefused(safetensors(R"({"a":7})", ""), message);
  expectRefused(safetensors(R"({"a":{"dtype":"F32","shape":[0]}})", ""),
                message);
  expectRefused(
      safetensors(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0]}})",
                  ""),
      message);
}

TEST_F(SafetensorsTest, RefusesAnUnknownDtype) {
  expectRefused(
      safetensors(R"({"a":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}})",
                  "wxyz"),
      "tensor 'a' has dtype 'F7', which the format does not know");
}

TEST_F(SafetensorsTest, RefusesShapesThatOverflow) {
  const char *message = "tensor 'a' has a shape that is not a list of sizes "
                        "whose product has 63 bits";
  expectRefused(
      safetensors(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
                  "wxyz"),
      message);
  expectRefused(
      safetensors(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],)"
                  R"("data_offsets":[0,4]}})",
                  "wxyz"),
      message);
  expectRefused(
      safetensors(R"({"a":{"dtype":"F32","shape":[4611686018427387904],)"
                  R"("data_offsets":[0,4]}})",
                  "wxyz"),
      "tensor 'a' has shape [4611686018427387904]; its size needs more than 63 "
      "bits");
}

TEST_F(SafetensorsTest, RefusesOffsetsOutsideOfTheFile) {
  const char *message = "tensor 'a' has data_offsets outside of the file, "
                        "which has 4 bytes of data";
  for (const char *range : {"[0,8]", "[-4,0]", "[4,0]", "[0,1e300]"})
    expectRefused(
        safetensors(
            std::string(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)") +
                range + "}}",
            "wxyz"),
        message);
}

TEST_F(SafetensorsTest, RefusesASizeThatIsNotTheShapes) {
  expectRefused(
      safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
                  "wxyz"),
      "tensor 'a' has 4 bytes; F32 of shape [2] needs 8");
}

TEST_F(SafetensorsTest, RefusesOverlapsAndHoles) {
  const char *entry = R"("dtype":"U8","shape":[4],"data_offsets":)";
  auto pair = [&](const char *first, const char *second) {
    return safetensors(
        llvm::formatv(R"({{"a":{{{0}{1}},"b":{{{0}{2}}})", entry, first, second)
            .str(),
        std::string(10, 'x'));
  };
  expectRefused(pair("[0,4]", "[2,6]"),
                "tensor 'b' begins at data offset 2; the tensor before it ends "
                "at 4");
  expectRefused(pair("[0,4]", "[6,10]"),
                "tensor 'b' begins at data offset 6; the tensor before it ends "
                "at 4");
}

TEST_F(SafetensorsTest, RefusesBytesBehindTheLastTensor) {
  std::string bytes = safetensors(
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "wxyz!!");
  expectRefused(bytes, llvm::formatv("tensors end at byte {0} of {1}",
                                     bytes.size() - 2, bytes.size()));
}
