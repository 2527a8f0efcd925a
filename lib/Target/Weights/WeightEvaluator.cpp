//===- WeightEvaluator.cpp - Evaluation of weight expressions -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All kinds but `pack` only move or add elements in row-major order, so that a
// flat range of the result is one or a few flat ranges of the operands, and a
// range of a stored tensor is a range of bytes. `pack` is the root of an
// expression, or nothing, and is written panel by panel.
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/Weights.h"

#include "Convert.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"

#include <vector>

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

/// Elements that are streamed at once where the order allows any number.
static constexpr int64_t kChunk = 32 * 1024;
static constexpr int64_t kPanelColumns = WeightExprAttr::kPanelColumns;
static constexpr int64_t kPackGranule = WeightExprAttr::kPackGranule;
/// Columns of the matrix that are packed at once, a multiple of kPackGranule.
static constexpr int64_t kPackDepth = 1024;

static int64_t getElementBytes(Type type) {
  return type.getIntOrFloatBitWidth() / 8;
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

FailureOr<std::unique_ptr<WeightEvaluator>>
WeightEvaluator::create(ModuleOp module) {
  std::unique_ptr<WeightEvaluator> evaluator(
      new WeightEvaluator(module.getLoc()));
  for (auto file : module.getOps<WeightFileOp>())
    if (failed(evaluator->addFile(file)))
      return failure();
  for (auto weight : module.getOps<WeightOp>())
    if (failed(evaluator->addWeight(weight)))
      return failure();
  return evaluator;
}

LogicalResult WeightEvaluator::addFile(WeightFileOp file) {
  StringRef path = file.getPath();
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status))
    return file.emitError() << "weights file '" << path
                            << "' cannot be read: " << error.message();
  if (!llvm::sys::fs::is_regular_file(status))
    return file.emitError()
           << "weights file '" << path << "' is not a regular file";
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return file.emitError()
           << "weights file '" << path
           << "' cannot be read: " << buffer.getError().message();
  llvm::BLAKE3 hasher;
  hasher.update((*buffer)->getBuffer());
  std::string hash = llvm::toHex(hasher.final(), /*LowerCase=*/true);
  if (hash != file.getHash())
    return file.emitError()
           << "weights file '" << path << "' has BLAKE3 " << hash
           << "; the model was imported from " << file.getHash();
  files[file.getSymName()] = std::move(*buffer);
  return success();
}

LogicalResult WeightEvaluator::addWeight(WeightOp weight) {
  Source source{weight};
  StringRef name = weight.getSymName();
  if (!weight.getFile()) {
    if (!weight.getSeed() || !weight.getMean() || !weight.getScale())
      return weight.emitError()
             << "'" << name << "' has no file; it needs seed, mean and scale";
    sources[name] = source;
    return success();
  }
  auto file = files.find(*weight.getFile());
  if (file == files.end() || !weight.getOffset())
    return weight.emitError()
           << "'" << name << "' refers to file @" << *weight.getFile()
           << "; it needs a vit.weight_file of that name and an offset";
  uint64_t size = file->second->getBufferSize();
  uint64_t bytes =
      *WeightExprAttr::getStoredBytes(cast<RankedTensorType>(weight.getType()));
  uint64_t offset = *weight.getOffset();
  if (offset > size || bytes > size - offset)
    return weight.emitError()
           << "'" << name << "' has " << bytes << " bytes at offset " << offset
           << "; the file has " << size;
  source.data = file->second->getBufferStart() + offset;
  sources[name] = source;
  return success();
}

FailureOr<WeightEvaluator::Source>
WeightEvaluator::getSource(WeightExprAttr ref) const {
  StringRef name = cast<FlatSymbolRefAttr>(ref.getOperands()[0]).getValue();
  auto it = sources.find(name);
  if (it == sources.end())
    return emitError(loc) << "a weight expression refers to '" << name
                          << "', which no vit.weight defines";
  WeightOp weight = it->second.op;
  if (weight.getType() != ref.getType())
    return weight.emitError()
           << "'" << name << "' has type " << weight.getType()
           << "; a weight expression reads it as " << ref.getType();
  return it->second;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

LogicalResult WeightEvaluator::readTile(WeightExprAttr expr, int64_t rowBegin,
                                        int64_t rowEnd, int64_t colBegin,
                                        int64_t colEnd, float *out) const {
  RankedTensorType type = expr.getType();
  int64_t rows = type.getDimSize(0);
  int64_t columns = 1;
  for (int64_t dim : type.getShape().drop_front())
    columns *= dim;
  if (colBegin == 0 && colEnd == columns && rowBegin <= rowEnd &&
      rowEnd <= rows)
    return readFlat(expr, rowBegin * columns, (rowEnd - rowBegin) * columns,
                    out);
  int64_t width = colEnd - colBegin;
  for (int64_t row = rowBegin; row < rowEnd; ++row, out += width)
    if (failed(readFlat(expr, row * columns + colBegin, width, out)))
      return failure();
  return success();
}

LogicalResult WeightEvaluator::readFlat(WeightExprAttr expr, int64_t begin,
                                        int64_t count, float *out) const {
  switch (expr.getKind()) {
  case WeightExprKind::Ref: {
    FailureOr<Source> source = getSource(expr);
    if (failed(source))
      return failure();
    WeightOp weight = source->op;
    if (!source->data) {
      generateUniform(*weight.getSeed(), weight.getMean()->convertToFloat(),
                      weight.getScale()->convertToFloat(), begin, count, out);
      return success();
    }
    Type element = expr.getType().getElementType();
    convertToFloat(source->data + begin * getElementBytes(element), element,
                   count, out);
    return success();
  }
  case WeightExprKind::Cast:
    if (!expr.getType().getElementType().isF32())
      return emitError(loc)
             << "a weight expression casts to "
             << expr.getType().getElementType() << "; weights are written in "
             << "f32";
    return readFlat(expr.getExprOperand(0), begin, count, out);
  case WeightExprKind::Reshape:
    return readFlat(expr.getExprOperand(0), begin, count, out);
  case WeightExprKind::Slice: {
    RankedTensorType type = expr.getType();
    int64_t columns = type.getNumElements() / type.getDimSize(0);
    return readFlat(expr.getExprOperand(0),
                    begin + expr.getParams()[0] * columns, count, out);
  }
  case WeightExprKind::Concat:
    return readConcat(expr, begin, count, out);
  case WeightExprKind::Add: {
    if (failed(readFlat(expr.getExprOperand(0), begin, count, out)))
      return failure();
    std::vector<float> rhs(std::min(count, kChunk));
    for (int64_t done = 0; done < count; done += kChunk) {
      int64_t n = std::min(kChunk, count - done);
      if (failed(readFlat(expr.getExprOperand(1), begin + done, n, rhs.data())))
        return failure();
      for (int64_t i = 0; i < n; ++i)
        out[done + i] += rhs[i];
    }
    return success();
  }
  case WeightExprKind::Pack:
    return emitError(loc)
           << "#vit.expr<pack> is an operand of another expression; it must be "
              "the outermost";
  }
  llvm_unreachable("all kinds are covered");
}

LogicalResult WeightEvaluator::readConcat(WeightExprAttr expr, int64_t begin,
                                          int64_t count, float *out) const {
  int64_t pieceBegin = 0;
  for (Attribute operand : expr.getOperands()) {
    auto piece = cast<WeightExprAttr>(operand);
    int64_t pieceEnd = pieceBegin + piece.getType().getNumElements();
    int64_t from = std::max(begin, pieceBegin);
    int64_t to = std::min(begin + count, pieceEnd);
    if (from < to && failed(readFlat(piece, from - pieceBegin, to - from,
                                     out + (from - begin))))
      return failure();
    pieceBegin = pieceEnd;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static void writeFloats(ArrayRef<float> values, raw_ostream &os) {
  os.write(reinterpret_cast<const char *>(values.data()),
           values.size() * sizeof(float));
}

LogicalResult WeightEvaluator::write(WeightExprAttr expr,
                                     raw_ostream &os) const {
  if (expr.getKind() == WeightExprKind::Pack)
    return writePacked(expr.getExprOperand(0), os);
  int64_t total = expr.getType().getNumElements();
  std::vector<float> chunk(std::min(total, kChunk));
  for (int64_t begin = 0; begin < total; begin += kChunk) {
    int64_t count = std::min(kChunk, total - begin);
    if (failed(readFlat(expr, begin, count, chunk.data())))
      return failure();
    writeFloats(ArrayRef(chunk).take_front(count), os);
  }
  return success();
}

LogicalResult WeightEvaluator::writePacked(WeightExprAttr matrix,
                                           raw_ostream &os) const {
  int64_t n = matrix.getType().getDimSize(0);
  int64_t k = matrix.getType().getDimSize(1);
  int64_t depth = std::min<int64_t>(llvm::alignTo(k, kPackGranule), kPackDepth);
  // The tile is always kPanelColumns x depth, zero where the matrix ends.
  std::vector<float> tile(kPanelColumns * depth), panel(kPanelColumns * depth);
  for (int64_t row = 0; row < n; row += kPanelColumns) {
    int64_t rows = std::min(kPanelColumns, n - row);
    int64_t width = llvm::alignTo(rows, kPackGranule);
    for (int64_t col = 0; col < k; col += depth) {
      int64_t cols = std::min(depth, k - col);
      int64_t cols16 = llvm::alignTo(cols, kPackGranule);
      if (rows < width || cols < cols16)
        std::fill(tile.begin(), tile.end(), 0.0f);
      for (int64_t r = 0; r < rows; ++r)
        if (failed(readFlat(matrix, (row + r) * k + col, cols,
                            tile.data() + r * depth)))
          return failure();
      transpose(tile.data(), width, cols16, depth, panel.data());
      writeFloats(ArrayRef(panel).take_front(width * cols16), os);
    }
  }
  return success();
}
