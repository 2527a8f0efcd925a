//===- Architectures.cpp - What timm's names stand for --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Architectures.h"

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
    {"vit_giant_patch16_gap_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_giant_patch16_radio_v3", 24, GeluForm::Exact, 1e-6, {}},
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
    {"vit_so400m_patch14_reg1_tipsv2", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_224", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_378", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_384", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_448", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch14_siglip_gap_896", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch16_radio_v4", 16, GeluForm::Exact, 1e-6, {}},
    {"vit_so400m_patch16_siglip_gap_256", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_so400m_patch16_siglip_gap_384", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_so400m_patch16_siglip_gap_512", 16, GeluForm::Tanh, 1e-6, {}},
    {"vit_tiny_patch16_224", 3, GeluForm::Exact, 1e-6, {}},
    {"vit_tiny_patch16_384", 3, GeluForm::Exact, 1e-6, {}},
    {"vit_wee_patch16_reg1_gap_256", 4, GeluForm::Exact, 1e-6, {}},
    {"vit_tiny_r_s16_p8_224", 3, GeluForm::Exact, 1e-6, {}},
    {"vit_tiny_r_s16_p8_384", 3, GeluForm::Exact, 1e-6, {}},
    {"vit_xsmall_patch16_clip_224", 4, GeluForm::Exact, 1e-5, {}},
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

const TimmVit *import_::findTimmVit(StringRef name) {
  const TimmVit *found = llvm::find_if(
      kVits, [&](const TimmVit &vit) { return vit.name == name; });
  return found == std::end(kVits) ? nullptr : found;
}

const TimmSwin *import_::findTimmSwin(StringRef name) {
  const TimmSwin *found = llvm::find_if(
      kSwins, [&](const TimmSwin &swin) { return swin.name == name; });
  return found == std::end(kSwins) ? nullptr : found;
}

std::string import_::suggestTimmNames(StringRef name) {
  llvm::SmallVector<std::pair<unsigned, StringRef>> candidates;
  for (const TimmVit &vit : kVits)
    candidates.emplace_back(name.edit_distance(vit.name), vit.name);
  for (const TimmSwin &swin : kSwins)
    candidates.emplace_back(name.edit_distance(swin.name), swin.name);
  llvm::sort(candidates);
  constexpr size_t kCount = 3;
  return llvm::join(
      llvm::map_range(llvm::ArrayRef(candidates).take_front(kCount),
                      [](const auto &candidate) { return candidate.second; }),
      ", ");
}
