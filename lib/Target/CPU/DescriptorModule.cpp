//===- DescriptorModule.cpp - The model descriptor as LLVM IR ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DescriptorModule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Analysis/BatchItems.h"
#include "vitc/Config.h"
#include "vitc/Runtime/Descriptor.h"
#include "vitc/Runtime/vitc.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"

using namespace mlir;
using namespace vitc;
using llvm::Constant;

namespace {
/// Builds constants that mirror the structs of Runtime/Descriptor.h: fields in
/// order, each at its natural alignment, as the C++ compiler lays them out.
class DescriptorBuilder {
public:
  DescriptorBuilder(llvm::Module &module)
      : module(module), context(module.getContext()) {}

  Constant *integer(int64_t value, unsigned width) {
    return llvm::ConstantInt::getSigned(llvm::Type::getIntNTy(context, width),
                                        value);
  }
  Constant *i32(int64_t value) { return integer(value, 32); }
  Constant *i64(int64_t value) { return integer(value, 64); }
  Constant *null() {
    return llvm::ConstantPointerNull::get(
        llvm::PointerType::getUnqual(context));
  }
  Constant *number(double value) {
    return llvm::ConstantFP::get(llvm::Type::getFloatTy(context), value);
  }
  Constant *doubleNumber(double value) {
    return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context), value);
  }
  Constant *record(ArrayRef<Constant *> fields) {
    return llvm::ConstantStruct::getAnon(context, fields);
  }
  /// A pointer to a NUL-terminated string.
  Constant *string(StringRef value) {
    return global(llvm::ConstantDataArray::getString(context, value));
  }
  /// A pointer to the first of `elements`, null when there are none.
  Constant *array(ArrayRef<Constant *> elements) {
    return elements.empty() ? null() : global(inlineArray(elements));
  }
  Constant *inlineArray(ArrayRef<Constant *> elements) {
    return llvm::ConstantArray::get(
        llvm::ArrayType::get(elements.front()->getType(), elements.size()),
        elements);
  }
  Constant *external(StringRef name, llvm::Type *type) {
    auto *symbol = new llvm::GlobalVariable(module, type, /*isConstant=*/true,
                                            llvm::GlobalValue::ExternalLinkage,
                                            nullptr, name);
    symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return symbol;
  }
  Constant *function(StringRef name) {
    auto *type =
        llvm::FunctionType::get(llvm::Type::getVoidTy(context),
                                {llvm::PointerType::getUnqual(context)}, false);
    auto callee = module.getOrInsertFunction(name, type);
    auto *symbol = llvm::cast<llvm::Function>(callee.getCallee());
    symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return symbol;
  }

  Constant *tensor(kernel::TensorAttr tensor);
  Constant *code(StringRef isa, kernel::CodeAttr code, StringRef symbol);
  Constant *preprocess(vit::PreprocessAttr preprocess, RankedTensorType input);
  Constant *tokenGrid(vit::TokenGridAttr grid);
  Constant *attention(ArrayAttr layers, ArrayRef<kernel::TensorAttr> maps);

private:
  Constant *global(Constant *value) {
    return new llvm::GlobalVariable(module, value->getType(), true,
                                    llvm::GlobalValue::PrivateLinkage, value);
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
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
  return record({string(tensor.getName()), array(dims), i32(dims.size()),
                 i32(*getDtype(tensor.getType().getElementType()))});
}

Constant *DescriptorBuilder::code(StringRef isa, kernel::CodeAttr code,
                                  StringRef symbol) {
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
  return record({string(isa), function(symbol), i64(code.getScratchBytes()),
                 array(sites), i32(sites.size()), i32(code.getUsesOneDNN())});
}

/// Whether pixels of grey or colour, and of one size, go in: [B, C, H, W].
static bool isPicture(RankedTensorType input) {
  return input && input.getRank() == 4 &&
         llvm::is_contained({1, 3}, input.getDimSize(1)) &&
         !input.isDynamicDim(2) && !input.isDynamicDim(3);
}

Constant *DescriptorBuilder::preprocess(vit::PreprocessAttr preprocess,
                                        RankedTensorType input) {
  // The program reads pictures when the source says how.
  bool isImage = preprocess && isPicture(input);
  int64_t channels = isImage ? input.getDimSize(1) : 0;
  int64_t height = isImage ? input.getDimSize(2) : 0;
  int64_t width = isImage ? input.getDimSize(3) : 0;
  SmallVector<int64_t> resize(2, 0);
  bool doResize = false, doCrop = false, doRescale = false, doNormalize = false;
  int64_t interpolation = 0;
  double rescale = 1.0;
  SmallVector<double> mean(4, 0.0), deviation(4, 1.0);
  if (isImage) {
    doResize = static_cast<bool>(preprocess.getResize());
    if (doResize) {
      ArrayRef<int64_t> size = preprocess.getResize().asArrayRef();
      resize = {size[0], size.size() > 1 ? size[1] : 0};
    }
    interpolation = preprocess.getInterpolation();
    doCrop = static_cast<bool>(preprocess.getCrop());
    doRescale = static_cast<bool>(preprocess.getRescale());
    if (doRescale)
      rescale = preprocess.getRescale().getValueAsDouble();
    doNormalize = preprocess.getMean() && preprocess.getStd();
    if (doNormalize) {
      llvm::copy(preprocess.getMean().asArrayRef().take_front(4), mean.begin());
      llvm::copy(preprocess.getStd().asArrayRef().take_front(4),
                 deviation.begin());
    }
  }
  auto numbers = [&](ArrayRef<double> values) {
    SmallVector<Constant *> elements;
    for (double value : values)
      elements.push_back(number(value));
    return inlineArray(elements);
  };
  return record({i32(isImage ? 0 : -1), i32(channels), i32(height), i32(width),
                 i32(doResize), i32(resize[0]), i32(resize[1]),
                 i32(interpolation), i32(doCrop), i32(doRescale),
                 i32(doNormalize), doubleNumber(rescale), numbers(mean),
                 numbers(deviation)});
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
  if (name == "classification")
    return rt::Task::Classification;
  return name == "embedding" ? rt::Task::Embedding : rt::Task::Tensor;
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

FailureOr<std::unique_ptr<llvm::Module>> vitc::buildDescriptorModule(
    ModuleOp module, ArrayRef<LevelCode> levels, const ProgramSizes &sizes,
    const ProgramOptions &options, llvm::LLVMContext &context) {
  auto result = std::make_unique<llvm::Module>("descriptor", context);
  DescriptorBuilder builder(*result);

  auto model =
      module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  SmallVector<Constant *> entries;
  RankedTensorType input;
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
    for (const LevelCode &level : levels)
      for (const EntryCode &code : level.entries)
        if (code.entry == function.getName())
          codes.push_back(builder.code(level.isa, code.code, code.symbol));
    entries.push_back(builder.record(
        {builder.string(function.getName()), builder.array(inputs),
         builder.array(outputs), builder.i32(inputs.size()),
         builder.i32(outputs.size()), builder.i64(entry.getArenaBase()),
         builder.i64(entry.getArenaPerBatch()), builder.array(codes),
         builder.i32(codes.size()),
         builder.i32(areItemsIndependent(function))}));
    if (function.getName() == "forward" && !entry.getInputs().empty())
      input = entry.getInputs().front().getType();
    if (function.getName() == "attention") {
      FailureOr<AttentionMaps> found = getAttentionMaps(function, entry);
      if (failed(found))
        return failure();
      attention = *found;
    }
  }

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
      weights,
      builder.i64(sizes.weights),
      builder.array(entries),
      builder.i32(entries.size()),
      builder.i32(labels.size()),
      builder.array(labels),
      builder.preprocess(model ? model.getPreprocess() : vit::PreprocessAttr(),
                         input),
      builder.attention(attention.layers, attention.maps),
      builder.i64(sizes.getCode()),
      builder.i64(model ? model.getParameters() : 0),
      builder.string(model ? text(model.getName()) : ""),
      builder.string(model ? text(model.getSource()) : ""),
      builder.string(model ? text(model.getLicence()) : ""),
      builder.string("f32"),
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
