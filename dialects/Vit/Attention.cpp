//===- Attention.cpp - Attention and its heads ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc::vit;

/// Checks a bias or mask, which is `role`, of the scores of query and key.
static LogicalResult verifyAddend(Operation *op, StringRef role,
                                  RankedTensorType query, RankedTensorType key,
                                  Value addend) {
  if (!addend)
    return success();
  auto type = cast<RankedTensorType>(addend.getType());
  if (type.getDimSize(1) != 1 && type.getDimSize(1) != query.getDimSize(1))
    return op->emitOpError()
           << role << " has " << type.getDimSize(1) << " heads but query has "
           << query.getDimSize(1) << "; needs 1 or as many";
  if (type.getDimSize(2) != query.getDimSize(2) ||
      type.getDimSize(3) != key.getDimSize(2))
    return op->emitOpError()
           << role << " is " << type << " but there are " << query.getDimSize(2)
           << " queries and " << key.getDimSize(2) << " keys; " << role
           << " ends in Nq x Nk";
  int64_t batch = query.getDimSize(0), items = type.getDimSize(0);
  if (!ShapedType::isDynamic(batch) && !ShapedType::isDynamic(items) &&
      batch % items != 0)
    return op->emitOpError()
           << role << " has " << items << " items but query has a batch of "
           << batch << ", which they must divide";
  return success();
}

/// Checks the limit of the scores and the number of keys that each item has.
static LogicalResult verifyLimits(Operation *op, RankedTensorType query,
                                  Value keyLength,
                                  std::optional<APFloat> softcap) {
  if (softcap &&
      (!softcap->isFinite() || softcap->isNegative() || softcap->isZero()))
    return op->emitOpError() << "has softcap " << softcap->convertToDouble()
                             << "; needs a positive finite number";
  if (!keyLength)
    return success();
  auto type = cast<RankedTensorType>(keyLength.getType());
  if (type.getDimSize(0) != query.getDimSize(0))
    return op->emitOpError()
           << "key_length is " << type << " but query is " << query
           << "; key_length has an element for each item of the batch";
  return success();
}

/// Checks what attention and attention_map share: D, the heads, the batch and
/// what is added to the scores.
static LogicalResult verifyScores(Operation *op, RankedTensorType query,
                                  RankedTensorType key, Value bias,
                                  Value mask) {
  if (query.getDimSize(3) != key.getDimSize(3))
    return op->emitOpError() << "query has head dim " << query.getDimSize(3)
                             << " but key has " << key.getDimSize(3)
                             << "; both are the last dim, D, of [B, H, N, D]";
  if (key.getDimSize(1) == 0 || query.getDimSize(1) % key.getDimSize(1) != 0)
    return op->emitOpError()
           << "query has " << query.getDimSize(1) << " heads but key has "
           << key.getDimSize(1) << ", which must divide them";
  if (query.getDimSize(0) != key.getDimSize(0))
    return op->emitOpError() << "query is " << query << " but key is " << key
                             << "; both have the same batch, dim 0";
  if (failed(verifyAddend(op, "bias", query, key, bias)))
    return failure();
  return verifyAddend(op, "mask", query, key, mask);
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *context,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto query = cast<RankedTensorType>(adaptor.getQuery().getType());
  auto value = cast<RankedTensorType>(adaptor.getValue().getType());
  types.push_back(query.clone({query.getDimSize(0), query.getDimSize(1),
                               query.getDimSize(2), value.getDimSize(3)}));
  return success();
}

LogicalResult AttentionOp::verify() {
  RankedTensorType key = getKey().getType();
  RankedTensorType value = getValue().getType();
  // C1, C3, C4, C5
  if (failed(
          verifyScores(*this, getQuery().getType(), key, getBias(), getMask())))
    return failure();
  // C2
  if (key.getShape().take_front(3) != value.getShape().take_front(3))
    return emitOpError() << "key is " << key << " but value is " << value
                         << "; both have the same B, Hk and Nk";
  // C6, C7
  return verifyLimits(*this, getQuery().getType(), getKeyLength(),
                      getSoftcap());
}

void AttentionOp::build(OpBuilder &builder, OperationState &state, Value query,
                        Value key, Value value, Value bias, Value mask,
                        FloatAttr scale) {
  build(builder, state, query, key, value, bias, mask, /*keyLength=*/Value(),
        scale, /*causal=*/IntegerAttr(), /*softcap=*/FloatAttr());
}

//===----------------------------------------------------------------------===//
// SoftmaxMatmulOp
//===----------------------------------------------------------------------===//

LogicalResult SoftmaxMatmulOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  auto scores = cast<RankedTensorType>(adaptor.getScores().getType());
  auto value = cast<RankedTensorType>(adaptor.getValue().getType());
  types.push_back(scores.clone({scores.getDimSize(0), scores.getDimSize(1),
                                scores.getDimSize(2), value.getDimSize(3)}));
  return success();
}

LogicalResult SoftmaxMatmulOp::verify() {
  RankedTensorType scores = getScores().getType();
  RankedTensorType value = getValue().getType();
  // C1
  if (scores.getDimSize(3) != value.getDimSize(2))
    return emitOpError() << "scores is " << scores << " but value is " << value
                         << "; both have the same Nk, the last dim of scores";
  // C2
  if (scores.getDimSize(1) % value.getDimSize(1) != 0)
    return emitOpError() << "scores has " << scores.getDimSize(1)
                         << " heads but value has " << value.getDimSize(1)
                         << ", which must divide them";
  if (scores.getDimSize(0) != value.getDimSize(0))
    return emitOpError() << "scores is " << scores << " but value is " << value
                         << "; both have the same batch, dim 0";
  return success();
}

//===----------------------------------------------------------------------===//
// AttentionMapOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionMapOp::inferReturnTypes(MLIRContext *context,
                                               std::optional<Location> location,
                                               Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  auto query = cast<RankedTensorType>(adaptor.getQuery().getType());
  auto key = cast<RankedTensorType>(adaptor.getKey().getType());
  int64_t windows = adaptor.getWindows(), batch = query.getDimSize(0);
  if (windows < 1)
    return emitOptionalError(location, "'vit.attention_map' op has ", windows,
                             " windows; needs 1 or more");
  if (!ShapedType::isDynamic(batch))
    batch /= windows;
  types.push_back(query.clone({batch, windows, query.getDimSize(1),
                               query.getDimSize(2), key.getDimSize(2)}));
  return success();
}

LogicalResult AttentionMapOp::verify() {
  // C1, C2, C3, C4
  RankedTensorType query = getQuery().getType();
  if (failed(
          verifyScores(*this, query, getKey().getType(), getBias(), getMask())))
    return failure();
  // C5
  int64_t batch = query.getDimSize(0), windows = getWindows();
  if (windows < 1)
    return emitOpError() << "has " << windows << " windows; needs 1 or more";
  if (!ShapedType::isDynamic(batch) && batch % windows != 0)
    return emitOpError() << "has " << windows
                         << " windows but query has a batch of " << batch
                         << ", which they must divide";
  // C6
  RankedTensorType selection = getSelection().getType();
  if (selection.getRank() != 2 || selection.getDimSize(1) != 2 ||
      selection.isDynamicDim(0))
    return emitOpError() << "has selection " << selection
                         << "; needs 2 numbers for each layer";
  int64_t layer = getLayer();
  if (layer < 0 || layer >= selection.getDimSize(0))
    return emitOpError() << "has layer " << layer << " of a selection of "
                         << selection.getDimSize(0) << " layers";
  // C7
  return verifyLimits(*this, query, getKeyLength(), getSoftcap());
}

//===----------------------------------------------------------------------===//
// SplitHeadsOp, MergeHeadsOp
//===----------------------------------------------------------------------===//

LogicalResult SplitHeadsOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location> location,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  int64_t heads = adaptor.getHeads();
  if (heads <= 0)
    return emitOptionalError(location, "'vit.split_heads' op has ", heads,
                             " heads; needs 1 or more");
  types.push_back(input.clone({input.getDimSize(0), heads, input.getDimSize(1),
                               input.getDimSize(2) / heads}));
  return success();
}

LogicalResult SplitHeadsOp::verify() {
  // C1
  int64_t embedDim = getInput().getType().getDimSize(2);
  if (embedDim % static_cast<int64_t>(getHeads()) != 0)
    return emitOpError() << "has " << getHeads()
                         << " heads but E = " << embedDim
                         << "; heads must divide E";
  return success();
}

OpFoldResult SplitHeadsOp::fold(FoldAdaptor) {
  auto merge = getInput().getDefiningOp<MergeHeadsOp>();
  if (merge && merge.getInput().getType() == getType())
    return merge.getInput();
  return {};
}

LogicalResult MergeHeadsOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location> location,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  types.push_back(input.clone({input.getDimSize(0), input.getDimSize(2),
                               input.getDimSize(1) * input.getDimSize(3)}));
  return success();
}

OpFoldResult MergeHeadsOp::fold(FoldAdaptor) {
  auto split = getInput().getDefiningOp<SplitHeadsOp>();
  if (split && split.getInput().getType() == getType())
    return split.getInput();
  return {};
}
