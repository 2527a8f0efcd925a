//===- AttentionMaps.cpp - What attention maps should show ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers are known by their number among the attention ops of @forward, which
// no pass behind the raise phase changes.
//
//===----------------------------------------------------------------------===//

#include "AttentionMaps.h"

#include "Verifier.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc;

//===----------------------------------------------------------------------===//
// Reference
//===----------------------------------------------------------------------===//

/// The probabilities of all queries, each item of the batch an image of its
/// own.
static Value buildMap(vit::AttentionOp op) {
  ImplicitLocOpBuilder builder(UnknownLoc::get(op.getContext()), op);
  int64_t queries = op.getQuery().getType().getDimSize(2);
  auto type = RankedTensorType::get({1, 2}, builder.getI64Type());
  Value all = arith::ConstantOp::create(
      builder, DenseIntElementsAttr::get(type, {int64_t(0), queries}));
  return vit::AttentionMapOp::create(
      builder, op.getQuery(), op.getKey(), op.getBias(), op.getMask(),
      op.getKeyLength(), all, op.getScaleAttr(), op.getCausalAttr(),
      op.getSoftcapAttr(), /*layer=*/builder.getI64IntegerAttr(0),
      /*windows=*/builder.getI64IntegerAttr(1));
}

LogicalResult vitc::addAttentionMaps(func::FuncOp forward,
                                     ArrayRef<vit::AttentionOp> ops,
                                     ArrayRef<vit::AttentionLayerAttr> layers) {
  Operation *terminator = forward.getBody().front().getTerminator();
  SmallVector<Value> results(terminator->getOperands());
  for (vit::AttentionLayerAttr layer : layers) {
    if (layer.getNumber() < 0 ||
        layer.getNumber() >= static_cast<int64_t>(ops.size()))
      return forward.emitError()
             << "the candidate has a map of attention layer "
             << layer.getNumber() << "; the model has " << ops.size();
    results.push_back(buildMap(ops[layer.getNumber()]));
  }
  terminator->setOperands(results);
  forward.setType(FunctionType::get(forward.getContext(),
                                    forward.getArgumentTypes(),
                                    ValueRange(results).getTypes()));
  return success();
}

HostTensor vitc::getMeanOverQueries(const HostTensor &map) {
  ArrayRef<int64_t> shape(map.shape);
  int64_t keys = shape.back(), queries = shape[shape.size() - 2];
  HostTensor mean{map.element, map.shape, {}};
  mean.shape[shape.size() - 2] = 1;
  mean.bytes.resize(mean.getNumElements() * sizeof(float));
  auto *in = reinterpret_cast<const float *>(map.bytes.data());
  auto *out = reinterpret_cast<float *>(mean.bytes.data());
  for (int64_t i = 0; i < mean.getNumElements(); ++i) {
    double sum = 0;
    for (int64_t query = 0; query < queries; ++query)
      sum += in[(i / keys * queries + query) * keys + i % keys];
    out[i] = sum / queries;
  }
  return mean;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

void Verifier::compareMaps(const MapRun &run, bool mean,
                           ArrayRef<HostTensor> shipped) {
  for (auto [layer, found, whole] :
       llvm::zip(candidate.getMapLayers(), run.maps, reference.maps)) {
    HostTensor expected = mean ? getMeanOverQueries(whole) : whole;
    // The reference has the windows of an image among its items.
    if (found.getNumElements() != expected.getNumElements()) {
      if (report.agrees)
        emitDifference(nameLoc(layer.getName()))
            << "attention map has shape " << formatShape(found.shape)
            << "; layer " << layer.getNumber() << " of the model has "
            << formatShape(expected.shape);
      continue;
    }
    expected.shape = found.shape;
    Comparison comparison = compare(found, expected, options.tolerance);
    report.maps.push_back({layer.getName().str(),
                           kernel::AttentionMapOp::getOperationName().str(),
                           comparison.getRelativeError()});
    if (comparison.agrees || !report.agrees)
      continue;
    InFlightDiagnostic error = emitDifference(nameLoc(layer.getName()));
    error << "'" << kernel::AttentionMapOp::getOperationName()
          << "' differs from the reference, the probabilities of '"
          << vit::AttentionOp::getOperationName() << "'"
          << (mean ? ", in their mean over the queries" : "");
    describe(error, comparison, options.tolerance);
  }
  for (auto [output, found, expected] :
       llvm::zip(candidate.getInterface().getOutputs(), run.outputs, shipped)) {
    if (!report.agrees || found.bytes == expected.bytes)
      continue;
    Comparison comparison = compare(found, expected, 0);
    InFlightDiagnostic error = emitDifference(nameLoc(output.getName()));
    error << "output changes where attention maps are computed too";
    if (!comparison.agrees)
      describe(error, comparison, 0);
  }
}
