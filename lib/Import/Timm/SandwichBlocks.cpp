//===- SandwichBlocks.cpp - What is around a token mixer of timm ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SandwichBlocks.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr int64_t kKeep = 1, kHalve = 2; // strides

Value import_::addSandwichConv(TimmLayers &layers, Value map,
                               const std::string &layer, StringRef conv) {
  Value branch =
      layers.convNorm(map, layer + ".m", TimmActivation::None, kKeep, conv);
  return layers.add(map, branch, layer);
}

Value import_::addSandwichMlp(TimmLayers &layers, Value map,
                              const std::string &layer, StringRef conv) {
  Value branch =
      layers.convNorm(map, layer + ".m.pw1", TimmActivation::Relu, kKeep, conv);
  branch = layers.convNorm(branch, layer + ".m.pw2", TimmActivation::None,
                           kKeep, conv);
  return layers.add(map, branch, layer);
}

static Value mergePatches(TimmLayers &layers, Value map,
                          const std::string &layer, StringRef conv) {
  map =
      layers.convNorm(map, layer + ".conv1", TimmActivation::Relu, kKeep, conv);
  map = layers.convNorm(map, layer + ".conv2", TimmActivation::Relu, kHalve,
                        conv);
  map = layers.squeezeExcite(map, layer + ".se", TimmActivation::Relu);
  return layers.convNorm(map, layer + ".conv3", TimmActivation::None, kKeep,
                         conv);
}

Value import_::downsampleSandwich(TimmLayers &layers, Value map,
                                  const std::string &prefix,
                                  const SandwichNames &names, StringRef conv) {
  auto nameOf = [&](StringRef part) { return prefix + part.str(); };
  if (!layers.contains(nameOf(names.merge) + ".conv1." + conv + ".weight"))
    return map;
  map = addSandwichConv(layers, map, nameOf(names.firstConv), conv);
  map = addSandwichMlp(layers, map, nameOf(names.firstMlp), conv);
  map = mergePatches(layers, map, nameOf(names.merge), conv);
  map = addSandwichConv(layers, map, nameOf(names.lastConv), conv);
  return addSandwichMlp(layers, map, nameOf(names.lastMlp), conv);
}
