# ===- timm_families.py - A small model of each of timm's families --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The models of benchmarks/timm_sweep.py.

Of each family of timm 1.0 with an attention, or another mixing of tokens in its place, the smallest model and one of
each other form of attention. Families are timm's source files.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# TorchScript and Dynamo, with the opset; from opset 23 on Dynamo writes Attention and Gelu as one node.
EXPORTERS = ("ts17", "dyn18", "dyn25")


@dataclass(frozen=True)
class TimmModel:
    """A model to create; `models` counts those that timm registers in the family."""

    family: str
    models: int
    name: str
    input_shape: tuple[int, int, int]
    arguments: dict = field(default_factory=dict)


def _model(family: str, models: int, name: str, size: int, **arguments) -> TimmModel:
    return TimmModel(family, models, name, (3, size, size), arguments)


MODELS = (
    _model("beit", 7, "beit_base_patch16_224", 224, depth=4),
    _model("byoanet", 15, "botnet26t_256", 256),
    _model("byoanet", 15, "halonet_h1", 256),
    _model("byoanet", 15, "lambda_resnet26t", 256),
    _model("cait", 10, "cait_xxs24_224", 224),
    _model("coat", 8, "coat_lite_tiny", 224),
    _model("coat", 8, "coat_tiny", 224),
    _model("convit", 3, "convit_tiny", 224),
    _model("cpubone", 9, "cpubone_nano", 224),
    _model("crossvit", 11, "crossvit_tiny_240", 240),
    _model("crossvit", 11, "crossvit_9_dagger_240", 240),
    _model("csatv2", 2, "csatv2", 512),
    _model("davit", 8, "davit_tiny", 224),
    _model("deepseek_vit", 3, "deepseek_vit_412m", 546, depth=2),
    _model("deit", 24, "deit_tiny_patch16_224", 224),
    _model("deit", 24, "deit_tiny_distilled_patch16_224", 224),
    _model("deit", 24, "deit3_small_patch16_224", 224),
    _model("edgenext", 5, "edgenext_xx_small", 256),
    _model("efficientformer", 3, "efficientformer_l1", 224),
    _model("efficientformer_v2", 4, "efficientformerv2_s0", 224),
    _model("efficientvim", 8, "efficientvim_m1", 224),
    _model("efficientvit_mit", 7, "efficientvit_b0", 224),
    _model("efficientvit_msra", 6, "efficientvit_m0", 224),
    _model("eva", 65, "eva02_tiny_patch14_224", 224),
    _model("eva", 65, "vit_pe_core_tiny_patch16_384", 384),
    _model("eva", 65, "vit_tiny_patch16_dinov3_qkvb", 256),
    _model("fastvit", 12, "fastvit_sa12", 256),
    _model("focalnet", 12, "focalnet_tiny_srf", 224),
    _model("gcvit", 5, "gcvit_xxtiny", 224),
    _model("gemma4_vit", 4, "gemma4_vit_167m", 768, depth=4),
    _model("hiera", 8, "hiera_tiny_224", 224),
    _model("hieradet_sam2", 5, "sam2_hiera_tiny", 896),
    _model("iformer", 9, "iformer_t", 224),
    _model("levit", 20, "levit_128s", 224),
    _model("levit", 20, "levit_conv_128s", 224),
    _model("lowformer", 8, "lowformer_b0", 224),
    _model("maxxvit", 58, "test_coatnet", 160),
    _model("maxxvit", 58, "test_maxvit", 160),
    _model("maxxvit", 58, "maxxvit_rmlp_nano_rw_256", 256),
    _model("metaformer", 18, "caformer_s18", 224),
    _model("mobilenetv5", 3, "mobilenetv5_base", 256),
    _model("mobilevit", 16, "mobilevit_xxs", 256),
    _model("mobilevit", 16, "mobilevitv2_050", 256),
    _model("mvitv2", 8, "mvitv2_tiny", 224),
    _model("naflexvit", 14, "naflexvit_base_patch16_gap", 384, depth=4),
    _model("nest", 9, "jx_nest_tiny", 224),
    _model("nextvit", 3, "nextvit_small", 224),
    _model("pit", 8, "pit_ti_224", 224),
    _model("pit", 8, "pit_ti_distilled_224", 224),
    _model("pvt_v2", 7, "pvt_v2_b0", 224),
    _model("qwen3_vit", 9, "qwen3_vit_88m", 768),
    _model("sequencer", 3, "sequencer2d_s", 224),
    _model("shvit", 4, "shvit_s1", 224),
    _model("swiftformer", 4, "swiftformer_xs", 224),
    _model("swin_transformer", 13, "swin_tiny_patch4_window7_224", 224),
    _model("swin_transformer", 13, "swin_s3_tiny_224", 224),
    _model("swin_transformer_v2", 18, "swinv2_tiny_window8_256", 256),
    _model("swin_transformer_v2_cr", 16, "swinv2_cr_tiny_224", 224),
    _model("swin_transformer_v2_cr", 16, "swinv2_cr_tiny_ns_224", 224),
    _model("tiny_vit", 5, "tiny_vit_5m_224", 224),
    _model("tnt", 3, "tnt_s_legacy_patch16_224", 224),
    _model("twins", 6, "twins_pcpvt_small", 224),
    _model("twins", 6, "twins_svt_small", 224),
    _model("visformer", 2, "visformer_tiny", 224),
    _model("vision_transformer", 183, "test_vit", 160),
    _model("vision_transformer", 183, "test_vit2", 160),
    _model("vision_transformer", 183, "test_vit3", 160),
    _model("vision_transformer", 183, "test_vit4", 160),
    _model("vision_transformer", 183, "vit_base_patch32_siglip_256", 256, depth=4),
    _model("vision_transformer", 183, "vit_small_patch16_18x2_224", 224, depth=4),
    _model("vision_transformer_hybrid", 20, "vit_tiny_r_s16_p8_224", 224),
    _model("vision_transformer_relpos", 14, "test_vit_relpos", 160),
    _model("vision_transformer_relpos", 14, "vit_srelpos_small_patch16_224", 224),
    _model("vision_transformer_sam", 4, "samvit_base_patch16_224", 224, depth=4),
    _model("vitamin", 13, "vitamin_small_224", 224),
    _model("volo", 11, "volo_d1_224", 224),
    _model("xcit", 56, "xcit_nano_12_p16_224", 224),
)
