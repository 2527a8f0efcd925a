//===- Model.cpp - What an instruction does -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "llvm/ADT/StringMap.h"

using namespace vitc::emulator;

const Model *vitc::emulator::findModel(llvm::StringRef name) {
  static const llvm::StringMap<const Model *> models = [] {
    llvm::StringMap<const Model *> byName;
    for (auto family :
         {getSpecialRegisterModels(), getArithmeticModels(), getBarrierModels(),
          getWarpModels(), getAsyncCopyModels(), getMatrixModels(),
          getMBarrierModels(), getBulkCopyModels(), getTensorCopyModels(),
          getWarpgroupModels()})
      for (const Model &model : family)
        byName[model.name] = &model;
    return byName;
  }();
  return models.lookup(name);
}
