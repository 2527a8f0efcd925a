//===- PatchEmbed.cpp - Patch embedding to kernels ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two kernels write one buffer of tokens: a gather copies the class token with
// its position to the first rows, and a gemm projects the pixels of each patch
// behind the tokens, reading them in the image, adding bias and position.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"
#include "KernelEmitter.h"

using namespace mlir;
using namespace vitc;

LogicalResult KernelEmitter::convert(vit::PatchEmbedOp op) {
  MLIRContext *context = builder.getContext();
  auto getConstant = [](Value value) {
    return value ? getConstantExpr(value) : vit::WeightExprAttr();
  };
  vit::WeightExprAttr filter = getConstant(op.getFilter());
  vit::WeightExprAttr tokens = getConstant(op.getTokens());
  vit::WeightExprAttr position = getConstant(op.getPosition());
  if (!filter || (op.getTokens() && !tokens) || (op.getPosition() && !position))
    return op.emitOpError(
        "has a computed filter, tokens or position; needs constants");

  RankedTensorType result = op.getResult().getType();
  RankedTensorType shape = filter.getType();
  int64_t channels = shape.getDimSize(1), height = shape.getDimSize(2),
          width = shape.getDimSize(3), embedDim = shape.getDimSize(0);
  int64_t patchSize = channels * height * width;
  int64_t numTokens = op.getNumTokens();
  int64_t numPatches = result.getDimSize(1) - numTokens;
  Value batchSize = batchOf(op.getResult());

  // Patch i as a row of pixels l, [C, Ph, Pw].
  AffineExpr b, i, l;
  bindDims(context, b, i, l);
  int64_t gridWidth = op.getGridWidth();
  AffineMap pixel = AffineMap::get(
      3, 0,
      {b, l.floorDiv(height * width),
       i.floorDiv(gridWidth) * height + l.floorDiv(width) % height,
       i % gridWidth * width + l % width},
      context);
  ValueAccess image = read(op.getImage());
  image.map = simplifyIndices(image.map.compose(pixel),
                              {ShapedType::kDynamic, numPatches, patchSize});
  if (patchSize == 1)
    image.map = addUnitDim(image.map, 2);

  Destination destination = write(op.getResult());
  Value init = destination.init;
  if (tokens) {
    vit::WeightExprAttr value = tokens;
    if (position)
      value = vit::WeightExprAttr::add(
          value, vit::WeightExprAttr::slice(position, 0, numTokens));
    AffineMap token = AffineMap::get(3, 0, {i, l}, context);
    init = kernel::GatherOp::create(
               builder, TypeRange(init.getType()), batchSize,
               builder.getDenseI64ArrayAttr({numTokens, embedDim}),
               constant(value), AffineMapAttr::get(token), init,
               AffineMapAttr::get(destination.map), kernel::RowTilingAttr())
               .getResult(0);
  }

  Value bias = op.getBias() ? readVector(op.getBias()) : Value();
  Value residual;
  AffineMapAttr residualMap;
  if (position) {
    residual = constant(position);
    residualMap =
        AffineMapAttr::get(AffineMap::get(3, 0, {i + numTokens, l}, context));
  }
  AffineMap behindTokens = AffineMap::get(3, 0, {b, i + numTokens, l}, context);
  auto gemm = kernel::GemmOp::create(
      builder, TypeRange(init.getType()), batchSize, index(numPatches),
      builder.getI64IntegerAttr(embedDim), builder.getI64IntegerAttr(patchSize),
      image.base, AffineMapAttr::get(image.map),
      constant(vit::WeightExprAttr::pack(
          vit::WeightExprAttr::reshape(filter, {embedDim, patchSize}))),
      bias, residual, residualMap, init,
      AffineMapAttr::get(destination.map.compose(behindTokens)),
      vit::ActivationAttr::get(context, vit::Activation::None),
      op.getNormAttr(), kernel::GemmTilingAttr());
  finish(destination, gemm.getResult(0));
  return success();
}
