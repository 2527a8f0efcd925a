//===- NpyTest.cpp - numpy's .npy files -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"
#include "Status.h"

#include "TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace vitc::rt;
using vitc::rt::test::TemporaryDirectory;

namespace {
class NpyTest : public ::testing::Test {
protected:
  static std::string makeFile(const std::string &header,
                              const std::string &elements, int version = 1) {
    std::string file = std::string("\x93NUMPY", 6);
    file.append({static_cast<char>(version), '\0'});
    for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
      file += static_cast<char>(header.size() >> 8 * i & 0xFF);
    return file + header + elements;
  }

  NpyArray read(const std::string &bytes) {
    return readNpy(directory.write("a.npy", bytes));
  }

  /// The message of reading `bytes`, without the path.
  std::string failureOf(const std::string &bytes) {
    std::string path = directory.write("a.npy", bytes);
    try {
      readNpy(path);
    } catch (const Failure &failure) {
      EXPECT_EQ(failure.getStatus(), VITC_IO);
      std::string message = failure.what();
      EXPECT_EQ(message.substr(0, path.size() + 2), path + ": ");
      return message.substr(path.size() + 2);
    }
    return "";
  }

  TemporaryDirectory directory;
};
} // namespace

template <typename T>
static NpyArray makeArray(vitc_dtype_t dtype, std::vector<T> values) {
  NpyArray array;
  array.dtype = dtype;
  array.dims = {static_cast<int64_t>(values.size())};
  array.bytes.resize(values.size() * sizeof(T));
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

template <typename T> static std::vector<T> valuesOf(const NpyArray &array) {
  std::vector<T> values(array.bytes.size() / sizeof(T));
  std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
  return values;
}

TEST_F(NpyTest, ReadsWhatItWrites) {
  for (int dtype = VITC_F32; dtype <= VITC_BOOL; ++dtype) {
    if (dtype == VITC_BF16)
      continue;
    for (std::vector<int64_t> dims :
         {std::vector<int64_t>{}, {1}, {2, 3}, {0, 4}, {1, 2, 1, 2}}) {
      NpyArray array;
      array.dtype = static_cast<vitc_dtype_t>(dtype);
      array.dims = dims;
      size_t bytes = dtype == VITC_F64 || dtype >= VITC_I64 ? 8 : 4;
      if (dtype == VITC_F16 || dtype == VITC_I16 || dtype == VITC_U16)
        bytes = 2;
      if (dtype == VITC_I8 || dtype == VITC_U8 || dtype == VITC_BOOL)
        bytes = 1;
      for (int64_t dim : dims)
        bytes *= dim;
      array.bytes.assign(bytes, 1);
      std::string file = formatNpy(array);
      EXPECT_EQ((file.size() - bytes) % 64, 0u);
      NpyArray back = read(file);
      EXPECT_EQ(back.dtype, array.dtype);
      EXPECT_EQ(back.dims, dims);
      EXPECT_EQ(back.bytes, array.bytes);
    }
  }
}

TEST_F(NpyTest, WritesNumpysHeader) {
  NpyArray array = makeArray<float>(VITC_F32, {1, 2, 3});
  EXPECT_EQ(formatNpy(array).substr(10, 59),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }  ");
}

TEST_F(NpyTest, ReadsAllVersionsAndAnyOrderOfKeys) {
  std::string header =
      "{\"shape\":(2,),'fortran_order' : False,'descr':'<u2'}\n";
  for (int version : {1, 2, 3}) {
    NpyArray array = read(makeFile(header, "abcd", version));
    EXPECT_EQ(array.dtype, VITC_U16);
    EXPECT_EQ(array.dims, std::vector<int64_t>{2});
  }
}

TEST_F(NpyTest, HostileFilesAreErrors) {
  auto header = [](const std::string &descr, const std::string &order,
                   const std::string &shape) {
    return "{'descr': " + descr + ", 'fortran_order': " + order +
           ", 'shape': " + shape + ", }";
  };
  EXPECT_EQ(failureOf(""), "does not start as a .npy file does");
  EXPECT_EQ(failureOf("PK\3\4 a zip file"),
            "does not start as a .npy file does");
  std::string good = header("'<f4'", "False", "(2,)");
  EXPECT_EQ(failureOf(makeFile(good, "12345678", 4)),
            ".npy file has version 4; needs 1, 2 or 3");
  std::string file = makeFile(good, "12345678");
  for (size_t length = 0; length < file.size(); ++length)
    EXPECT_NE(failureOf(file.substr(0, length)), "") << length;
  EXPECT_EQ(failureOf(file + "9"), ".npy file has 9 bytes of elements; shape "
                                   "[2] of f32 needs 8");
  EXPECT_EQ(failureOf(makeFile(header("'>f4'", "False", "(2,)"), "12345678")),
            ".npy file is big-endian ('>f4'); needs little-endian");
  EXPECT_EQ(failureOf(makeFile(header("'<f4'", "True", "(2,)"), "12345678")),
            ".npy file is in Fortran order; needs C order "
            "(numpy.ascontiguousarray)");
  EXPECT_EQ(failureOf(makeFile(header("'<c8'", "False", "(1,)"), "12345678")),
            ".npy file has elements of type '<c8'; needs bool, an integer "
            "type, f2, f4 or f8");
  EXPECT_EQ(failureOf(makeFile(header("'|O'", "False", "(1,)"), "12345678")),
            ".npy file has elements of type '|O'; needs bool, an integer "
            "type, f2, f4 or f8");
  EXPECT_EQ(failureOf(makeFile(header("[('a', '<f4')]", "False", "(1,)"), "")),
            ".npy file holds records; needs plain elements");
  EXPECT_EQ(failureOf(makeFile(header("'<f4'", "False", "(-1,)"), "")),
            ".npy header has '-1,), }' at byte 51; needs a dimension of 0 to "
            "2^63 - 1");
  EXPECT_EQ(failureOf(makeFile(
                header("'<f4'", "False", "(99999999999999999999,)"), "")),
            ".npy header has '9999999999999999' at byte 51; needs a dimension "
            "of 0 to 2^63 - 1");
  EXPECT_EQ(failureOf(makeFile(
                header("'<f8'", "False", "(4294967296, 4294967296, 4)"), "")),
            ".npy file has 0 bytes of elements; shape [4294967296, "
            "4294967296, 4] of f64 needs more than memory can hold");
  EXPECT_EQ(failureOf(makeFile(header("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"),
                               "1234")),
            ".npy file has more than 8 dimensions");
  EXPECT_EQ(failureOf(makeFile("{'descr': '<f4', 'shape': (1,), }", "1234")),
            ".npy header lacks 'fortran_order'");
  EXPECT_EQ(failureOf(makeFile("{'descr': '<f4', 'descr': '<f4'}", "")),
            ".npy header has key 'descr'; needs descr, fortran_order and "
            "shape, once each");
  EXPECT_EQ(failureOf(makeFile(good + "x", "12345678")),
            ".npy header has 'x' at byte 57; needs its end");
  std::string huge = makeFile(good, "", 2);
  huge.replace(8, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_EQ(failureOf(huge),
            ".npy header has 4294967295 bytes; needs at most 65536");
}

TEST_F(NpyTest, MissingFilesAndFoldersAreErrors) {
  EXPECT_THROW(readNpy(directory / "none.npy"), Failure);
  EXPECT_THROW(readNpy(directory / "."), Failure);
}

TEST_F(NpyTest, ConvertsWithoutLoss) {
  EXPECT_EQ(valuesOf<int64_t>(convertNpy(makeArray<int32_t>(VITC_I32, {-5, 7}),
                                         VITC_I64, "a")),
            (std::vector<int64_t>{-5, 7}));
  EXPECT_EQ(valuesOf<float>(convertNpy(makeArray<uint8_t>(VITC_U8, {0, 255}),
                                       VITC_F32, "a")),
            (std::vector<float>{0, 255}));
  EXPECT_EQ(valuesOf<float>(convertNpy(
                makeArray<uint16_t>(
                    VITC_F16, {0x3C00, 0xC000, 0x0001, 0x7C00, 0x8000, 0x7BFF}),
                VITC_F32, "a")),
            (std::vector<float>{1, -2, std::ldexp(1.0f, -24), INFINITY, -0.0f,
                                65504}));
  EXPECT_TRUE(std::isnan(valuesOf<float>(
      convertNpy(makeArray<uint16_t>(VITC_F16, {0x7E00}), VITC_F32, "a"))[0]));
  EXPECT_EQ(
      valuesOf<float>(convertNpy(
          makeArray<uint16_t>(VITC_BF16, {0x3F80, 0xC000}), VITC_F32, "a")),
      (std::vector<float>{1, -2}));
}

TEST_F(NpyTest, RefusesLossyConversions) {
  try {
    convertNpy(makeArray<double>(VITC_F64, {1}), VITC_F32, "a.npy");
    FAIL();
  } catch (const Failure &failure) {
    EXPECT_STREQ(failure.what(), "a.npy: elements are f64; needs f32, or a "
                                 "type that converts to it without loss");
  }
  EXPECT_THROW(convertNpy(makeArray<int64_t>(VITC_I64, {1}), VITC_I32, "a"),
               Failure);
  EXPECT_THROW(convertNpy(makeArray<float>(VITC_F32, {1}), VITC_I64, "a"),
               Failure);
  EXPECT_THROW(convertNpy(makeArray<int32_t>(VITC_I32, {1}), VITC_F32, "a"),
               Failure);
}
