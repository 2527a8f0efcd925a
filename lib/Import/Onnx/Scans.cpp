//===- Scans.cpp - The operands of ONNX's Scan ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A Scan is a loop over the rows of tensors: their number is that of the
// iterations.
//
//===----------------------------------------------------------------------===//

#include "Loops.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

static FailureOr<SmallVector<ScanAxis>> getScanAxes(Node &node, StringRef kind,
                                                    int64_t count) {
  SmallVector<int64_t> zeros(count, 0);
  SmallVector<int64_t> axes =
      node.getInts(("scan_" + kind + "_axes").str(), zeros);
  SmallVector<int64_t> directions =
      node.getInts(("scan_" + kind + "_directions").str(), zeros);
  if (int64_t(axes.size()) != count || int64_t(directions.size()) != count)
    return node.emitError()
           << "has " << axes.size() << " axes and " << directions.size()
           << " directions of " << kind << "s; needs " << count;
  SmallVector<ScanAxis> result;
  for (auto [axis, direction] : llvm::zip(axes, directions))
    result.push_back({axis, direction != 0});
  return result;
}

FailureOr<int64_t> GraphImporter::getScanSize(Node &node, unsigned first,
                                              MutableArrayRef<ScanAxis> axes) {
  std::optional<int64_t> trips;
  for (auto [index, axis] : llvm::enumerate(axes)) {
    Shape shape = node.getShape(first + index);
    FailureOr<int64_t> normalized = node.normalizeAxis(axis.axis, shape.size());
    if (failed(normalized))
      return failure();
    axis.axis = *normalized;
    Size size = shape[axis.axis];
    if (failed(verifyTrips(node, size)))
      return failure();
    if (!size.isStatic() || size.constant < 1 ||
        (trips && *trips != size.constant))
      return node.emitError()
             << "scans axis " << axis.axis << " of a tensor of shape "
             << Node::format(shape)
             << "; needs one size for all, 1 or more, that does not depend on "
                "the batch";
    trips = size.constant;
  }
  return *trips;
}

LogicalResult GraphImporter::readScan(Node &node, LoopState &state) {
  // Before opset 9 the batch and the sequences' lengths were apart.
  if (node.getOpset() < 9)
    return node.emitError()
           << "is of opset " << node.getOpset() << "; needs opset 9 or later";
  FailureOr<int64_t> numRows = node.getRequiredInt("num_scan_inputs");
  if (failed(numRows))
    return failure();
  int64_t numInputs = node.getNumInputs();
  int64_t numCarried = numInputs - *numRows;
  int64_t numScans = state.body->output_size() - numCarried;
  if (*numRows < 1 || numCarried < 0 || numScans < 0 ||
      state.body->input_size() != numInputs)
    return node.emitError()
           << "has " << numInputs << " inputs, of which " << *numRows
           << " are scanned, and a body of " << state.body->input_size()
           << " inputs and " << state.body->output_size()
           << " outputs; needs as many inputs as its body, one that is "
              "scanned, and an output for each state";
  for (int64_t index = 0; index < numInputs; ++index) {
    if (!node.hasInput(index))
      return node.emitError() << "input " << index << " is absent; needs "
                              << numInputs << " inputs";
    (index < numCarried ? state.carried : state.rows)
        .push_back(*node.inputs[index]);
  }
  FailureOr<SmallVector<ScanAxis>> in = getScanAxes(node, "input", *numRows);
  FailureOr<SmallVector<ScanAxis>> out = getScanAxes(node, "output", numScans);
  if (failed(in) || failed(out))
    return failure();
  FailureOr<int64_t> trips = getScanSize(node, numCarried, *in);
  if (failed(trips))
    return failure();
  state.trips = *trips;
  state.rowAxes = *in;
  state.scanAxes = *out;
  return success();
}
