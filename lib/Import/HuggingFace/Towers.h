//===- Towers.h - The two encoders of CLIP and SigLIP ----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One tower encodes pictures, the other texts; a text fits a picture as far as
// the two embeddings point the same way. Either may stand alone in a folder.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_TOWERS_H
#define VITC_LIB_IMPORT_HUGGINGFACE_TOWERS_H

#include "TextModel.h"

namespace vitc::import_ {

struct ImageTower {
  VitSpec spec;
  /// Attention pools the tokens, and not a norm of the class token.
  bool attentionPooling = false;
  /// There is a pooled vector.
  bool pools = true;
};

struct TextTower {
  /// Which token stands for the text.
  enum class Pooling { FirstEnd, Greatest, Last };

  TextSpec spec;
  Pooling pooling = Pooling::Last;
  int64_t endToken = 0;
  std::string head; // a linear layer on that token, or empty
  int64_t headSize = 0;
};

/// What a class gives.
enum class TowerOutput {
  Ranking,         // embeddings of both, and the scores that they make
  Logits,          // classes of pictures
  ImageStates,     // last_hidden_state and pooler_output
  ImageEmbeddings, // and last_hidden_state
  TextStates,
  TextEmbeddings,
};

struct TowerArchitecture {
  llvm::StringRef name;
  TowerOutput output;
};

/// What CLIP and SigLIP do not share.
struct TowerFamily {
  llvm::StringRef modelType; // of both towers together
  /// The classes of both together, of pictures and of texts.
  llvm::ArrayRef<TowerArchitecture> architectures, imageArchitectures,
      textArchitectures;
  /// Read a tower's own configuration.
  void (*readImageTower)(Config &config, ImageTower &tower);
  void (*readTextTower)(Config &config, TextTower &tower);
  /// Layers without bias behind the towers, of the size projection_dim.
  bool hasProjections;
  /// What a classifier takes.
  VitPooling classifierPooling;
  /// Scores have a bias and are probabilities each.
  bool sigmoid;
};

/// Imports the class that "architectures" names, of those that "model_type"
/// allows.
mlir::OwningOpRef<mlir::ModuleOp>
importTowers(llvm::StringRef folder, Config &config, Checkpoint &checkpoint,
             const TowerFamily &family, const ImportOptions &options);

/// Reads what the towers of both families have; the sizes in `spec` are the
/// defaults.
void readImageEncoder(Config &config, VitSpec &spec);
void readTowerText(Config &config, TextSpec &spec);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_TOWERS_H
