//===- Checkpoint.h - The weights of a Hugging Face folder -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_CHECKPOINT_H
#define VITC_LIB_IMPORT_HUGGINGFACE_CHECKPOINT_H

#include "Vit/VitDialect.h"
#include "WeightSource.h"
#include "vitc/Import/Safetensors.h"
#include "llvm/ADT/StringSet.h"

namespace vitc::import_ {

/// model.safetensors, or the shards that model.safetensors.index.json lists.
class Checkpoint final : public WeightSource {
public:
  static mlir::FailureOr<std::unique_ptr<Checkpoint>>
  open(llvm::StringRef folder, mlir::MLIRContext &context);

  bool contains(llvm::StringRef name) const override {
    return tensors.contains(name);
  }
  /// The names of all tensors, in no order.
  auto getNames() const { return tensors.keys(); }
  /// The shape of a tensor, empty for one that is not there.
  llvm::ArrayRef<int64_t> getShape(llvm::StringRef name) const {
    auto it = tensors.find(name);
    return it == tensors.end() ? llvm::ArrayRef<int64_t>()
                               : it->second.entry->shape;
  }
  mlir::RankedTensorType define(mlir::OpBuilder &builder, llvm::StringRef name,
                                llvm::ArrayRef<int64_t> shape,
                                const llvm::Twine &because,
                                WeightRole role) override;
  /// The one number of the tensor `name`. What is missing or has more is noted
  /// for `verify`, and the result is 0.
  double readNumber(llvm::StringRef name);
  /// Weights of the blocks that nothing asked for are errors, as the
  /// architecture has been misread; for other tensors there is a warning.
  mlir::LogicalResult verify() override;
  std::string hash() const override;
  /// Tensors whose names begin so may be unused.
  void leaveOut(llvm::StringRef prefix) { leftOut.push_back(prefix.str()); }
  /// Ends all calls of `leaveOut`.
  void needAll() { leftOut.clear(); }
  /// Makes weights outside of the blocks errors, too, when nothing asks for
  /// them.
  void needAllWeights() { allWeightsNeeded = true; }

private:
  struct Shard {
    std::unique_ptr<SafetensorsFile> file;
    std::string hash;
    std::string symbol; // of the vit.weight_file
    bool defined = false;
  };
  struct Tensor {
    Shard *shard;
    const SafetensorsEntry *entry;
  };

  explicit Checkpoint(mlir::Location loc) : loc(loc) {}
  mlir::FailureOr<Shard *> addShard(llvm::StringRef folder,
                                    llvm::StringRef name);
  mlir::LogicalResult addIndex(llvm::StringRef folder, llvm::StringRef path);
  mlir::LogicalResult verifyUnused();

  mlir::Location loc;
  std::vector<std::unique_ptr<Shard>> shards;
  llvm::StringMap<Tensor> tensors;
  llvm::StringSet<> used;
  std::vector<std::string> missing, leftOut;
  bool hasMismatch = false;
  bool allWeightsNeeded = false;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_CHECKPOINT_H
