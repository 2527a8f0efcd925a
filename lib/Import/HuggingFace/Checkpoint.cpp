//===- Checkpoint.cpp - The weights of a Hugging Face folder --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checkpoint.h"

#include "InputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <map>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// Names that one message lists before it counts the rest.
static constexpr size_t kListedNames = 3;
static constexpr StringLiteral kSingleFile = "model.safetensors";
static constexpr StringLiteral kIndexFile = "model.safetensors.index.json";

/// "'a', 'b', 'c' and 4 more".
static std::string formatNames(ArrayRef<std::string> names) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(
      names.take_front(kListedNames), os,
      [&](const std::string &name) { os << "'" << name << "'"; });
  if (names.size() > kListedNames)
    os << " and " << names.size() - kListedNames << " more";
  return text;
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

FailureOr<std::unique_ptr<Checkpoint>> Checkpoint::open(StringRef folder,
                                                        MLIRContext &context) {
  Location loc = getFileLoc(folder, context);
  std::string single = joinPath(folder, kSingleFile);
  std::string index = joinPath(folder, kIndexFile);
  std::unique_ptr<Checkpoint> checkpoint;
  if (llvm::sys::fs::exists(single)) {
    checkpoint.reset(new Checkpoint(getFileLoc(single, context)));
    FailureOr<Shard *> shard = checkpoint->addShard(folder, kSingleFile);
    if (failed(shard))
      return failure();
    for (const auto &entry : (*shard)->file->getEntries())
      checkpoint->tensors[entry.getKey()] = {*shard, &entry.getValue()};
    return checkpoint;
  }
  if (llvm::sys::fs::exists(index)) {
    checkpoint.reset(new Checkpoint(getFileLoc(index, context)));
    if (failed(checkpoint->addIndex(folder, index)))
      return failure();
    return checkpoint;
  }
  return emitError(loc)
         << "has neither " << kSingleFile << " nor " << kIndexFile
         << "; pytorch_model.bin is converted by 'python -m vitc.export'";
}

FailureOr<Checkpoint::Shard *> Checkpoint::addShard(StringRef folder,
                                                    StringRef name) {
  FailureOr<std::unique_ptr<SafetensorsFile>> file =
      SafetensorsFile::open(joinPath(folder, name), *loc.getContext());
  if (failed(file))
    return failure();
  auto shard = std::make_unique<Shard>();
  shard->hash = (*file)->hash();
  shard->file = std::move(*file);
  shard->symbol = name.str();
  shards.push_back(std::move(shard));
  return shards.back().get();
}

LogicalResult Checkpoint::addIndex(StringRef folder, StringRef path) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      openFile(path, *loc.getContext());
  if (failed(buffer))
    return failure();
  FailureOr<llvm::json::Object> index =
      parseJsonObject((*buffer)->getBuffer(), "content", loc);
  if (failed(index))
    return failure();
  const llvm::json::Object *map = index->getObject("weight_map");
  if (!map)
    return emitError(loc) << "has no weight_map";

  std::map<std::string, Shard *> opened;
  for (const auto *member : getSortedMembers(*map)) {
    StringRef tensor = member->first;
    std::optional<StringRef> name = member->second.getAsString();
    if (!name || name->empty() || *name != llvm::sys::path::filename(*name) ||
        *name == "..")
      return emitError(loc) << "tensor '" << tensor
                            << "' needs the name of a file in the folder";
    Shard *&shard = opened[name->str()];
    if (!shard) {
      FailureOr<Shard *> added = addShard(folder, *name);
      if (failed(added))
        return failure();
      shard = *added;
    }
    const SafetensorsEntry *entry = shard->file->lookup(tensor);
    if (!entry)
      return emitError(loc) << "tensor '" << tensor << "' is not in " << *name;
    tensors[tensor] = {shard, entry};
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

RankedTensorType Checkpoint::define(OpBuilder &builder, StringRef name,
                                    ArrayRef<int64_t> shape,
                                    const Twine &because, WeightRole) {
  auto wanted = RankedTensorType::get(shape, builder.getF32Type());
  auto it = tensors.find(name);
  if (it == tensors.end()) {
    missing.push_back(name.str());
    return wanted;
  }
  auto [shard, entry] = it->second;
  bool isFirst = used.insert(name).second;
  Location file = shard->file->getLoc();
  if (ArrayRef<int64_t>(entry->shape) != shape) {
    if (!hasMismatch)
      emitError(file) << "tensor '" << name << "' has shape "
                      << formatShape(entry->shape) << "; " << because.str()
                      << " needs " << formatShape(shape);
    hasMismatch = true;
    return wanted;
  }
  FloatType element = getElementType(entry->dtype, *builder.getContext());
  if (!element) {
    if (!hasMismatch)
      emitError(file) << "tensor '" << name << "' has dtype " << entry->dtype
                      << "; vitc reads F32, F16, BF16 and F64";
    hasMismatch = true;
    return wanted;
  }

  auto type = RankedTensorType::get(shape, element);
  if (!isFirst)
    return type;
  if (!shard->defined) {
    shard->defined = true;
    vit::WeightFileOp::create(builder, file, shard->symbol,
                              shard->file->getPath(), shard->hash);
  }
  vit::WeightOp::create(
      builder, NameLoc::get(builder.getStringAttr(name)), name, type,
      FlatSymbolRefAttr::get(builder.getContext(), shard->symbol),
      builder.getI64IntegerAttr(entry->offset), /*seed=*/IntegerAttr(),
      /*mean=*/FloatAttr(), /*scale=*/FloatAttr());
  return type;
}

double Checkpoint::readNumber(StringRef name) {
  auto it = tensors.find(name);
  if (it == tensors.end()) {
    missing.push_back(name.str());
    return 0;
  }
  auto [shard, entry] = it->second;
  used.insert(name);
  FloatType element = getElementType(entry->dtype, *loc.getContext());
  bool isOne =
      llvm::all_of(entry->shape, [](int64_t size) { return size == 1; });
  if (!element || !isOne) {
    if (!hasMismatch)
      emitError(shard->file->getLoc())
          << "tensor '" << name << "' has dtype " << entry->dtype
          << " and shape " << formatShape(entry->shape)
          << "; vitc needs one number of F32, F16, BF16 or F64";
    hasMismatch = true;
    return 0;
  }
  StringRef data = shard->file->getData(*entry);
  uint64_t bits = 0;
  for (size_t byte = 0; byte < data.size(); ++byte)
    bits |= uint64_t(uint8_t(data[byte])) << (8 * byte);
  APFloat number(element.getFloatSemantics(), APInt(element.getWidth(), bits));
  return number.convertToDouble();
}

LogicalResult Checkpoint::verify() {
  if (!missing.empty())
    emitError(loc) << "lacks " << missing.size()
                   << (missing.size() == 1 ? " tensor" : " tensors")
                   << " that config.json asks for: " << formatNames(missing);
  if (!missing.empty() || hasMismatch)
    return failure();
  return verifyUnused();
}

/// Buffers that older versions of transformers and timm stored, and what only
/// training uses; never weights.
static bool isKnownBuffer(StringRef name) {
  static constexpr StringLiteral kEnds[] = {"position_ids",
                                            "num_batches_tracked",
                                            "embeddings.mask_token",
                                            ".relative_position_index",
                                            ".attention_bias_idxs",
                                            ".relative_coords_table",
                                            ".attn_mask"};
  return llvm::any_of(kEnds,
                      [&](StringRef end) { return name.ends_with(end); });
}

/// What is before the first number of a name, "encoder.layer." of
/// "encoder.layer.0.norm1.weight"; empty for a name without one.
static StringRef getStack(StringRef name) {
  for (size_t begin = 0, end; begin < name.size(); begin = end + 1) {
    end = std::min(name.find('.', begin), name.size());
    StringRef part = name.slice(begin, end);
    if (!part.empty() && llvm::all_of(part, llvm::isDigit))
      return name.take_front(begin);
  }
  return "";
}

LogicalResult Checkpoint::verifyUnused() {
  llvm::StringSet<> stacks;
  for (const auto &name : used)
    stacks.insert(getStack(name.getKey()));
  stacks.erase("");
  std::vector<std::string> misread, unused;
  for (const auto &tensor : tensors) {
    StringRef name = tensor.getKey();
    bool isLeftOut = llvm::any_of(
        leftOut, [&](StringRef prefix) { return name.starts_with(prefix); });
    bool isEmpty = llvm::is_contained(tensor.getValue().entry->shape, 0);
    if (used.contains(name) || isKnownBuffer(name) || isLeftOut || isEmpty)
      continue;
    bool isFloat =
        bool(getElementType(tensor.getValue().entry->dtype, *loc.getContext()));
    bool needed = allWeightsNeeded || stacks.contains(getStack(name));
    (isFloat && needed ? misread : unused).push_back(name.str());
  }
  auto describe = [](std::vector<std::string> &names) {
    llvm::sort(names);
    return std::to_string(names.size()) +
           (names.size() == 1 ? " tensor is" : " tensors are") +
           " not part of this architecture: " + formatNames(names);
  };
  if (!misread.empty())
    return emitError(loc) << describe(misread)
                          << "; vitc needs a model that uses all its weights";
  if (!unused.empty())
    emitWarning(loc) << describe(unused);
  return success();
}

std::string Checkpoint::hash() const {
  if (shards.size() == 1)
    return shards[0]->hash;
  llvm::BLAKE3 hasher;
  for (const std::unique_ptr<Shard> &shard : shards)
    hasher.update(shard->hash);
  return llvm::toHex(hasher.final(), /*LowerCase=*/true);
}
