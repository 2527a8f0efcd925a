//===- WeightReader.cpp - Values of weight expressions --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightReader.h"

#include "Convert.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "vitc/Target/StridedCopy.h"

#include <cstring>

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

/// Elements of an operand that are read at once where it is not moved.
static constexpr int64_t kChunk = 2048;
/// A band of a transpose has at least so many bytes, and so many rows, where
/// the tensor has them: as many as a panel of the packed layout has columns.
static constexpr int64_t kBandBytes = 1 << 20;
static constexpr int64_t kBandRows = WeightExprAttr::kPanelColumns;

static void readData(DenseElementsAttr values, int64_t begin, int64_t count,
                     char *out) {
  if (values.getElementType().isInteger(1)) {
    // How MLIR stores an i1 is its own affair.
    auto bools = values.getValues<bool>();
    for (int64_t i = 0; i < count; ++i)
      out[i] = bools[begin + i];
    return;
  }
  int64_t bytes =
      WeightExprAttr::getStoredElementBytes(values.getElementType());
  const char *data = values.getRawData().data();
  if (!values.isSplat()) {
    std::memcpy(out, data + begin * bytes, count * bytes);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(out + i * bytes, data, bytes);
}

LogicalResult WeightReader::read(WeightExprAttr expr, int64_t begin,
                                 int64_t count, char *out) {
  switch (expr.getKind()) {
  case WeightExprKind::Ref:
    return readRef(expr, begin, count, out);
  case WeightExprKind::Data:
    readData(cast<DenseElementsAttr>(expr.getOperands()[0]), begin, count, out);
    return success();
  case WeightExprKind::Cast:
    return readCast(expr, begin, count, out);
  case WeightExprKind::Reshape:
    return read(expr.getExprOperand(0), begin, count, out);
  case WeightExprKind::Slice: {
    RankedTensorType type = expr.getType();
    int64_t columns = type.getNumElements() / type.getDimSize(0);
    return read(expr.getExprOperand(0), begin + expr.getParams()[0] * columns,
                count, out);
  }
  case WeightExprKind::Concat:
    return readConcat(expr, begin, count, out);
  case WeightExprKind::Add:
    return readAdd(expr, begin, count, out);
  case WeightExprKind::Transpose:
    return readTranspose(expr, begin, count, out);
  case WeightExprKind::Scale:
    return readScale(expr, begin, count, out);
  case WeightExprKind::Product:
    return readProduct(expr, begin, count, out);
  case WeightExprKind::Pack:
    return emitError(evaluator.getLoc())
           << "#vit.expr<pack> is an operand of another expression; it must be "
              "the outermost";
  }
  llvm_unreachable("all kinds are covered");
}

LogicalResult WeightReader::readRef(WeightExprAttr expr, int64_t begin,
                                    int64_t count, char *out) {
  FailureOr<WeightEvaluator::Source> source = evaluator.getSource(expr);
  if (failed(source))
    return failure();
  if (source->data) {
    int64_t bytes =
        WeightExprAttr::getStoredElementBytes(expr.getType().getElementType());
    std::memcpy(out, source->data + begin * bytes, count * bytes);
    return success();
  }
  WeightOp weight = source->op;
  float values[kChunk];
  for (int64_t done = 0; done < count; done += kChunk) {
    int64_t n = std::min(kChunk, count - done);
    generateUniform(*weight.getSeed(), weight.getMean()->convertToFloat(),
                    weight.getScale()->convertToFloat(), begin + done, n,
                    values);
    std::memcpy(out + done * sizeof(float), values, n * sizeof(float));
  }
  return success();
}

LogicalResult WeightReader::readCast(WeightExprAttr expr, int64_t begin,
                                     int64_t count, char *out) {
  Type to = expr.getType().getElementType();
  if (!to.isF32() && !to.isTF32() && !to.isF16() && !to.isBF16())
    return emitError(evaluator.getLoc())
           << "a weight expression casts to " << to
           << "; needs f32, tf32, f16 or bf16";
  int64_t bytes = WeightExprAttr::getStoredElementBytes(to);
  WeightExprAttr operand = expr.getExprOperand(0);
  Type from = operand.getType().getElementType();
  char stored[kChunk * sizeof(double)];
  float values[kChunk];
  for (int64_t done = 0; done < count; done += kChunk) {
    int64_t n = std::min(kChunk, count - done);
    if (failed(read(operand, begin + done, n, stored)))
      return failure();
    convertToFloat(stored, from, n, values);
    if (to.isF32())
      std::memcpy(out + done * bytes, values, n * bytes);
    else
      convertFromFloat(values, to, n, out + done * bytes);
  }
  return success();
}

LogicalResult WeightReader::readConcat(WeightExprAttr expr, int64_t begin,
                                       int64_t count, char *out) {
  int64_t bytes =
      WeightExprAttr::getStoredElementBytes(expr.getType().getElementType());
  int64_t pieceBegin = 0;
  for (Attribute operand : expr.getOperands()) {
    auto piece = cast<WeightExprAttr>(operand);
    int64_t pieceEnd = pieceBegin + piece.getType().getNumElements();
    int64_t from = std::max(begin, pieceBegin);
    int64_t to = std::min(begin + count, pieceEnd);
    if (from < to && failed(read(piece, from - pieceBegin, to - from,
                                 out + (from - begin) * bytes)))
      return failure();
    pieceBegin = pieceEnd;
  }
  return success();
}

LogicalResult WeightReader::readAdd(WeightExprAttr expr, int64_t begin,
                                    int64_t count, char *out) {
  Type element = expr.getType().getElementType();
  if (!element.isF32())
    return emitError(evaluator.getLoc())
           << "a weight expression adds " << element << "; needs f32";
  float lhs[kChunk], rhs[kChunk];
  for (int64_t done = 0; done < count; done += kChunk) {
    int64_t n = std::min(kChunk, count - done);
    if (failed(read(expr.getExprOperand(0), begin + done, n,
                    reinterpret_cast<char *>(lhs))) ||
        failed(read(expr.getExprOperand(1), begin + done, n,
                    reinterpret_cast<char *>(rhs))))
      return failure();
    for (int64_t i = 0; i < n; ++i)
      lhs[i] += rhs[i];
    std::memcpy(out + done * sizeof(float), lhs, n * sizeof(float));
  }
  return success();
}

FailureOr<ArrayRef<float>> WeightReader::getVector(WeightExprAttr expr) {
  if (!expr.getType().getElementType().isF32())
    return emitError(evaluator.getLoc()) << "a weight expression multiplies by "
                                         << expr.getType() << "; needs f32";
  if (auto it = vectors.find(expr); it != vectors.end())
    return ArrayRef(it->second);
  std::vector<float> values(expr.getType().getNumElements());
  if (failed(read(expr, 0, values.size(),
                  reinterpret_cast<char *>(values.data()))))
    return failure();
  return ArrayRef(vectors[expr] = std::move(values));
}

LogicalResult WeightReader::readScale(WeightExprAttr expr, int64_t begin,
                                      int64_t count, char *out) {
  FailureOr<ArrayRef<float>> factors = getVector(expr.getExprOperand(1));
  if (failed(factors) ||
      failed(read(expr.getExprOperand(0), begin, count, out)))
    return failure();
  ArrayRef<int64_t> shape = expr.getType().getShape();
  int64_t dim = expr.getParams()[0], size = shape[dim];
  int64_t inner = ShapedType::getNumElements(shape.drop_front(dim + 1));
  // Runs of one factor, or of one row of factors.
  int64_t run = inner == 1 ? size : inner;
  for (int64_t i = 0; i < count;) {
    int64_t at = begin + i, left = std::min(count - i, run - at % run);
    const float *factor = factors->data() + at / inner % size;
    for (int64_t end = i + left; i < end; ++i) {
      float value;
      std::memcpy(&value, out + i * sizeof(float), sizeof(float));
      value *= *factor;
      std::memcpy(out + i * sizeof(float), &value, sizeof(float));
      factor += inner == 1;
    }
  }
  return success();
}

LogicalResult WeightReader::readProduct(WeightExprAttr expr, int64_t begin,
                                        int64_t count, char *out) {
  WeightExprAttr matrix = expr.getExprOperand(0);
  FailureOr<ArrayRef<float>> vector = getVector(expr.getExprOperand(1));
  if (failed(vector))
    return failure();
  int64_t columns = matrix.getType().getDimSize(1);
  std::vector<float> row(columns);
  for (int64_t i = 0; i < count; ++i) {
    if (failed(read(matrix, (begin + i) * columns, columns,
                    reinterpret_cast<char *>(row.data()))))
      return failure();
    double sum = 0.0;
    for (int64_t j = 0; j < columns; ++j)
      sum += double(row[j]) * (*vector)[j];
    auto result = static_cast<float>(sum);
    std::memcpy(out + i * sizeof(float), &result, sizeof(float));
  }
  return success();
}

LogicalResult WeightReader::readTranspose(WeightExprAttr expr, int64_t begin,
                                          int64_t count, char *out) {
  RankedTensorType type = expr.getType();
  int64_t bytes = WeightExprAttr::getStoredElementBytes(type.getElementType());
  int64_t rows = type.getDimSize(0), columns = type.getNumElements() / rows;
  int64_t wanted = std::max<int64_t>(kBandBytes / (columns * bytes), 1);
  int64_t height = std::min<int64_t>(rows, llvm::alignTo(wanted, kBandRows));
  std::unique_ptr<Band> &kept = bands[expr];
  if (!kept)
    kept = std::make_unique<Band>();
  // The map may grow while the operand, another transpose, is read.
  Band &band = *kept;
  while (count > 0) {
    int64_t row = begin / columns;
    if (row < band.begin || row >= band.begin + band.rows) {
      band.begin = row / height * height;
      band.rows = std::min(height, rows - band.begin);
      if (failed(fillBand(expr, band)))
        return failure();
    }
    int64_t at = begin - band.begin * columns;
    int64_t n = std::min(count, band.rows * columns - at);
    std::memcpy(out, band.values.data() + at * bytes, n * bytes);
    begin += n;
    count -= n;
    out += n * bytes;
  }
  return success();
}

LogicalResult WeightReader::fillBand(WeightExprAttr expr, Band &band) {
  WeightExprAttr operand = expr.getExprOperand(0);
  ArrayRef<int64_t> shape = operand.getType().getShape();
  int64_t bytes =
      WeightExprAttr::getStoredElementBytes(expr.getType().getElementType());
  // The rows of the result are dim `split` of the operand.
  int64_t split = expr.getParams()[0];
  int64_t outer = ShapedType::getNumElements(shape.take_front(split));
  int64_t inner = ShapedType::getNumElements(shape.drop_front(split + 1));
  int64_t run = band.rows * inner;
  std::vector<char> box(outer * run * bytes);
  for (int64_t i = 0; i < outer; ++i)
    if (failed(read(operand, (i * shape[split] + band.begin) * inner, run,
                    box.data() + i * run * bytes)))
      return failure();
  SmallVector<int64_t> boxShape(shape);
  boxShape[split] = band.rows;
  band.values.resize(box.size());
  transposeElements(box.data(), boxShape, expr.getParams(), band.values.data(),
                    bytes);
  return success();
}
