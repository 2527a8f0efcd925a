//===- Shapes.cpp - Shape, reshapes, transpose, expand --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Node.h"
#include "SizeProduct.h"

#include "mlir/IR/AffineMap.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

static LogicalResult importShape(Node &node) {
  Shape shape = node.getShape(0);
  int64_t rank = shape.size();
  auto clamp = [&](int64_t dim) {
    return std::clamp<int64_t>(dim < 0 ? dim + rank : dim, 0, rank);
  };
  int64_t start = clamp(node.getInt("start", 0));
  int64_t end = std::max(start, clamp(node.getInt("end", rank)));
  node.setSizes(0, ArrayRef(shape).slice(start, end - start),
                node.b.getI64Type(), /*scalar=*/false);
  return success();
}

static LogicalResult importSize(Node &node) {
  std::optional<Size> size = SizeProduct(node.getShape(0)).getSize();
  if (!size)
    return node.emitError()
           << "input has shape " << Node::format(node.getShape(0))
           << "; needs the batch in one size";
  node.setSizes(0, *size, node.b.getI64Type(), /*scalar=*/true);
  return success();
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

/// Whether the first positions of each size of `to` that grows with the tokens
/// are those that are there. A flattened batch has its tokens apart, which its
/// size tells.
static bool keepsFirstPositions(ArrayRef<Size> from, ArrayRef<Size> to) {
  auto isFlattened = [](Size size) { return size.crossFactor != 0; };
  if (llvm::any_of(from, isFlattened))
    return true;
  auto isKept = [&](size_t dim) {
    SizeProduct before(to.take_front(dim));
    for (size_t each = 0; each < from.size(); ++each)
      if (from[each].isOfTrip() && SizeProduct(from.take_front(each)) == before)
        return true;
    return false;
  };
  for (auto [dim, size] : llvm::enumerate(to))
    if (size.isOfTrip() && !isFlattened(size) && !isKept(dim))
      return false;
  return true;
}

static LogicalResult setReshaped(Node &node, ArrayRef<Size> shape) {
  Shape from = node.getShape(0);
  if (node.b.isInStep() && !keepsFirstPositions(from, shape))
    return node.emitError()
           << "input has shape " << Node::format(from) << " and is reshaped to "
           << Node::format(shape)
           << "; a size that grows with each token needs to stay apart from "
              "those before it";
  if (!TensorBuilder::canReshape(from, shape))
    return node.emitError()
           << "input has shape " << Node::format(from)
           << "; cannot be reshaped to " << Node::format(shape);
  Tensor x = node.input(0);
  node.setOutput(0, node.b.reshape(x.value, shape), x.isUnsigned);
  return success();
}

static LogicalResult importReshape(Node &node) {
  FailureOr<Shape> target = node.getRequiredSizes(1);
  if (failed(target))
    return failure();
  Shape from = node.getShape(0);
  bool allowZero = node.getInt("allowzero", 0) != 0;
  std::optional<size_t> inferred;
  for (auto [dim, size] : llvm::enumerate(*target)) {
    if (size == Size(-1) && !inferred) {
      inferred = dim;
      size = 1;
    } else if (size == Size(0) && !allowZero && dim < from.size()) {
      size = from[dim];
    } else if (size.isStatic() && size.constant < 0) {
      return node.emitError() << "shape is " << Node::format(*target)
                              << "; needs sizes of 0 or more, and at most one "
                                 "-1";
    }
  }
  if (inferred) {
    std::optional<SizeProduct> rest =
        SizeProduct(from).divide(SizeProduct(*target));
    std::optional<Size> size = rest ? rest->getSize() : std::nullopt;
    (*target)[*inferred] = -1;
    if (!size)
      return node.emitError()
             << "input has shape " << Node::format(from)
             << "; cannot be reshaped to " << Node::format(*target);
    (*target)[*inferred] = *size;
  }
  return setReshaped(node, *target);
}

static LogicalResult importFlatten(Node &node) {
  Shape from = node.getShape(0);
  int64_t rank = from.size();
  int64_t axis = node.getInt("axis", 1);
  if (axis < -rank || axis > rank)
    return node.emitError() << "axis is " << axis << "; a tensor of rank "
                            << rank << " needs " << -rank << " to " << rank;
  axis = axis < 0 ? axis + rank : axis;
  ArrayRef<Size> sizes = from;
  std::optional<Size> rows = SizeProduct(sizes.take_front(axis)).getSize();
  std::optional<Size> columns = SizeProduct(sizes.drop_front(axis)).getSize();
  if (!rows || !columns)
    return node.emitError() << "input has shape " << Node::format(from)
                            << "; needs the batch in one size";
  return setReshaped(node, {*rows, *columns});
}

static LogicalResult importSqueeze(Node &node) {
  Shape from = node.getShape(0), to;
  FailureOr<SmallVector<int64_t>> axes = node.getIntsOrInput("axes", 1, {});
  if (failed(axes))
    return failure();
  bool given = node.hasInput(1) || node.hasAttr("axes");
  axes = node.normalizeAxes(*axes, from.size());
  if (failed(axes))
    return failure();
  for (auto [dim, size] : llvm::enumerate(from)) {
    bool squeezed =
        given ? llvm::is_contained(*axes, int64_t(dim)) : size == Size(1);
    if (!squeezed)
      to.push_back(size);
    else if (size != Size(1))
      return node.emitError() << "axis " << dim << " of " << Node::format(from)
                              << " is squeezed; needs size 1";
  }
  return setReshaped(node, to);
}

static LogicalResult importUnsqueeze(Node &node) {
  Shape from = node.getShape(0);
  FailureOr<SmallVector<int64_t>> axes = node.getIntsOrInput("axes", 1, {});
  if (failed(axes))
    return failure();
  int64_t rank = from.size() + axes->size();
  axes = node.normalizeAxes(*axes, rank);
  if (failed(axes))
    return failure();
  Shape to;
  const Size *next = from.begin();
  for (int64_t dim = 0; dim < rank; ++dim)
    to.push_back(llvm::is_contained(*axes, dim) ? Size(1) : *next++);
  return setReshaped(node, to);
}

//===----------------------------------------------------------------------===//
// Transposes
//===----------------------------------------------------------------------===//

static LogicalResult importTranspose(Node &node) {
  Tensor x = node.input(0);
  int64_t rank = x.getRank();
  SmallVector<int64_t> reversed =
      llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  SmallVector<int64_t> perm = node.getInts("perm", reversed);
  SmallVector<int64_t> sorted = perm;
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank))) {
    InFlightDiagnostic error = node.emitError() << "perm is [";
    llvm::interleaveComma(perm, error);
    return error << "]; needs the numbers below " << rank << ", each once";
  }
  node.setOutput(0, node.b.transpose(x.value, perm), x.isUnsigned);
  return success();
}

/// The block size of DepthToSpace and SpaceToDepth on [N, C, H, W].
static FailureOr<int64_t> getBlockSize(Node &node) {
  FailureOr<int64_t> block = node.getRequiredInt("blocksize");
  if (failed(block))
    return failure();
  Shape shape = node.getShape(0);
  if (*block < 1 || *block > 1024 || shape.size() != 4 ||
      !llvm::all_of(ArrayRef(shape).drop_front(),
                    [](Size size) { return size.isStatic(); }))
    return node.emitError()
           << "input has shape " << Node::format(shape) << " and blocksize is "
           << *block << "; needs four sizes and 1 to 1024";
  return *block;
}

/// Whether a channel's number is that of its position in the block, then the
/// depth's, or the other way around.
static FailureOr<bool> areBlocksFirst(Node &node) {
  std::string mode = node.getString("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return node.emitError() << "mode is '" << mode << "'; needs DCR or CRD";
  return mode == "DCR";
}

static LogicalResult importDepthToSpace(Node &node) {
  FailureOr<int64_t> block = getBlockSize(node);
  if (failed(block))
    return failure();
  Shape from = node.getShape(0);
  int64_t p = *block, c = from[1].constant, h = from[2].constant,
          w = from[3].constant;
  if (c % (p * p) != 0)
    return node.emitError() << "has " << c << " channels; blocksize " << p
                            << " needs a multiple of " << p * p;
  int64_t depth = c / (p * p);
  FailureOr<bool> blocksFirst = areBlocksFirst(node);
  if (failed(blocksFirst))
    return failure();
  TensorBuilder &b = node.b;
  Value x = node.input(0).value;
  if (*blocksFirst) {
    x = b.reshape(x, {from[0], p, p, depth, h, w});
    x = b.transpose(x, {0, 3, 4, 1, 5, 2});
  } else {
    x = b.reshape(x, {from[0], depth, p, p, h, w});
    x = b.transpose(x, {0, 1, 4, 2, 5, 3});
  }
  node.setOutput(0, b.reshape(x, {from[0], depth, h * p, w * p}),
                 node.input(0).isUnsigned);
  return success();
}

static LogicalResult importSpaceToDepth(Node &node) {
  FailureOr<int64_t> block = getBlockSize(node);
  if (failed(block))
    return failure();
  Shape from = node.getShape(0);
  int64_t p = *block, c = from[1].constant, h = from[2].constant,
          w = from[3].constant;
  if (h % p != 0 || w % p != 0)
    return node.emitError() << "input is " << h << "x" << w << "; blocksize "
                            << p << " needs multiples of it";
  FailureOr<bool> blocksFirst = areBlocksFirst(node);
  if (failed(blocksFirst))
    return failure();
  TensorBuilder &b = node.b;
  Value x = b.reshape(node.input(0).value, {from[0], c, h / p, p, w / p, p});
  if (*blocksFirst)
    x = b.transpose(x, {0, 3, 5, 1, 2, 4});
  else
    x = b.transpose(x, {0, 1, 3, 5, 2, 4});
  node.setOutput(0, b.reshape(x, {from[0], c * p * p, h / p, w / p}),
                 node.input(0).isUnsigned);
  return success();
}

//===----------------------------------------------------------------------===//
// Repetition
//===----------------------------------------------------------------------===//

static LogicalResult importExpand(Node &node) {
  FailureOr<Shape> target = node.getRequiredSizes(1);
  if (failed(target))
    return failure();
  Shape from = node.getShape(0);
  std::optional<Shape> shape = TensorBuilder::broadcast({from, *target});
  bool negative = llvm::any_of(
      *target, [](Size size) { return size.isStatic() && size.constant < 0; });
  if (!shape || negative)
    return node.emitError()
           << "input has shape " << Node::format(from)
           << "; cannot be expanded to " << Node::format(*target);
  Tensor x = node.input(0);
  node.setOutput(0, node.b.broadcastTo(x.value, *shape), x.isUnsigned);
  return success();
}

static LogicalResult importTile(Node &node) {
  FailureOr<Shape> repeats = node.getRequiredSizes(1);
  if (failed(repeats))
    return failure();
  Shape from = node.getShape(0);
  if (repeats->size() != from.size())
    return node.emitError()
           << "has " << repeats->size() << " repeats; an input of shape "
           << Node::format(from) << " needs " << from.size();
  // Each size with its repeats in front, widened, then both as one size.
  Shape split, wide, merged;
  for (auto [size, count] : llvm::zip(from, *repeats)) {
    SizeProduct product({size, count});
    std::optional<Size> whole = product.getSize();
    if (!whole || (count.isStatic() && count.constant < 0))
      return node.emitError() << "repeats " << Node::format(*repeats)
                              << " of an input of shape " << Node::format(from)
                              << "; needs counts of 0 or more, and the batch "
                                 "once in a size";
    split.append({Size(1), size});
    wide.append({count, size});
    merged.push_back(*whole);
  }
  if (!TensorBuilder::canReshape(from, split) ||
      !TensorBuilder::canReshape(wide, merged))
    return node.emitError()
           << "repeats " << Node::format(*repeats) << " of an input of shape "
           << Node::format(from) << "; needs sizes that a reshape can merge";
  TensorBuilder &b = node.b;
  Tensor x = node.input(0);
  Value widened = b.broadcastTo(b.reshape(x.value, split), wide);
  node.setOutput(0, b.reshape(widened, merged), x.isUnsigned);
  return success();
}

void onnx::registerShapeOps(OpRegistry &registry) {
  registry.add("DepthToSpace", importDepthToSpace);
  registry.add("Expand", importExpand, 2);
  registry.add("Flatten", importFlatten);
  registry.add("Reshape", importReshape, 2);
  registry.add("Shape", importShape);
  registry.add("Size", importSize);
  registry.add("SpaceToDepth", importSpaceToDepth);
  registry.add("Squeeze", importSqueeze);
  registry.add("Tile", importTile, 2);
  registry.add("Transpose", importTranspose);
  registry.add("Unsqueeze", importUnsqueeze);
}
