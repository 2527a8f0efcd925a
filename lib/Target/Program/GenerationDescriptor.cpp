//===- GenerationDescriptor.cpp - How a model generates tokens ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenerationDescriptor.h"

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace vitc;
using kernel::TensorAttr;
using llvm::Constant;

/// The index of the tensor of that name, or -1.
static int64_t find(ArrayRef<TensorAttr> tensors, StringAttr name) {
  const auto *found = llvm::find_if(
      tensors, [&](TensorAttr tensor) { return tensor.getName() == name; });
  return name && found != tensors.end() ? found - tensors.begin() : -1;
}

namespace {
/// What @step takes and returns, by the names of both functions' tensors.
class StepTensors {
public:
  StepTensors(func::FuncOp step, func::FuncOp encode,
              vit::GenerationAttr generation)
      : step(step), generation(generation), entry(getEntry(step)) {
    if (encode) {
      sources = getEntry(encode).getInputs();
      memories = getEntry(encode).getOutputs();
    }
  }

  LogicalResult verify();
  Constant *build(Constant *grid, ConstantBuilder &b);

private:
  static kernel::EntryAttr getEntry(func::FuncOp function) {
    return function->getAttrOfType<kernel::EntryAttr>(
        kernel::KernelDialect::kEntryAttr);
  }
  bool isState(int64_t input) const {
    return llvm::is_contained(entry.getInPlace(), input) ||
           find(entry.getOutputs(), entry.getInputs()[input].getName()) >= 0;
  }
  LogicalResult verifyRoles();
  /// Checks that an input or output of @step, which `name` says, is there and
  /// has a shape that `isTaken` takes.
  LogicalResult
  verifyTensor(StringRef role, StringAttr name, ArrayRef<TensorAttr> tensors,
               StringRef needed,
               llvm::function_ref<bool(RankedTensorType)> isTaken);
  LogicalResult verifyType(TensorAttr input, TensorAttr source,
                           StringRef where);
  LogicalResult emitType(TensorAttr input, TensorAttr source, StringRef where);
  /// Checks that forced tokens have a score.
  LogicalResult verifyForced();
  Constant *buildStates(ConstantBuilder &b, int64_t &count);
  Constant *buildMemories(ConstantBuilder &b, int64_t &count);

  func::FuncOp step;
  vit::GenerationAttr generation;
  kernel::EntryAttr entry;
  ArrayRef<TensorAttr> sources, memories; // of @encode
};
} // namespace

LogicalResult
StepTensors::verifyTensor(StringRef role, StringAttr name,
                          ArrayRef<TensorAttr> tensors, StringRef needed,
                          llvm::function_ref<bool(RankedTensorType)> isTaken) {
  int64_t index = find(tensors, name);
  if (index < 0)
    return step.emitOpError() << "has no " << role << ' ' << name
                              << ", which #vit.generation names";
  RankedTensorType type = tensors[index].getType();
  if (!isTaken(type))
    return step.emitOpError() << "has " << role << ' ' << name << " of type "
                              << type << "; needs " << needed;
  return success();
}

/// Whether `input` has the type of `source`, or takes any batch of it: a step's
/// rows are the items, times the beams.
static bool takes(RankedTensorType input, RankedTensorType source) {
  if (input == source)
    return true;
  bool takesAnyBatch = input.getRank() > 0 && input.isDynamicDim(0) &&
                       input.getRank() == source.getRank();
  return takesAnyBatch && input.getElementType() == source.getElementType() &&
         input.getShape().drop_front() == source.getShape().drop_front();
}

LogicalResult StepTensors::verifyType(TensorAttr input, TensorAttr source,
                                      StringRef where) {
  if (takes(input.getType(), source.getType()))
    return success();
  return emitType(input, source, where);
}

LogicalResult StepTensors::emitType(TensorAttr input, TensorAttr source,
                                    StringRef where) {
  return step.emitOpError()
         << "has input " << input.getName() << " of type " << input.getType()
         << "; " << where << " has " << source.getType() << " of that name";
}

/// Every input is a token, a position, a state or memory.
LogicalResult StepTensors::verifyRoles() {
  for (auto [index, input] : llvm::enumerate(entry.getInputs())) {
    StringAttr name = input.getName();
    if (name == generation.getToken() || name == generation.getPosition())
      continue;
    // Beams reorder the rows of states.
    ArrayRef<int64_t> shape = input.getType().getShape();
    int64_t rows =
        entry.getInputs()[find(entry.getInputs(), generation.getToken())]
            .getType()
            .getDimSize(0);
    if (isState(index) && (shape.empty() || shape[0] != rows))
      return step.emitOpError()
             << "has state " << name << " of type " << input.getType()
             << "; needs the batch of the token as dim 0";
    int64_t output = find(entry.getOutputs(), name);
    int64_t memory = find(memories, name), source = find(sources, name);
    // The next step takes the result as it is.
    if (output >= 0 && input.getType() != entry.getOutputs()[output].getType())
      return emitType(input, entry.getOutputs()[output], "its result");
    if (memory >= 0) {
      if (failed(verifyType(input, memories[memory], "the result of @encode")))
        return failure();
    } else if (source >= 0 && !isState(index)) {
      if (failed(verifyType(input, sources[source], "the input of @encode")))
        return failure();
    } else if (!isState(index)) {
      return step.emitOpError()
             << "has input " << name
             << ", which is no token, position or state, and which @encode "
                "neither takes nor returns";
    }
  }
  return success();
}

LogicalResult StepTensors::verifyForced() {
  ArrayRef<TensorAttr> outputs = entry.getOutputs();
  int64_t vocabulary = outputs[find(outputs, generation.getScores())]
                           .getType()
                           .getShape()
                           .back();
  for (int64_t token :
       {generation.getForcedFirst(), generation.getForcedLast()})
    if (token >= vocabulary)
      return step.emitOpError()
             << "scores " << vocabulary << " tokens; #vit.generation forces "
             << token << ", needs 0 to " << vocabulary - 1;
  return success();
}

LogicalResult StepTensors::verify() {
  auto isInteger = [](RankedTensorType type) {
    return type.getElementType().isInteger(32) ||
           type.getElementType().isInteger(64);
  };
  auto isToken = [&](RankedTensorType type) {
    return isInteger(type) &&
           (type.getRank() == 1 ||
            (type.getRank() == 2 && type.getDimSize(1) == 1));
  };
  auto isPosition = [&](RankedTensorType type) {
    return isInteger(type) && type.hasStaticShape() &&
           type.getNumElements() == 1;
  };
  auto hasRows = [&](RankedTensorType type) {
    int64_t token = find(entry.getInputs(), generation.getToken());
    return type.getElementType().isF32() && type.getRank() >= 2 &&
           type.getDimSize(0) ==
               entry.getInputs()[token].getType().getDimSize(0) &&
           !llvm::is_contained(type.getShape().drop_front(),
                               ShapedType::kDynamic);
  };
  auto isScores = [&](RankedTensorType type) {
    return hasRows(type) && (type.getRank() == 2 ||
                             (type.getRank() == 3 && type.getDimSize(1) == 1));
  };
  if (failed(verifyTensor("input", generation.getToken(), entry.getInputs(),
                          "[batch] or [batch, 1] of integers", isToken)) ||
      failed(verifyTensor("output", generation.getScores(), entry.getOutputs(),
                          "[batch, tokens] or [batch, 1, tokens] of f32, the "
                          "batch of the token",
                          isScores)) ||
      failed(verifyForced()))
    return failure();
  if (generation.getAttention() &&
      failed(verifyTensor(
          "output", generation.getAttention(), entry.getOutputs(),
          "[batch, ..., keys] of f32, the batch of the token", hasRows)))
    return failure();
  if (generation.getPosition() &&
      failed(verifyTensor("input", generation.getPosition(), entry.getInputs(),
                          "one integer", isPosition)))
    return failure();
  return verifyRoles();
}

Constant *StepTensors::buildStates(ConstantBuilder &b, int64_t &count) {
  SmallVector<Constant *> states;
  for (auto [index, input] : llvm::enumerate(entry.getInputs()))
    if (isState(index)) {
      bool inPlace = llvm::is_contained(entry.getInPlace(), index);
      int64_t output = inPlace ? -1 : find(entry.getOutputs(), input.getName());
      states.push_back(b.record({b.i32(index), b.i32(output),
                                 b.i32(find(memories, input.getName()))}));
    }
  count = states.size();
  return b.array(states);
}

Constant *StepTensors::buildMemories(ConstantBuilder &b, int64_t &count) {
  SmallVector<Constant *> constants;
  for (auto [index, input] : llvm::enumerate(entry.getInputs())) {
    StringAttr name = input.getName();
    int64_t output = find(memories, name);
    int64_t source = output >= 0 ? -1 : find(sources, name);
    if (isState(index) || name == generation.getToken() ||
        name == generation.getPosition())
      continue;
    constants.push_back(b.record({b.i32(index), b.i32(output), b.i32(source)}));
  }
  count = constants.size();
  return b.array(constants);
}

static Constant *buildTokens(DenseI64ArrayAttr tokens, ConstantBuilder &b) {
  SmallVector<Constant *> elements;
  if (tokens)
    for (int64_t token : tokens.asArrayRef())
      elements.push_back(b.i64(token));
  return b.record({b.array(elements), b.i32(elements.size())});
}

Constant *StepTensors::build(Constant *grid, ConstantBuilder &b) {
  auto number = [&](FloatAttr value) {
    return b.doubleNumber(value ? value.getValueAsDouble() : 1.0);
  };
  int64_t numStates = 0, numMemories = 0;
  Constant *states = buildStates(b, numStates);
  Constant *memories = buildMemories(b, numMemories);
  DenseResourceElementsAttr tokenizer = generation.getTokenizer();
  ArrayRef<char> table = tokenizer ? tokenizer.getData() : ArrayRef<char>();
  vit::GenerationAttr g = generation;
  return b.record({states,
                   memories,
                   b.i32(numStates),
                   b.i32(numMemories),
                   b.i32(find(entry.getInputs(), g.getToken())),
                   b.i32(find(entry.getInputs(), g.getPosition())),
                   b.i32(find(entry.getOutputs(), g.getScores())),
                   b.i32(find(entry.getOutputs(), g.getAttention())),
                   grid,
                   b.i32(g.getPromptReplacesStart()),
                   buildTokens(g.getStart(), b),
                   buildTokens(g.getEnd(), b),
                   buildTokens(g.getSuppressed(), b),
                   buildTokens(g.getBeginSuppressed(), b),
                   b.i64(g.getPad()),
                   b.i64(g.getMinLength()),
                   b.i64(g.getMaxLength()),
                   b.i64(g.getForcedFirst()),
                   b.i64(g.getForcedLast()),
                   b.i64(g.getNoRepeatNgram()),
                   b.i32(g.getBeams()),
                   b.i32(static_cast<int32_t>(g.getEarlyStopping())),
                   b.i32(g.getRenormalize()),
                   number(g.getLengthPenalty()),
                   number(g.getRepetitionPenalty()),
                   tokenizer ? b.bytes(table) : b.null(),
                   b.i64(table.size())});
}

/// Zeros: a model that generates nothing.
static Constant *buildNone(Constant *grid, ConstantBuilder &b) {
  SmallVector<Constant *> fields = {b.null(), b.null()};
  fields.append(6, b.i32(0));
  fields.append({grid, b.i32(0)});
  for (int list = 0; list < 4; ++list)
    fields.push_back(buildTokens({}, b));
  fields.append(6, b.i64(0));
  fields.append(3, b.i32(0));
  fields.append({b.doubleNumber(1), b.doubleNumber(1), b.null(), b.i64(0)});
  return b.record(fields);
}

FailureOr<Constant *>
vitc::buildGenerationDescriptor(ModuleOp module, vit::GenerationAttr generation,
                                Constant *grid, ConstantBuilder &builder) {
  if (!generation)
    return buildNone(grid, builder);
  auto step = module.lookupSymbol<func::FuncOp>("step");
  if (!step)
    return module.emitOpError("generates tokens and has no function @step");
  StepTensors tensors(step, module.lookupSymbol<func::FuncOp>("encode"),
                      generation);
  if (failed(tensors.verify()))
    return failure();
  return tensors.build(grid, builder);
}
