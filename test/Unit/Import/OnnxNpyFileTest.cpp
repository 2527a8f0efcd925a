//===- OnnxNpyFileTest.cpp - Constants from .npy files --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Onnx/NpyFile.h"

#include "OnnxModel.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

namespace {

/// A file of version 1.0, or of 2.0 with its longer number.
std::string npy(const std::string &header, const std::string &elements,
                char version = 1) {
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  for (int byte = 0; byte < (version == 1 ? 2 : 4); ++byte)
    bytes.push_back(char(header.size() >> (8 * byte)));
  return bytes + header + elements;
}

std::string header(const std::string &descr, const std::string &shape,
                   const std::string &order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n";
}

class OnnxNpyFileTest : public OnnxTest {
protected:
  LogicalResult read(StringRef bytes, TensorData &data) {
    diagnostics.clear();
    writeFile("x.npy", bytes);
    return readNpy(path("x.npy"), context, data);
  }
  void expectRead(const std::string &descr, unsigned width, bool isUnsigned,
                  bool isFloat) {
    TensorData data;
    std::string elements(6 * std::max(width / 8, 1u), '\1');
    ASSERT_TRUE(succeeded(read(npy(header(descr, "(2, 3)"), elements), data)))
        << messages();
    EXPECT_EQ(data.type.stored.getIntOrFloatBitWidth(), width) << descr;
    EXPECT_EQ(data.type.isUnsigned, isUnsigned) << descr;
    EXPECT_EQ(isa<FloatType>(data.type.stored), isFloat) << descr;
    EXPECT_EQ(data.shape, (llvm::SmallVector<int64_t>{2, 3})) << descr;
    EXPECT_EQ(data.bytes, elements) << descr;
    EXPECT_EQ(data.getAttr().getNumElements(), 6) << descr;
  }
  void expectRefused(StringRef bytes, const std::string &message) {
    TensorData data;
    EXPECT_TRUE(failed(read(bytes, data)));
    EXPECT_EQ(messages(), message);
  }
};

} // namespace

TEST_F(OnnxNpyFileTest, EveryTypeIsRead) {
  expectRead("|b1", 1, false, false);
  expectRead("|i1", 8, false, false);
  expectRead("|u1", 8, true, false);
  expectRead("<i2", 16, false, false);
  expectRead("<u2", 16, true, false);
  expectRead("<i4", 32, false, false);
  expectRead("<u4", 32, true, false);
  expectRead("<i8", 64, false, false);
  expectRead("<u8", 64, true, false);
  expectRead("<f2", 16, false, true);
  expectRead("<f4", 32, false, true);
  expectRead("<f8", 64, false, true);
}

TEST_F(OnnxNpyFileTest, ShapesOfAnyRankAreRead) {
  for (auto [text, rank] :
       {std::pair("()", 0), std::pair("(1,)", 1), std::pair("( 1 , 1 )", 2)}) {
    TensorData data;
    ASSERT_TRUE(succeeded(read(npy(header("<i2", text), "ab", 2), data)))
        << messages();
    EXPECT_EQ(data.shape.size(), size_t(rank));
  }
  TensorData empty;
  ASSERT_TRUE(succeeded(read(npy(header("<f4", "(0, 3)"), ""), empty)));
  EXPECT_EQ(empty.getAttr().getNumElements(), 0);
}

TEST_F(OnnxNpyFileTest, OtherFilesAreRefused) {
  expectRefused("", "is not a .npy file");
  expectRefused("\x93NUMPY\1", "is not a .npy file");
  expectRefused(npy(header(">f4", "(1,)"), "abcd"),
                "has elements of type '>f4'; needs little-endian bools, "
                "integers or floats");
  expectRefused(npy(header("<f4", "(1,)", "True"), "abcd"),
                "is in Fortran order; needs C order");
}

TEST_F(OnnxNpyFileTest, HeadersThatLieAreRefused) {
  expectRefused(std::string("\x93NUMPY\1\0\xff\xff{  ", 13),
                "is cut off: its header has 65535 bytes, and 3 are left");
  expectRefused(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12),
                "is cut off: its header has 4294967295 bytes, and 0 are left");
  expectRefused(npy(header("<f4", "(3,)"), "abcd"),
                "has 4 bytes of elements; shape [3] of '<f4' needs 12");
  expectRefused(npy(header("<f4", "(4294967296, 4294967296)"), ""),
                "has shape [4294967296, 4294967296]; needs sizes whose product "
                "has 63 bits");
  const std::string unparsed =
      "has a header that does not parse; needs descr, fortran_order and shape, "
      "of at most 64 sizes";
  expectRefused(npy("{'descr': '<f4', 'fortran_order': False}", "abcd"),
                unparsed);
  expectRefused(npy(header("<f4", "(-1,)"), "abcd"), unparsed);
  expectRefused(npy(header("<f4", "(1x)"), "abcd"), unparsed);
  expectRefused(npy(header("<f4", "(99999999999999999999)"), "abcd"), unparsed);
}

TEST_F(OnnxNpyFileTest, EveryPrefixIsRefused) {
  std::string bytes = npy(header("<f4", "(2,)"), "abcdefgh");
  for (size_t size = 0; size < bytes.size(); ++size) {
    TensorData data;
    EXPECT_TRUE(failed(read(StringRef(bytes).take_front(size), data))) << size;
    EXPECT_EQ(diagnostics.size(), 1u) << size << ": " << messages();
  }
}
