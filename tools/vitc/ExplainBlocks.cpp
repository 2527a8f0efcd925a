//===- ExplainBlocks.cpp - Blocks of a model by their names ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExplainReport.h"

#include "llvm/ADT/StringExtras.h"

using namespace vitc;
using llvm::StringRef;
using Kernel = ExplainReport::Kernel;

/// The prefixes of a layer's name that end with a number, longest first: of
/// "layers.2.blocks.0.attn.qkv" "layers.2.blocks.0" and "layers.2".
static std::vector<StringRef> getNumberedPrefixes(StringRef name) {
  std::vector<StringRef> prefixes;
  for (size_t end = name.size(); end > 0; --end) {
    bool endsPart = end == name.size() || name[end] == '.' || name[end] == '/';
    if (!endsPart)
      continue;
    StringRef prefix = name.take_front(end);
    StringRef part = prefix.substr(prefix.find_last_of("./") + 1);
    if (!part.empty() && llvm::all_of(part, llvm::isDigit))
      prefixes.push_back(prefix);
  }
  return prefixes;
}

static bool isInBlock(StringRef layer, StringRef block) {
  return layer.consume_front(block) &&
         (layer.starts_with(".") || layer.starts_with("/"));
}

/// The innermost block that a kernel shares with one beside it; a numbered
/// layer alone, such as mlp.3, is no block.
static StringRef getBlock(llvm::ArrayRef<Kernel> kernels, size_t index) {
  for (StringRef prefix : getNumberedPrefixes(kernels[index].getLayer()))
    if ((index > 0 && isInBlock(kernels[index - 1].getLayer(), prefix)) ||
        (index + 1 < kernels.size() &&
         isInBlock(kernels[index + 1].getLayer(), prefix)))
      return prefix;
  return "";
}

std::vector<ExplainBlock> vitc::cutBlocks(llvm::ArrayRef<Kernel> kernels) {
  std::vector<ExplainBlock> blocks;
  for (size_t i = 0; i < kernels.size(); ++i) {
    StringRef name = getBlock(kernels, i);
    bool continues = !blocks.empty() && blocks.back().name == name;
    if (!continues)
      blocks.push_back({name, kernels.slice(i, 0)});
    size_t size = blocks.back().kernels.size() + 1;
    blocks.back().kernels = kernels.slice(i + 1 - size, size);
  }
  return blocks;
}
