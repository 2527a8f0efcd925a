//===- Architectures.h - What timm's names stand for -----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// timm's files hold no sizes. Most follow from the weights' shapes; what does
// not is here, by architecture.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TIMM_ARCHITECTURES_H
#define VITC_LIB_IMPORT_TIMM_ARCHITECTURES_H

#include "RotaryPositions.h"
#include "Vit/VitDialect.h"

#include <array>
#include <optional>
#include <string>

namespace vitc::import_ {

/// A VisionTransformer of timm, with classes VisionTransformerDistilled, Beit
/// and Eva.
struct TimmVit {
  llvm::StringLiteral name;
  int64_t numHeads;
  vit::GeluForm gelu;
  double layerNormEps;
  /// Blocks of each stage of the ResNetV2 before the patch embedding, where the
  /// weights have one; zeros: its stem alone.
  std::array<int64_t, 4> backboneDepths;
  std::optional<AxialRotary> rotary = std::nullopt;
  /// Where the folder does not say it; empty: by the weights.
  llvm::StringLiteral pooling = "";
  /// Of an attention pooling; 0: as many as the blocks'.
  int64_t poolingHeads = 0;
};

/// A SwinTransformer of timm, or with class SwinTransformerV2.
struct TimmSwin {
  llvm::StringLiteral name;
  bool v2;
  /// Of Swin v2; Swin's is in its weights.
  int64_t window = 0;
  /// Which its weights were first trained with; 0: this one.
  int64_t pretrainedWindow = 0;
};

/// An Xcit of timm.
struct TimmXcit {
  llvm::StringLiteral name;
  /// Class blocks norm all tokens before their MLP.
  bool normsTokens;
};

/// Null for a name that is not in the table.
const TimmVit *findTimmVit(llvm::StringRef name);
const TimmSwin *findTimmSwin(llvm::StringRef name);
const TimmXcit *findTimmXcit(llvm::StringRef name);

/// The names of the tables that are most like `name`, for messages.
std::string suggestTimmNames(llvm::StringRef name);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TIMM_ARCHITECTURES_H
