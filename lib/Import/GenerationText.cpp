//===- GenerationText.cpp - The text that a folder's model reads ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenerationText.h"

#include "EntryModules.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr StringLiteral kKeys[] = {"ids",   "mask",       "max_length",
                                          "words", "characters", "unknown",
                                          "pad",   "prefix",     "suffix"};
/// Those of them that give tokens a role.
static constexpr StringLiteral kRoles[] = {"unknown", "pad", "prefix",
                                           "suffix"};

GenerationText::GenerationText(Config &manifest)
    : manifest(manifest), config(manifest.getObject("text")) {
  if (!manifest.contains("text") || manifest.failed())
    return;
  config.rejectOthers(kKeys, "text ");
  ids = config.getString("ids", "input_ids");
  mask = config.getString("mask", "");
  length = config.getSize("max_length", 0, kMaxTokens);
  if (!config.contains("max_length"))
    config.emitError() << "text has no max_length";
  if (config.failed())
    manifest.noteError();
}

std::optional<OnnxText> GenerationText::getUnpadded() {
  if (length == 0 || !mask.empty())
    return std::nullopt;
  return OnnxText{ids, ids + "_mask", length, &isUnpadded};
}

LogicalResult GenerationText::verifyInput(func::FuncOp encode, StringRef name,
                                          StringRef token) {
  if (name.empty())
    return success();
  std::optional<unsigned> index = findArgument(encode, name);
  if (name == token && index)
    return config.emitError() << "text names '" << name
                              << "', which is an input of @encode and of "
                                 "@step; needs a name of its own";
  if (name == token)
    return success(); // the step takes it, as a prompt
  if (!index)
    return config.emitError()
           << "text names '" << name << "', which is no input of @encode";
  auto type = cast<RankedTensorType>(encode.getArgumentTypes()[*index]);
  if (type.getRank() == 2 && type.getDimSize(1) == length &&
      (type.getElementType().isInteger(32) ||
       type.getElementType().isInteger(64)))
    return success();
  return config.emitError() << "text names '" << name << "' of type " << type
                            << "; its max_length = " << length
                            << " needs i32 or i64 [batch, " << length << "]";
}

FailureOr<DenseResourceElementsAttr>
GenerationText::makeTable(StringRef folder, const GeneratedTokens &generated) {
  GenerationTokens tokens(config, "text ");
  if (failed(tokens.readWords(folder, manifest.getBool("lowercase", false))))
    return failure();
  WordRoles roles;
  if (!tokens.hasWords()) {
    if (!generated.table)
      return config.emitError() << "has text but no words and no characters";
    if (llvm::none_of(kRoles,
                      [&](StringRef key) { return config.contains(key); }))
      return generated.table;
    tokens.setWords(generated.tokens.getWords());
    roles = generated.roles;
  }
  roles.pad = tokens.readToken("pad", roles.pad);
  roles.unknown = tokens.readToken("unknown", roles.unknown);
  roles.prefix = tokens.readTokens("prefix");
  roles.suffix = tokens.readTokens("suffix");
  auto around = static_cast<int64_t>(roles.prefix.size() + roles.suffix.size());
  if (around >= length)
    return config.emitError()
           << "text has max_length = " << length
           << "; its prefix and suffix of " << around << " tokens need more";
  if (config.failed())
    return failure();
  return tokens.makeTable(roles);
}

LogicalResult GenerationText::verifyMask(func::FuncOp encode, StringRef token) {
  if (mask.empty())
    return success();
  if (ids == token)
    return config.emitError()
           << "text has the mask '" << mask << "' and the ids '" << ids
           << "', which the step reads as its token; needs no mask, since a "
              "prompt is not padded";
  return encode ? verifyInput(encode, mask, /*token=*/"") : success();
}

FailureOr<vit::TextAttr>
GenerationText::makeAttr(func::FuncOp encode, StringRef folder,
                         const GeneratedTokens &generated, StringRef token) {
  if (length == 0)
    return vit::TextAttr();
  FailureOr<DenseResourceElementsAttr> table = makeTable(folder, generated);
  if (failed(table) || (encode && failed(verifyInput(encode, ids, token))) ||
      failed(verifyMask(encode, token))) {
    manifest.noteError();
    return failure();
  }
  std::string name = isUnpadded ? getUnpadded()->mask : mask;
  Builder b(config.getLoc().getContext());
  return vit::TextAttr::get(b.getContext(), *table, length,
                            b.getStringAttr(ids),
                            name.empty() ? StringAttr() : b.getStringAttr(name),
                            /*types=*/StringAttr());
}
