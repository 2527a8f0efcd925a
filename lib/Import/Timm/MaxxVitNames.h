//===- MaxxVitNames.h - CoAtNets and MaxViTs of timm -----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What their weights do not say. Those with "rw" are timm's own, others follow
// the papers, those with "tf" the papers' code.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TIMM_MAXXVITNAMES_H
#define VITC_LIB_IMPORT_TIMM_MAXXVITNAMES_H

#include "TimmLayers.h"

namespace vitc::import_ {

struct MaxxVitStyle {
  TimmActivation convActivation, gateActivation;
  double convEps = 1e-5;
  /// A bottleneck that halves the map does so before its first convolution.
  bool stridesByPool = false;
  /// Pools take maxima of 3x3 rather than means of 2x2.
  bool maxPool = false;
  /// An activation behind a bottleneck's first norm.
  bool activatesFirst = false;
  /// TensorFlow's padding.
  bool samePadding = false;
  TimmActivation transformerActivation = TimmActivation::Gelu;
  double transformerEps = 1e-6;
  /// Of a window's rows: the query, key and value of one head come before those
  /// of another.
  bool headFirst = true;
};

struct MaxxVitEntry {
  llvm::StringLiteral name;
  MaxxVitStyle style;
};

namespace maxxvit {

inline constexpr MaxxVitStyle kPaper = {TimmActivation::Gelu,
                                        TimmActivation::Silu};
inline constexpr MaxxVitStyle kMax = {TimmActivation::Silu,
                                      TimmActivation::Silu};
inline constexpr MaxxVitStyle kPooledMax = {TimmActivation::Silu,
                                            TimmActivation::Silu,
                                            /*convEps=*/1e-5,
                                            /*stridesByPool=*/true};
inline constexpr MaxxVitStyle kNext = {TimmActivation::Gelu,
                                       TimmActivation::Silu,
                                       /*convEps=*/1e-6};
inline constexpr MaxxVitStyle kTensorFlow = {
    TimmActivation::GeluTanh, TimmActivation::Silu,
    /*convEps=*/1e-3,
    /*stridesByPool=*/false,
    /*maxPool=*/false,
    /*activatesFirst=*/false,
    /*samePadding=*/true,     TimmActivation::GeluTanh,
    /*transformerEps=*/1e-5,
    /*headFirst=*/false};

constexpr MaxxVitStyle coat(TimmActivation gateActivation, bool stridesByPool,
                            bool maxPool = false) {
  return {TimmActivation::Silu, gateActivation, /*convEps=*/1e-5,
          stridesByPool,        maxPool,        /*activatesFirst=*/true};
}

inline constexpr MaxxVitEntry kEntries[] = {
    {"coatnet_0_224", kPaper},
    {"coatnet_0_rw_224", coat(TimmActivation::Relu, /*stridesByPool=*/true)},
    {"coatnet_1_224", kPaper},
    {"coatnet_1_rw_224", coat(TimmActivation::Relu, /*stridesByPool=*/false)},
    {"coatnet_2_224", kPaper},
    {"coatnet_2_rw_224", coat(TimmActivation::Silu, /*stridesByPool=*/false)},
    {"coatnet_3_224", kPaper},
    {"coatnet_3_rw_224", coat(TimmActivation::Silu, /*stridesByPool=*/false)},
    {"coatnet_4_224", kPaper},
    {"coatnet_5_224", kPaper},
    {"coatnet_bn_0_rw_224",
     coat(TimmActivation::Relu, /*stridesByPool=*/false)},
    {"coatnet_nano_cc_224", coat(TimmActivation::Relu, /*stridesByPool=*/true)},
    {"coatnet_nano_rw_224", kPooledMax},
    {"coatnet_pico_rw_224", kMax},
    {"coatnet_rmlp_0_rw_224",
     coat(TimmActivation::Relu, /*stridesByPool=*/false)},
    {"coatnet_rmlp_1_rw2_224",
     coat(TimmActivation::Relu, /*stridesByPool=*/false)},
    {"coatnet_rmlp_1_rw_224",
     coat(TimmActivation::Relu, /*stridesByPool=*/true, /*maxPool=*/true)},
    {"coatnet_rmlp_2_rw_224",
     coat(TimmActivation::Silu, /*stridesByPool=*/false)},
    {"coatnet_rmlp_2_rw_384",
     coat(TimmActivation::Silu, /*stridesByPool=*/false)},
    {"coatnet_rmlp_3_rw_224",
     coat(TimmActivation::Silu, /*stridesByPool=*/false)},
    {"coatnet_rmlp_nano_rw_224", kMax},
    {"coatnext_nano_rw_224", kNext},
    {"maxvit_base_tf_224", kTensorFlow},
    {"maxvit_base_tf_384", kTensorFlow},
    {"maxvit_base_tf_512", kTensorFlow},
    {"maxvit_large_tf_224", kTensorFlow},
    {"maxvit_large_tf_384", kTensorFlow},
    {"maxvit_large_tf_512", kTensorFlow},
    {"maxvit_nano_rw_256", kMax},
    {"maxvit_pico_rw_256", kMax},
    {"maxvit_rmlp_base_rw_224", kMax},
    {"maxvit_rmlp_base_rw_384", kMax},
    {"maxvit_rmlp_nano_rw_256", kMax},
    {"maxvit_rmlp_pico_rw_256", kMax},
    {"maxvit_rmlp_small_rw_224", kMax},
    {"maxvit_rmlp_small_rw_256", kMax},
    {"maxvit_rmlp_tiny_rw_256", kMax},
    {"maxvit_small_tf_224", kTensorFlow},
    {"maxvit_small_tf_384", kTensorFlow},
    {"maxvit_small_tf_512", kTensorFlow},
    {"maxvit_tiny_pm_256", kMax},
    {"maxvit_tiny_rw_224", kMax},
    {"maxvit_tiny_rw_256", kMax},
    {"maxvit_tiny_tf_224", kTensorFlow},
    {"maxvit_tiny_tf_384", kTensorFlow},
    {"maxvit_tiny_tf_512", kTensorFlow},
    {"maxvit_xlarge_tf_224", kTensorFlow},
    {"maxvit_xlarge_tf_384", kTensorFlow},
    {"maxvit_xlarge_tf_512", kTensorFlow},
    {"maxxvit_rmlp_nano_rw_256", kNext},
    {"maxxvit_rmlp_small_rw_256", kNext},
    {"maxxvit_rmlp_tiny_rw_256", kNext},
    {"maxxvitv2_nano_rw_256", kNext},
    {"maxxvitv2_rmlp_base_rw_224", kNext},
    {"maxxvitv2_rmlp_base_rw_384", kNext},
    {"maxxvitv2_rmlp_large_rw_224", kNext},
    {"test_coatnet", kPooledMax},
    {"test_maxvit", kMax},
};

} // namespace maxxvit

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TIMM_MAXXVITNAMES_H
