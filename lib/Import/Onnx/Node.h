//===- Node.h - What an ONNX op family sees of a graph ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A family file imports its ops with functions on a Node and registers them:
//
//   static LogicalResult importRelu(Node &node) {
//     Tensor x = node.input(0);
//     Value zero = ...
//     node.setOutput(0, node.b.elementwise({x.value, zero}, ...));
//     return success();
//   }
//   void onnx::registerElementwiseOps(OpRegistry &registry) {
//     registry.add("Relu", importRelu);
//   }
//
// Before a function runs the importer has checked that the op's inputs exist
// and are defined; after it, that every output in use was set. A node all of
// whose inputs are constants is evaluated right after it was built.
//
// f16 and bf16 are computed in f32: such a tensor's value has f32 elements.
// Integers are signless in the IR; Tensor::isUnsigned keeps the difference.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_NODE_H
#define VITC_LIB_IMPORT_ONNX_NODE_H

#include "TensorBuilder.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringMap.h"

#include <string>

namespace onnx_proto {
class AttributeProto;
class NodeProto;
} // namespace onnx_proto

namespace vitc::onnx {

/// Dims of a tensor; more are mistakes.
constexpr int64_t kMaxRank = 64;

/// A tensor of the graph.
struct Tensor {
  mlir::Value value;
  bool isUnsigned = false;

  mlir::Type getElementType() const {
    return TensorBuilder::getElementType(value);
  }
  int64_t getRank() const { return TensorBuilder::getRank(value); }
  bool isFloat() const { return mlir::isa<mlir::FloatType>(getElementType()); }
};

/// An element type of the format.
struct DataType {
  mlir::Type stored;   // f16 and bf16 as such; integers signless
  mlir::Type computed; // f32 for f16 and bf16
  bool isUnsigned = false;

  /// The stored type where another is computed with, else null.
  mlir::Type getNarrow() const {
    return stored == computed ? mlir::Type() : stored;
  }
};

class GraphImporter;
struct GraphValue;

/// A node while it is imported. Getters of attributes and constants emit the
/// error themselves; those with a default give it for an attribute of the wrong
/// kind, and the import then ends after the node.
class Node {
public:
  TensorBuilder &b;

  llvm::StringRef getOpType() const;
  /// The node's name, or its first output's.
  llvm::StringRef getName() const;
  /// The version that the model asks for of the node's domain.
  int64_t getOpset() const { return opset; }

  //===--------------------------------------------------------------------===//
  // Attributes
  //===--------------------------------------------------------------------===//

  bool hasAttr(llvm::StringRef name) const;
  int64_t getInt(llvm::StringRef name, int64_t otherwise);
  double getFloat(llvm::StringRef name, double otherwise);
  std::string getString(llvm::StringRef name, llvm::StringRef otherwise);
  llvm::SmallVector<int64_t> getInts(llvm::StringRef name,
                                     llvm::ArrayRef<int64_t> otherwise);
  llvm::SmallVector<double> getFloats(llvm::StringRef name);
  llvm::SmallVector<std::string> getStrings(llvm::StringRef name);
  mlir::FailureOr<int64_t> getRequiredInt(llvm::StringRef name);
  mlir::FailureOr<std::string> getRequiredString(llvm::StringRef name);
  /// A tensor attribute that is copied into the IR; `isUnsigned`, unless null,
  /// is set to whether its elements are.
  mlir::FailureOr<mlir::DenseElementsAttr>
  getTensor(llvm::StringRef name, bool *isUnsigned = nullptr);
  /// An axis attribute as 0 <= axis < rank, counted from the end when negative.
  mlir::FailureOr<int64_t> getAxis(llvm::StringRef name, int64_t otherwise,
                                   int64_t rank);
  mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank);
  /// A TensorProto.DataType number, or an error for one that is not computed
  /// with (strings, complex, 8-bit floats, ...).
  mlir::FailureOr<DataType> getDataType(int64_t number);
  /// Every axis normalised, none twice.
  mlir::FailureOr<llvm::SmallVector<int64_t>>
  normalizeAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  //===--------------------------------------------------------------------===//
  // Inputs
  //===--------------------------------------------------------------------===//

  /// Inputs that the node lists, absent ones among them.
  unsigned getNumInputs() const;
  bool hasInput(unsigned index) const;
  llvm::StringRef getInputName(unsigned index) const;
  /// The import fails cleanly before the function runs when an input that
  /// `OpRegistry::add` calls required is absent; ask hasInput for the others.
  Tensor input(unsigned index);
  Shape getShape(unsigned index);
  mlir::Type getElementType(unsigned index);
  bool isUnsigned(unsigned index);
  /// The element type that the model gives an input.
  DataType getDataTypeOf(unsigned index);
  bool isConstant(unsigned index);
  /// The value of an input known at compile time, or an error that names it.
  mlir::FailureOr<mlir::DenseElementsAttr> getConstant(unsigned index);
  /// The elements of a constant integer input.
  mlir::FailureOr<llvm::SmallVector<int64_t>> getIntsOf(unsigned index);
  /// The elements of a constant float input.
  mlir::FailureOr<llvm::SmallVector<double>> getFloatsOf(unsigned index);
  /// Elements of an integer input of rank 0 or 1 that are sizes: constants or
  /// multiples of the batch. None when they are not known.
  std::optional<Shape> getSizesOf(unsigned index);
  /// The same, and numbers that depend on the iteration of a loop.
  std::optional<Shape> getFormulasOf(unsigned index);
  /// The same, or an error that names the input.
  mlir::FailureOr<Shape> getRequiredSizes(unsigned index);
  /// The largest of numbers that grow with each token of a step; none where
  /// they do not, or are computed otherwise.
  std::optional<int64_t> getLargestOf(unsigned index);
  /// The attribute `name` of older opsets, input `index` of newer ones, or
  /// `otherwise` when neither is there.
  mlir::FailureOr<llvm::SmallVector<int64_t>>
  getIntsOrInput(llvm::StringRef name, unsigned index,
                 llvm::ArrayRef<int64_t> otherwise);

  /// Notes that a value of the input would have let the node be compiled.
  void noteNeeded(unsigned index);

  //===--------------------------------------------------------------------===//
  // Outputs
  //===--------------------------------------------------------------------===//

  unsigned getNumOutputs() const;
  /// Whether the node names output `index`.
  bool hasOutput(unsigned index) const;
  /// Whether output 0 is made in the body of a loop that stays one, and read
  /// there as the end of positions alone.
  bool endsPositions() const;
  /// An output; one of f32 counts as f16 or bf16 where the first float input
  /// does, as the format's type parameters have it.
  void setOutput(unsigned index, mlir::Value value, bool isUnsigned = false);
  /// An output of a type that no input has.
  void setOutput(unsigned index, mlir::Value value, const DataType &type);
  /// Of dim `dim` of an output that is set as many positions count as `count`,
  /// one i64 of rank 0, says.
  void setCount(unsigned index, int64_t dim, mlir::Value count);
  /// An output that is an input.
  void forward(unsigned output, unsigned input);
  /// `tensor` with one position more: a decoder's cache in place, any other as
  /// a new tensor.
  mlir::Value append(mlir::Value tensor, mlir::Value row, int64_t axis);
  /// An output known at compile time.
  void setConstant(unsigned index, mlir::DenseElementsAttr value,
                   bool isUnsigned = false);
  /// The tensor attribute `name`, by reference where it is large.
  mlir::LogicalResult setTensor(unsigned index, llvm::StringRef name);
  /// An output whose elements are sizes; an integer tensor of rank 1, or of
  /// rank 0 with one element.
  void setSizes(unsigned index, llvm::ArrayRef<Size> sizes, mlir::Type element,
                bool scalar);

  //===--------------------------------------------------------------------===//
  // Errors
  //===--------------------------------------------------------------------===//

  /// "node 'NAME' (OP): " at the model's file; say what was found, then what
  /// was needed.
  mlir::InFlightDiagnostic emitError();
  /// "[2, B, 64*B]".
  static std::string format(llvm::ArrayRef<Size> shape);
  /// The numpy broadcast of the shapes of inputs 0 to `count` - 1, or an error.
  mlir::FailureOr<Shape> getBroadcastShape(unsigned count);

private:
  friend class GraphImporter;
  Node(GraphImporter &graph, const onnx_proto::NodeProto &proto, int64_t opset);
  mlir::InFlightDiagnostic needsConstant(unsigned index);
  mlir::Type getNarrowOfInputs();
  const onnx_proto::AttributeProto *lookup(llvm::StringRef name, int kind);

  GraphImporter &graph;
  const onnx_proto::NodeProto &proto;
  int64_t opset;
  /// Null where absent.
  llvm::SmallVector<GraphValue *, 4> inputs, outputs;
  bool failed = false;
};

using ImportFn = mlir::LogicalResult (*)(Node &node);

/// The ops that vitc imports.
class OpRegistry {
public:
  struct Entry {
    ImportFn import;
    int64_t since;
    unsigned requiredInputs;
  };

  /// `import` is for opsets from `since` on, until a later entry of the name.
  /// The first `requiredInputs` inputs must be present.
  void add(llvm::StringRef name, ImportFn import, unsigned requiredInputs = 1,
           int64_t since = 1, llvm::StringRef domain = "");
  /// Null when the op is not imported at that version.
  const Entry *lookup(llvm::StringRef name, llvm::StringRef domain,
                      int64_t opset) const;
  /// Sorted, for messages.
  llvm::SmallVector<llvm::StringRef> getNames() const;

private:
  /// By "domain:name", ascending by version.
  llvm::StringMap<llvm::SmallVector<Entry, 1>> entries;
};

/// Computes an op on integers that are all sizes, so that multiples of the
/// batch stay formulas. False when it does not know the op or the sizes.
bool importSizes(Node &node);

// A family a file: Constants.cpp, Elementwise.cpp, ...
void registerActivationOps(OpRegistry &registry);
void registerAttentionOps(OpRegistry &registry);
void registerCompactionOps(OpRegistry &registry);
void registerConstantOps(OpRegistry &registry);
void registerContribOps(OpRegistry &registry);
void registerContribQuantizedOps(OpRegistry &registry);
void registerConvolutionOps(OpRegistry &registry);
void registerEinsumOps(OpRegistry &registry);
void registerElementwiseOps(OpRegistry &registry);
void registerFoldOps(OpRegistry &registry);
void registerGatherOps(OpRegistry &registry);
void registerGridSampleOps(OpRegistry &registry);
void registerLogicalOps(OpRegistry &registry);
void registerNonMaxSuppressionOps(OpRegistry &registry);
void registerNormOps(OpRegistry &registry);
void registerPadOps(OpRegistry &registry);
void registerPoolingOps(OpRegistry &registry);
void registerProductOps(OpRegistry &registry);
void registerQuantizationOps(OpRegistry &registry);
void registerQuantizedProductOps(OpRegistry &registry);
void registerRankingOps(OpRegistry &registry);
void registerRecurrentOps(OpRegistry &registry);
void registerReduceOps(OpRegistry &registry);
void registerResizeOps(OpRegistry &registry);
void registerRotaryEmbeddingOps(OpRegistry &registry);
void registerScatterOps(OpRegistry &registry);
void registerShapeOps(OpRegistry &registry);
void registerSliceOps(OpRegistry &registry);
void registerSoftmaxOps(OpRegistry &registry);
void registerTransposedConvolutionOps(OpRegistry &registry);
void registerUnaryOps(OpRegistry &registry);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_NODE_H
