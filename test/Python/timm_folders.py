# ===- timm_folders.py - Tiny folders in timm's form -----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Folders as timm.models.save_for_hf writes them, with few and random weights.

An architecture's name gives vitc heads, windows and epsilons; all other sizes follow from the weights, so that a few
kilobytes do for a test. As a program: timm_folders.py ARCHITECTURE DIR.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

Weights = dict[str, np.ndarray]

NUM_CLASSES = 5
# Architecture -> height and width of its picture, and more of config.json.
CONFIGS: dict[str, tuple[int, dict[str, object]]] = {
    "vit_tiny_patch16_224": (32, {"global_pool": "token"}),
    "deit_tiny_distilled_patch16_224": (32, {"global_pool": "token"}),
    "vit_medium_patch16_reg4_gap_256": (32, {"global_pool": "avg"}),
    "vit_tiny_r_s16_p8_224": (48, {"global_pool": "token"}),
    "beit_base_patch16_224": (32, {"global_pool": "avg"}),
    "vit_base_patch16_siglip_224": (32, {"global_pool": "map"}),
    "eva02_tiny_patch14_224": (48, {"global_pool": "avg"}),
    "eva02_base_patch16_clip_224": (48, {"global_pool": "token"}),
    "vit_small_patch16_rope_224": (48, {"global_pool": "token"}),
    "vit_small_plus_patch16_dinov3_qkvb": (48, {"global_pool": "avg"}),
    "xcit_nano_12_p8_224": (48, {"global_pool": "token"}),
    "xcit_tiny_12_p16_224": (48, {"global_pool": "token"}),
    "swin_tiny_patch4_window7_224": (40, {"global_pool": "avg"}),
    "swin_s3_tiny_224": (32, {"global_pool": "avg"}),
    "swinv2_tiny_window8_256": (40, {"global_pool": "avg"}),
    "swinv2_base_window12to16_192to256": (72, {"global_pool": "avg"}),
}
SWIN_HEADS, SWIN_DEPTHS = (2, 4), (2, 1)
# The windows of each stage of Swin, which its weights say.
SWIN_WINDOWS = {"swin_tiny_patch4_window7_224": (4, 4), "swin_s3_tiny_224": (3, 4)}


class SwinSizes(NamedTuple):
    """What the weights of a Swin say, with a number for each stage."""

    dim: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    windows: tuple[int, ...]
    hidden: int  # of an MLP, times its channels
    classes: int


# As it is published (Liu et al. 2021, section 3.3).
SWIN_T = SwinSizes(96, (2, 2, 6, 2), (3, 6, 12, 24), (7, 7, 7, 7), hidden=4, classes=1000)


class _WeightTable(dict):
    """Random weights by layer, spread so that all of them matter."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = np.random.default_rng(seed)

    def add(self, name: str, *shape: int, mean: float = 0.0, scale: float = 0.3) -> None:
        self[name] = (mean + scale * self._random.standard_normal(shape)).astype(np.float32)

    def linear(self, layer: str, *shape: int, bias: bool = True) -> None:
        self.add(layer + ".weight", *shape, scale=float(np.prod(shape[1:])) ** -0.5)
        if bias:
            self.add(layer + ".bias", shape[0])

    def norm(self, layer: str, channels: int) -> None:
        self.add(layer + ".weight", channels, mean=1.0)
        self.add(layer + ".bias", channels)

    def batch_norm(self, layer: str, channels: int) -> None:
        self.norm(layer, channels)
        self.add(layer + ".running_mean", channels)
        self.add(layer + ".running_var", channels, mean=1.0, scale=0.1)

    def mlp(self, layer: str, dim: int, hidden: int = 2) -> None:
        self.linear(layer + "fc1", hidden * dim, dim)
        self.linear(layer + "fc2", dim, hidden * dim)


def _make_vit(table: _WeightTable, name: str, patch: int, dim: int = 48, depth: int = 2) -> None:
    beit, gap = name.startswith("beit"), "_gap_" in name
    heads, patches = 12, 4
    if "_r_" in name:  # the stem of a ResNet, and patches of its map of 12 x 12
        table.linear("patch_embed.backbone.conv", 64, 3, 7, 7, bias=False)
        table.norm("patch_embed.backbone.norm", 64)
        table.linear("patch_embed.proj", dim, 64, patch, patch)
        patches = (12 // patch) ** 2
    else:
        table.linear("patch_embed.proj", dim, 3, 16, 16)
    before = 0
    siglip = "siglip" in name
    if not gap and not siglip:
        table.add("cls_token", 1, 1, dim)
        before += 1
    if "distilled" in name:
        table.add("dist_token", 1, 1, dim)
        before += 1
    if "_reg4_" in name:
        table.add("reg_token", 1, 4, dim)
    if not beit:
        table.add("pos_embed", 1, before + patches, dim)
    for block in range(depth):
        layer = f"blocks.{block}."
        table.norm(layer + "norm1", dim)
        table.linear(layer + "attn.qkv", 3 * dim, dim, bias=not beit)
        if beit:
            table.add(layer + "attn.q_bias", dim)
            table.add(layer + "attn.v_bias", dim)
            table.add(layer + "attn.relative_position_bias_table", 3 * 3 + 3, heads)
            table.add(layer + "gamma_1", dim, mean=1.0)
            table.add(layer + "gamma_2", dim, mean=1.0)
        table.linear(layer + "attn.proj", dim, dim)
        table.norm(layer + "norm2", dim)
        table.mlp(layer + "mlp.", dim)
    table.norm("fc_norm" if beit or gap else "norm", dim)
    table.linear("head", NUM_CLASSES, dim)
    if siglip:
        table.add("attn_pool.latent", 1, 1, dim)
        table.linear("attn_pool.q", dim, dim)
        table.linear("attn_pool.kv", 2 * dim, dim)
        table.linear("attn_pool.proj", dim, dim)
        table.norm("attn_pool.norm", dim)
        table.mlp("attn_pool.mlp.", dim)
    if "distilled" in name:
        table.linear("head_dist", NUM_CLASSES, dim)


def _make_eva(table: _WeightTable, name: str, dim: int = 96, hidden: int = 64, depth: int = 2) -> None:
    """Queries and keys are turned by the places of 3 x 3 patches."""
    dinov3, clip, rope = "dinov3" in name, "clip" in name, "rope" in name
    table.linear("patch_embed.proj", dim, 3, 16, 16)
    table.add("cls_token", 1, 1, dim)
    if dinov3:
        table.add("reg_token", 1, 4, dim)
    elif not rope:
        table.add("pos_embed", 1, 1 + 9, dim)
    for block in range(depth):
        layer = f"blocks.{block}."
        table.norm(layer + "norm1", dim)
        if clip:
            for part, bias in (("q", True), ("k", False), ("v", True)):
                table.linear(f"{layer}attn.{part}_proj", dim, dim, bias=bias)
            table.norm(layer + "attn.norm", dim)
        else:
            table.linear(layer + "attn.qkv", 3 * dim, dim, bias=rope)
            if not rope:
                table.add(layer + "attn.q_bias", dim)
                table.add(layer + "attn.v_bias", dim)
        table.linear(layer + "attn.proj", dim, dim)
        if dinov3 or rope:
            table.add(layer + "gamma_1", dim, mean=1.0)
            table.add(layer + "gamma_2", dim, mean=1.0)
        table.norm(layer + "norm2", dim)
        if clip or dinov3:
            table.linear(layer + "mlp.fc1_g", hidden, dim)
            table.linear(layer + "mlp.fc1_x", hidden, dim)
        else:
            table.linear(layer + "mlp.fc1", hidden if rope else 2 * hidden, dim)
        if clip:
            table.norm(layer + "mlp.norm", hidden)
        table.linear(layer + "mlp.fc2", dim, hidden)
    table.norm("fc_norm" if name.startswith("eva02_tiny") else "norm", dim)
    table.linear("head", NUM_CLASSES, dim)


def _make_swin(table: _WeightTable, sizes: SwinSizes, v2: bool = False) -> None:
    dim = sizes.dim
    table.linear("patch_embed.proj", dim, 3, 4, 4)
    table.norm("patch_embed.norm", dim)
    for stage, (depth, heads) in enumerate(zip(sizes.depths, sizes.heads, strict=True)):
        layer = f"layers.{stage}."
        if stage > 0:
            table.norm(layer + "downsample.norm", (2 if v2 else 4) * dim)
            table.linear(layer + "downsample.reduction", 2 * dim, 4 * dim, bias=False)
            dim *= 2
        for block in range(depth):
            attention = f"{layer}blocks.{block}.attn."
            table.norm(f"{layer}blocks.{block}.norm1", dim)
            table.linear(attention + "qkv", 3 * dim, dim, bias=not v2)
            if v2:
                table.add(attention + "q_bias", dim)
                table.add(attention + "v_bias", dim)
                table.add(attention + "logit_scale", heads, 1, 1, mean=1.0)
                table.linear(attention + "cpb_mlp.0", 512, 2)
                table.linear(attention + "cpb_mlp.2", heads, 512, bias=False)
            else:
                rows = (2 * sizes.windows[stage] - 1) ** 2
                table.add(attention + "relative_position_bias_table", rows, heads)
            table.linear(attention + "proj", dim, dim)
            table.norm(f"{layer}blocks.{block}.norm2", dim)
            table.mlp(f"{layer}blocks.{block}.mlp.", dim, sizes.hidden)
    table.norm("norm", dim)
    table.linear("head.fc", sizes.classes, dim)


def _make_xcit(table: _WeightTable, name: str, dim: int = 32, heads: int = 4) -> None:
    """Two blocks of patches, two of the class token; three convolutions make patches of 8, four those of 16."""
    convolutions = 4 if "_p16_" in name else 3
    channels = [3, *(dim >> shift for shift in reversed(range(convolutions)))]
    for index in range(convolutions):
        layer = f"patch_embed.proj.{2 * index}."
        table.linear(layer + "0", channels[index + 1], channels[index], 3, 3, bias=False)
        table.batch_norm(layer + "1", channels[index + 1])
    table.add("cls_token", 1, 1, dim)
    table.linear("pos_embed.token_projection", dim, 64, 1, 1)
    for kind in ("blocks", "cls_attn_blocks"):
        for block in range(2):
            layer = f"{kind}.{block}."
            table.norm(layer + "norm1", dim)
            table.norm(layer + "norm2", dim)
            table.mlp(layer + "mlp.", dim)
            table.linear(layer + "attn.proj", dim, dim)
            table.add(layer + "gamma1", dim, mean=1.0)
            table.add(layer + "gamma2", dim, mean=1.0)
            if kind == "cls_attn_blocks":
                for part in "qkv":
                    table.linear(layer + "attn." + part, dim, dim)
                continue
            table.linear(layer + "attn.qkv", 3 * dim, dim)
            table.add(layer + "attn.temperature", heads, 1, 1, mean=1.0)
            table.norm(layer + "norm3", dim)
            table.add(layer + "gamma3", dim, mean=1.0)
            table.linear(layer + "local_mp.conv1", dim, 1, 3, 3)
            table.linear(layer + "local_mp.conv2", dim, 1, 3, 3)
            table.batch_norm(layer + "local_mp.bn", dim)
    table.norm("norm", dim)
    table.linear("head", NUM_CLASSES, dim)


def make_weights(architecture: str, patch: int = 4) -> Weights:
    """The weights of a tiny model of this architecture, by timm's names; `patch` is the side of a hybrid's patches."""
    table = _WeightTable(seed=len(architecture))
    if architecture.startswith("swin"):
        windows = SWIN_WINDOWS.get(architecture, ())
        sizes = SwinSizes(16, SWIN_DEPTHS, SWIN_HEADS, windows, hidden=2, classes=NUM_CLASSES)
        _make_swin(table, sizes, v2=architecture.startswith("swinv2"))
    elif architecture.startswith("xcit"):
        _make_xcit(table, architecture)
    elif any(part in architecture for part in ("eva", "rope", "dinov3")):
        _make_eva(table, architecture)
    else:
        _make_vit(table, architecture, patch)
    return dict(table)


def make_config(architecture: str) -> dict[str, object]:
    """config.json of this architecture."""
    size, more = CONFIGS[architecture]
    return {
        "architecture": f"{architecture}.in1k",
        "num_classes": NUM_CLASSES,
        "model_args": {"img_size": size},
        "pretrained_cfg": {
            "input_size": [3, 224, 224],
            "crop_pct": 0.9,
            "interpolation": "bicubic",
            "license": "apache-2.0",
        },
        **more,
    }


def write_swin_t(folder: Path) -> None:
    """swin_tiny_patch4_window7_224 in its full size, of 113 MB."""
    table = _WeightTable(seed=0)
    _make_swin(table, SWIN_T)
    config = make_config("swin_tiny_patch4_window7_224")
    config |= {"num_classes": SWIN_T.classes, "model_args": {}}
    write_folder(folder, config, dict(table))


def write_folder(folder: Path, config: dict[str, object], weights: Weights) -> None:
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    write_folder(Path(sys.argv[2]), make_config(sys.argv[1]), make_weights(sys.argv[1]))
