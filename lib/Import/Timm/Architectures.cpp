//===- Architectures.cpp - What timm's names stand for --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Architectures.h"

#include "Families.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace vitc;
using namespace vitc::import_;
using llvm::StringRef;
using vitc::vit::GeluForm;

// timm 1.0's registry: name, heads, activation, epsilon, backbone.
static constexpr TimmVit kVits[] = {
    {"beit3_base_patch16_224", 12, GeluForm::Exact, 1e-5, {}},
    {"beit3_giant_patch14_224", 16, GeluForm::Exact, 1e-5, {}},
    {"beit3_giant_patch14_336", 16, GeluForm::Exact, 1e-5, {}},
    {"beit3_large_patch16_224", 16, GeluForm::Exact, 1e-5, {}},
    {"beit_base_patch16_224", 12, GeluForm::Exact, 1e-6, {}},
    {"beit_base_patch16_384", 12, GeluForm::Exact, 1e-6, {}},
    {"beit_large_patch16_224", 16, GeluForm::Exact, 1e-6, {}},
    {"beit_large_patch16_384", 16, GeluForm::Exact, 1e-6, {}},
    {"beit_large_patch16_512", 16, GeluForm::Exact, 1e-6, {}},
    {"beitv2_base_patch16_224", 12, GeluForm::Exact, 1e-6, {}},
    {"beitv2_large_patch16_224", 16, GeluForm::Exact, 1e-6, {}},
    {"deit3_base_patch16_224", 12, GeluForm::Exact, 1e-6, {}},
    {"deit3_base_patch16_384", 12, GeluForm::Exact, 1e-6, {}},
    {"deit3_huge_patch14_224", 16, GeluForm::Exact, 1e-6, {}},
    {"deit3_large_patch16_224", 16, GeluForm::Exact, 1e-6, {}},
    {"deit3_large_patch16_384", 16, GeluForm::Exact, 1e-6, {}},
    {"deit3_medium_patch16_224", 8, GeluForm::Exact, 1e-6, {}},
    {"deit3_small_patch16_224", 6, GeluForm::Exact, 1e-6, {}},
    {"deit3_small_patch16_384", 6, GeluForm::Exact, 1e-6, {}},
    {"deit_base_distilled_patch16_224", 12, GeluForm::Exact, 1e-6, {}},
    {"deit_base_distilled_patch16_384", 12, GeluForm::Exact, 1e-6, {}},
    {"deit_base_patch16_224", 12, GeluForm::Exact, 1e-6, {}},
    {"deit_base_patch16_384", 12, GeluForm::Exact, 1e-6, {}},
    {"deit_small_distilled_patch16_224", 6, GeluForm::Exact, 1e-6, {}},
    {"deit_small_patch16_224", 6, GeluForm::Exact, 1e-6, {}},
    {"deit_tiny_distilled_patch16_224", 3, GeluForm::Exact, 1e-6, {}},
    {"deit_tiny_patch16_224", 3, GeluForm::Exact, 1e-6, {}},
    {"eva_large_patch14_196", 16, GeluForm::Exact, 1e-6, {}},
    {"eva_large_patch14_336", 16, GeluForm::Exact, 1e-6, {}},
    {"flexivit_base", 12, GeluForm::Exact, 1e-6, {}},
    {"flexivit_large", 16, GeluForm::Exact, 1e-6, {}},
    {"flexivit_small", 6, GeluForm::Exact, 1e-6, {}},
    {"test_vit", 2, GeluForm::Exact, 1e-6, {}},
    {"test_vit2", 2, GeluForm::Exact, 1e-6, {}},
    {"test_vit3", 3, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch8_224", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch14_dinov2", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch14_reg1_tipsv2", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch14_reg4_dinov2", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_224", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_224_miil", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_384", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_clip_224", 12, GeluForm::Exact, 1e-5, {}},
    {"vit_base_patch16_clip_384", 12, GeluForm::Exact, 1e-5, {}},
    {"vit_base_patch16_clip_quickgelu_224", 12, GeluForm::Quick, 1e-5, {}},
    {"vit_base_patch16_gap_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_plus_240", 14, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_plus_clip_240", 14, GeluForm::Exact, 1e-5, {}},
    {"vit_base_patch16_radio_v3", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_reg4_gap_256", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_siglip_224", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_siglip_256", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_siglip_384", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_siglip_512", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_siglip_gap_224", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_siglip_gap_256", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_siglip_gap_384", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch16_siglip_gap_512", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch32_224", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch32_384", 12, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch32_clip_224", 12, GeluForm::Exact, 1e-5, {}},
    {"vit_base_patch32_clip_256", 12, GeluForm::Exact, 1e-5, {}},
    {"vit_base_patch32_clip_384", 12, GeluForm::Exact, 1e-5, {}},
    {"vit_base_patch32_clip_448", 12, GeluForm::Exact, 1e-5, {}},
    {"vit_base_patch32_clip_quickgelu_224", 12, GeluForm::Quick, 1e-5, {}},
    {"vit_base_patch32_plus_256", 14, GeluForm::Exact, 1e-6, {}},
    {"vit_base_patch32_siglip_256", 12, GeluForm::Tanh, 1e-6, {}},
    {"vit_base_patch32_siglip_gap_256", 12, GeluForm::Tanh, 1e-6, {}},
    {"vit_base_r26_s32_224", 12, GeluForm::Exact, 1e-6, {2, 2, 2, 2}},
    {"vit_base_r50_s16_224", 12, GeluForm::Exact, 1e-6, {3, 4, 9}},
    {"vit_base_r50_s16_384", 12, GeluForm::Exact, 1e-6, {3, 4, 9}},
    {"vit_betwixt_patch16_gap_256", 10, GeluForm::Exact, 1e-6, {}},
    {"vit_betwixt_patch16_reg1_gap_256", 10, GeluForm::Exact, 1e-6, {}},
    {"vit_betwixt_patch16_reg4_gap_256", 10, GeluForm::Exact, 1e-6, {}},
    {"vit_betwixt_patch16_reg4_gap_384", 10, GeluForm::Exact, 1e-6, {}},
    {"vit_betwixt_patch32_clip_224", 10, GeluForm::Exact, 1e-5, {}},
    {"vit_giant_patch14_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_giant_patch14_clip_224", 16, GeluForm::Exact, 1e-5, {}},
    {"vit_giant_patch14_dinov2", 24, GeluForm::Exact, 1e-6, {}},
    {"vit_giant_patch14_reg1_tipsv2", 24, GeluForm::Exact, 1e-6, {}},
    {"vit_giant_patch14_reg4_dinov2", 24, GeluForm::Exact, 1e-6, {}},
    {"vit_giant_patch16_gap_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_giant_patch16_radio_v3", 24, GeluForm::Exact, 1e-6, {}},
    {"vit_giantopt_patch16_siglip_256", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_giantopt_patch16_siglip_384", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_giantopt_patch16_siglip_gap_256", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_giantopt_patch16_siglip_gap_384", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_gigantic_patch14_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_gigantic_patch14_clip_224", 16, GeluForm::Exact, 1e-5, {}},
    {"vit_gigantic_patch14_clip_378", 16, GeluForm::Exact, 1e-5, {}},
    {"vit_gigantic_patch14_clip_quickgelu_224", 16, GeluForm::Quick, 1e-5, {}},
    {"vit_huge_patch14_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_huge_patch14_clip_224", 16, GeluForm::Exact, 1e-5, {}},
    {"vit_huge_patch14_clip_336", 16, GeluForm::Exact, 1e-5, {}},
    {"vit_huge_patch14_clip_378", 16, GeluForm::Exact, 1e-5, {}},
    {"vit_huge_patch14_clip_quickgelu_224", 16, GeluForm::Quick, 1e-5, {}},
    {"vit_huge_patch14_clip_quickgelu_378", 16, GeluForm::Quick, 1e-5, {}},
    {"vit_huge_patch14_gap_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_huge_patch16_gap_448", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_huge_patch16_radio_v3", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_huge_patch16_radio_v4", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_intern300m_patch14_448", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch14_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch14_clip_224", 16, GeluForm::Exact, 1e-5, {}},
    {"vit_large_patch14_clip_336", 16, GeluForm::Exact, 1e-5, {}},
    {"vit_large_patch14_clip_quickgelu_224", 16, GeluForm::Quick, 1e-5, {}},
    {"vit_large_patch14_clip_quickgelu_336", 16, GeluForm::Quick, 1e-5, {}},
    {"vit_large_patch14_dinov2", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch14_reg1_tipsv2", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch14_reg4_dinov2", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch16_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch16_384", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch16_radio_v3", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch16_siglip_256", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch16_siglip_384", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch16_siglip_512", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_large_patch16_siglip_gap_256", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch16_siglip_gap_384", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch16_siglip_gap_512", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_large_patch32_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_patch32_384", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_large_r50_s32_224", 16, GeluForm::Exact, 1e-6, {3, 4, 6, 3}},
    {"vit_large_r50_s32_384", 16, GeluForm::Exact, 1e-6, {3, 4, 6, 3}},
    {"vit_little_patch16_reg1_gap_256", 5, GeluForm::Exact, 1e-6, {}},
    {"vit_little_patch16_reg4_gap_256", 5, GeluForm::Exact, 1e-6, {}},
    {"vit_medium_patch16_clip_224", 8, GeluForm::Exact, 1e-5, {}},
    {"vit_medium_patch16_gap_240", 8, GeluForm::Exact, 1e-6, {}},
    {"vit_medium_patch16_gap_256", 8, GeluForm::Exact, 1e-6, {}},
    {"vit_medium_patch16_gap_384", 8, GeluForm::Exact, 1e-6, {}},
    {"vit_medium_patch16_reg1_gap_256", 8, GeluForm::Exact, 1e-6, {}},
    {"vit_medium_patch16_reg4_gap_256", 8, GeluForm::Exact, 1e-6, {}},
    {"vit_medium_patch32_clip_224", 8, GeluForm::Exact, 1e-5, {}},
    {"vit_mediumd_patch16_reg4_gap_256", 8, GeluForm::Exact, 1e-6, {}},
    {"vit_mediumd_patch16_reg4_gap_384", 8, GeluForm::Exact, 1e-6, {}},
    {"vit_small_patch8_224", 6, GeluForm::Exact, 1e-6, {}},
    {"vit_small_patch14_dinov2", 6, GeluForm::Exact, 1e-6, {}},
    {"vit_small_patch14_reg4_dinov2", 6, GeluForm::Exact, 1e-6, {}},
    {"vit_small_patch16_36x1_224", 6, GeluForm::Exact, 1e-6, {}},
    {"vit_small_patch16_224", 6, GeluForm::Exact, 1e-6, {}},
    {"vit_small_patch16_384", 6, GeluForm::Exact, 1e-6, {}},
    {"vit_small_patch32_224", 6, GeluForm::Exact, 1e-6, {}},
    {"vit_small_patch32_384", 6, GeluForm::Exact, 1e-6, {}},
    {"vit_small_r26_s32_224", 6, GeluForm::Exact, 1e-6, {2, 2, 2, 2}},
    {"vit_small_r26_s32_384", 6, GeluForm::Exact, 1e-6, {2, 2, 2, 2}},
    {"vit_so150m2_patch16_reg1_gap_256", 13, GeluForm::Exact, 1e-6, {}},
    {"vit_so150m2_patch16_reg1_gap_384", 13, GeluForm::Exact, 1e-6, {}},
    {"vit_so150m2_patch16_reg1_gap_448", 13, GeluForm::Exact, 1e-6, {}},
    {"vit_so150m_patch16_reg4_gap_256", 14, GeluForm::Exact, 1e-6, {}},
    {"vit_so150m_patch16_reg4_gap_384", 14, GeluForm::Exact, 1e-6, {}},
    {"vit_so150m_patch16_reg4_map_256", 14, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_reg1_tipsv2", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_378", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_384", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_378", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_384", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_448", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_896", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch16_radio_v4", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch16_siglip_256", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_so400m_patch16_siglip_384", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_so400m_patch16_siglip_512", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_so400m_patch16_siglip_gap_256", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_so400m_patch16_siglip_gap_384", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_so400m_patch16_siglip_gap_512", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_tiny_patch16_224", 3, GeluForm::Exact, 1e-6, {}},
    {"vit_tiny_patch16_384", 3, GeluForm::Exact, 1e-6, {}},
    {"vit_tiny_r_s16_p8_224", 3, GeluForm::Exact, 1e-6, {}},
    {"vit_tiny_r_s16_p8_384", 3, GeluForm::Exact, 1e-6, {}},
    {"vit_wee_patch16_reg1_gap_256", 4, GeluForm::Exact, 1e-6, {}},
    {"vit_xsmall_patch16_clip_224", 4, GeluForm::Exact, 1e-5, {}},
};

// The numbers of EVA-02's patches, scaled to the grid of its training.
static constexpr AxialRotary kEva02 = {1e4,
                                       /*centered=*/false,
                                       /*offset=*/0,
                                       16,
                                       /*widthFirst=*/false,
                                       /*neighbours=*/true};
// RoPE-ViT's, not scaled.
static constexpr AxialRotary kRope = {100,
                                      /*centered=*/false,
                                      /*offset=*/0,
                                      0,
                                      /*widthFirst=*/true,
                                      /*neighbours=*/true};
// DINOv3's centres.
static constexpr AxialRotary kCentered = {};

// The Perception Encoder's; with a class token numbers begin with 1.
static constexpr AxialRotary perception(int64_t referencePatches,
                                        double offset) {
  return {1e4,
          /*centered=*/false,
          offset,
          referencePatches,
          /*widthFirst=*/true,
          /*neighbours=*/true};
}

static constexpr TimmVit eva(llvm::StringLiteral name, int64_t numHeads,
                             double epsilon, std::optional<AxialRotary> rotary,
                             llvm::StringLiteral pooling,
                             int64_t poolingHeads = 0) {
  return {name, numHeads, GeluForm::Exact, epsilon,
          {},   rotary,   pooling,         poolingHeads};
}

// Those of timm's eva.py: name, heads, epsilon, how patches are turned,
// pooling and its heads.
static constexpr TimmVit kEvas[] = {
    eva("eva02_base_patch14_224", 12, 1e-6, kEva02, "avg"),
    eva("eva02_base_patch14_448", 12, 1e-6, kEva02, "avg"),
    eva("eva02_base_patch16_clip_224", 12, 1e-6, kEva02, "token"),
    eva("eva02_large_patch14_224", 16, 1e-6, kEva02, "avg"),
    eva("eva02_large_patch14_448", 16, 1e-6, kEva02, "avg"),
    eva("eva02_large_patch14_clip_224", 16, 1e-6, kEva02, "token"),
    eva("eva02_large_patch14_clip_336", 16, 1e-6, kEva02, "token"),
    eva("eva02_small_patch14_224", 6, 1e-6, kEva02, "avg"),
    eva("eva02_small_patch14_336", 6, 1e-6, kEva02, "avg"),
    eva("eva02_tiny_patch14_224", 3, 1e-6, kEva02, "avg"),
    eva("eva02_tiny_patch14_336", 3, 1e-6, kEva02, "avg"),
    eva("eva_giant_patch14_224", 16, 1e-6, std::nullopt, "avg"),
    eva("eva_giant_patch14_336", 16, 1e-6, std::nullopt, "avg"),
    eva("eva_giant_patch14_560", 16, 1e-6, std::nullopt, "avg"),
    eva("eva_giant_patch14_clip_224", 16, 1e-6, std::nullopt, "token"),
    eva("vit_7b_patch16_dinov3", 32, 1e-5, kCentered, "avg"),
    eva("vit_base_patch16_dinov3", 12, 1e-5, kCentered, "avg"),
    eva("vit_base_patch16_dinov3_qkvb", 12, 1e-5, kCentered, "avg"),
    eva("vit_base_patch16_lingbot", 12, 1e-5, kCentered, "token"),
    eva("vit_base_patch16_rope_224", 12, 1e-6, kRope, "token"),
    eva("vit_base_patch16_rope_ape_224", 12, 1e-6, kRope, "token"),
    eva("vit_base_patch16_rope_reg1_gap_256", 12, 1e-6, kEva02, "avg"),
    eva("vit_betwixt_patch16_rope_reg4_gap_256", 10, 1e-6, kEva02, "avg"),
    eva("vit_giant_patch16_lingbot", 24, 1e-5, kCentered, "token"),
    eva("vit_huge_plus_patch16_dinov3", 20, 1e-5, kCentered, "avg"),
    eva("vit_huge_plus_patch16_dinov3_qkvb", 20, 1e-5, kCentered, "avg"),
    eva("vit_large_patch16_dinov3", 16, 1e-5, kCentered, "avg"),
    eva("vit_large_patch16_dinov3_qkvb", 16, 1e-5, kCentered, "avg"),
    eva("vit_large_patch16_lingbot", 16, 1e-5, kCentered, "token"),
    eva("vit_large_patch16_rope_224", 16, 1e-6, kRope, "token"),
    eva("vit_large_patch16_rope_ape_224", 16, 1e-6, kRope, "token"),
    eva("vit_medium_patch16_rope_reg1_gap_256", 8, 1e-6, kEva02, "avg"),
    eva("vit_mediumd_patch16_rope_reg1_gap_256", 8, 1e-6, kEva02, "avg"),
    eva("vit_pe_core_base_patch16_224", 12, 1e-5, perception(14, 1), "map", 8),
    eva("vit_pe_core_gigantic_patch14_448", 16, 1e-5, perception(32, 0), "map",
        8),
    eva("vit_pe_core_large_patch14_336", 16, 1e-5, perception(24, 1), "map", 8),
    eva("vit_pe_core_small_patch16_384", 6, 1e-5, perception(24, 1), "map", 8),
    eva("vit_pe_core_tiny_patch16_384", 3, 1e-5, perception(24, 1), "map", 8),
    eva("vit_pe_lang_gigantic_patch14_448", 16, 1e-5, perception(32, 0), "avg"),
    eva("vit_pe_lang_large_patch14_448", 16, 1e-5, perception(32, 1), "avg"),
    eva("vit_pe_spatial_base_patch16_512", 12, 1e-5, perception(32, 1), "avg"),
    eva("vit_pe_spatial_gigantic_patch14_448", 16, 1e-5, perception(32, 0),
        "avg"),
    eva("vit_pe_spatial_large_patch14_448", 16, 1e-5, perception(32, 1), "avg"),
    eva("vit_pe_spatial_small_patch16_512", 6, 1e-5, perception(32, 1), "avg"),
    eva("vit_pe_spatial_tiny_patch16_512", 3, 1e-5, perception(32, 1), "avg"),
    eva("vit_small_patch16_dinov3", 6, 1e-5, kCentered, "avg"),
    eva("vit_small_patch16_dinov3_qkvb", 6, 1e-5, kCentered, "avg"),
    eva("vit_small_patch16_lingbot", 6, 1e-5, kCentered, "token"),
    eva("vit_small_patch16_rope_224", 6, 1e-6, kRope, "token"),
    eva("vit_small_patch16_rope_ape_224", 6, 1e-6, kRope, "token"),
    eva("vit_small_plus_patch16_dinov3", 6, 1e-5, kCentered, "avg"),
    eva("vit_small_plus_patch16_dinov3_qkvb", 6, 1e-5, kCentered, "avg"),
    eva("vit_tiny_patch16_dinov3_qkvb", 3, 1e-5, kCentered, "avg"),
};

// Name, Swin v2, its window, the one that it was first trained with.
static constexpr TimmSwin kSwins[] = {
    {"swin_base_patch4_window7_224", /*v2=*/false},
    {"swin_base_patch4_window12_384", /*v2=*/false},
    {"swin_large_patch4_window7_224", /*v2=*/false},
    {"swin_large_patch4_window12_384", /*v2=*/false},
    {"swin_s3_base_224", /*v2=*/false},
    {"swin_s3_small_224", /*v2=*/false},
    {"swin_s3_tiny_224", /*v2=*/false},
    {"swin_small_patch4_window7_224", /*v2=*/false},
    {"swin_tiny_patch4_window7_224", /*v2=*/false},
    {"swinv2_base_window8_256", /*v2=*/true, 8},
    {"swinv2_base_window12_192", /*v2=*/true, 12},
    {"swinv2_base_window12to16_192to256", /*v2=*/true, 16, 12},
    {"swinv2_base_window12to24_192to384", /*v2=*/true, 24, 12},
    {"swinv2_base_window16_256", /*v2=*/true, 16},
    {"swinv2_large_window12_192", /*v2=*/true, 12},
    {"swinv2_large_window12to16_192to256", /*v2=*/true, 16, 12},
    {"swinv2_large_window12to24_192to384", /*v2=*/true, 24, 12},
    {"swinv2_small_window8_256", /*v2=*/true, 8},
    {"swinv2_small_window16_256", /*v2=*/true, 16},
    {"swinv2_tiny_window8_256", /*v2=*/true, 8},
    {"swinv2_tiny_window16_256", /*v2=*/true, 16},
};

static constexpr TimmXcit kXcits[] = {
    {"xcit_large_24_p8_224", /*normsTokens=*/true},
    {"xcit_large_24_p8_384", /*normsTokens=*/true},
    {"xcit_large_24_p16_224", /*normsTokens=*/true},
    {"xcit_large_24_p16_384", /*normsTokens=*/true},
    {"xcit_medium_24_p8_224", /*normsTokens=*/true},
    {"xcit_medium_24_p8_384", /*normsTokens=*/true},
    {"xcit_medium_24_p16_224", /*normsTokens=*/true},
    {"xcit_medium_24_p16_384", /*normsTokens=*/true},
    {"xcit_nano_12_p8_224", /*normsTokens=*/false},
    {"xcit_nano_12_p8_384", /*normsTokens=*/false},
    {"xcit_nano_12_p16_224", /*normsTokens=*/false},
    {"xcit_nano_12_p16_384", /*normsTokens=*/false},
    {"xcit_small_12_p8_224", /*normsTokens=*/true},
    {"xcit_small_12_p8_384", /*normsTokens=*/true},
    {"xcit_small_12_p16_224", /*normsTokens=*/true},
    {"xcit_small_12_p16_384", /*normsTokens=*/true},
    {"xcit_small_24_p8_224", /*normsTokens=*/true},
    {"xcit_small_24_p8_384", /*normsTokens=*/true},
    {"xcit_small_24_p16_224", /*normsTokens=*/true},
    {"xcit_small_24_p16_384", /*normsTokens=*/true},
    {"xcit_tiny_12_p8_224", /*normsTokens=*/true},
    {"xcit_tiny_12_p8_384", /*normsTokens=*/true},
    {"xcit_tiny_12_p16_224", /*normsTokens=*/true},
    {"xcit_tiny_12_p16_384", /*normsTokens=*/true},
    {"xcit_tiny_24_p8_224", /*normsTokens=*/true},
    {"xcit_tiny_24_p8_384", /*normsTokens=*/true},
    {"xcit_tiny_24_p16_224", /*normsTokens=*/true},
    {"xcit_tiny_24_p16_384", /*normsTokens=*/true},
};

const TimmVit *import_::findTimmVit(StringRef name) {
  for (const TimmVit &vit : llvm::concat<const TimmVit>(kVits, kEvas))
    if (vit.name == name)
      return &vit;
  return nullptr;
}

const TimmSwin *import_::findTimmSwin(StringRef name) {
  const TimmSwin *found = llvm::find_if(
      kSwins, [&](const TimmSwin &swin) { return swin.name == name; });
  return found == std::end(kSwins) ? nullptr : found;
}

const TimmXcit *import_::findTimmXcit(StringRef name) {
  const TimmXcit *found = llvm::find_if(
      kXcits, [&](const TimmXcit &xcit) { return xcit.name == name; });
  return found == std::end(kXcits) ? nullptr : found;
}

std::string import_::suggestTimmNames(StringRef name) {
  llvm::SmallVector<std::pair<unsigned, StringRef>> candidates;
  for (const TimmVit &vit : llvm::concat<const TimmVit>(kVits, kEvas))
    candidates.emplace_back(name.edit_distance(vit.name), vit.name);
  for (const TimmSwin &swin : kSwins)
    candidates.emplace_back(name.edit_distance(swin.name), swin.name);
  for (const TimmXcit &xcit : kXcits)
    candidates.emplace_back(name.edit_distance(xcit.name), xcit.name);
  for (StringRef family : getTimmFamilyNames())
    candidates.emplace_back(name.edit_distance(family), family);
  llvm::sort(candidates);
  constexpr size_t kCount = 3;
  return llvm::join(
      llvm::map_range(llvm::ArrayRef(candidates).take_front(kCount),
                      [](const auto &candidate) { return candidate.second; }),
      ", ");
}
