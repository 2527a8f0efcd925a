//===- Reference.cpp - What every layer should compute --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values cross by MLIR's C interface: the code takes the addresses of memref
// descriptors, first that of a structure of one for each result.
//
//===----------------------------------------------------------------------===//

#include "Reference.h"

#include "AttentionMaps.h"
#include "ReferenceLowering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Analysis/ShownAttention.h"
#include "vitc/Target/Weights.h"

#include <cstdlib>

using namespace mlir;
using namespace vitc;

/// Words of a memref descriptor: two pointers, offset, sizes and strides.
static size_t getDescriptorWords(size_t rank) { return 3 + 2 * rank; }

static std::vector<int64_t> describe(const HostTensor &tensor) {
  auto address = reinterpret_cast<int64_t>(tensor.bytes.data());
  std::vector<int64_t> words = {address, address, 0};
  llvm::append_range(words, tensor.shape);
  int64_t stride = 1;
  std::vector<int64_t> strides;
  for (int64_t size : llvm::reverse(tensor.shape)) {
    strides.push_back(stride);
    stride *= size;
  }
  words.insert(words.end(), strides.rbegin(), strides.rend());
  return words;
}

/// Copies a result, whose layout is the identity.
static HostTensor copyResult(RankedTensorType type, ArrayRef<int64_t> words) {
  HostTensor tensor{type.getElementType(), {}, {}};
  llvm::append_range(tensor.shape, words.slice(3, type.getRank()));
  int64_t size = getTensorElementBytes(tensor.element);
  const char *data = reinterpret_cast<const char *>(words[1]) + words[2] * size;
  tensor.bytes.assign(data, data + tensor.getNumElements() * size);
  return tensor;
}

/// Calls `function` and copies its results, which may share memory.
static std::vector<HostTensor> call(PackedFn function, TypeRange types,
                                    ArrayRef<HostTensor> inputs) {
  std::vector<std::vector<int64_t>> descriptors;
  size_t words = 0;
  for (Type type : types)
    words += getDescriptorWords(cast<RankedTensorType>(type).getRank());
  std::vector<int64_t> results(words);
  for (const HostTensor &input : inputs)
    descriptors.push_back(describe(input));
  SmallVector<void *> arguments = {results.data()};
  for (std::vector<int64_t> &descriptor : descriptors)
    arguments.push_back(descriptor.data());
  function(arguments.data());

  std::vector<HostTensor> tensors;
  llvm::SmallPtrSet<void *, 32> allocated;
  ArrayRef<int64_t> rest(results);
  for (Type type : types) {
    auto tensor = cast<RankedTensorType>(type);
    tensors.push_back(copyResult(tensor, rest));
    allocated.insert(reinterpret_cast<void *>(rest.front()));
    rest = rest.drop_front(getDescriptorWords(tensor.getRank()));
  }
  for (void *memory : allocated)
    std::free(memory);
  return tensors;
}

/// The values of the module's constants, by symbol.
static FailureOr<llvm::StringMap<std::string>>
readConstants(ModuleOp module, const ConstantSymbols &constants) {
  FailureOr<std::unique_ptr<WeightEvaluator>> evaluator =
      WeightEvaluator::create(module);
  if (failed(evaluator))
    return failure();
  llvm::StringMap<std::string> values;
  for (const auto &[expr, symbol] : constants) {
    llvm::raw_string_ostream os(values[symbol]);
    if (failed((*evaluator)->write(expr, os)))
      return failure();
  }
  return values;
}

/// The ops that hold weights, which are no code.
static void eraseWeights(ModuleOp module) {
  for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
    if (isa<vit::WeightOp, vit::WeightFileOp>(op))
      op.erase();
}

FailureOr<std::unique_ptr<Reference>>
Reference::create(ModuleOp raised, ArrayRef<vit::AttentionLayerAttr> mapLayers,
                  TimingScope &timing) {
  std::unique_ptr<Reference> reference(new Reference());
  OwningOpRef<ModuleOp> module(raised.clone());
  for (auto function :
       llvm::make_early_inc_range(module->getOps<func::FuncOp>()))
    if (function.getName() != "forward")
      function.erase();
  auto forward = module->lookupSymbol<func::FuncOp>("forward");
  auto model =
      (*module)->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  SmallVector<vit::AttentionOp> attentions = getShownAttention(
      forward, model ? model.getGeneration() : vit::GenerationAttr());
  forward.removeArgAttrsAttr();
  forward.removeResAttrsAttr();
  reference->numOutputs = forward.getNumResults();
  reference->numMaps = mapLayers.size();
  if (failed(addAttentionMaps(forward, attentions, mapLayers)))
    return failure();
  ConstantSymbols constants;
  reference->observed = observeValues(forward, constants);
  llvm::append_range(reference->types, forward.getResultTypes());

  FailureOr<llvm::StringMap<std::string>> values =
      readConstants(*module, constants);
  if (failed(values))
    return failure();
  reference->constants = std::move(*values);
  eraseWeights(*module);
  if (failed(lowerReference(*module, timing)))
    return failure();
  llvm::StringMap<const void *> symbols;
  for (const auto &value : reference->constants)
    symbols[value.getKey()] = value.getValue().data();
  FailureOr<PackedFn> function = compileInProcess(
      *module, "_mlir_ciface_forward", symbols, reference->jit);
  if (failed(function))
    return failure();
  reference->function = *function;
  return reference;
}

ReferenceRun Reference::run(ArrayRef<HostTensor> inputs) const {
  std::vector<HostTensor> tensors = call(function, types, inputs);
  ReferenceRun run;
  for (const ObservedValue &value : observed)
    run.values.push_back({value.name, value.op, tensors[value.result]});
  auto maps = tensors.begin() + numOutputs;
  run.outputs.assign(tensors.begin(), maps);
  run.maps.assign(maps, maps + numMaps);
  return run;
}
