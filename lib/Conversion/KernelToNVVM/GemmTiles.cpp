//===- GemmTiles.cpp - Operands of a gemm in shared memory ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmTiles.h"
#include "../KernelToVector/SharedKernels.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;
static constexpr int64_t kPackGranule = vitc::vit::WeightExprAttr::kPackGranule;
/// Words that an asynchronous copy takes at most.
static constexpr int64_t kVectorWords = 4;

int64_t vitc::kernel::getPackedRun(Type element) {
  constexpr int64_t kRunBytes = 16;
  if (element.isF32())
    return 1;
  return kRunBytes / vit::WeightExprAttr::getStoredElementBytes(element);
}

//===----------------------------------------------------------------------===//
// DeviceLhsTiles
//===----------------------------------------------------------------------===//

DeviceLhsTiles::DeviceLhsTiles(GemmOp op, DeviceBuilder &builder,
                               const GemmTileShape &shape)
    : b(builder), shape(shape), lhs(op, builder), k(op.getK()),
      width(lhs.getMaxWidth()),
      words(b.getShared(shape.stages * shape.getLhsWords(), b.getF32Type())),
      elements{words.address, shape.element} {
  // Every thread moves as many vectors.
  while (width > 1 &&
         (width > shape.getTerms() ||
          shape.rows * shape.getTerms() / width < b.getNumThreads()))
    width /= 2;
  isCopied = lhs.canCopy(shape.element, width);
  if (op.getNorm())
    norms.emplace(op, b, shape.rows);
}

void DeviceLhsTiles::start(const DeviceGemmRows &rows, Value begin) {
  if (norms)
    norms->emit(lhs, rows, begin);
  int64_t vectorsOfRow = shape.getTerms() / width;
  int64_t numVectors = shape.rows * vectorsOfRow / b.getNumThreads();
  vectors.clear();
  // All of a thread's vectors are of the same terms, constants apart.
  Value first = b.div(b.getThread(), vectorsOfRow);
  Value l = b.mul(b.rem(b.getThread(), vectorsOfRow), width);
  int64_t rowElements = shape.getLhsStride() * shape.getTermsOfWord();
  Value offset = b.mul(first, rowElements);
  if (shape.isOfRuns) {
    int64_t run = getPackedRun(shape.element);
    int64_t runElements = shape.getLhsRunStride() * shape.getTermsOfWord();
    offset =
        b.add(b.add(offset, b.mul(b.div(l, run), runElements)), b.rem(l, run));
  } else {
    offset = b.add(offset, l);
  }
  for (int64_t i = 0; i < numVectors; ++i) {
    int64_t distance = i * (b.getNumThreads() / vectorsOfRow);
    Value r = b.add(first, distance);
    vectors.push_back({lhs.startRow(rows.at(b.add(begin, r))), r, l,
                       b.add(offset, distance * rowElements)});
  }
}

DeviceGemmLhs::Place DeviceLhsTiles::getPlace(const Vector &vector,
                                              Value l) const {
  Value place = b.add(l, vector.l);
  if (k % shape.getTerms() == 0)
    return {place, Value()};
  return {place, b.less(place, b.index(k))};
}

Value DeviceLhsTiles::getTarget(const Vector &vector, Value stage) const {
  int64_t stageElements = shape.getLhsWords() * shape.getTermsOfWord();
  return b.add(vector.offset, b.mul(stage, stageElements));
}

SmallVector<Type> DeviceLhsTiles::getLoadedTypes() const {
  if (isCopied)
    return {};
  return SmallVector<Type>(vectors.size(), lhs.getLoadedType(width));
}

SmallVector<Value> DeviceLhsTiles::load(Value l, Value stage) const {
  SmallVector<Value> loaded;
  for (const Vector &vector : vectors) {
    DeviceGemmLhs::Place place = getPlace(vector, l);
    if (isCopied)
      lhs.copyAsync(elements, getTarget(vector, stage), vector.row, place,
                    width);
    else
      loaded.push_back(lhs.load(vector.row, place, width));
  }
  return loaded;
}

void DeviceLhsTiles::store(ValueRange loaded, Value l, Value stage) const {
  if (isCopied)
    return;
  for (auto [vector, value] : llvm::zip(vectors, loaded)) {
    DeviceGemmLhs::Row row = vector.row;
    // Each time: registers are short in the loop over k.
    if (norms)
      norms->load(row, vector.number);
    Value changed = lhs.transform(value, row, getPlace(vector, l), width);
    b.store(b.roundTo(changed, shape.element), elements,
            getTarget(vector, stage));
  }
}

//===----------------------------------------------------------------------===//
// DeviceWeightTiles
//===----------------------------------------------------------------------===//

DeviceWeightTiles::DeviceWeightTiles(GemmOp op, DeviceBuilder &builder,
                                     const GemmTileShape &shape,
                                     Value firstColumn, Value item)
    : b(builder), shape(shape),
      stepRuns(shape.getTerms() / getPackedRun(shape.element)),
      numRuns(llvm::divideCeil(op.getK(), getPackedRun(shape.element))),
      weights{b.getPointer(op.getWeights()).address, b.getF32Type()},
      words(
          b.getShared(shape.stages * shape.getWeightsWords(), b.getF32Type())) {
  int64_t n = op.getN(), tailColumns = n % kPanelColumns;
  int64_t packedDepth =
      llvm::alignTo(op.getK(), kPackGranule) / shape.getTermsOfWord();
  int64_t runWords = shape.getRunWords();
  int64_t vectorsOfRow = shape.getWeightsStride() / kVectorWords;
  // All of a thread's vectors are of the same columns.
  Value word = b.mul(b.rem(b.getThread(), vectorsOfRow), kVectorWords);
  Value row = b.div(b.getThread(), vectorsOfRow);
  Value column = b.add(firstColumn, b.div(word, runWords));
  Value panel = b.div(column, kPanelColumns);
  Value inPanel = b.mul(b.rem(column, kPanelColumns), runWords);
  rowWords = b.index(kPanelColumns * runWords);
  if (tailColumns != 0)
    rowWords =
        b.select(b.less(panel, b.index(n / kPanelColumns)), rowWords,
                 b.index(llvm::alignTo(tailColumns, kPackGranule) * runWords));
  if (n % shape.columns != 0)
    isColumn = b.less(column, b.index(llvm::alignTo(n, kPackGranule)));
  Value begin = b.add(b.mul(panel, kPanelColumns * packedDepth), inPanel);
  if (hasWeightsPerItem(op)) {
    int64_t elements =
        cast<MemRefType>(op.getWeights().getType()).getDimSize(1);
    begin = b.add(begin, b.mul(item, elements / shape.getTermsOfWord()));
  }
  int64_t numVectors = stepRuns * vectorsOfRow / b.getNumThreads();
  begin = b.add(begin, b.mul(row, rowWords));
  Value target = b.add(b.mul(row, shape.getWeightsStride()), word);
  // Constants apart where all panels are of one width.
  int64_t rowsApart = b.getNumThreads() / vectorsOfRow;
  for (int64_t i = 0; i < numVectors; ++i) {
    int64_t distance = i * rowsApart;
    vectors.push_back({b.add(row, distance),
                       b.add(begin, b.mul(rowWords, distance)),
                       b.add(target, distance * shape.getWeightsStride())});
  }
}

void DeviceWeightTiles::copy(Value step, Value stage) const {
  Value stageBegin = b.mul(stage, shape.getWeightsWords());
  Value begin = b.mul(step, stepRuns);
  Value beginWords = b.mul(begin, rowWords);
  for (const Vector &vector : vectors) {
    Value valid = isColumn;
    // What lies behind k may be anything.
    if (numRuns % stepRuns != 0) {
      Value isDeep = b.less(b.add(begin, vector.run), b.index(numRuns));
      valid = valid ? b.both(valid, isDeep) : isDeep;
    }
    b.copyAsync(words, b.add(stageBegin, vector.target), weights,
                b.add(vector.source, beginWords), kVectorWords * sizeof(float),
                valid);
  }
}
