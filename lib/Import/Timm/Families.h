//===- Families.h - Architectures of several stages ------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each family is a file of its own: what its weights do not say, by
// architecture, and how its layers are joined.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TIMM_FAMILIES_H
#define VITC_LIB_IMPORT_TIMM_FAMILIES_H

#include "Timm.h"
#include "TimmLayers.h"

#include <vector>

namespace vitc::import_ {

struct TimmFamily {
  /// Its architectures.
  std::vector<llvm::StringRef> (*getNames)();
  /// The weight whose dim 1 are the picture's channels, and the weight of the
  /// classifier.
  llvm::StringLiteral firstFilter, classifier;
  /// What global_pool may be, the default first.
  llvm::ArrayRef<llvm::StringLiteral> poolings;
  /// Those of model_args that are read beside global_pool, and those that the
  /// weights decide.
  llvm::ArrayRef<llvm::StringLiteral> arguments, decided;
  /// Logits, or pooled features where there is no classifier, or null.
  mlir::Value (*build)(TimmLayers &layers, llvm::StringRef name,
                       llvm::StringRef pooling, mlir::Value image);
};

/// An entry of a table where the weights decide all else.
struct TimmName {
  llvm::StringLiteral name;
};

/// The names of a table whose entries have one.
template <const auto &table> std::vector<llvm::StringRef> getTimmNames() {
  std::vector<llvm::StringRef> names;
  for (const auto &entry : table)
    names.push_back(entry.name);
  return names;
}

/// The entry of a name that the table has.
template <typename Table>
const auto &getTimmEntry(const Table &table, llvm::StringRef name) {
  return *llvm::find_if(table,
                        [&](const auto &entry) { return entry.name == name; });
}

/// Where all that global_pool may be is the mean.
inline constexpr llvm::StringLiteral kMeanPooling[] = {"avg"};

/// Where it is the class token, as a default, or the mean of the patches.
inline constexpr llvm::StringLiteral kTokenOrMeanPooling[] = {"token", "avg"};

extern const TimmFamily kCpuBoneFamily, kDavitFamily, kEdgeNextFamily,
    kEfficientFormerFamily, kEfficientFormerV2Family, kEfficientVitMitFamily,
    kEfficientVitMsraFamily, kFastVitFamily, kIformerFamily, kLevitFamily,
    kLowFormerFamily, kMaxxVitFamily, kMobileNetV5EncoderFamily,
    kMobileNetV5Family, kMobileVitFamily, kNextVitFamily, kPitFamily,
    kPvtV2Family, kShvitFamily, kSwiftFormerFamily, kTinyVitFamily,
    kTwinsFamily;

extern const TimmFamily kByoanetFamily, kByoRegnetFamily, kEfficientVimFamily,
    kFocalNetFamily, kGcvitFamily, kHieraFamily, kMetaFormerFamily,
    kMvitV2Family, kMvitV2ClassFamily, kNestFamily, kPoolFormerFamily,
    kSam2HieraFamily, kSequencerFamily, kSwinV2CrFamily;

extern const TimmFamily kCaitFamily, kCoatFamily, kConvitFamily,
    kCrossvitFamily, kCrossvitDaggerFamily, kDeepseekVitFamily,
    kDeepseekVitEncoderFamily, kNaflexVitFamily, kQwen3VitFamily,
    kQwen3VitEncoderFamily, kSamVitFamily, kTntFamily, kVisformerFamily,
    kVitRelPosFamily, kVitaminFamily, kVoloFamily;

/// Null for a name of no family.
const TimmFamily *findTimmFamily(llvm::StringRef name);
/// The names of all families.
std::vector<llvm::StringRef> getTimmFamilyNames();

mlir::OwningOpRef<mlir::ModuleOp>
importTimmFamily(const TimmFamily &family, llvm::StringRef name, Config &config,
                 Checkpoint &checkpoint, const ImportOptions &options);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TIMM_FAMILIES_H
