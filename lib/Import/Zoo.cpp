//===- Zoo.cpp - Named architectures with seeded weights ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Zoo.h"

#include "InputFile.h"
#include "SwinBuilder.h"
#include "ZooSwin.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static uint64_t fnv1a64(StringRef text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : text)
    hash = (hash ^ uint8_t(c)) * 0x100000001b3;
  return hash;
}

namespace {

/// Uniform weights, a stream of its own for each name, spread so that
/// activations stay near 1 and that biases, norms and positions matter.
class ZooWeights final : public WeightSource {
public:
  ZooWeights(StringRef model, uint64_t seed) : model(model), seed(seed) {}

  bool contains(StringRef) const override { return true; }
  RankedTensorType define(OpBuilder &builder, StringRef name,
                          ArrayRef<int64_t> shape, const Twine &because,
                          WeightRole role) override;
  LogicalResult verify() override { return success(); }
  std::string hash() const override {
    llvm::BLAKE3 hasher;
    hasher.update(model);
    return llvm::toHex(hasher.final(), /*LowerCase=*/true);
  }

private:
  std::string model;
  uint64_t seed;
};

} // namespace

static float getMean(WeightRole role) {
  return role == WeightRole::NormScale ? 1.0f : 0.0f;
}

/// Half the width of the distribution, whose deviation is scale / sqrt(3).
static float getScale(WeightRole role, ArrayRef<int64_t> shape) {
  switch (role) {
  case WeightRole::Matrix: {
    int64_t fanIn = 1;
    for (int64_t dim : shape.drop_front())
      fanIn *= dim;
    return float(std::sqrt(3.0 / double(fanIn)));
  }
  case WeightRole::Bias:
  case WeightRole::NormShift:
    return 0.125f;
  case WeightRole::NormScale:
    return 0.25f;
  case WeightRole::Token:
    return 1.0f;
  }
  llvm_unreachable("all roles are covered");
}

RankedTensorType ZooWeights::define(OpBuilder &builder, StringRef name,
                                    ArrayRef<int64_t> shape, const Twine &,
                                    WeightRole role) {
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  uint64_t stream = fnv1a64(name) ^ (seed * 0x9E3779B97F4A7C15);
  vit::WeightOp::create(builder, NameLoc::get(builder.getStringAttr(name)),
                        name, type, /*file=*/FlatSymbolRefAttr(),
                        /*offset=*/IntegerAttr(),
                        builder.getI64IntegerAttr(int64_t(stream)),
                        builder.getF32FloatAttr(getMean(role)),
                        builder.getF32FloatAttr(getScale(role, shape)));
  return type;
}

/// Half and half, for pictures of grey or RGB; null for other channels.
static vit::PreprocessAttr getPreprocess(MLIRContext &context, int64_t height,
                                         int64_t width, int64_t channels) {
  if (channels != 1 && channels != 3)
    return nullptr;
  SmallVector<double> half(channels, 0.5);
  return vit::PreprocessAttr::get(
      &context, DenseI64ArrayAttr::get(&context, {height, width}),
      /*interpolation=*/2, /*crop=*/DenseI64ArrayAttr(),
      FloatAttr::get(Float64Type::get(&context), 1.0 / 255.0),
      DenseF64ArrayAttr::get(&context, half),
      DenseF64ArrayAttr::get(&context, half));
}

static OwningOpRef<ModuleOp> importZooSwin(StringRef name, Location loc,
                                           const ImportOptions &options) {
  FailureOr<ZooSwinModel> model = parseZooSwinName(name, loc);
  if (failed(model) || failed(resolveSwin(model->spec, options, loc)))
    return nullptr;
  const SwinSpec &spec = model->spec;
  ZooWeights weights(name, model->seed);
  return buildSwin(spec, weights, /*labels=*/nullptr,
                   getPreprocess(*loc.getContext(), spec.imageHeight,
                                 spec.imageWidth, spec.channels),
                   options, loc);
}

OwningOpRef<ModuleOp> import_::importZoo(StringRef name, MLIRContext &context,
                                         const ImportOptions &options) {
  Location loc = getFileLoc(("zoo:" + name).str(), context);
  if (llvm::is_contained(getZooSwinNames(), name.split('?').first))
    return importZooSwin(name, loc, options);
  FailureOr<ZooModel> model = parseZooName(name, loc);
  if (failed(model) || failed(resolveSpec(model->spec, options, loc)))
    return nullptr;
  const VitSpec &spec = model->spec;
  VitModelInfo info;
  info.preprocess =
      getPreprocess(context, spec.imageHeight, spec.imageWidth, spec.channels);
  ZooWeights weights(name, model->seed);
  return buildVit(spec, weights, info, options, loc);
}
