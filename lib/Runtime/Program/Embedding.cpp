//===- Embedding.cpp - Outputs of a picture as files ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Tasks.h"

using namespace vitc::rt;

AnswerFn vitc::rt::makeEmbeddingAnswer(const vitc_model &model) {
  const EntryDescriptor &entry = *model.main.descriptor;
  return [&entry](const PictureResult &result, Answer &answer) {
    for (int32_t i = 0; i < entry.numOutputs; ++i) {
      std::string path = result.base;
      if (entry.numOutputs > 1)
        path += "." + fileNameOf(entry.outputs[i].name);
      path += ".npy";
      // Counted rows are those of all pictures, of one here.
      NpyArray output = result.input.getTensors().getFilled(entry, i);
      bool isCounted = entry.outputs[i].countOutput >= 0;
      answer.addFile(path,
                     formatNpy(isCounted ? output : firstOfBatch(output)));
      answer.lines.push_back(path);
    }
  };
}
