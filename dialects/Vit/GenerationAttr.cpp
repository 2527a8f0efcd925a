//===- GenerationAttr.cpp - How a model generates tokens ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"
#include "vitc/Runtime/Descriptor.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

LogicalResult GenerationAttr::verify(
    llvm::function_ref<InFlightDiagnostic()> emitError, StringAttr token,
    StringAttr position, StringAttr scores, DenseI64ArrayAttr start,
    DenseI64ArrayAttr end, int64_t pad, int64_t maxLength, int64_t minLength,
    bool promptReplacesStart, int64_t beams, FloatAttr lengthPenalty,
    EarlyStopping earlyStopping, FloatAttr repetitionPenalty,
    int64_t noRepeatNgram, DenseI64ArrayAttr suppressed,
    DenseI64ArrayAttr beginSuppressed, int64_t forcedFirst, int64_t forcedLast,
    bool renormalize, StringAttr attention,
    DenseResourceElementsAttr tokenizer) {
  // C1
  if (start.empty() || maxLength <= start.size())
    return emitError() << "#vit.generation has " << start.size()
                       << " start tokens and maxLength = " << maxLength
                       << "; needs 1 or more, and a larger length";
  if (minLength < 0 || minLength >= maxLength)
    return emitError() << "#vit.generation has minLength = " << minLength
                       << "; needs 0 to " << maxLength - 1;
  // C2
  for (auto [name, list] : {std::pair("start", start), std::pair("end", end),
                            std::pair("suppressed", suppressed),
                            std::pair("beginSuppressed", beginSuppressed)})
    for (int64_t token : list ? list.asArrayRef() : ArrayRef<int64_t>())
      if (token < 0)
        return emitError() << "#vit.generation has " << name << " token "
                           << token << "; needs 0 or more";
  if (pad < 0)
    return emitError() << "#vit.generation has pad = " << pad
                       << "; needs 0 or more";
  if (forcedFirst < -1 || forcedLast < -1)
    return emitError() << "#vit.generation has forcedFirst = " << forcedFirst
                       << " and forcedLast = " << forcedLast
                       << "; needs 0 or more, or -1 for none";
  // C3
  if (beams < 1 || beams > rt::kMaxBeams || noRepeatNgram < 0)
    return emitError() << "#vit.generation has beams = " << beams
                       << " and noRepeatNgram = " << noRepeatNgram
                       << "; needs 1 to " << rt::kMaxBeams << " and 0 or more";
  // C4
  if (lengthPenalty && !lengthPenalty.getValue().isFinite())
    return emitError() << "#vit.generation has lengthPenalty = "
                       << lengthPenalty << "; needs a finite number";
  if (repetitionPenalty && (!repetitionPenalty.getValue().isFinite() ||
                            repetitionPenalty.getValueAsDouble() <= 0))
    return emitError() << "#vit.generation has repetitionPenalty = "
                       << repetitionPenalty
                       << "; needs a positive finite number";
  // C5
  if (tokenizer && (tokenizer.getType().getRank() != 1 ||
                    !tokenizer.getType().getElementType().isInteger(8)))
    return emitError() << "#vit.generation has a tokenizer of type "
                       << tokenizer.getType() << "; needs a vector of i8";
  return success();
}
