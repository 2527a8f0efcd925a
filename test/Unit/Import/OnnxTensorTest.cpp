//===- OnnxTensorTest.cpp - Tensors of models and of their data files -----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Onnx/ModelFile.h"

#include "OnnxModel.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

namespace {

class OnnxTensorTest : public OnnxTest {
protected:
  /// A model that returns its tensor "w".
  static ModelProto makeModelOf(TensorProto tensor) {
    ModelProto model = makeModel();
    tensor.set_name("w");
    *model.mutable_graph()->add_initializer() = std::move(tensor);
    addOutput(*model.mutable_graph(), "w");
    return model;
  }
  static TensorProto makeExternal(const std::string &location,
                                  const std::string &offset,
                                  const std::string &length) {
    TensorProto tensor;
    tensor.set_data_type(TensorProto::FLOAT);
    tensor.add_dims(100);
    tensor.set_data_location(TensorProto::EXTERNAL);
    for (const auto &[key, value] :
         {std::pair("location", location), std::pair("offset", offset),
          std::pair("length", length)}) {
      if (value.empty())
        continue;
      onnx_proto::StringStringEntryProto &entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
    return tensor;
  }
  /// The integers of a tensor in raw_data, or in a list of elements.
  std::vector<int64_t> read(TensorProto::DataType type, std::string bytes,
                            int64_t count) {
    TensorProto tensor;
    setTensor(tensor, type, {count}, std::move(bytes));
    return evaluateInts(makeModelOf(std::move(tensor)));
  }
  /// The floats of a tensor, and the type that they are computed in.
  std::vector<double> readFloats(TensorProto::DataType type,
                                 std::string bytes) {
    TensorProto tensor;
    int64_t count =
        bytes.size() /
        (lookupDataType(type, &context)->stored.getIntOrFloatBitWidth() / 8);
    setTensor(tensor, type, {count}, std::move(bytes));
    OwningOpRef<ModuleOp> module = importGraph(makeModelOf(std::move(tensor)));
    std::vector<double> numbers;
    if (!module) {
      ADD_FAILURE() << messages();
      return numbers;
    }
    DenseElementsAttr value = getConstant(*module);
    EXPECT_EQ(value.getElementType(), lookupDataType(type, &context)->computed);
    for (const llvm::APFloat &number : value.getValues<llvm::APFloat>())
      numbers.push_back(number.convertToDouble());
    return numbers;
  }
};

using Ints = std::vector<int64_t>;
using Floats = std::vector<double>;

} // namespace

TEST_F(OnnxTensorTest, IntegersOfEveryTypeAreRead) {
  EXPECT_EQ(read(TensorProto::INT8, encode<int8_t>({-128, 127}), 2),
            (Ints{-128, 127}));
  EXPECT_EQ(read(TensorProto::INT16, encode<int16_t>({-32768, 5}), 2),
            (Ints{-32768, 5}));
  EXPECT_EQ(read(TensorProto::INT32, encode<int32_t>({-7, 7}), 2),
            (Ints{-7, 7}));
  EXPECT_EQ(read(TensorProto::INT64, encode<int64_t>({INT64_MIN, 1}), 2),
            (Ints{INT64_MIN, 1}));
  // The signless element has the bits; of a bool any byte but 0 is true.
  EXPECT_EQ(read(TensorProto::UINT8, encode<uint8_t>({255, 3}), 2),
            (Ints{-1, 3}));
  EXPECT_EQ(read(TensorProto::BOOL, encode<uint8_t>({0, 1, 2}), 3),
            (Ints{0, -1, -1}));
}

TEST_F(OnnxTensorTest, FloatsOfEveryTypeAreRead) {
  EXPECT_EQ(readFloats(TensorProto::FLOAT, encode<float>({0.1f, -2})),
            (Floats{0.1f, -2}));
  EXPECT_EQ(readFloats(TensorProto::DOUBLE, encode<double>({0.1, -2})),
            (Floats{0.1, -2}));
  EXPECT_EQ(readFloats(TensorProto::FLOAT16, encode<uint16_t>({0x3c00, 1})),
            (Floats{1, 0x1p-24}));
  EXPECT_EQ(readFloats(TensorProto::BFLOAT16, encode<uint16_t>({0x3f80, 1})),
            (Floats{1, 0x1p-133}));
}

TEST_F(OnnxTensorTest, ListsOfElementsAreRead) {
  TensorProto tensor;
  tensor.add_dims(2);
  tensor.set_data_type(TensorProto::INT16);
  tensor.add_int32_data(-3);
  tensor.add_int32_data(4);
  EXPECT_EQ(evaluateInts(makeModelOf(tensor)), (Ints{-3, 4}));
  tensor.clear_int32_data();
  tensor.set_data_type(TensorProto::UINT32);
  tensor.add_uint64_data(3);
  tensor.add_uint64_data(0xffffffff);
  EXPECT_EQ(evaluateInts(makeModelOf(tensor)), (Ints{3, -1}));
  tensor.clear_uint64_data();
  tensor.set_data_type(TensorProto::INT64);
  tensor.add_int64_data(INT64_MIN);
  tensor.add_int64_data(5);
  EXPECT_EQ(evaluateInts(makeModelOf(tensor)), (Ints{INT64_MIN, 5}));
}

TEST_F(OnnxTensorTest, TensorsWithoutElementsAreRead) {
  for (auto type :
       {TensorProto::INT64, TensorProto::BOOL, TensorProto::FLOAT16}) {
    TensorProto tensor;
    setTensor(tensor, type, {0}, "");
    ModelProto model = makeModelOf(std::move(tensor));
    addNode(*model.mutable_graph(), "Shape", {"w"}, {"y"});
    model.mutable_graph()->mutable_output(0)->set_name("y");
    EXPECT_EQ(evaluateInts(model), Ints{0});
  }
}

TEST_F(OnnxTensorTest, WrongNumbersOfBytesAreRefused) {
  TensorProto tensor;
  setTensor(tensor, TensorProto::FLOAT, {3}, std::string(11, 'x'));
  expectRefused(makeModelOf(tensor),
                "tensor 'w' has 11 bytes; FLOAT of shape [3] needs 12");
  setTensor(tensor, TensorProto::FLOAT, {3}, std::string(12, 'x'));
  expectRefused(makeModelOf(tensor),
                "tensor 'w' has 12 bytes; FLOAT of shape [3, 3] needs 36");
  const std::string twice =
      "tensor 'w' has its data in two places; needs raw data, a list of "
      "elements or external data";
  tensor.add_float_data(1);
  expectRefused(makeModelOf(tensor), twice);
  // Large data too, which are a reference by then.
  tensor.set_raw_data(std::string(400, 'x'));
  tensor.clear_float_data();
  tensor.add_int32_data(1);
  expectRefused(makeModelOf(tensor), twice);
}

TEST_F(OnnxTensorTest, HugeAndNegativeShapesAreRefused) {
  TensorProto tensor;
  setTensor(tensor, TensorProto::FLOAT, {int64_t(1) << 32, int64_t(1) << 31},
            "");
  expectRefused(makeModelOf(tensor),
                "tensor 'w' has shape [4294967296, 2147483648]; needs sizes "
                "whose product has 63 bits");
  tensor.clear_dims();
  tensor.add_dims(-1);
  expectRefused(
      makeModelOf(tensor),
      "tensor 'w' has shape [-1]; needs sizes whose product has 63 bits");
  tensor.clear_dims();
  for (int dim = 0; dim < 65; ++dim)
    tensor.add_dims(1);
  expectRefused(makeModelOf(tensor),
                "tensor 'w' has rank 65; needs at most 64");
}

TEST_F(OnnxTensorTest, OtherTypesAreRefused) {
  TensorProto tensor;
  setTensor(tensor, TensorProto::COMPLEX64, {1}, std::string(8, 'x'));
  expectRefused(makeModelOf(tensor),
                "tensor 'w' has type COMPLEX64; vitc computes with floats of "
                "16, 32 and 64 bits, integers of 8 to 64 and bool");
  tensor.set_data_type(1000);
  expectRefused(makeModelOf(tensor),
                "tensor 'w' has type 1000; vitc computes with floats of 16, 32 "
                "and 64 bits, integers of 8 to 64 and bool");
}

TEST_F(OnnxTensorTest, ExternalDataStaysInItsFile) {
  // At an odd offset, where no float could be read in place.
  writeFile("w.bin", "x" + encode(std::vector<float>(100, 0.25f)));
  OwningOpRef<ModuleOp> module =
      importGraph(makeModelOf(makeExternal("w.bin", "1", "400")));
  ASSERT_TRUE(module) << messages();
  EXPECT_FALSE(getConstant(*module));
  TensorProto copied = makeExternal("w.bin", "1", "16");
  copied.set_dims(0, 4);
  module = importGraph(makeModelOf(copied));
  ASSERT_TRUE(module) << messages();
  DenseElementsAttr value = getConstant(*module);
  ASSERT_TRUE(value);
  EXPECT_EQ(value.getSplatValue<float>(), 0.25f);
}

TEST_F(OnnxTensorTest, ExternalDataBeyondTheFileIsRefused) {
  writeFile("w.bin", std::string(400, 'x'));
  auto expectExternal = [&](const std::string &offset,
                            const std::string &length, const std::string &has) {
    expectRefused(makeModelOf(makeExternal("w.bin", offset, length)),
                  "tensor 'w' has " + has);
  };
  expectExternal("1", "400",
                 "400 bytes at offset 1 of 'w.bin', which has 400 bytes");
  expectExternal("18446744073709551615", "400",
                 "400 bytes at offset 18446744073709551615 of 'w.bin', which "
                 "has 400 bytes");
  expectExternal("0", "18446744073709551615",
                 "18446744073709551615 bytes at offset 0 of 'w.bin', which "
                 "has 400 bytes");
  expectExternal("-1", "400", "external offset '-1'; needs a number of bytes");
  expectExternal("0", "99999999999999999999",
                 "external length '99999999999999999999'; needs a number of "
                 "bytes");
  expectExternal("0", "4", "4 bytes; FLOAT of shape [100] needs 400");
}

TEST_F(OnnxTensorTest, ExternalDataOutsideOfTheFolderIsRefused) {
  for (const std::string location :
       {"../w.bin", "a/../../w.bin", "/etc/passwd", "."})
    expectRefused(makeModelOf(makeExternal(location, "0", "400")),
                  "tensor 'w' has its data in '" + location +
                      "'; needs a path inside of the model's folder");
  expectRefused(makeModelOf(makeExternal("absent.bin", "0", "400")),
                "tensor 'w' has its data in 'absent.bin', which is not in the "
                "model's folder");
}
