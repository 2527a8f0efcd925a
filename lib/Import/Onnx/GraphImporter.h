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
#include "Onnx.h"
#include "StepStates.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
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
  /// Of a tensor whose size depends on data: how many positions of `countedDim`
  /// count, one i64. Null where all do.
  mlir::Value count;
  int64_t countedDim = 0;
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

/// Larger sizes of a model's inputs are mistakes.
constexpr int64_t kMaxSize = int64_t(1) << 31;

/// Functions that call functions, and nodes in all, calls repeated.
constexpr int kMaxCallDepth = 64;
constexpr int64_t kMaxNodes = int64_t(1) << 20;

using FunctionTable = llvm::StringMap<const onnx_proto::FunctionProto *>;

/// The model's functions by getFunctionKey.
mlir::FailureOr<FunctionTable> getFunctions(const onnx_proto::ModelProto &model,
                                            mlir::Location loc);
std::string getFunctionKey(llvm::StringRef domain, llvm::StringRef name,
                           llvm::StringRef overload);
/// Whether the op, of ONNX's own domain, has subgraphs.
bool isControlFlow(llvm::StringRef domain, llvm::StringRef name);
/// "" for either spelling of the standard domain.
llvm::StringRef normalizeDomain(llvm::StringRef domain);
/// What --shape calls a dimension.
std::string getSizeName(const onnx_proto::TensorShapeProto::Dimension &dim,
                        llvm::StringRef input, int64_t index);
/// Whether a dimension has a number.
bool hasSize(const onnx_proto::TensorShapeProto::Dimension &dim);
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

struct ScanAxis; // in Loops.h

class GraphImporter {
public:
  GraphImporter(ModelFile &file, const OpRegistry &registry,
                const import_::ImportOptions &options,
                const import_::OnnxPart &part);
  mlir::OwningOpRef<mlir::ModuleOp> run();
  /// Graph inputs whose values `run` had to know and did not.
  llvm::ArrayRef<std::string> getNeededInputs() const { return neededInputs; }

private:
  friend class Node;

  // Graph inputs and outputs, in GraphInterface.cpp.
  mlir::LogicalResult addInputs(const onnx_proto::GraphProto &graph);
  mlir::FailureOr<DataType>
  getElementType(const onnx_proto::ValueInfoProto &input);
  mlir::FailureOr<mlir::RankedTensorType>
  getInputType(const onnx_proto::ValueInfoProto &input);
  mlir::FailureOr<int64_t>
  getInputSize(const onnx_proto::TensorShapeProto::Dimension &dim,
               llvm::StringRef input, int64_t index);
  mlir::LogicalResult bindConstant(llvm::StringRef input,
                                   mlir::RankedTensorType type,
                                   llvm::StringRef path);
  mlir::LogicalResult addOutputs(const onnx_proto::GraphProto &graph);
  /// What an output that is no growing state gives.
  mlir::FailureOr<mlir::Value>
  buildOutput(const onnx_proto::ValueInfoProto &output, mlir::Value result);
  mlir::Value addArgument(mlir::RankedTensorType type, llvm::StringRef name);

  // A text without padding, in TextInput.cpp.
  /// Finds the size that is the text's length.
  void readTextSize(const onnx_proto::GraphProto &graph);
  /// Makes that size of an input a formula.
  void noteTextSize(const onnx_proto::ValueInfoProto &input,
                    mlir::Value argument);
  /// Adds the mask that says how long the text is.
  mlir::LogicalResult addTextMask(mlir::RankedTensorType ids);

  // The inputs of a decoder's step, in StepInputs.cpp.
  /// Whether an input is no argument of the function.
  bool isComputedInput(const onnx_proto::ValueInfoProto &input) const;
  /// A size of an input that grows with each token: "past" or "past + 1".
  std::optional<Size>
  getStepSize(const onnx_proto::TensorShapeProto::Dimension &dim) const;
  mlir::LogicalResult readStepSizes(const onnx_proto::GraphProto &graph);
  /// The dims of an input that have no number, and what --shape calls them.
  using OpenDims = llvm::SmallVector<std::pair<int64_t, std::string>>;
  OpenDims findOpenDims(const onnx_proto::ValueInfoProto &input) const;
  mlir::FailureOr<StateDims>
  findStateDims(const onnx_proto::ValueInfoProto &input,
                const onnx_proto::ValueInfoProto &token);
  mlir::LogicalResult addStepInputs(const onnx_proto::GraphProto &graph);
  /// Whether the graph computes all tokens so far, again for each.
  bool isWithoutPast() const { return step && step->states.empty(); }
  mlir::LogicalResult addTokens(const onnx_proto::ValueInfoProto &input);
  bool isPosition(const onnx_proto::ValueInfoProto &input) const;
  mlir::LogicalResult addComputedInput(const onnx_proto::ValueInfoProto &input);
  mlir::FailureOr<mlir::Value>
  buildPosition(const onnx_proto::ValueInfoProto &input, const DataType &type);
  mlir::FailureOr<mlir::Value>
  buildMask(const onnx_proto::ValueInfoProto &input, const DataType &type);

  // States of a step that grow, in StepStates.cpp.
  mlir::LogicalResult addState(const onnx_proto::ValueInfoProto &input);
  /// What the cache of a box of a state is called.
  std::string namePart(const GrowingState &state, const TensorBox &box);
  /// Makes the box of a state that `view` is, behind which the graph puts
  /// `row`, a part of it.
  void addPart(GrowingState &state, const TensorView &view, mlir::Value row);
  /// A part of a state with a row behind it; null for any other tensor.
  mlir::Value appendToState(mlir::Value tensor, mlir::Value row, int64_t axis);
  /// The state of which output `name` is the new value, or an error where it is
  /// another value.
  mlir::FailureOr<const GrowingState *>
  findState(llvm::StringRef name, mlir::Value value,
            const onnx_proto::GraphProto &graph);
  /// Gives what is read of states without a row behind them.
  void replaceStates();
  /// Errors where a node gives a state that does not grow another shape.
  mlir::LogicalResult verifyFixedStates(const onnx_proto::NodeProto &node);
  /// Errors where an output grows with each token.
  mlir::LogicalResult verifyStatic(llvm::StringRef output, mlir::Value value);
  /// Errors where an op would see positions of a tensor that are not there.
  mlir::LogicalResult verifyGrown(Node &node);
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
  /// Gives the outputs of a node the counts of its inputs, or errors where its
  /// op does not keep positions apart.
  mlir::LogicalResult propagateCounts(Node &node);
  void eraseDeadOps();
  mlir::LogicalResult verifyNoSizeIsData();

  // Control flow, in Subgraphs.cpp and Loops.cpp.
  using Results = llvm::SmallVector<GraphValue, 0>;
  mlir::LogicalResult importControlFlow(Node &node, Scope &scope);
  mlir::LogicalResult importIf(Node &node, Scope &scope);
  /// Errors unless the value is one bool.
  mlir::LogicalResult verifyCondition(Node &node, GraphValue &condition);
  /// A Loop or a Scan.
  mlir::LogicalResult importLoop(Node &node, Scope &scope);
  struct LoopState;
  mlir::LogicalResult readLoop(Node &node, LoopState &state);
  /// Errors where a loop has as many iterations as there are tokens.
  mlir::LogicalResult verifyTrips(Node &node, llvm::ArrayRef<Size> sizes);
  mlir::LogicalResult narrowActive(Node &node, LoopState &state);
  mlir::LogicalResult importIteration(Node &node, Scope &around, int64_t trip,
                                      LoopState &state);
  mlir::LogicalResult unrollLoop(Node &node, Scope &around, LoopState &state);
  /// Keeps a loop one if it can, and unrolls it if not.
  mlir::LogicalResult rollOrUnroll(Node &node, Scope &around, LoopState &state);
  // What a Scan reads, in Scans.cpp.
  mlir::LogicalResult readScan(Node &node, LoopState &state);
  /// The one size of the scanned axes of inputs `first` and on, which are
  /// normalised.
  mlir::FailureOr<int64_t> getScanSize(Node &node, unsigned first,
                                       llvm::MutableArrayRef<ScanAxis> axes);
  // Loops that stay loops, in RolledLoops.cpp.
  struct RolledBody;
  mlir::LogicalResult rollLoop(Node &node, Scope &around, LoopState &state);
  mlir::FailureOr<RolledBody> probeLoop(Node &node, Scope &around,
                                        LoopState &state);
  mlir::LogicalResult importRolledBody(Node &node, Scope &around,
                                       LoopState &state, RolledBody &rolled);
  mlir::LogicalResult importFunction(const onnx_proto::FunctionProto &function,
                                     Node &node);
  mlir::FailureOr<const onnx_proto::GraphProto *>
  getGraph(Node &node, llvm::StringRef name);
  /// Imports the nodes of a subgraph whose names, but for those that its nodes
  /// make, are in `inner`.
  mlir::FailureOr<Results> importGraph(const onnx_proto::GraphProto &graph,
                                       Scope &inner, Node &node);
  /// Imports a body's nodes and gives their outputs.
  mlir::FailureOr<Results> importBody(NodeList all,
                                      llvm::ArrayRef<llvm::StringRef> outputs,
                                      Scope &inner, Node &node);
  mlir::LogicalResult setResults(Node &node,
                                 llvm::ArrayRef<GraphValue> results);
  /// `then` where the condition, one bool, holds; they must be alike.
  mlir::FailureOr<GraphValue> select(Node &node, mlir::Value condition,
                                     GraphValue &then, GraphValue &otherwise);
  mlir::InFlightDiagnostic emitCountError(Node &node, mlir::Value count);
  /// Errors where the size of a value depends on data.
  mlir::LogicalResult verifyNoCounts(Node &node,
                                     llvm::ArrayRef<GraphValue *> values);
  /// The tensor at one position of an axis, which is left out.
  GraphValue takeRow(GraphValue &tensor, int64_t axis, int64_t position);
  /// Parts along a new axis.
  mlir::FailureOr<GraphValue>
  stack(Node &node, llvm::MutableArrayRef<GraphValue> parts, int64_t axis);

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
  const import_::OnnxPart &part;
  mlir::Location loc;
  FunctionTable functions;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  TensorBuilder b;
  Scope scope;
  /// The body that is being imported as one of a loop that stays one.
  const onnx_proto::GraphProto *rolledGraph = nullptr;
  int callDepth = 0;
  int64_t numNodes = 0;
  /// Floats of the initializers that were read.
  int64_t numParameters = 0;
  /// Name of the symbolic size that is the batch.
  std::string batchName;
  bool hasBatch = false;
  /// What the graph is imported as, of what `part` asks for.
  std::optional<import_::OnnxStep> step;
  /// Names of the sizes of a step's inputs: of the tokens, and of those before.
  std::string tokenSize;
  llvm::StringSet<> pastSizes;
  /// Whether states have as many positions as the size of that name says.
  bool isTokenSizePast = false;
  /// The states that do not grow, by their outputs.
  llvm::StringMap<std::string> fixedStates;
  llvm::StringMap<StateDims> stateDims;
  /// Name of the size that is a text's length; "": there is none.
  std::string textSize;
  mlir::Value position, tokens;
  /// The position of each row's token, if the graph has that as an input.
  mlir::Value positions;
  std::vector<GrowingState> states;
  std::vector<std::string> missingSizes, argumentNames, neededInputs;
  llvm::StringSet<> symbols, usedShapes, usedConstants;
  llvm::DenseMap<DataFile *, mlir::FlatSymbolRefAttr> fileSymbols;
};

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
