//===- WeightEvaluator.cpp - Evaluation of weight expressions -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/Weights.h"

#include "Convert.h"
#include "WeightReader.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"

#include <vector>

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

/// Bytes that are streamed at once where the order allows any number.
static constexpr int64_t kChunkBytes = 128 * 1024;
static constexpr int64_t kPanelColumns = WeightExprAttr::kPanelColumns;
static constexpr int64_t kPackGranule = WeightExprAttr::kPackGranule;
/// Words of neighbours of a row that stay side by side when it is packed, but
/// of f32: 8 of 16 bits, or 4 of tf32.
static constexpr int64_t kRunWords = 4;
/// Columns of the matrix that are packed at once, a multiple of kPackGranule.
static constexpr int64_t kPackDepth = 1024;

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

FailureOr<std::unique_ptr<WeightEvaluator>>
WeightEvaluator::create(ModuleOp module) {
  auto evaluator = std::make_unique<WeightEvaluator>(module.getLoc());
  if (failed(evaluator->add(module, /*compareHashes=*/true)))
    return failure();
  return evaluator;
}

LogicalResult WeightEvaluator::add(ModuleOp module, bool compareHashes) {
  for (auto file : module.getOps<WeightFileOp>())
    if (!files.contains(file.getSymName()) &&
        failed(addFile(file, compareHashes)))
      return failure();
  for (auto weight : module.getOps<WeightOp>())
    if (!contains(weight.getSymName()) && failed(addWeight(weight)))
      return failure();
  return success();
}

LogicalResult WeightEvaluator::addFile(WeightFileOp file, bool compareHash) {
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
  if (compareHash) {
    llvm::BLAKE3 hasher;
    hasher.update((*buffer)->getBuffer());
    std::string hash = llvm::toHex(hasher.final(), /*LowerCase=*/true);
    if (hash != file.getHash())
      return file.emitError()
             << "weights file '" << path << "' has BLAKE3 " << hash
             << "; the model was imported from " << file.getHash();
  }
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
// Reading and writing
//===----------------------------------------------------------------------===//

LogicalResult WeightEvaluator::read(WeightExprAttr expr, int64_t begin,
                                    int64_t count, char *out) const {
  return WeightReader(*this).read(expr, begin, count, out);
}

static void writeFloats(ArrayRef<float> values, raw_ostream &os) {
  os.write(reinterpret_cast<const char *>(values.data()),
           values.size() * sizeof(float));
}

LogicalResult WeightEvaluator::write(WeightExprAttr expr,
                                     raw_ostream &os) const {
  if (expr.getKind() == WeightExprKind::Pack)
    return writePacked(expr.getExprOperand(0), os);
  WeightReader reader(*this);
  int64_t bytes =
      WeightExprAttr::getStoredElementBytes(expr.getType().getElementType());
  int64_t total = expr.getType().getNumElements();
  int64_t most = kChunkBytes / bytes;
  std::vector<char> chunk(std::min(total, most) * bytes);
  for (int64_t begin = 0; begin < total; begin += most) {
    int64_t count = std::min(most, total - begin);
    if (failed(reader.read(expr, begin, count, chunk.data())))
      return failure();
    os.write(chunk.data(), count * bytes);
  }
  return success();
}

/// Writes [words / run][rows][run] of rows of `words` words, `stride` apart.
static void packRuns(const float *in, int64_t rows, int64_t words,
                     int64_t stride, float *out) {
  for (int64_t word = 0; word < words; word += kRunWords)
    for (int64_t row = 0; row < rows; ++row)
      out = std::copy_n(in + row * stride + word, kRunWords, out);
}

LogicalResult WeightEvaluator::writePacked(WeightExprAttr matrix,
                                           raw_ostream &os) const {
  Type element = matrix.getType().getElementType();
  if (!element.isF32() && !element.isTF32() && !element.isF16() &&
      !element.isBF16())
    return emitError(loc) << "a weight expression packs " << element
                          << "; needs f32, tf32, f16 or bf16";
  bool isF32 = element.isF32();
  int64_t perWord =
      sizeof(float) / WeightExprAttr::getStoredElementBytes(element);
  WeightReader reader(*this);
  int64_t n = matrix.getType().getDimSize(0);
  int64_t k = matrix.getType().getDimSize(1);
  int64_t depth = std::min<int64_t>(llvm::alignTo(k, kPackGranule), kPackDepth);
  // The tile is always kPanelColumns x depth, zero where the matrix ends.
  int64_t rowWords = depth / perWord;
  std::vector<float> tile(kPanelColumns * rowWords), panel(tile.size());
  for (int64_t row = 0; row < n; row += kPanelColumns) {
    int64_t rows = std::min(kPanelColumns, n - row);
    int64_t width = llvm::alignTo(rows, kPackGranule);
    for (int64_t col = 0; col < k; col += depth) {
      int64_t cols = std::min(depth, k - col);
      int64_t words = llvm::alignTo(cols, kPackGranule) / perWord;
      if (rows < width || cols < words * perWord)
        std::fill(tile.begin(), tile.end(), 0.0f);
      for (int64_t r = 0; r < rows; ++r)
        if (failed(reader.read(
                matrix, (row + r) * k + col, cols,
                reinterpret_cast<char *>(tile.data() + r * rowWords))))
          return failure();
      if (isF32)
        transpose(tile.data(), width, words, rowWords, panel.data());
      else
        packRuns(tile.data(), width, words, rowWords, panel.data());
      writeFloats(ArrayRef(panel).take_front(width * words), os);
    }
  }
  return success();
}
