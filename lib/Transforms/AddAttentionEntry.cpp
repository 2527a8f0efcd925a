//===- AddAttentionEntry.cpp - The function that returns attention maps ---===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Clones @forward to @attention and, behind every vit.attention, adds
//   %m = vit.attention_map %q, %k scale s selection(%attention_queries[layer])
// while query and key are live. The rest of the clone is @forward, op by op.
// Runs before vit-narrow-tokens, so that a map sees every query. Of a model
// that generates tokens it is a clone of @step, and only attention to memory
// counts: keys that no token is among.
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Analysis/ShownAttention.h"
#include "vitc/Analysis/SourceName.h"
#include "vitc/Analysis/TokenPlacement.h"
#include "vitc/Transforms/LayerNumbers.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace vitc::vit {
#define GEN_PASS_DEF_ADDATTENTIONENTRYPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

namespace {
/// An attention op whose map is returned.
struct Layer {
  AttentionOp op;
  int64_t number;  // among all attention ops
  int64_t windows; // items of its batch for an image
  std::optional<TokenPlacement> queries, keys;
};

/// Adds maps to one clone of @forward.
class EntryBuilder {
public:
  EntryBuilder(func::FuncOp entry, TokenGridAttr modelGrid)
      : entry(entry), modelGrid(modelGrid), builder(entry) {}

  void run(ArrayRef<Layer> layers);

private:
  TokenGridAttr getGrid(const std::optional<TokenPlacement> &placement,
                        int64_t tokens);
  AttentionLayerAttr describe(const Layer &layer);
  void addResult(Value value, const Twine &name);

  func::FuncOp entry;
  TokenGridAttr modelGrid;
  OpBuilder builder;
  /// Projections of keys, and the numbers of their results.
  llvm::MapVector<Value, int64_t> projections;
};
} // namespace

/// The batch of the images: that of the first argument.
static std::optional<int64_t> getImageBatch(func::FuncOp function) {
  if (function.getNumArguments() == 0)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(function.getArgumentTypes()[0]);
  if (!type || type.getRank() == 0)
    return std::nullopt;
  return type.getDimSize(0);
}

/// How many items of a query's batch belong to an image; none when unknown.
static std::optional<int64_t> countWindows(AttentionOp op, int64_t imageBatch) {
  int64_t items = op.getQuery().getType().getDimSize(0);
  if (ShapedType::isDynamic(items) != ShapedType::isDynamic(imageBatch))
    return std::nullopt;
  if (ShapedType::isDynamic(items))
    return getBatchMultiple(op.getQuery());
  if (imageBatch < 1 || items % imageBatch != 0)
    return std::nullopt;
  return items / imageBatch;
}

/// The attention ops of `function` whose maps can be told, of the layers asked
/// for. A remark says why not.
static SmallVector<Layer> getLayers(func::FuncOp function,
                                    ArrayRef<AttentionOp> attentions,
                                    const LayerNumbers &wanted) {
  SmallVector<Layer> layers;
  std::optional<int64_t> batch = getImageBatch(function);
  TokenPlacements placements(function);
  for (auto [number, attention] : llvm::enumerate(attentions)) {
    AttentionOp op = attention;
    if (!wanted.contains(number))
      continue;
    if (!op.getQuery().getType().getElementType().isF32()) {
      op.emitRemark("no attention map: it is ")
          << op.getQuery().getType().getElementType() << "; needs f32";
      continue;
    }
    std::optional<TokenPlacement> queries = placements.find(op.getQuery());
    std::optional<int64_t> windows =
        batch ? countWindows(op, *batch) : std::nullopt;
    if (windows && *windows > 1) {
      // Windows are numbered as vit.window_partition does, or not known.
      auto [height, width] = queries ? queries->size : TokenPlacement::Pair();
      if (!queries || !queries->isWindowed() ||
          height / queries->window[0] * (width / queries->window[1]) !=
              *windows)
        windows = std::nullopt;
    }
    if (!windows) {
      op.emitRemark("no attention map: its batch is neither the picture's nor "
                    "its windows'");
      continue;
    }
    layers.push_back({op, static_cast<int64_t>(number), *windows, queries,
                      placements.find(op.getKey())});
  }
  return layers;
}

/// The grid of `tokens` tokens; null where nothing tells.
TokenGridAttr
EntryBuilder::getGrid(const std::optional<TokenPlacement> &placement,
                      int64_t tokens) {
  MLIRContext *context = builder.getContext();
  if (placement && placement->isWindowed())
    return TokenGridAttr::get(context, 0, placement->grid[0],
                              placement->grid[1], /*classToken=*/false);
  // The importer knows which of the tokens before the patches is the class's.
  if (modelGrid &&
      modelGrid.getPrefix() + modelGrid.getHeight() * modelGrid.getWidth() ==
          tokens)
    return modelGrid;
  if (!placement ||
      placement->prefix + placement->grid[0] * placement->grid[1] > tokens)
    return nullptr;
  return TokenGridAttr::get(context, placement->prefix, placement->grid[0],
                            placement->grid[1],
                            /*classToken=*/placement->prefix > 0);
}

AttentionLayerAttr EntryBuilder::describe(const Layer &layer) {
  AttentionOp op = layer.op;
  int64_t projection = -1;
  int64_t keyTokens = op.getKey().getType().getDimSize(2);
  std::optional<TokenPlacement> keys = layer.keys;
  if (keys && keys->projection) {
    auto type = cast<RankedTensorType>(keys->projection.getType());
    keyTokens = type.getDimSize(1);
    projection = projections.insert({keys->projection, projections.size()})
                     .first->second;
  }
  DenseI64ArrayAttr window, size, shift;
  bool isWindowed = layer.queries && layer.queries->isWindowed();
  if (isWindowed) {
    window = builder.getDenseI64ArrayAttr(layer.queries->window);
    size = builder.getDenseI64ArrayAttr(layer.queries->size);
    shift = builder.getDenseI64ArrayAttr(layer.queries->shift);
  }
  // Keys of other windows than the queries' are told as they are.
  TokenGridAttr keyGrid;
  if (isWindowed == (keys && keys->isWindowed()))
    keyGrid = getGrid(keys, keyTokens);
  return AttentionLayerAttr::get(
      builder.getContext(), layer.number,
      builder.getStringAttr(getSourceName(op.getLoc())),
      getGrid(layer.queries, op.getQuery().getType().getDimSize(2)), keyGrid,
      window, size, shift, projection);
}

void EntryBuilder::addResult(Value value, const Twine &name) {
  Operation *terminator = entry.getBody().front().getTerminator();
  terminator->insertOperands(terminator->getNumOperands(), value);
  unsigned index = entry.getNumResults();
  (void)entry.insertResult(index, value.getType(), DictionaryAttr());
  entry.setResultAttr(index, VitDialect::kNameAttr,
                      builder.getStringAttr(name));
}

void EntryBuilder::run(ArrayRef<Layer> layers) {
  auto type = RankedTensorType::get({static_cast<int64_t>(layers.size()), 2},
                                    builder.getI64Type());
  unsigned index = entry.getNumArguments();
  (void)entry.insertArgument(
      index, type,
      builder.getDictionaryAttr(builder.getNamedAttr(
          VitDialect::kNameAttr, builder.getStringAttr("attention_queries"))),
      entry.getLoc());
  Value selection = entry.getArgument(index);

  SmallVector<Attribute> descriptions;
  for (auto [row, layer] : llvm::enumerate(layers)) {
    AttentionOp op = layer.op;
    builder.setInsertionPointAfter(op);
    Value map = AttentionMapOp::create(
        builder, op.getLoc(), op.getQuery(), op.getKey(), op.getBias(),
        op.getMask(), op.getKeyLength(), selection, op.getScaleAttr(),
        op.getCausalAttr(), op.getSoftcapAttr(), builder.getI64IntegerAttr(row),
        builder.getI64IntegerAttr(layer.windows));
    addResult(map, "attentions." + Twine(layer.number));
    descriptions.push_back(describe(layer));
  }
  for (auto [projection, number] : projections)
    addResult(projection, "projections." + Twine(number));
  entry->setAttr(VitDialect::kAttentionLayersAttr,
                 builder.getArrayAttr(descriptions));
}

/// Where the tokens of the picture lie; null where the memory of @step is of a
/// text, which then masks its padding.
static TokenGridAttr getKeyGrid(ModelAttr model, func::FuncOp entry) {
  TextAttr text = model.getText();
  if (model.getGeneration() && text && text.getMask())
    for (unsigned i = 0; i < entry.getNumArguments(); ++i)
      if (entry.getArgAttr(i, VitDialect::kNameAttr) == text.getMask())
        return nullptr;
  return model.getGrid();
}

namespace {
struct AddAttentionEntryPass final
    : vitc::vit::impl::AddAttentionEntryPassBase<AddAttentionEntryPass> {
  using Base::Base;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<LayerNumbers> wanted = LayerNumbers::parse(layers);
    if (failed(wanted)) {
      emitError(module.getLoc())
          << "layers is '" << layers << "'; needs " << LayerNumbers::kSyntax;
      return signalPassFailure();
    }
    auto model = module->getAttrOfType<ModelAttr>(VitDialect::kModelAttr);
    GenerationAttr generation =
        model ? model.getGeneration() : GenerationAttr();
    auto source = module.lookupSymbol<func::FuncOp>(
        generation ? StringRef("step") : StringRef("forward"));
    if (!source || module.lookupSymbol("attention"))
      return;
    auto numLayers =
        static_cast<int64_t>(getShownAttention(source, generation).size());
    if (wanted->getLast() >= numLayers) {
      source.emitError() << "layers is '" << layers << "' but the model has "
                         << numLayers << " attention layers, from 0 on";
      return signalPassFailure();
    }
    OpBuilder builder(source);
    builder.setInsertionPointAfter(source);
    auto entry = cast<func::FuncOp>(builder.clone(*source));
    entry.setName("attention");
    SmallVector<Layer> found =
        getLayers(entry, getShownAttention(entry, generation), *wanted);
    if (found.empty())
      return entry.erase();
    EntryBuilder(entry, model ? getKeyGrid(model, entry) : TokenGridAttr())
        .run(found);
  }
};
} // namespace
