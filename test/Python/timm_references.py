# ===- timm_references.py - Models of timm and what timm gives for them -----===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Small models of timm's families of several stages, whose weights are numbers that numpy makes again.

data/timm/NAME.json has config.json, the names and shapes of the weights, and timm's outputs in float64 for pixels that
numpy makes too. As a program it writes them; that needs torch and timm: timm_references.py [NAME...].
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
import zlib
from pathlib import Path
from unittest import mock

import numpy as np

FOLDER = Path(__file__).parent / "data" / "timm"
NUM_CLASSES = 7

_LEVIT = {"embed_dim": [32, 48, 64], "key_dim": 8, "num_heads": [2, 3, 4]}
# Of CoAtNets and MaxViTs.
_COAT = {"embed_dim": [32, 32, 64, 64], "depths": [1, 1, 1, 1], "stem_width": [16, 16]}
# Name -> architecture, height and width of its picture, arguments that make it small.
MODELS: dict[str, tuple[str, tuple[int, int], dict[str, object]]] = {
    "coatnet": ("coatnet_0_224", (64, 96), {**_COAT, "head_hidden_size": 48}),
    "coatnet_bn": ("coatnet_bn_0_rw_224", (64, 64), _COAT),
    "coatnet_rmlp": ("coatnet_rmlp_1_rw_224", (64, 64), _COAT),
    "coatnet_rw": ("coatnet_0_rw_224", (64, 64), {**_COAT, "depths": [1, 1, 2, 1]}),
    "davit": (
        "davit_tiny",
        (64, 96),
        {"embed_dims": [32, 64, 64], "depths": [1, 1, 1], "num_heads": [1, 4, 2], "window_size": 4},
    ),
    "davit_florence": ("davit_base_fl", (64, 64), {"embed_dims": [32, 64], "depths": [1, 1], "num_heads": [1, 2]}),
    "levit": ("levit_128s", (64, 96), {**_LEVIT, "depth": [1, 2, 1]}),
    "levit_conv": ("levit_conv_256d", (64, 64), {**_LEVIT, "depth": [1, 1, 1]}),
    "maxvit": ("maxvit_rmlp_tiny_rw_256", (64, 64), _COAT),
    "maxvit_pm": ("maxvit_tiny_pm_256", (64, 64), _COAT),
    "maxvit_tf": ("maxvit_tiny_tf_224", (64, 96), {**_COAT, "head_hidden_size": 48}),
    "maxxvit": ("maxxvit_rmlp_nano_rw_256", (64, 64), _COAT),
    "maxxvitv2": ("maxxvitv2_nano_rw_256", (64, 64), _COAT),
    "mobilevit": ("mobilevit_xxs", (96, 64), {}),
    "mobilevitv2": ("mobilevitv2_050", (64, 128), {}),
    "pit": ("pit_ti_distilled_224", (64, 64), {"base_dims": [8, 8, 8], "depth": [1, 1, 1], "heads": [2, 4, 8]}),
    "pvt_v2": ("pvt_v2_b0", (64, 96), {"depths": [1, 1, 2, 1], "embed_dims": [8, 16, 40, 64]}),
    "pvt_v2_linear": ("pvt_v2_b2_li", (224, 224), {"depths": [1, 1, 1, 1], "embed_dims": [8, 16, 40, 64]}),
    "twins_pcpvt": ("twins_pcpvt_small", (64, 96), {"embed_dims": [8, 16, 40, 64], "depths": [1, 2, 1, 1]}),
    "twins_svt": ("twins_svt_small", (64, 96), {"embed_dims": [8, 16, 32, 64], "depths": [2, 1, 1, 1]}),
    "tiny_vit": (
        "tiny_vit_5m_224",
        (64, 96),
        {
            "embed_dims": [16, 32, 40, 80],
            "depths": [1, 2, 1, 1],
            "num_heads": [1, 2, 2, 4],
            "window_sizes": [4, 4, 4, 4],
        },
    ),
}
_DEEPSEEK = {"embed_dim": 32, "depth": 2, "num_heads": 4}
_NAFLEX = {"embed_dim": 32, "depth": 2, "num_heads": 4}
_QWEN = {"embed_dim": 48, "depth": 2, "num_heads": 4}
_RELPOS = {"embed_dim": 36, "num_heads": 6, "depth": 2}
MODELS |= {
    "cait": ("cait_xxs24_224", (48, 64), {"embed_dim": 32, "depth": 2}),
    "coat": (
        "coat_tiny",
        (64, 96),
        {"embed_dims": [16, 24, 24, 24], "serial_depths": [1, 1, 1, 2], "parallel_depth": 2},
    ),
    "coat_lite": ("coat_lite_tiny", (64, 64), {"embed_dims": [16, 24, 32, 40], "serial_depths": [1, 1, 2, 1]}),
    "convit": ("convit_tiny", (64, 64), {"embed_dim": 8, "depth": 4, "local_up_to_layer": 2}),
    "crossvit": ("crossvit_tiny_240", (120, 120), {"embed_dim": [24, 48], "depth": [[1, 2, 0], [1, 1, 0]]}),
    "crossvit_dagger": ("crossvit_9_dagger_240", (120, 240), {"embed_dim": [16, 32], "depth": [[1, 1, 0], [1, 1, 0]]}),
    "deepseek_vit": ("deepseek_vit_412m", (70, 84), _DEEPSEEK),
    "deepseek_vit_enc": ("deepseek_vit_412m_enc", (56, 70), {**_DEEPSEEK, "out_features": 7, "downsample_ratio": 2}),
    "naflexvit": ("naflexvit_base_patch16_gap", (64, 96), _NAFLEX),
    "naflexvit_map": ("naflexvit_so150m2_patch16_reg1_map", (64, 96), {**_NAFLEX, "pos_embed_grid_size": [4, 6]}),
    "naflexvit_parfac": ("naflexvit_base_patch16_parfac_gap", (64, 96), {**_NAFLEX, "pos_embed_grid_size": [3, 8]}),
    "naflexvit_par": ("naflexvit_base_patch16_par_gap", (96, 64), {**_NAFLEX, "pos_embed_grid_size": [4, 4]}),
    "naflexvit_par_off": (
        "naflexvit_base_patch16_par_gap",
        (96, 64),
        {**_NAFLEX, "pos_embed_grid_size": [4, 4], "pos_embed_ar_preserving": False},
    ),
    "naflexvit_radio": (
        "naflexvit_base_patch16_radio_v3",
        (64, 96),
        {**_NAFLEX, "pos_embed_grid_size": [8, 8]},
    ),
    "naflexvit_radio_v4": ("naflexvit_huge_patch16_radio_v4", (64, 96), {**_NAFLEX, "pos_embed_grid_size": [8, 8]}),
    "naflexvit_siglip": ("naflexvit_base_patch16_siglip", (64, 48), {**_NAFLEX, "pos_embed_grid_size": [7, 7]}),
    "qwen3_vit": ("qwen3_vit_88m", (64, 96), {**_QWEN, "pos_embed_grid_size": 5}),
    "qwen3_vit_enc": ("qwen3_vit_88m_enc", (64, 96), {**_QWEN, "pos_embed_grid_size": 4, "out_features": 7}),
    "qwen3_vit_merge": ("qwen3_vit_88m_merge", (64, 96), {**_QWEN, "pos_embed_grid_size": 4, "out_features": 24}),
    "samvit": (
        "samvit_base_patch16",
        (96, 128),
        {"embed_dim": 48, "depth": 3, "num_heads": 4, "window_size": 4, "global_attn_indexes": [1], "neck_chans": 24},
    ),
    "samvit_224": (
        "samvit_base_patch16_224",
        (64, 96),
        {"embed_dim": 32, "depth": 2, "num_heads": 2, "window_size": 3, "global_attn_indexes": [0], "qk_norm": True},
    ),
    "tnt": ("tnt_s_patch16_224", (48, 64), {"embed_dim": 48, "inner_dim": 8, "depth": 2}),
    "tnt_legacy": ("tnt_s_legacy_patch16_224", (48, 64), {"embed_dim": 48, "inner_dim": 8, "depth": 2}),
    "visformer": ("visformer_tiny", (64, 96), {"embed_dim": 48, "depth": [1, 2, 1], "init_channels": 8}),
    "vit_relpos": ("vit_relpos_small_patch16_224", (48, 64), _RELPOS),
    "vit_relpos_cls": (
        "vit_relpos_medium_patch16_cls_224",
        (48, 64),
        {**_RELPOS, "rel_pos_dim": 16, "qk_norm": True},
    ),
    "vit_relpos_rpn": ("vit_relpos_base_patch32_plus_rpn_256", (64, 96), _RELPOS),
    "vit_relpos_table": ("vit_relpos_base_patch16_clsgap_224", (48, 64), {**_RELPOS, "rel_pos_type": "bias"}),
    "vit_srelpos": ("vit_srelpos_small_patch16_224", (48, 64), {**_RELPOS, "rel_pos_dim": 16}),
}
_VITAMIN = {"embed_cfg": {"embed_dim": (8, 16, 24), "depths": (2, 1, 1), "stem_width": 8}, "embed_dim": 24, "depth": 2}
MODELS |= {
    "vitamin": ("vitamin_small_224", (64, 96), _VITAMIN),
    "vitamin_resized": ("vitamin_small_224", (64, 96), {**_VITAMIN, "img_size": 48, "dynamic_img_size": True}),
    # 4 x 9 places, as many as 6 x 6.
    "vitamin_wide": ("vitamin_small_224", (64, 144), {**_VITAMIN, "img_size": [64, 144]}),
    # Those for pictures of another size.
    "vitamin_wide_resized": (
        "vitamin_small_224",
        (96, 80),
        {**_VITAMIN, "img_size": [64, 144], "dynamic_img_size": True},
    ),
    "vitamin_plain": ("vitamin_xlarge_256", (80, 64), {**_VITAMIN, "num_heads": 3}),
    "volo": ("volo_d1_224", (72, 48), {"layers": [2, 1, 1, 2], "embed_dims": [24, 48, 48, 48], "use_mix_token": True}),
    "volo_avg": (
        "volo_d2_224",
        (64, 96),
        {
            "layers": [1, 1, 1],
            "embed_dims": [16, 48, 48],
            "num_heads": [2, 4, 6],
            "downsamples": [True, True, False],
            "outlook_attention": [True, True, False],
            "post_layers": ["ca"],
            "qkv_bias": True,
            "use_aux_head": False,
            "global_pool": "avg",
        },
    ),
}
_MOBILE = {"depths": [1, 1, 1, 1, 1], "head_widths": [32, 24]}
_LOW = {"depth_list": [1, 1, 2, 1, 1], "head_widths": [32, 24]}
# Blocks of MobileNetV5 as timm spells them, with a small one of each kind.
_MOBILENET = [
    ["er_r1_k3_s2_e4_c16", "er_r1_k3_s1_e2_c16"],
    ["uir_r1_a3_k5_s2_e3_c16", "uir_r1_a5_k0_s1_e2_c16"],
    ["uir_r1_a5_k5_s2_e2_c24", "mqa_r1_k3_h3_v2_s1_d8_c24", "uir_r1_a0_k0_s1_e2_c24"],
    ["uir_r1_a5_k5_s2_e2_c32", "mqa_r1_k3_h2_s1_d16_c32", "uir_r1_a0_k0_s1_e1_c32"],
]
MODELS |= {
    "cpubone": ("cpubone_nano", (96, 80), {**_LOW, "head_widths": [48, 64], "width_list": [8, 8, 16, 32, 64]}),
    "cpubone_dwnorm": ("cpubone_b1_dwnorm", (64, 64), {**_LOW, "width_list": [8, 8, 16, 24, 256]}),
    "edgenext": ("edgenext_xx_small", (64, 96), {"dims": [16, 24, 32, 40], "depths": [1, 2, 2, 2]}),
    "edgenext_rw": (
        "edgenext_small_rw",
        (64, 64),
        {"dims": [8, 16, 32, 64], "depths": [1, 2, 2, 2], "head_norm_first": True},
    ),
    "efficientformer": (
        "efficientformer_l1",
        (224, 224),
        {"embed_dims": [16, 24, 32, 48], "depths": [1, 1, 1, 2]},
    ),
    "efficientformerv2": (
        "efficientformerv2_s0",
        (64, 128),
        {
            "embed_dims": [16, 16, 24, 32],
            "depths": [1, 1, 2, 2],
            "num_vit": 1,
            "mlp_ratios": [4, 4, [4, 3], [4, 3]],
        },
    ),
    "efficientvit_b": ("efficientvit_b0", (64, 96), {**_MOBILE, "widths": [8, 8, 16, 16, 32]}),
    "efficientvit_l": ("efficientvit_l1", (64, 64), {**_MOBILE, "widths": [8, 8, 16, 32, 64]}),
    "efficientvit_m": (
        "efficientvit_m0",
        (128, 192),
        {"embed_dim": [32, 48, 64], "key_dim": [8, 8, 8], "num_heads": [2, 3, 4], "depth": [1, 1, 1]},
    ),
    "fastvit": ("fastvit_t8", (64, 96), {"embed_dims": [8, 16, 32, 64], "layers": [1, 1, 1, 1]}),
    "fastvit_mci0": ("fastvit_mci0", (64, 96), {"embed_dims": [8, 16, 32, 64], "layers": [1, 1, 1, 1]}),
    "fastvit_mci3": ("fastvit_mci3", (128, 64), {"embed_dims": [8, 8, 16, 32, 64], "layers": [1, 1, 1, 1, 1]}),
    "iformer": ("iformer_t", (64, 96), {"dims": [8, 16, 24, 32], "depths": [1, 1, 5, 3], "attn_groups": [0, 0, 1, 1]}),
    "iformer_distilled": (
        "iformer_m_distilled",
        (64, 64),
        {
            "dims": [8, 16, 24, 32],
            "depths": [1, 1, 3, 3],
            "attn_groups": [0, 0, 1, 1],
            "layer_scale_init_value": 0.1,
        },
    ),
    "lowformer": ("lowformer_b0", (96, 80), {**_LOW, "width_list": [8, 8, 16, 32, 128]}),
    "lowformer_e": ("lowformer_e3", (64, 64), {**_LOW, "width_list": [8, 8, 16, 24, 256], "expand_ratio": 2}),
    "mobilenetv5": (
        "mobilenetv5_base",
        (64, 96),
        {"arch": _MOBILENET, "stem_size": 8, "num_features": 48},
    ),
    "mobilenetv5_conv_head": (
        "mobilenetv5_300m",
        (64, 64),
        {"arch": _MOBILENET, "stem_size": 8, "num_features": 24, "use_msfa": False},
    ),
    "mobilenetv5_enc": (
        "mobilenetv5_300m_enc",
        (64, 96),
        {"arch": _MOBILENET, "stem_size": 8, "fused": 24, "msfa_output_resolution": [1, 2]},
    ),
    "nextvit": ("nextvit_small", (72, 64), {"depths": [1, 1, 5, 1], "stem_chs": [8, 8, 16]}),
    "shvit": ("shvit_s1", (64, 128), {"embed_dim": [16, 24, 32], "partial_dim": [8, 8, 12], "depth": [1, 1, 2]}),
    "swiftformer": ("swiftformer_xs", (64, 96), {"embed_dims": [16, 24, 32, 40], "layers": [1, 2, 1, 2]}),
}
_HIERA = {"embed_dim": 16, "stages": [1, 1, 2, 1]}
_SMALL = {"dims": [16, 24, 32, 48], "depths": [1, 1, 2, 1]}
MODELS |= {
    "botnet": ("botnet26t_256", (64, 96), {"width_factor": 0.125}),
    "botnet_eca": ("eca_botnext26ts_256", (64, 64), {"width_factor": 0.25}),
    "botnet_se": ("sebotnet33ts_256", (64, 64), {"width_factor": 0.125}),
    "halonet": ("halonet26t", (256, 256), {"width_factor": 0.125}),
    "haloregnet": ("haloregnetz_b", (28, 56), {"width_factor": 1 / 3, "stages": (0, 0, 3, 1)}),
    "lambda_resnet": ("lambda_resnet26t", (64, 96), {"width_factor": 0.125}),
    "lambda_resnet_table": ("lambda_resnet26rpt_256", (64, 64), {"width_factor": 0.125}),
    "caformer": ("caformer_s18", (64, 96), {"dims": [16, 24, 32, 96], "depths": [1, 1, 2, 1]}),
    "convformer": ("convformer_s18", (64, 64), {**_SMALL, "dims": [16, 16, 32, 48]}),
    "efficientvim": ("efficientvim_m1", (64, 96), {"embed_dim": [16, 24, 32], "depths": [1, 2, 1]}),
    "efficientvim_dist": ("efficientvim_m2_dist", (96, 64), {"embed_dim": [16, 32, 24], "depths": [2, 1, 1]}),
    "focalnet": ("focalnet_tiny_lrf", (64, 96), {"embed_dim": 8, "depths": [1, 1, 2, 1]}),
    "focalnet_post": ("focalnet_huge_fl3", (64, 64), {"embed_dim": 8, "depths": [1, 1, 1, 1]}),
    "gcvit": ("gcvit_xxtiny", (64, 96), {"embed_dim": 16, "depths": [2, 2, 2, 2], "num_heads": [2, 2, 4, 4]}),
    "gcvit_scaled": (
        "gcvit_small",
        (96, 96),
        {"embed_dim": 8, "depths": [1, 2], "num_heads": [2, 2], "window_ratio": [32, 16]},
    ),
    "hiera": ("hiera_tiny_224", (64, 96), _HIERA),
    "hiera_abswin": ("hiera_small_abswin_256", (64, 64), {**_HIERA, "num_heads": 2, "global_pos_size": [7, 7]}),
    "mvitv2": ("mvitv2_tiny", (64, 64), {"cfg": {"embed_dim": 8, "depths": (1, 2, 1, 1)}}),
    "mvitv2_cls": ("mvitv2_small_cls", (64, 64), {"cfg": {"embed_dim": 8, "depths": (1, 1, 2, 1)}}),
    "mvitv2_late": ("mvitv2_large", (64, 64), {"cfg": {"embed_dim": 16, "depths": (1, 2, 1, 1)}}),
    "nest": ("nest_tiny", (64, 64), {"embed_dims": [16, 24, 32], "num_heads": [2, 3, 4], "depths": [1, 2, 1]}),
    "nest_same": ("nest_tiny_jx", (48, 48), {"embed_dims": [16, 24, 32], "num_heads": [2, 3, 4], "depths": [1, 1, 1]}),
    "poolformer": ("poolformer_s12", (64, 96), _SMALL),
    "poolformerv2": ("poolformerv2_s12", (64, 64), _SMALL),
    "sam2_hiera": (
        "sam2_hiera_tiny",
        (64, 96),
        {**_HIERA, "stages": [1, 2, 2, 1], "window_spec": [4, 2, 5, 3], "global_att_blocks": [4]},
    ),
    "sequencer": (
        "sequencer2d_s",
        (64, 96),
        {
            "embed_dims": [16, 24, 32],
            "layers": [1, 2, 1],
            "patch_sizes": [7, 2, 1],
            "hidden_sizes": [4, 8, 12],
            "mlp_ratios": [3, 2, 1],
        },
    ),
    "sequencer_sum": (
        "sequencer2d_s",
        (42, 56),
        {
            "embed_dims": [16, 24],
            "layers": [1, 1],
            "patch_sizes": [7, 1],
            "hidden_sizes": [16, 24],
            "mlp_ratios": [3, 3],
            "bidirectional": False,
            "num_rnn_layers": 2,
            "stem_norm": True,
            "union": "add",
            "with_fc": False,
        },
    ),
    "swinv2_cr": (
        "swinv2_cr_tiny_ns_224",
        (64, 96),
        {"embed_dim": 16, "depths": [2, 2, 1, 1], "num_heads": [1, 2, 2, 4], "window_ratio": 4},
    ),
    "swinv2_cr_odd": (
        "swinv2_cr_huge_224",
        (72, 72),
        {"embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4], "window_ratio": 4, "extra_norm_period": 2},
    ),
}
# Their entry points set arguments that are to be smaller.
_SET_BY_ENTRY = (
    "focalnet",
    "gcvit",
    "haloregnetz",
    "mvitv2",
    "nest",
    "caformer",
    "convformer",
    "mobilenetv5",
    "poolformer",
    "volo",
)
# Their constructors take the picture's size.
_FIXED = (
    "botnet",
    "cait",
    "coat",
    "convit",
    "crossvit",
    "eca_botnext",
    "efficientformerv2",
    "efficientvit_m",
    "gcvit",
    "hiera_",
    "lambda_resnet26rpt",
    "levit",
    "maxvit",
    "maxxvit",
    "mvitv2",
    "nest",
    "pit",
    "samvit",
    "sebotnet",
    "swinv2_cr",
    "tnt",
    "twins",
    "visformer",
    "vitamin",
    "vit_relpos",
    "vit_srelpos",
    "volo",
)


def make_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers of a weight, spread so that all of them matter."""
    numbers = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    last = name.rsplit(".", 1)[-1]
    if last == "running_var":
        numbers = 1 + 0.2 * np.abs(numbers)
    elif len(shape) == 1:
        numbers = 0.2 * numbers + (last in ("gamma", "weight"))
    elif "bias" in last or "pos_" in last or "token" in last:
        numbers = 0.5 * numbers
    else:
        numbers = numbers / np.sqrt(np.prod(shape[1:]))
    return numbers.astype(np.float32)


def make_pixels(height: int, width: int) -> np.ndarray:
    return np.random.RandomState(0).standard_normal((2, 3, height, width)).astype(np.float32)


def load(name: str) -> tuple[dict[str, object], dict[str, np.ndarray], np.ndarray]:
    """config.json, the weights and the logits of a model that was recorded."""
    reference = json.loads((FOLDER / f"{name}.json").read_text())
    weights = {weight: make_weight(weight, tuple(shape)) for weight, shape in reference["weights"].items()}
    weights |= {alias: weights[weight] for alias, weight in reference.get("aliases", {}).items()}
    return reference["config"], weights, np.array(reference["logits"])


def _shorten(model_cfg, depths: tuple[int, ...]):
    """A ByoModelCfg with as many blocks in each stage, one of which may be blocks of several types."""
    blocks = [
        stage[:depth] if isinstance(stage, tuple) else dataclasses.replace(stage, d=depth)
        for stage, depth in zip(model_cfg.blocks, depths, strict=True)
        if depth > 0
    ]
    return dataclasses.replace(model_cfg, blocks=tuple(blocks))


def _create(architecture: str, size: tuple[int, int], arguments: dict[str, object]):
    """The model, also where the entry point of its name sets some of these arguments itself."""
    import timm

    overlay = {"input_size": (3, *size), "num_classes": NUM_CLASSES}
    common = {"num_classes": NUM_CLASSES, "pretrained_cfg_overlay": overlay}
    module = sys.modules[timm.models.model_entrypoint(architecture).__module__]
    if "embed_cfg" in arguments:
        arguments = {**arguments, "embed_cfg": module.VitCfg(**arguments["embed_cfg"])}
    if not architecture.startswith(_SET_BY_ENTRY):
        return timm.create_model(architecture, **common, **arguments)
    build = module.build_model_with_cfg

    def build_small(*positional, **keywords):
        changed = dict(arguments)
        if "cfg" in changed:
            keywords["model_cfg"] = dataclasses.replace(keywords["model_cfg"], **changed.pop("cfg"))
        if "stages" in changed:
            keywords["model_cfg"] = _shorten(keywords["model_cfg"], changed.pop("stages"))
        if "arch" in changed:
            keywords["block_args"] = module.decode_arch_def(changed.pop("arch"))
        fused = changed.pop("fused", None)
        model = build(*positional, **{**keywords, **changed})
        if fused:  # channels, for which the encoder has no argument
            adapter = module.MobileNetV5MultiScaleFusionAdapter
            model.msfa = adapter(model.msfa_in_chs, fused, model.msfa_output_resolution)
        return model

    with mock.patch.object(module, "build_model_with_cfg", build_small):
        return timm.create_model(architecture, **common)


def record(name: str) -> None:
    import torch
    from timm.models import save_for_hf

    architecture, size, arguments = MODELS[name]
    arguments = dict(arguments)
    if architecture.startswith(_FIXED):
        arguments.setdefault("img_size", list(size))
    model = _create(architecture, size, arguments).eval()
    for key in ("arch", "cfg", "embed_cfg", "fused", "stages"):  # which are not written
        arguments.pop(key, None)
        getattr(model, "_model_args", {}).pop(key, None)
    weights = {key: value for key, value in model.state_dict().items() if value.dtype.is_floating_point}
    # A weight that several layers share has a name for each.
    names = {value.data_ptr(): key for key, value in reversed(weights.items())}
    aliases = {key: names[value.data_ptr()] for key, value in weights.items() if names[value.data_ptr()] != key}
    weights = {key: value for key, value in weights.items() if key not in aliases}
    for key, value in weights.items():
        value.copy_(torch.from_numpy(make_weight(key, tuple(value.shape))))
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        save_for_hf(model, folder, model_args=arguments or None)
        config = json.loads((Path(folder) / "config.json").read_text())
        if "dynamic_img_size" in arguments:  # positions are resized to the picture
            config["pretrained_cfg"]["input_size"] = [3, *size]
            if isinstance(arguments["img_size"], int):  # a square needs no number
                del config["model_args"]["img_size"]
        logits = model.double()(torch.from_numpy(make_pixels(*size)).double()).numpy()
    reference = {
        "config": config,
        "logits": np.round(logits, 9).tolist(),
        "weights": {key: list(value.shape) for key, value in weights.items()},
    }
    if aliases:
        reference["aliases"] = aliases
    (FOLDER / f"{name}.json").write_text(json.dumps(reference) + "\n")
    print(name, tuple(logits.shape), np.abs(logits).max(), flush=True)


if __name__ == "__main__":
    for model in sys.argv[1:] or MODELS:
        record(model)
