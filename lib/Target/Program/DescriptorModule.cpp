//===- DescriptorModule.cpp - The model descriptor as LLVM IR ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DescriptorModule.h"

#include "GenerationDescriptor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Analysis/BatchItems.h"
#include "vitc/Config.h"
#include "vitc/Runtime/Descriptor.h"
#include "vitc/Runtime/vitc.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace vitc;
using llvm::Constant;

/// Bytes; of an ELF file in memory.
static constexpr uint64_t kCubinAlignment = 16;

namespace {
/// Adds the model's own structs.
class DescriptorBuilder : public ConstantBuilder {
public:
  using ConstantBuilder::ConstantBuilder;

  Constant *tensor(kernel::TensorAttr tensor);
  Constant *image(const std::optional<DeviceCode> &device);
  Constant *code(StringRef isa, const EntryCode &entry, Constant *image);
  Constant *preprocess(vit::PreprocessAttr preprocess,
                       ArrayRef<kernel::TensorAttr> inputs);
  Constant *ranking(vit::RankingAttr ranking);
  Constant *tokenGrid(vit::TokenGridAttr grid);
  Constant *text(vit::TextAttr text, ArrayRef<kernel::TensorAttr> inputs,
                 bool isPrompt);
  Constant *attention(ArrayAttr layers, ArrayRef<kernel::TensorAttr> maps);
};
} // namespace

/// The runtime's number for an element type; none for one that it has not.
static std::optional<int32_t> getDtype(Type type) {
  if (type.isF32())
    return VITC_F32;
  if (type.isF64())
    return VITC_F64;
  if (type.isF16())
    return VITC_F16;
  if (type.isBF16())
    return VITC_BF16;
  if (!type.isInteger())
    return std::nullopt;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return VITC_BOOL;
  case 8:
    return isUnsigned ? VITC_U8 : VITC_I8;
  case 16:
    return isUnsigned ? VITC_U16 : VITC_I16;
  case 32:
    return isUnsigned ? VITC_U32 : VITC_I32;
  case 64:
    return isUnsigned ? VITC_U64 : VITC_I64;
  default:
    return std::nullopt;
  }
}

Constant *DescriptorBuilder::tensor(kernel::TensorAttr tensor) {
  SmallVector<Constant *> dims;
  for (int64_t size : tensor.getType().getShape())
    dims.push_back(i64(ShapedType::isDynamic(size) ? -1 : size));
  DenseI64ArrayAttr counted = tensor.getCounted();
  return record({string(tensor.getName()), array(dims), i32(dims.size()),
                 i32(*getDtype(tensor.getType().getElementType())),
                 i32(counted ? counted[0] : 0),
                 i32(counted ? counted[1] : -1)});
}

/// A pointer to the kernels of a GPU; null where there is none.
Constant *DescriptorBuilder::image(const std::optional<DeviceCode> &device) {
  if (!device)
    return null();
  SmallVector<Constant *> kernels;
  for (const DeviceKernel &kernel : device->kernels)
    kernels.push_back(record(
        {string(kernel.name), i32(kernel.threads), i32(kernel.sharedBytes)}));
  ArrayRef<char> cubin = device->cubin;
  return array(
      {record({string(device->target->name), string(device->ptx),
               i64(device->ptx.size() + 1),
               cubin.empty() ? null() : bytes(cubin, kCubinAlignment),
               i64(cubin.size()), array(kernels), i32(kernels.size())})});
}

Constant *DescriptorBuilder::code(StringRef isa, const EntryCode &entry,
                                  Constant *image) {
  kernel::CodeAttr code = entry.code;
  SmallVector<Constant *> sites;
  for (kernel::SiteAttr site : code.getSites()) {
    SmallVector<int64_t> work(4, 0);
    if (site.getWork())
      work.assign(site.getWork().asArrayRef().begin(),
                  site.getWork().asArrayRef().end());
    sites.push_back(
        record({string(site.getSource()), string(site.getKernel()),
                i64(work[0]), i64(work[1]), i64(work[2]), i64(work[3])}));
  }
  return record({string(isa), function(entry.symbol),
                 i64(code.getScratchBytes()), array(sites), i32(sites.size()),
                 i32(code.getUsesOneDNN()), i32(code.getReadsDevice()), image});
}

/// Whether pixels of one size go in: [B, C, H, W].
static bool isPicture(RankedTensorType input) {
  return input.getRank() == 4 && input.getElementType().isF32() &&
         input.getDimSize(1) >= 1 && input.getDimSize(1) <= 4 &&
         !input.isDynamicDim(2) && !input.isDynamicDim(3);
}

Constant *DescriptorBuilder::preprocess(vit::PreprocessAttr preprocess,
                                        ArrayRef<kernel::TensorAttr> inputs) {
  // The program reads pictures when the source says how.
  const auto *input = llvm::find_if(inputs, [](kernel::TensorAttr tensor) {
    return isPicture(tensor.getType());
  });
  auto channels = [&](DenseF64ArrayAttr list, double absent) {
    SmallVector<Constant *> elements(4, number(absent));
    if (list)
      for (auto [element, value] : llvm::zip(elements, list.asArrayRef()))
        element = number(value);
    return inlineArray(elements);
  };
  if (!preprocess || input == inputs.end()) {
    SmallVector<Constant *> fields(19, i32(0));
    fields[0] = fields[1] = fields[2] = i32(-1);
    fields.append({doubleNumber(1.0), channels({}, 0.0), channels({}, 1.0)});
    return record(fields);
  }
  auto index = [&](StringAttr name) {
    const auto *found = llvm::find_if(inputs, [&](kernel::TensorAttr tensor) {
      return name && tensor.getName() == name;
    });
    return i32(found == inputs.end() ? -1 : found - inputs.begin());
  };
  SmallVector<int64_t> resize(2, 0), crop(2, 0);
  if (DenseI64ArrayAttr list = preprocess.getResize())
    llvm::copy(list.asArrayRef(), resize.begin());
  if (DenseI64ArrayAttr list = preprocess.getCrop())
    llvm::copy(list.asArrayRef(), crop.begin());
  ArrayRef<int64_t> shape = input->getType().getShape();
  FloatAttr rescale = preprocess.getRescale();
  return record({i32(input - inputs.begin()),
                 index(preprocess.getMask()),
                 index(preprocess.getNoise()),
                 i32(shape[1]),
                 i32(preprocess.getBgr()),
                 i32(shape[2]),
                 i32(shape[3]),
                 i32(resize[0] != 0),
                 i32(resize[0]),
                 i32(resize[1]),
                 i32(preprocess.getInside()),
                 i32(preprocess.getInterpolation()),
                 i32(preprocess.getAntialias()),
                 i32(crop[0] != 0),
                 i32(crop[0]),
                 i32(crop[1]),
                 i32(static_cast<int32_t>(preprocess.getPad())),
                 i32(static_cast<bool>(rescale)),
                 i32(static_cast<bool>(preprocess.getMean())),
                 doubleNumber(rescale ? rescale.getValueAsDouble() : 1.0),
                 channels(preprocess.getMean(), 0.0),
                 channels(preprocess.getStd(), 1.0)});
}

Constant *DescriptorBuilder::text(vit::TextAttr text,
                                  ArrayRef<kernel::TensorAttr> inputs,
                                  bool isPrompt) {
  auto index = [&](StringAttr name) {
    const auto *found = llvm::find_if(inputs, [&](kernel::TensorAttr input) {
      return input.getName() == name;
    });
    return i32(name && found != inputs.end() ? found - inputs.begin() : -1);
  };
  if (!text)
    return record({null(), i64(0), i32(0), i32(-1), i32(-1), i32(-1), i32(0)});
  ArrayRef<char> table = text.getTokenizer().getData();
  return record({bytes(table), i64(table.size()), i32(text.getMaxLength()),
                 index(text.getIds()), index(text.getMask()),
                 index(text.getTypes()), i32(isPrompt)});
}

Constant *DescriptorBuilder::ranking(vit::RankingAttr ranking) {
  if (!ranking)
    return record({doubleNumber(0), doubleNumber(0)});
  return record({doubleNumber(ranking.getScale().getValueAsDouble()),
                 doubleNumber(ranking.getBias().getValueAsDouble())});
}

Constant *DescriptorBuilder::tokenGrid(vit::TokenGridAttr grid) {
  if (!grid)
    return record({i32(0), i32(0), i32(0), i32(0)});
  return record({i32(grid.getPrefix()), i32(grid.getHeight()),
                 i32(grid.getWidth()), i32(grid.getClassToken())});
}

/// `maps` are the outputs for `layers`, then the projections.
Constant *DescriptorBuilder::attention(ArrayAttr layers,
                                       ArrayRef<kernel::TensorAttr> maps) {
  if (!layers)
    return record({null(), i32(0), i32(0)});
  auto pair = [&](DenseI64ArrayAttr sizes) {
    return inlineArray({i32(sizes ? sizes[0] : 0), i32(sizes ? sizes[1] : 0)});
  };
  SmallVector<Constant *> records;
  for (auto [layer, map] :
       llvm::zip(layers.getAsRange<vit::AttentionLayerAttr>(), maps)) {
    ArrayRef<int64_t> dims = map.getType().getShape();
    int64_t projection = layer.getProjection(), tokens = dims[4];
    if (projection >= 0)
      tokens = maps[layers.size() + projection].getType().getShape().back();
    records.push_back(
        record({string(layer.getName()), i32(layer.getNumber()), i32(dims[1]),
                i32(dims[2]), i32(dims[3]), i32(dims[4]), i32(projection),
                i32(tokens), tokenGrid(layer.getQueries()),
                tokenGrid(layer.getKeys()), pair(layer.getWindow()),
                pair(layer.getSize()), pair(layer.getShift())}));
  }
  return record(
      {array(records), i32(layers.size()), i32(maps.size() - layers.size())});
}

static rt::Task getTask(StringRef name) {
  return llvm::StringSwitch<rt::Task>(name)
      .Case("classification", rt::Task::Classification)
      .Case("embedding", rt::Task::Embedding)
      .Case("segmentation", rt::Task::Segmentation)
      .Case("detection", rt::Task::Detection)
      .Case("picture", rt::Task::Picture)
      .Case("ranking", rt::Task::Ranking)
      .Case("fill-mask", rt::Task::FillMask)
      .Case("generation", rt::Task::Generation)
      .Default(rt::Task::Tensor);
}

/// Whether the runtime has the types of an entry's inputs and outputs.
static LogicalResult verifyDtypes(func::FuncOp function,
                                  kernel::EntryAttr entry) {
  for (kernel::TensorAttr tensor : llvm::concat<const kernel::TensorAttr>(
           entry.getInputs(), entry.getOutputs()))
    if (!getDtype(tensor.getType().getElementType()))
      return function.emitOpError()
             << "has " << tensor.getName() << " of type " << tensor.getType()
             << "; needs elements of f16, bf16, f32, f64, i1 or integers of 8, "
                "16, 32 or 64 bits";
  return success();
}

namespace {
/// What @attention returns behind the outputs of @forward.
struct AttentionMaps {
  ArrayAttr layers;                  // null: nothing
  ArrayRef<kernel::TensorAttr> maps; // of the layers, then the projections
};
} // namespace

/// The layers that @attention says it gives the maps of, which must be what it
/// returns.
static FailureOr<AttentionMaps> getAttentionMaps(func::FuncOp function,
                                                 kernel::EntryAttr entry) {
  auto layers =
      function->getAttrOfType<ArrayAttr>(vit::VitDialect::kAttentionLayersAttr);
  if (!layers || !llvm::all_of(layers, llvm::IsaPred<vit::AttentionLayerAttr>))
    return function.emitOpError()
           << "has no list of #vit.attention_layer as "
           << vit::VitDialect::kAttentionLayersAttr << "; needs one";
  size_t numMaps = layers.size();
  for (auto layer : layers.getAsRange<vit::AttentionLayerAttr>())
    numMaps =
        std::max<size_t>(numMaps, layers.size() + layer.getProjection() + 1);
  if (entry.getInputs().empty() || entry.getOutputs().size() < numMaps)
    return function.emitOpError()
           << "has " << entry.getInputs().size() << " inputs and "
           << entry.getOutputs().size() << " outputs; needs a selection and "
           << numMaps << " maps and projections";
  ArrayRef<kernel::TensorAttr> maps = entry.getOutputs().take_back(numMaps);
  for (kernel::TensorAttr map : maps.take_front(layers.size()))
    if (map.getType().getRank() != 5 || !map.getType().getElementType().isF32())
      return function.emitOpError()
             << "has map " << map.getName() << " of type " << map.getType()
             << "; needs [batch, windows, heads, queries, keys] of f32";
  return AttentionMaps{layers, maps};
}

static bool anyUsesOneDNN(ArrayRef<LevelCode> levels) {
  return llvm::any_of(levels, [](const LevelCode &level) {
    return llvm::any_of(level.entries, [](const EntryCode &entry) {
      return entry.code.getUsesOneDNN();
    });
  });
}

/// Who computes products; `auto` has chosen for each.
static StringRef getBackend(StringRef option, bool usesOneDNN) {
  if (option != "auto")
    return option;
  return usesOneDNN ? "llvm, onednn" : "llvm";
}

StringRef vitc::getPrecision(ModuleOp module) {
  for (auto weight : module.getOps<kernel::WeightOp>()) {
    if (weight.getValue().getKind() != vit::WeightExprKind::Pack)
      continue;
    Type element = weight.getValue().getType().getElementType();
    if (element.isTF32())
      return "tf32";
    if (element.isBF16())
      return "bf16";
    if (element.isF16())
      return "f16";
  }
  return "f32";
}

FailureOr<std::unique_ptr<llvm::Module>> vitc::buildDescriptorModule(
    ModuleOp module, ArrayRef<LevelCode> levels, const ProgramSizes &sizes,
    const ProgramOptions &options, llvm::LLVMContext &context) {
  auto result = std::make_unique<llvm::Module>("descriptor", context);
  DescriptorBuilder builder(*result);

  auto model =
      module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  SmallVector<Constant *> entries, images;
  for (const LevelCode &level : levels)
    images.push_back(builder.image(level.device));
  ArrayRef<kernel::TensorAttr> forwardInputs, textInputs;
  AttentionMaps attention;
  for (auto function : module.getOps<func::FuncOp>()) {
    auto entry = function->getAttrOfType<kernel::EntryAttr>(
        kernel::KernelDialect::kEntryAttr);
    if (!entry)
      continue;
    if (failed(verifyDtypes(function, entry)))
      return failure();
    SmallVector<Constant *> inputs, outputs, codes;
    for (kernel::TensorAttr tensor : entry.getInputs())
      inputs.push_back(builder.tensor(tensor));
    for (kernel::TensorAttr tensor : entry.getOutputs())
      outputs.push_back(builder.tensor(tensor));
    for (auto [level, image] : llvm::zip(levels, images))
      for (const EntryCode &code : level.entries)
        if (code.entry == function.getName())
          codes.push_back(builder.code(level.isa, code, image));
    entries.push_back(builder.record(
        {builder.string(function.getName()), builder.array(inputs),
         builder.array(outputs), builder.i32(inputs.size()),
         builder.i32(outputs.size()), builder.i64(entry.getArenaBase()),
         builder.i64(entry.getArenaPerBatch()), builder.array(codes),
         builder.i32(codes.size()),
         builder.i32(areItemsIndependent(function))}));
    if (function.getName() == "forward" || function.getName() == "encode")
      forwardInputs = entry.getInputs();
    if (function.getName() == "text")
      textInputs = entry.getInputs();
    if (function.getName() == "attention") {
      FailureOr<AttentionMaps> found = getAttentionMaps(function, entry);
      if (failed(found))
        return failure();
      attention = *found;
    }
  }

  vit::GenerationAttr generates =
      model ? model.getGeneration() : vit::GenerationAttr();
  FailureOr<Constant *> generation = buildGenerationDescriptor(
      module, generates,
      builder.tokenGrid(model ? model.getGrid() : vit::TokenGridAttr()),
      builder);
  if (failed(generation))
    return failure();
  vit::TextAttr takesText = model ? model.getText() : vit::TextAttr();
  bool isPrompt =
      generates && takesText && takesText.getIds() == generates.getToken();

  auto text = [](StringAttr value) {
    return value ? value.getValue() : StringRef();
  };
  SmallVector<Constant *> labels;
  if (model && model.getLabels())
    for (auto label : model.getLabels().getAsRange<StringAttr>())
      labels.push_back(builder.string(label));
  Constant *weights =
      sizes.weights == 0
          ? builder.null()
          : builder.external(kWeightsSymbol, llvm::Type::getInt8Ty(context));
  bool usesOneDNN = anyUsesOneDNN(levels);
  Constant *descriptor = builder.record({
      builder.i32(rt::kDescriptorVersion),
      builder.i32(static_cast<int32_t>(
          getTask(model ? text(model.getTask()) : "tensor"))),
      builder.i32(model && model.getSigmoid()),
      weights,
      builder.i64(sizes.weights),
      builder.array(entries),
      builder.i32(entries.size()),
      builder.i32(labels.size()),
      builder.array(labels),
      builder.preprocess(model ? model.getPreprocess() : vit::PreprocessAttr(),
                         forwardInputs),
      builder.attention(attention.layers, attention.maps),
      builder.text(takesText, textInputs.empty() ? forwardInputs : textInputs,
                   isPrompt),
      builder.ranking(model ? model.getRanking() : vit::RankingAttr()),
      *generation,
      builder.i64(sizes.getCode()),
      builder.i64(model ? model.getParameters() : 0),
      builder.string(model ? text(model.getName()) : ""),
      builder.string(model ? text(model.getSource()) : ""),
      builder.string(model ? text(model.getLicence()) : ""),
      builder.string(getPrecision(module)),
      builder.string(options.target->name),
      builder.string(getBackend(options.backend, usesOneDNN)),
      builder.string(usesOneDNN ? VITC_ONEDNN_LIBRARY : ""),
      builder.string(VITC_VERSION),
  });
  new llvm::GlobalVariable(*result, descriptor->getType(), true,
                           llvm::GlobalValue::ExternalLinkage, descriptor,
                           "vitc_model_descriptor");
  return result;
}
