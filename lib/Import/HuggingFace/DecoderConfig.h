//===- DecoderConfig.h - Configurations of text decoders -------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_DECODERCONFIG_H
#define VITC_LIB_IMPORT_HUGGINGFACE_DECODERCONFIG_H

#include "Checkpoint.h"
#include "Config.h"
#include "TextDecoder.h"

namespace vitc::import_ {

/// Read decoders that stand alone or are a part of a model. `prefix` is of
/// their weights, e.g. "decoder."; `memoryWidth` is of what they attend to, 0
/// for nothing.
TextDecoder readGpt2Decoder(Config &config, Checkpoint &checkpoint,
                            llvm::StringRef prefix, int64_t memoryWidth);
TextDecoder readTrocrDecoder(Config &config, Checkpoint &checkpoint,
                             llvm::StringRef prefix, int64_t memoryWidth);

/// What Marian's and TrOCR's layers are, all as BART's, with their names; the
/// prefix of an encoder's or a decoder's weights ends in a dot.
void setBartLayers(TextSpec &spec, llvm::StringRef prefix, bool isDecoder);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_DECODERCONFIG_H
