//===- TextEncoder.cpp - Embedding and blocks of a text encoder -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextEncoder.h"

#include "DistanceBias.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

Value TextEncoder::encoderBlock(Value input, Value memory, int64_t index) {
  const TextNames &names = spec.names;
  const std::string block = text.ofBlock(index);
  Value hidden = text.residual(
      input,
      [&](Value tokens) {
        return text.attend(text.selfRows(tokens, block), form, index,
                           block + names.attention,
                           block + names.attentionOutput);
      },
      block + names.attentionNorm, block + names.attentionOutput);
  if (memory)
    hidden = text.residual(
        hidden,
        [&](Value tokens) {
          AttentionRows rows = text.memoryRows(memory, block);
          rows.query = text.crossQuery(tokens, block);
          return text.attend(rows, {}, index, block + names.cross.attention,
                             block + names.cross.output);
        },
        block + names.cross.norm, block + names.cross.output);
  return text.residual(
      hidden, [&](Value tokens) { return text.mlp(tokens, block); },
      block + names.mlpNorm, block + names.mlpOutput);
}

Value TextEncoder::build(const TextEncoderInputs &inputs) {
  Value hidden = text.embed(inputs.ids, inputs.types, /*position=*/Value());
  if (!spec.names.embeddingNorm.empty())
    hidden = text.norm(hidden, ofModel(spec.names.embeddingNorm));
  if (inputs.mask)
    form.mask = buildKeyMask(layers, inputs.mask, spec.length,
                             ofModel("attention_mask"));
  if (!spec.names.distances.empty())
    form.bias = buildDistanceBias(layers, spec);
  if (spec.causal)
    form.causal = 0;
  for (int64_t index = 0; index < spec.numLayers; ++index)
    hidden = encoderBlock(hidden, inputs.memory, index);
  return hidden;
}
