//===- Model.h - What an instruction does --------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_MODEL_H
#define VITC_TEST_EMULATOR_MODEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <cstring>

namespace vitc::emulator {

class Block;
struct Thread;
struct Group;
struct Warpgroup;

/// What an llvm.nvvm intrinsic or a PTX instruction does. Operands and results
/// are 64-bit words: integers and pointers zero-extended, floats by their bits,
/// a word for each element of a struct. Those of PTX come in the order of its
/// text, an element of `{a, b}` a word.
struct Model {
  using ThreadFn = void (*)(Thread &thread, const uint64_t *in, uint64_t *out);
  using GroupFn = void (*)(Group &group);
  using WarpgroupFn = void (*)(Warpgroup &group);

  /// `llvm.nvvm.` and so on, with or without the suffix of overloaded types, or
  /// a PTX opcode with its modifiers.
  const char *name;
  /// One of the three: what a thread does alone, or what lanes or the 128
  /// threads of a warpgroup do together once the last of them has come.
  ThreadFn thread = nullptr;
  GroupFn group = nullptr;
  WarpgroupFn warpgroup = nullptr;
  /// Of those who come together: the operand that names the lanes, or all 32.
  int maskOperand = kNoMask;
  /// For models that share a function; they say what it means.
  uint32_t parameter = 0;
  /// Of PTX: whether the first operand is written, and read before.
  bool hasResult = true, readsResult = false;
  /// Of PTX, in words: how many operands it may have, with what is read of the
  /// first, and how many results. Without them it is no PTX.
  unsigned minOperands = kNoPtx, maxOperands = 0, numResults = 0;

  static constexpr int kNoMask = -1;
  static constexpr unsigned kNoPtx = ~0u;

  /// This model as that of a PTX instruction.
  constexpr Model ptx(unsigned numResults, unsigned minOperands,
                      unsigned maxOperands) const {
    Model model = *this;
    model.numResults = numResults;
    model.minOperands = minOperands;
    model.maxOperands = maxOperands;
    return model;
  }
  constexpr Model ptx(unsigned numResults, unsigned numOperands) const {
    return ptx(numResults, numOperands, numOperands);
  }
};

constexpr Model threadModel(const char *name, Model::ThreadFn function,
                            uint32_t parameter = 0, bool hasResult = true) {
  Model model{name};
  model.thread = function;
  model.parameter = parameter;
  model.hasResult = hasResult;
  return model;
}
/// A PTX instruction of a thread, without a result.
constexpr Model ptxModel(const char *name, Model::ThreadFn function,
                         unsigned minOperands, unsigned maxOperands,
                         uint32_t parameter = 0) {
  return threadModel(name, function, parameter, /*hasResult=*/false)
      .ptx(0, minOperands, maxOperands);
}
constexpr Model ptxModel(const char *name, Model::ThreadFn function,
                         unsigned numOperands) {
  return ptxModel(name, function, numOperands, numOperands);
}
/// The lanes of a mask, each by an instruction of its own.
constexpr Model maskedModel(const char *name, Model::GroupFn function,
                            int maskOperand, uint32_t parameter = 0) {
  Model model{name};
  model.group = function;
  model.maskOperand = maskOperand;
  model.parameter = parameter;
  return model;
}
/// A warp at one instruction, as PTX's `.aligned` wants.
constexpr Model warpModel(const char *name, Model::GroupFn function,
                          uint32_t parameter = 0) {
  return maskedModel(name, function, Model::kNoMask, parameter);
}

/// Four warps at one instruction.
constexpr Model warpgroupModel(const char *name, Model::WarpgroupFn function,
                               uint32_t parameter = 0) {
  Model model{name};
  model.warpgroup = function;
  model.parameter = parameter;
  return model;
}

llvm::ArrayRef<Model> getSpecialRegisterModels();
llvm::ArrayRef<Model> getArithmeticModels();
llvm::ArrayRef<Model> getBarrierModels();
llvm::ArrayRef<Model> getWarpModels();
llvm::ArrayRef<Model> getAsyncCopyModels();
llvm::ArrayRef<Model> getMatrixModels();
llvm::ArrayRef<Model> getMBarrierModels();
llvm::ArrayRef<Model> getBulkCopyModels();
llvm::ArrayRef<Model> getTensorCopyModels();
llvm::ArrayRef<Model> getWarpgroupModels();

/// Of instructions that change nothing here: memory is coherent, and no fence
/// makes a race none.
inline void doNothing(Thread &, const uint64_t *, uint64_t *) {}

/// Null: there is none of this name.
const Model *findModel(llvm::StringRef name);

inline float getFloat(uint64_t word) {
  float value;
  auto bits = static_cast<uint32_t>(word);
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline uint64_t getWord(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_MODEL_H
