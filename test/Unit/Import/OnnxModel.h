//===- OnnxModel.h - ONNX models for tests ---------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_IMPORT_ONNXMODEL_H
#define VITC_TEST_UNIT_IMPORT_ONNXMODEL_H

#include "ImportTest.h"
#include "onnx.pb.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

namespace vitc::onnx {

using onnx_proto::GraphProto;
using onnx_proto::ModelProto;
using onnx_proto::NodeProto;
using onnx_proto::TensorProto;

/// The bytes of the numbers, as raw_data has them.
template <typename T> std::string encode(std::vector<T> values) {
  return {reinterpret_cast<const char *>(values.data()),
          values.size() * sizeof(T)};
}

inline void setTensor(TensorProto &tensor, TensorProto::DataType type,
                      std::vector<int64_t> shape, std::string bytes) {
  tensor.set_data_type(type);
  for (int64_t size : shape)
    tensor.add_dims(size);
  tensor.set_raw_data(std::move(bytes));
}

inline void addInitializer(GraphProto &graph, const std::string &name,
                           TensorProto::DataType type,
                           std::vector<int64_t> shape, std::string bytes) {
  TensorProto &tensor = *graph.add_initializer();
  tensor.set_name(name);
  setTensor(tensor, type, std::move(shape), std::move(bytes));
}

/// An int64 initializer of rank 1.
inline void addInts(GraphProto &graph, const std::string &name,
                    std::vector<int64_t> values) {
  addInitializer(graph, name, TensorProto::INT64, {int64_t(values.size())},
                 encode(values));
}

inline NodeProto &addNode(GraphProto &graph, const std::string &op,
                          std::vector<std::string> inputs,
                          std::vector<std::string> outputs) {
  NodeProto &node = *graph.add_node();
  node.set_op_type(op);
  for (const std::string &input : inputs)
    node.add_input(input);
  for (const std::string &output : outputs)
    node.add_output(output);
  return node;
}

inline void setInt(NodeProto &node, const std::string &name, int64_t value) {
  onnx_proto::AttributeProto &attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx_proto::AttributeProto::INT);
  attribute.set_i(value);
}

inline void setInts(NodeProto &node, const std::string &name,
                    std::vector<int64_t> values) {
  onnx_proto::AttributeProto &attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx_proto::AttributeProto::INTS);
  for (int64_t value : values)
    attribute.add_ints(value);
}

/// A graph input; a size of -1 is the batch, "N".
inline void addInput(GraphProto &graph, const std::string &name,
                     TensorProto::DataType type, std::vector<int64_t> shape) {
  onnx_proto::ValueInfoProto &input = *graph.add_input();
  input.set_name(name);
  onnx_proto::TypeProto::Tensor &tensor =
      *input.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  tensor.mutable_shape();
  for (int64_t size : shape) {
    onnx_proto::TensorShapeProto::Dimension &dim =
        *tensor.mutable_shape()->add_dim();
    if (size < 0)
      dim.set_dim_param("N");
    else
      dim.set_dim_value(size);
  }
}

/// A graph output of whatever type its value has.
inline void addOutput(GraphProto &graph, const std::string &name) {
  graph.add_output()->set_name(name);
}

inline ModelProto makeModel(int64_t opset = 18) {
  ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  model.mutable_graph()->set_name("test");
  return model;
}

/// Imports models through the file that they would be in.
class OnnxTest : public import_::ImportTest {
protected:
  mlir::OwningOpRef<mlir::ModuleOp>
  importBytes(llvm::StringRef bytes, import_::ImportOptions options = {}) {
    diagnostics.clear();
    writeFile("model.onnx", bytes);
    return import(path("model.onnx"), options);
  }
  mlir::OwningOpRef<mlir::ModuleOp>
  importGraph(const ModelProto &model, import_::ImportOptions options = {}) {
    return importBytes(model.SerializeAsString(), options);
  }
  void expectRefused(const ModelProto &model, const std::string &message) {
    EXPECT_FALSE(importGraph(model));
    EXPECT_EQ(messages(), message);
  }

  /// The value of result `index`, null when it is computed at run time.
  static mlir::DenseElementsAttr getConstant(mlir::ModuleOp module,
                                             unsigned index = 0) {
    mlir::DenseElementsAttr value;
    module.walk([&](mlir::func::ReturnOp op) {
      mlir::matchPattern(op.getOperand(index), mlir::m_Constant(&value));
    });
    return value;
  }
  /// The integers that the model's first result is, extended by sign.
  std::vector<int64_t> evaluateInts(const ModelProto &model) {
    mlir::OwningOpRef<mlir::ModuleOp> module = importGraph(model);
    mlir::DenseElementsAttr value = module ? getConstant(*module) : nullptr;
    std::vector<int64_t> numbers;
    if (!value) {
      ADD_FAILURE() << "is no constant: " << messages();
      return numbers;
    }
    for (const llvm::APInt &number : value.getValues<llvm::APInt>())
      numbers.push_back(number.getSExtValue());
    return numbers;
  }
  /// The sizes of the model's first result.
  std::vector<int64_t> getResultShape(const ModelProto &model) {
    mlir::OwningOpRef<mlir::ModuleOp> module = importGraph(model);
    if (!module) {
      ADD_FAILURE() << messages();
      return {};
    }
    auto function = module->lookupSymbol<mlir::func::FuncOp>("forward");
    return mlir::cast<mlir::RankedTensorType>(function.getResultTypes()[0])
        .getShape()
        .vec();
  }
};

} // namespace vitc::onnx

#endif // VITC_TEST_UNIT_IMPORT_ONNXMODEL_H
