//===- GenerationStates.cpp - What a step keeps and looks at --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenerationStates.h"

#include "EntryModules.h"
#include "InputFile.h"
#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

//===----------------------------------------------------------------------===//
// Manifest
//===----------------------------------------------------------------------===//

LogicalResult GenerationStates::readPairs(StringRef key, Pairs &pairs) {
  const llvm::json::Value *value = config.lookup(key);
  const llvm::json::Object *members = value ? value->getAsObject() : nullptr;
  if (!value)
    return success();
  if (!members)
    return config.emitError()
           << key << " = " << formatJson(*value) << "; it needs an object";
  for (const auto *member : getSortedMembers(*members)) {
    std::optional<StringRef> other = member->second.getAsString();
    if (!other)
      return config.emitError()
             << key << " has \"" << StringRef(member->first)
             << "\": " << formatJson(member->second) << "; it needs a name";
    pairs[StringRef(member->first).str()] = other->str();
  }
  return success();
}

LogicalResult GenerationStates::readMasks() {
  const llvm::json::Value *value = config.lookup("masks");
  const llvm::json::Object *members = value ? value->getAsObject() : nullptr;
  if (!value)
    return success();
  if (!members)
    return config.emitError()
           << "masks = " << formatJson(*value) << "; it needs an object";
  for (const auto *member : getSortedMembers(*members)) {
    const llvm::json::Value &held = member->second;
    std::optional<double> number = held.getAsNumber();
    if (std::optional<bool> flag = held.getAsBoolean())
      number = *flag;
    if (!number)
      return config.emitError()
             << "masks has \"" << StringRef(member->first)
             << "\": " << formatJson(held)
             << "; it needs the number, or true or false, of a token";
    masks[StringRef(member->first).str()] = *number;
  }
  return success();
}

LogicalResult GenerationStates::read() {
  position = config.getString("position", "");
  return failure(config.failed() || failed(readPairs("states", states)) ||
                 failed(readPairs("memory", memory)) || failed(readMasks()));
}

//===----------------------------------------------------------------------===//
// Step
//===----------------------------------------------------------------------===//

LogicalResult GenerationStates::verifyInputs(const OnnxNames &names) {
  auto verify = [&](StringRef key, StringRef name) -> LogicalResult {
    if (llvm::is_contained(names.inputs, name))
      return success();
    return config.emitError()
           << key << " names '" << name << "', which is no input of @step";
  };
  std::string token = config.getString("token", "token");
  if (config.failed())
    return failure();
  SmallVector<std::pair<StringRef, std::string>> own = {{"token", token}};
  if (!position.empty())
    own.emplace_back("position", position);
  for (const auto &[key, name] : own)
    if (failed(verify(key, name)))
      return failure();
  for (auto [key, pairs] :
       {std::pair("states", &states), std::pair("memory", &memory)})
    for (const auto &pair : *pairs)
      if (failed(verify(key, pair.first)))
        return failure();
  for (const auto &[key, name] : own) {
    StringRef other = states.count(name)   ? "states"
                      : memory.count(name) ? "memory"
                                           : "";
    if (!other.empty())
      return config.emitError()
             << key << " names '" << name << "', which " << other
             << " has, too; needs an input of its own";
  }
  auto isPosition = [&](StringRef name) {
    return !position.empty() && name == position;
  };
  if (isPosition(token))
    return config.emitError()
           << "position names '" << token
           << "', which token has, too; needs an input of its own";
  for (const auto &mask : masks) {
    if (failed(verify("masks", mask.first)))
      return failure();
    StringRef other = mask.first == token        ? "token"
                      : isPosition(mask.first)   ? "position"
                      : states.count(mask.first) ? "states"
                      : memory.count(mask.first) ? "memory"
                                                 : "";
    if (!other.empty())
      return config.emitError()
             << "masks names '" << mask.first << "', which " << other
             << " has, too; needs an input of its own";
  }
  return success();
}

LogicalResult GenerationStates::verifyOutputs(const OnnxNames &names) {
  for (auto [key, pairs] :
       {std::pair("states", &states), std::pair("memory", &memory)}) {
    Pairs inputs; // by the output that is for them
    for (const auto &[input, output] : *pairs)
      if (auto [other, isNew] = inputs.try_emplace(output, input); !isNew)
        return config.emitError()
               << key << " names '" << output << "' for '" << other->second
               << "' and '" << input << "'; needs an output for each";
  }
  for (const auto &state : states)
    if (!llvm::is_contained(names.outputs, state.second))
      return config.emitError() << "states names '" << state.second
                                << "', which is no output of @step";
  for (StringRef key : {"scores", "attention"}) {
    std::string name = config.getString(key, key == "scores" ? key : "");
    if (config.failed())
      return failure();
    if (name.empty() && key == "attention")
      continue;
    // A cache is a result of the function alone.
    if (!llvm::is_contained(names.outputs, name))
      return config.emitError()
             << key << " names '" << name << "', which is no output of @step";
    for (const auto &state : states)
      if (state.second == name)
        return config.emitError()
               << key << " names '" << name
               << "', which states has, too; needs an output of its own";
  }
  return success();
}

FailureOr<OnnxPart>
GenerationStates::getPart(StringRef path, func::FuncOp encode, int64_t length) {
  FailureOr<OnnxNames> names =
      readOnnxNames(path, *config.getLoc().getContext());
  if (failed(names))
    return failure();
  auto isNamed = [&](const std::string &name) {
    return llvm::is_contained(names->inputs, name) ||
           llvm::is_contained(names->outputs, name);
  };
  if (failed(verifyInputs(*names)) || failed(verifyOutputs(*names)))
    return failure();
  computedPosition = position.empty() ? "position" : position;
  while (position.empty() && isNamed(computedPosition))
    computedPosition += "_";

  OnnxPart part;
  part.token = config.getString("token", "token");
  part.step = OnnxStep{computedPosition, length, states,       /*tokens=*/"",
                       position,         masks,  std::nullopt, &growing};
  for (unsigned i = 0; encode && i < encode.getNumResults(); ++i)
    part.step->taken.insert(
        encode.getResultAttrOfType<StringAttr>(i, vit::VitDialect::kNameAttr)
            .str());
  // Outputs that nobody asks for may grow, too, such as weights of a token's
  // attention to those before.
  std::set<std::string> needed = {config.getString("scores", "scores"),
                                  config.getString("attention", "")};
  for (const auto &state : states)
    needed.insert(state.second);
  for (const std::string &output : names->outputs)
    if (needed.count(output))
      part.outputs.push_back(output);
  for (const std::string &input : names->inputs) {
    auto given = memory.find(input);
    const std::string &source = given == memory.end() ? input : given->second;
    if (std::optional<unsigned> index =
            encode ? findResult(encode, source) : std::nullopt)
      part.inputTypes[input] =
          cast<RankedTensorType>(encode.getResultTypes()[*index]);
  }
  return part;
}

std::string GenerationStates::getPosition() const {
  return grow() ? computedPosition : position;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

LogicalResult GenerationStates::verifyInput(StringRef key, func::FuncOp step,
                                            StringRef name) {
  if (growing.count(name.str()) || findArgument(step, name))
    return success();
  return config.emitError() << key << " names '" << name
                            << "', which is no input of @" << step.getName();
}

LogicalResult GenerationStates::rename(StringRef key, func::FuncOp function,
                                       const Pairs &pairs) {
  // A name may be taken from another that is renamed, too.
  SmallVector<std::pair<unsigned, StringRef>> renamed;
  for (const auto &[input, output] : pairs) {
    std::optional<unsigned> index = findResult(function, output);
    if (!index)
      return config.emitError()
             << key << " names '" << output << "', which is no output of @"
             << function.getName();
    renamed.emplace_back(*index, input);
  }
  for (const auto &[input, output] : pairs)
    if (std::optional<unsigned> other = findResult(function, input);
        other && !llvm::is_contained(llvm::make_first_range(renamed), *other))
      return config.emitError()
             << key << " names '" << output << "' for '" << input << "', and @"
             << function.getName()
             << " has another output of that name; needs one";
  for (auto [index, name] : renamed)
    renameResult(function, index, name);
  return success();
}

LogicalResult GenerationStates::connectStates(func::FuncOp step) {
  Pairs fixed = states; // the importer has named the others
  for (const std::string &input : growing)
    fixed.erase(input);
  for (const auto &state : fixed)
    if (failed(verifyInput("states", step, state.first)))
      return failure();
  if (failed(rename("states", step, fixed)))
    return failure();
  for (const auto &[input, output] : fixed) {
    Type type = step.getArgumentTypes()[*findArgument(step, input)];
    Type next = step.getResultTypes()[*findResult(step, input)];
    if (type != next)
      return config.emitError() << "states names '" << input << "' of type "
                                << type << " and its next value '" << output
                                << "' of type " << next << "; needs one type";
  }
  return success();
}

LogicalResult GenerationStates::connect(func::FuncOp encode,
                                        func::FuncOp step) {
  if (failed(connectStates(step)))
    return failure();
  for (const auto &given : memory)
    if (failed(verifyInput("memory", step, given.first)))
      return failure();
  if (!memory.empty() && !encode)
    return config.emitError() << "has memory but no encoder";
  if (encode && failed(rename("memory", encode, memory)))
    return failure();
  for (const auto &mask : masks)
    if (!grow())
      return config.emitError()
             << "masks names '" << mask.first
             << "', and no state grows with each token; needs one that does";
  return success();
}
