//===- Contrib.cpp - Ops of ONNX Runtime's optimiser ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Domain com.microsoft, as ONNX Runtime writes it into optimised files: fused
// products, norms, activations and convolutions. ContribAttention.cpp has
// attention, ContribEmbedding.cpp the embedding of text.
//
//===----------------------------------------------------------------------===//

#include "Contrib.h"
#include "Activations.h"
#include "Convolution.h"
#include "Normalization.h"
#include "Operands.h"
#include "Product.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// Products and convolutions
//===----------------------------------------------------------------------===//

/// alpha * op(A) * op(B), op swapping the last two dims.
static LogicalResult importFusedMatMul(Node &node) {
  TensorBuilder &b = node.b;
  if (failed(verifyTypeOfFirst(node, 1)))
    return failure();
  for (StringRef name : {"transBatchA", "transBatchB"})
    if (node.getInt(name, 0) != 0)
      return node.emitError() << name << " is set; it is not supported";
  Value operands[2];
  for (unsigned index : {0, 1}) {
    operands[index] = node.input(index).value;
    int64_t rank = node.input(index).getRank();
    if (node.getInt(index == 0 ? "transA" : "transB", 0) == 0 || rank < 2)
      continue;
    SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(perm[rank - 1], perm[rank - 2]);
    operands[index] = b.transpose(operands[index], perm);
  }
  if (failed(
          verifyMatmul(node, b.getShape(operands[0]), b.getShape(operands[1]))))
    return failure();
  node.setOutput(0, buildScaled(b, b.matmul(operands[0], operands[1]),
                                node.getFloat("alpha", 1)));
  return success();
}

static LogicalResult importFusedGemm(Node &node) {
  FailureOr<Value> product = buildGemm(node);
  if (failed(product) || failed(getFloatInput(node, 0)))
    return failure();
  SmallVector<double> parameters;
  for (StringRef name : {"activation_alpha", "activation_beta"})
    if (node.hasAttr(name))
      parameters.push_back(node.getFloat(name, 0));
  FailureOr<Value> result = buildActivation(
      node, *product, node.getString("activation", ""), parameters);
  if (failed(result))
    return failure();
  node.setOutput(0, *result);
  return success();
}

/// activation(conv(X, W) + B + Z).
static LogicalResult importFusedConv(Node &node) {
  FailureOr<Value> result = buildConv(node);
  if (failed(result))
    return failure();
  if (node.hasInput(3)) {
    if (failed(verifyTypeOfFirst(node, 3)) ||
        failed(verifyShape(node, 3, node.b.getShape(*result))))
      return failure();
    result = buildSum(node.b, *result, node.input(3).value);
  }
  result = buildActivation(node, *result, node.getString("activation", ""),
                           node.getFloats("activation_params"));
  if (failed(result))
    return failure();
  node.setOutput(0, *result);
  return success();
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// A parameter for each of the last dim's elements.
static FailureOr<Value> getParameter(Node &node, unsigned index) {
  if (failed(verifyTypeOfFirst(node, index)) ||
      failed(verifyShape(node, index, node.getShape(0).back())))
    return failure();
  return node.input(index).value;
}

/// Normalises input + skip + bias; output 3 is the sum.
template <bool rms> static LogicalResult importSkipNorm(Node &node) {
  TensorBuilder &b = node.b;
  constexpr unsigned shiftIndex = 3, biasIndex = rms ? 3 : 4;
  FailureOr<Tensor> input = getFloatInput(node, 0, /*minRank=*/1);
  FailureOr<SmallVector<Tensor>> summands = getBroadcastInputs(node, 2);
  if (failed(input) || failed(summands))
    return failure();
  if (node.hasOutput(1) || node.hasOutput(2))
    return node.emitError() << "output 1 or 2, a statistic, is in use; outputs "
                               "0 and 3 are supported";
  FailureOr<Shape> shape = node.getBroadcastShape(2);
  if (failed(shape) || *shape != node.getShape(0))
    return node.emitError()
           << "input 1 has shape " << Node::format(node.getShape(1))
           << "; it has to broadcast to input 0's "
           << Node::format(node.getShape(0));
  FailureOr<Value> scale = getParameter(node, 2);
  if (failed(scale))
    return failure();
  Value sum = buildSum(b, input->value, (*summands)[1].value);
  if (node.hasInput(biasIndex)) {
    FailureOr<Value> bias = getParameter(node, biasIndex);
    if (failed(bias))
      return failure();
    sum = buildSum(b, sum, *bias);
  }
  node.setOutput(3, sum);
  double epsilon = node.getFloat("epsilon", 1e-12);
  if (rms) {
    node.setOutput(0, buildRmsNorm(b, sum, *scale, epsilon));
    return success();
  }
  FailureOr<Value> shift = node.hasInput(shiftIndex)
                               ? getParameter(node, shiftIndex)
                               : FailureOr<Value>(Value());
  if (failed(shift))
    return failure();
  node.setOutput(0, buildLayerNorm(b, sum, *scale, *shift, epsilon));
  return success();
}

static LogicalResult importSimplifiedNorm(Node &node) {
  if (node.hasOutput(1))
    return node.emitError()
           << "output 1, a statistic, is in use; only output 0 is supported";
  return importRmsNormalization(node);
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// GELU of input 0 plus, where it is there, input 1.
template <vit::GeluForm form> static LogicalResult importBiasGelu(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  Value sum = input->value;
  if (node.hasInput(1)) {
    if (failed(getBroadcastInputs(node, 2)))
      return failure();
    sum = buildSum(node.b, sum, node.input(1).value);
  }
  node.setOutput(0, buildGelu(node.b, sum, form));
  return success();
}

static LogicalResult importQuickGelu(Node &node) {
  FailureOr<Tensor> input = getFloatInput(node, 0);
  if (failed(input))
    return failure();
  double alpha = node.getFloat("alpha", 1.702f);
  node.setOutput(0, alpha == 1.702f
                        ? buildGelu(node.b, input->value, vit::GeluForm::Quick)
                        : buildSwish(node.b, input->value, alpha));
  return success();
}

void vitc::onnx::registerContribOps(OpRegistry &registry) {
  auto add = [&](StringRef name, ImportFn import, unsigned requiredInputs) {
    registry.add(name, import, requiredInputs, /*since=*/1, kContribDomain);
  };
  add("FusedMatMul", importFusedMatMul, 2);
  add("FusedGemm", importFusedGemm, 2);
  add("FusedConv", importFusedConv, 2);
  add("EmbedLayerNormalization", importEmbedLayerNormalization, 1);
  add("SkipLayerNormalization", importSkipNorm<false>, 3);
  add("SkipSimplifiedLayerNormalization", importSkipNorm<true>, 3);
  add("Gelu", importBiasGelu<vit::GeluForm::Exact>, 1);
  add("BiasGelu", importBiasGelu<vit::GeluForm::Exact>, 2);
  add("FastGelu", importBiasGelu<vit::GeluForm::Tanh>, 1);
  add("QuickGelu", importQuickGelu, 1);
  // ONNX Runtime has this one in ONNX's own domain.
  registry.add("SimplifiedLayerNormalization", importSimplifiedNorm, 2);
  registerContribAttentionOps(registry);
}
