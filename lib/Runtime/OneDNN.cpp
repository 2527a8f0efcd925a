//===- OneDNN.cpp - f32 products through oneDNN ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OneDNN.h"

#include "OneDNNProduct.h"
#include "Status.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <vector>

using namespace vitc::rt;

static constexpr int64_t kPanelWidth = 64;
/// Panels in a slice: enough columns to use each row of the left side well,
/// few enough that every thread of a big machine gets some.
static constexpr int64_t kSlicePanels = 4;
/// Rows in a slice, at most; an even split comes to between half of it and it.
/// A slice of the result is then 256 KB and stays in the second-level cache.
static constexpr int64_t kSliceRows = 256;

static int64_t ceilDiv(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

namespace {
/// How a product is cut. Columns: slices of kSlicePanels panels, a shorter one
/// of full panels, and the tail panel. Rows: blocks of two heights, `rows` and
/// rows + 1. Nothing here may depend on the number of threads.
struct Slicing {
  explicit Slicing(const OneDnnGemm &gemm);

  struct Columns {
    int64_t begin, count, panelWidth;
    int32_t kind; // of kColumnKinds
  };
  Columns columns(int64_t slice) const;
  int64_t rowBegin(int64_t block) const { return block * rows / numBlocks; }
  /// The lesser of the two heights of a block.
  int64_t blockRows() const { return rows / numBlocks; }
  int64_t numTasks() const { return numSlices * count * numBlocks; }

  static constexpr int kColumnKinds = 3, kRowKinds = 2;

  int64_t count, rows, n; // the runs, collapsed where their strides allow
  int64_t fullPanels, numFullSlices, numSlices, numBlocks;
};

/// What the tasks of one product share. A thread's scratch memory holds
/// oneDNN's own, then a block of the left side, then a slice of the result.
struct ProductArgs {
  void run(int64_t task);

  const OneDnnLibrary &library;
  const OneDnnGemm &gemm;
  Slicing slicing;
  const OneDnnHandle<dnnl_stream_t> *streams; // one a thread
  const Arena *scratch = nullptr;             // one a thread
  int64_t lhsOffset = 0, resultOffset = 0;    // bytes, in scratch memory
  const OneDnnProduct *products[Slicing::kColumnKinds][Slicing::kRowKinds] = {};
  std::atomic<dnnl_status_t> status{dnnl_success};
};
} // namespace

struct OneDnnGemms::State {
  State(std::shared_ptr<const OneDnnLibrary> library, ThreadPool &pool);

  const OneDnnProduct &getProduct(const OneDnnShape &shape);
  void prepare(ProductArgs &args);

  std::shared_ptr<const OneDnnLibrary> library;
  ThreadPool &pool;
  OneDnnHandle<dnnl_engine_t> engine;
  std::vector<OneDnnHandle<dnnl_stream_t>> streams;
  std::vector<Arena> scratch;
  std::map<OneDnnShape, OneDnnProduct> products;
};

/// Whether run b + 1 of an operand starts where run b ends.
static bool isDense(int64_t batchStride, int64_t rowStride, int64_t rows) {
  return batchStride == rowStride * rows;
}

Slicing::Slicing(const OneDnnGemm &gemm)
    : count(gemm.count), rows(gemm.rows), n(gemm.n) {
  if (isDense(gemm.lhsBatchStride, gemm.lhsRowStride, rows) &&
      isDense(gemm.resultBatchStride, gemm.resultRowStride, rows) &&
      (!gemm.residual ||
       isDense(gemm.residualBatchStride, gemm.residualRowStride, rows))) {
    rows *= count;
    count = 1;
  }
  fullPanels = n / kPanelWidth;
  numFullSlices = ceilDiv(fullPanels, kSlicePanels);
  numSlices = numFullSlices + (n % kPanelWidth != 0);
  numBlocks = ceilDiv(rows, kSliceRows);
}

Slicing::Columns Slicing::columns(int64_t slice) const {
  int64_t begin = slice * kSlicePanels;
  if (slice == numFullSlices) {
    int64_t tail = n % kPanelWidth;
    return {fullPanels * kPanelWidth, tail, ceilDiv(tail, 16) * 16, 2};
  }
  int64_t panels = std::min(kSlicePanels, fullPanels - begin);
  return {begin * kPanelWidth, panels * kPanelWidth, kPanelWidth,
          panels == kSlicePanels ? 0 : 1};
}

static void copyRows(const float *from, int64_t fromStride, float *to,
                     int64_t toStride, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i)
    std::copy_n(from + i * fromStride, columns, to + i * toStride);
}

/// to = from + added. `added` may be `to`.
static void addRows(const float *from, int64_t fromStride, const float *added,
                    int64_t addedStride, float *to, int64_t toStride,
                    int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      to[i * toStride + j] =
          from[i * fromStride + j] + added[i * addedStride + j];
}

void ProductArgs::run(int64_t task) {
  // Slices outermost: a thread reads few of the weights, often.
  int64_t block = task % slicing.numBlocks;
  int64_t run = task / slicing.numBlocks % slicing.count;
  Slicing::Columns columns =
      slicing.columns(task / slicing.numBlocks / slicing.count);
  int64_t row = slicing.rowBegin(block);
  int64_t rows = slicing.rowBegin(block + 1) - row;
  int32_t thread = ThreadPool::currentThread();
  uint8_t *memory = scratch[thread].data();

  const float *lhs =
      gemm.lhs + run * gemm.lhsBatchStride + row * gemm.lhsRowStride;
  if (gemm.lhsRowStride != gemm.k) {
    auto *dense = reinterpret_cast<float *>(memory + lhsOffset);
    copyRows(lhs, gemm.lhsRowStride, dense, gemm.k, rows, gemm.k);
    lhs = dense;
  }
  auto *slice = reinterpret_cast<float *>(memory + resultOffset);
  const OneDnnProduct &product =
      *products[columns.kind][rows - slicing.blockRows()];
  OneDnnOperands operands = {
      lhs, gemm.weights + columns.begin * ceilDiv(gemm.k, 16) * 16,
      gemm.bias ? gemm.bias + columns.begin : nullptr, slice};
  dnnl_status_t code =
      product.execute(thread, streams[thread].get(), operands, memory);
  if (code != dnnl_success) {
    status.store(code);
    return;
  }
  float *result = gemm.result + run * gemm.resultBatchStride +
                  row * gemm.resultRowStride + columns.begin;
  if (!gemm.residual)
    return copyRows(slice, columns.count, result, gemm.resultRowStride, rows,
                    columns.count);
  addRows(slice, columns.count,
          gemm.residual + run * gemm.residualBatchStride +
              row * gemm.residualRowStride + columns.begin,
          gemm.residualRowStride, result, gemm.resultRowStride, rows,
          columns.count);
}

static void runTasks(const void *rawArgs, int64_t begin, int64_t end, void *) {
  auto &args = *static_cast<ProductArgs *>(const_cast<void *>(rawArgs));
  OneOpenMPThread oneThread(args.library);
  for (int64_t task = begin; task < end; ++task)
    args.run(task);
}

OneDnnGemms::State::State(std::shared_ptr<const OneDnnLibrary> loaded,
                          ThreadPool &pool)
    : library(std::move(loaded)), pool(pool),
      engine(nullptr, library->dnnl_engine_destroy),
      scratch(pool.getNumThreads()) {
  dnnl_engine_t rawEngine = nullptr;
  library->check(library->dnnl_engine_create(&rawEngine, dnnl_cpu, 0),
                 "dnnl_engine_create");
  engine.reset(rawEngine);
  for (int32_t thread = 0; thread < pool.getNumThreads(); ++thread) {
    dnnl_stream_t stream = nullptr;
    library->check(library->dnnl_stream_create(&stream, rawEngine,
                                               dnnl_stream_default_flags),
                   "dnnl_stream_create");
    streams.emplace_back(stream, library->dnnl_stream_destroy);
  }
}

const OneDnnProduct &OneDnnGemms::State::getProduct(const OneDnnShape &shape) {
  auto found = products.find(shape);
  if (found == products.end())
    found = products
                .try_emplace(shape, *library, engine.get(), shape,
                             pool.getNumThreads())
                .first;
  return found->second;
}

static int64_t alignUp(int64_t bytes) {
  return ceilDiv(bytes, kBufferAlignment) * kBufferAlignment;
}

/// Finds or makes the primitives that the slices need, and scratch memory.
void OneDnnGemms::State::prepare(ProductArgs &args) {
  const OneDnnGemm &gemm = args.gemm;
  const Slicing &slicing = args.slicing;
  int64_t ownBytes = 0, resultBytes = 0;
  int64_t mostRows = ceilDiv(slicing.rows, slicing.numBlocks);
  for (int64_t slice = 0; slice < slicing.numSlices; ++slice) {
    Slicing::Columns columns = slicing.columns(slice);
    resultBytes = std::max<int64_t>(resultBytes,
                                    mostRows * columns.count * sizeof(float));
    for (int64_t rows = slicing.blockRows(); rows <= mostRows; ++rows) {
      const OneDnnProduct *&product =
          args.products[columns.kind][rows - slicing.blockRows()];
      if (!product)
        product = &getProduct({rows, columns.count, gemm.k, columns.panelWidth,
                               static_cast<Activation>(gemm.activation),
                               gemm.bias != nullptr});
      ownBytes = std::max(ownBytes, product->getScratchBytes());
    }
  }
  bool copiesLhs = gemm.lhsRowStride != gemm.k;
  args.lhsOffset = alignUp(ownBytes);
  args.resultOffset =
      args.lhsOffset +
      (copiesLhs ? alignUp(mostRows * gemm.k * sizeof(float)) : 0);
  for (Arena &buffer : scratch)
    if (buffer.size() < args.resultOffset + resultBytes)
      buffer =
          Arena(args.resultOffset + resultBytes, "scratch memory of a product");
  args.scratch = scratch.data();
}

OneDnnGemms::OneDnnGemms(std::shared_ptr<const OneDnnLibrary> library,
                         ThreadPool &pool)
    : state(std::make_unique<State>(std::move(library), pool)) {}

OneDnnGemms::~OneDnnGemms() = default;

void OneDnnGemms::run(const OneDnnGemm &gemm) {
  if (gemm.count <= 0 || gemm.rows <= 0 || gemm.n <= 0)
    return;
  const OneDnnLibrary &library = *state->library;
  ProductArgs args = {library, gemm, Slicing(gemm), state->streams.data()};
  {
    OneOpenMPThread oneThread(library); // a primitive is made for as many
    state->prepare(args);
  }
  if (!state->pool.parallel(runTasks, &args, args.slicing.numTasks()))
    throw Failure(VITC_INTERNAL, "a product was launched from within a task; "
                                 "needs to come from the entry function");
  library.check(args.status.load(), "dnnl_primitive_execute");
}
