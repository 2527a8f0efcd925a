//===- GraphImporter.h - ONNX graph to vit module --------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define VITC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "ModelFile.h"
#include "Node.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "vitc/Import/Import.h"
#include "llvm/ADT/StringSet.h"

namespace vitc::onnx {

/// A name of the graph, in the forms that it has been asked for in.
struct GraphValue {
  mlir::Value value;
  bool isUnsigned = false;
  /// f16 or bf16 of a tensor that is computed in f32; null for all others.
  mlir::Type narrow;
  /// Of a value that is known at compile time and small, or of integers.
  mlir::DenseElementsAttr constant;
  /// Of an integer tensor of rank 0 or 1 whose elements need the batch.
  std::optional<Shape> sizes;
  mlir::Type sizesElement;
  bool sizesAreScalar = false;
  /// Not loaded yet.
  const onnx_proto::TensorProto *initializer = nullptr;

  bool isSet() const { return value || constant || sizes || initializer; }
};

/// The names that a graph's nodes see.
struct Scope {
  Scope *parent = nullptr;
  llvm::StringMap<GraphValue> values;
  /// Versions by domain; "" is ai.onnx.
  llvm::StringMap<int64_t> opsets;

  /// Null when no graph around has the name.
  GraphValue *lookup(llvm::StringRef name);
};

/// Functions that call functions, and nodes in all, calls repeated.
constexpr int kMaxCallDepth = 64;
constexpr int64_t kMaxNodes = int64_t(1) << 20;

using FunctionTable = llvm::StringMap<const onnx_proto::FunctionProto *>;

/// The model's functions by getFunctionKey.
mlir::FailureOr<FunctionTable> getFunctions(const onnx_proto::ModelProto &model,
                                            mlir::Location loc);
std::string getFunctionKey(llvm::StringRef domain, llvm::StringRef name,
                           llvm::StringRef overload);
/// "" for either spelling of the standard domain.
llvm::StringRef normalizeDomain(llvm::StringRef domain);
/// The node's name, or its first output's.
llvm::StringRef getNodeName(const onnx_proto::NodeProto &node);
/// Calls `use` with each name of an outer graph that the node needs, those in
/// its subgraphs among them.
void forEachInput(const onnx_proto::NodeProto &node,
                  llvm::function_ref<void(llvm::StringRef)> use);

using NodeList = llvm::ArrayRef<const onnx_proto::NodeProto *>;

/// The nodes that `outputs` need, each behind the nodes that it needs. Names
/// that no node makes must be `isDefined` outside.
mlir::FailureOr<std::vector<const onnx_proto::NodeProto *>>
sortNodes(NodeList nodes, llvm::ArrayRef<llvm::StringRef> outputs,
          llvm::function_ref<bool(llvm::StringRef)> isDefined,
          mlir::Location loc);

/// One error that lists every op of the nodes, their subgraphs and the
/// functions they call that vitc does not import.
mlir::LogicalResult verifySupported(NodeList nodes,
                                    const FunctionTable &functions,
                                    const OpRegistry &registry,
                                    const llvm::StringMap<int64_t> &opsets,
                                    mlir::Location loc);

/// The versions that a model or function imports.
mlir::FailureOr<llvm::StringMap<int64_t>> readOpsets(
    const google::protobuf::RepeatedPtrField<onnx_proto::OperatorSetIdProto>
        &imports,
    mlir::Location loc);

class GraphImporter {
public:
  GraphImporter(ModelFile &file, const OpRegistry &registry,
                const import_::ImportOptions &options);
  mlir::OwningOpRef<mlir::ModuleOp> run();
  /// Graph inputs whose values `run` had to know and did not.
  llvm::ArrayRef<std::string> getNeededInputs() const { return neededInputs; }

private:
  friend class Node;

  // Graph inputs and outputs, in GraphInterface.cpp.
  mlir::LogicalResult addInputs(const onnx_proto::GraphProto &graph);
  mlir::FailureOr<mlir::RankedTensorType>
  getInputType(const onnx_proto::ValueInfoProto &input);
  mlir::FailureOr<int64_t>
  getInputSize(const onnx_proto::TensorShapeProto::Dimension &dim,
               llvm::StringRef input, int64_t index);
  mlir::LogicalResult bindConstant(llvm::StringRef input,
                                   mlir::RankedTensorType type,
                                   llvm::StringRef path);
  mlir::LogicalResult addOutputs(const onnx_proto::GraphProto &graph);
  mlir::LogicalResult verifyOptions();
  void setModelAttr();

  // Nodes, in GraphImporter.cpp.
  mlir::LogicalResult addInitializers(const onnx_proto::GraphProto &graph,
                                      Scope &scope);
  mlir::LogicalResult importNodes(NodeList nodes, Scope &scope);
  mlir::LogicalResult importNode(const onnx_proto::NodeProto &proto,
                                 Scope &scope);
  mlir::LogicalResult runImport(Node &node, const OpRegistry::Entry &entry);
  mlir::LogicalResult foldNode(Node &node, mlir::Operation *before);
  void eraseDeadOps();
  mlir::LogicalResult verifyNoSizeIsData();

  // Control flow, in Subgraphs.cpp.
  mlir::LogicalResult importIf(Node &node, Scope &scope);
  mlir::LogicalResult importFunction(const onnx_proto::FunctionProto &function,
                                     Node &node);
  mlir::LogicalResult importGraph(const onnx_proto::GraphProto &graph,
                                  Scope &scope, Node &node);

  /// Imports a body's nodes and gives their outputs to `node`.
  mlir::LogicalResult importBody(NodeList all,
                                 llvm::ArrayRef<llvm::StringRef> outputs,
                                 Scope &inner, Node &node);

  // Values, in GraphValues.cpp.
  mlir::LogicalResult readValue(const onnx_proto::TensorProto &proto,
                                llvm::StringRef name, GraphValue &value);
  mlir::LogicalResult load(GraphValue &value, llvm::StringRef name);
  mlir::Value getValue(GraphValue &value);
  mlir::DenseElementsAttr getConstant(GraphValue &value);
  void noteNeeded(GraphValue &value);
  mlir::LogicalResult defineWeight(GraphValue &value, llvm::StringRef name,
                                   const TensorData &data);
  std::string getUniqueSymbol(llvm::StringRef name);

  ModelFile &file;
  const OpRegistry &registry;
  const import_::ImportOptions &options;
  mlir::Location loc;
  FunctionTable functions;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  TensorBuilder b;
  Scope scope;
  int callDepth = 0;
  int64_t numNodes = 0;
  /// Floats of the initializers that were read.
  int64_t numParameters = 0;
  /// Name of the symbolic size that is the batch.
  std::string batchName;
  bool hasBatch = false;
  std::vector<std::string> missingSizes, argumentNames, neededInputs;
  llvm::StringSet<> symbols, usedShapes, usedConstants;
  llvm::DenseMap<DataFile *, mlir::FlatSymbolRefAttr> fileSymbols;
};

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
