//===- SentencePooling.cpp - The modules behind a text encoder ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SentencePooling.h"

#include "Config.h"
#include "InputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Far above any text encoder's.
static constexpr int64_t kMaxLength = int64_t(1) << 20;

/// The one pooling that the file of the module Pooling chooses: a name, as
/// newer versions write it, or one of several flags.
static LogicalResult readPooling(StringRef path, MLIRContext &context,
                                 SentencePooling &pooling) {
  FailureOr<Config> config = Config::read(path, context);
  if (failed(config))
    return failure();
  const std::pair<StringRef, StringRef> modes[] = {
      {"pooling_mode_cls_token", "cls"},
      {"pooling_mode_mean_tokens", "mean"},
      {"pooling_mode_max_tokens", "max"},
      {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
      {"pooling_mode_weightedmean_tokens", "weightedmean"},
      {"pooling_mode_lasttoken", "lasttoken"}};
  std::string chosen = config->getString("pooling_mode", "");
  for (auto [key, mode] : modes)
    if (config->getBool(key, false))
      chosen += (chosen.empty() ? "" : " and ") + mode.str();
  if (config->failed())
    return failure();
  if (chosen != "cls" && chosen != "mean") {
    config->emitError() << "pooling is " << (chosen.empty() ? "none" : chosen)
                        << "; vitc imports cls or mean";
    return failure();
  }
  pooling.kind = chosen == "cls" ? SentencePooling::Kind::FirstToken
                                 : SentencePooling::Kind::MeanTokens;
  return success();
}

/// The class's own name, without its package.
static std::optional<StringRef> getType(const llvm::json::Value &module) {
  const llvm::json::Object *object = module.getAsObject();
  std::optional<StringRef> type =
      object ? object->getString("type") : std::nullopt;
  return type ? std::optional(type->rsplit('.').second) : std::nullopt;
}

static LogicalResult readModules(StringRef folder, StringRef path,
                                 MLIRContext &context,
                                 SentencePooling &pooling) {
  Location loc = getFileLoc(path, context);
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      openFile(path, context);
  if (failed(buffer))
    return failure();
  FailureOr<llvm::json::Value> modules =
      parseJson((*buffer)->getBuffer(), "content", loc);
  if (failed(modules))
    return failure();
  const llvm::json::Array *list = modules->getAsArray();
  SmallVector<StringRef> types;
  if (list)
    for (const llvm::json::Value &module : *list)
      types.push_back(getType(module).value_or("?"));
  bool isKnown = types.size() >= 2 && types.size() <= 3 &&
                 types[0] == "Transformer" && types[1] == "Pooling" &&
                 (types.size() == 2 || types[2] == "Normalize");
  if (!isKnown) {
    InFlightDiagnostic error = emitError(loc) << "lists ";
    llvm::interleaveComma(types, error);
    return error << (types.empty() ? "no modules" : "")
                 << "; vitc imports Transformer, Pooling and then Normalize "
                    "or nothing";
  }
  pooling.normalize = types.size() == 3;
  StringRef name = (*list)[1].getAsObject()->getString("path").value_or("");
  if (name.empty() || name != llvm::sys::path::filename(name) || name == "..")
    return emitError(loc) << "has Pooling in path '" << name
                          << "'; it needs the name of a folder beside it";
  return readPooling(joinPath(joinPath(folder, name), "config.json"), context,
                     pooling);
}

FailureOr<std::optional<SentencePooling>>
import_::readSentencePooling(StringRef folder, MLIRContext &context) {
  std::string path = joinPath(folder, "modules.json");
  if (!llvm::sys::fs::exists(path))
    return std::optional<SentencePooling>();
  SentencePooling pooling;
  if (failed(readModules(folder, path, context, pooling)))
    return failure();
  std::string lengthPath = joinPath(folder, "sentence_bert_config.json");
  if (llvm::sys::fs::exists(lengthPath)) {
    FailureOr<Config> config = Config::read(lengthPath, context);
    if (failed(config))
      return failure();
    if (config->contains("max_seq_length"))
      pooling.maxLength = config->getSize("max_seq_length", 1, kMaxLength);
    if (config->failed())
      return failure();
  }
  return std::optional(pooling);
}
