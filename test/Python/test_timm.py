# ===- test_timm.py - timm's folders agree with numpy ----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Tiny folders of every family of timm that vitc imports, against float64 models written from the papers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import definitions as d
import numpy as np
import pytest
from timm_folders import (
    CONFIGS,
    SWIN_DEPTHS,
    SWIN_HEADS,
    SWIN_WINDOWS,
    Weights,
    make_config,
    make_weights,
    write_folder,
)

from harness import VITC, error_line, run_ok

TOLERANCE = 1e-4  # of the largest logit
HEADS = {
    "vit_tiny_patch16_224": 3,
    "deit_tiny_distilled_patch16_224": 3,
    "vit_medium_patch16_reg4_gap_256": 8,
    "vit_tiny_r_s16_p8_224": 3,
    "beit_base_patch16_224": 12,
    "vit_base_patch16_siglip_224": 12,
    "eva02_tiny_patch14_224": 3,
    "eva02_base_patch16_clip_224": 12,
    "vit_small_patch16_rope_224": 6,
    "vit_small_plus_patch16_dinov3_qkvb": 6,
}
EPS = {"vit_small_plus_patch16_dinov3_qkvb": 1e-5}
VIT_EPS, SWIN_EPS = 1e-6, 1e-5
SWINV2_WINDOWS = {"swinv2_tiny_window8_256": (8, 0), "swinv2_base_window12to16_192to256": (16, 12)}


def linear(w: Weights, x: np.ndarray, layer: str) -> np.ndarray:
    return x @ w[layer + ".weight"].T + w.get(layer + ".bias", 0)


def norm(w: Weights, x: np.ndarray, layer: str, epsilon: float) -> np.ndarray:
    return d.layer_norm({"input": x, "scale": w[layer + ".weight"], "shift": w[layer + ".bias"]}, epsilon)


def mlp(w: Weights, x: np.ndarray, layer: str) -> np.ndarray:
    return linear(w, d.gelu(linear(w, x, layer + "fc1")), layer + "fc2")


def split_qkv(w: Weights, x: np.ndarray, attention: str, heads: int) -> list[np.ndarray]:
    """Query, key and value, [B, H, N, D] each."""
    rows = linear(w, x, attention + "qkv")
    if attention + "q_bias" in w:
        rows += np.concatenate([w[attention + "q_bias"], np.zeros(x.shape[-1]), w[attention + "v_bias"]])
    return [part.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3) for part in np.split(rows, 3, -1)]


def merge_heads(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)


# --- Isotropic transformers -------------------------------------------------------------------------------------------


def resnet_stem(w: Weights, x: np.ndarray) -> np.ndarray:
    """Standardised 7 x 7 filters, group norm, ReLU, 3 x 3 maximum; the size halves twice."""
    filters, prefix = w["patch_embed.backbone.conv.weight"], "patch_embed.backbone.norm"
    filters = filters - filters.mean((1, 2, 3), keepdims=True)
    filters = filters / np.sqrt((filters**2).mean((1, 2, 3), keepdims=True) + 1e-8)
    x = d.conv2d({"input": x, "filter": filters}, (2, 2), (2, 2, 3, 3), (1, 1), 1)
    groups = x.reshape(len(x), 32, -1)
    x = ((groups - groups.mean(-1, keepdims=True)) / np.sqrt(groups.var(-1, keepdims=True) + 1e-5)).reshape(x.shape)
    x = np.maximum(x * w[prefix + ".weight"][:, None, None] + w[prefix + ".bias"][:, None, None], 0)
    padded = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)))  # no value is below 0
    height, width = x.shape[2:]
    return np.max([padded[:, :, i : i + height : 2, j : j + width : 2] for i in range(3) for j in range(3)], axis=0)


def attention_pooling(w: Weights, x: np.ndarray, heads: int) -> np.ndarray:
    """A learned query attends to all tokens; a norm and an MLP with a residual follow."""

    def split(rows: np.ndarray) -> np.ndarray:
        return rows.reshape(*rows.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    query = split(np.repeat(linear(w, w["attn_pool.latent"], "attn_pool.q"), len(x), 0))
    key, value = (split(rows) for rows in np.split(linear(w, x, "attn_pool.kv"), 2, -1))
    attended = d.attention({"query": query, "key": key, "value": value}, query.shape[-1] ** -0.5)
    pooled = linear(w, merge_heads(attended), "attn_pool.proj")[:, 0]
    return pooled + mlp(w, norm(w, pooled, "attn_pool.norm", VIT_EPS), "attn_pool.mlp.")


def vit(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    if "patch_embed.backbone.conv.weight" in w:
        x = resnet_stem(w, x)
    patches = d.patch_embed({"image": x, "filter": w["patch_embed.proj.weight"], "bias": w["patch_embed.proj.bias"]})
    grid = math.isqrt(patches.shape[1])
    tokens = [np.repeat(w[key], len(x), 0) for key in ("cls_token", "dist_token") if key in w]
    x = np.concatenate([*tokens, patches], 1) + w.get("pos_embed", 0)
    if "reg_token" in w:  # registers have no position
        x = np.concatenate([np.repeat(w["reg_token"], len(x), 0), x], 1)
    for block in range(2):
        layer, operands = f"blocks.{block}.", {}
        normed = norm(w, x, layer + "norm1", VIT_EPS)
        operands["query"], operands["key"], operands["value"] = split_qkv(w, normed, layer + "attn.", HEADS[name])
        if layer + "attn.relative_position_bias_table" in w:
            table = w[layer + "attn.relative_position_bias_table"]
            operands["bias"] = d.relative_position_bias(table, grid, grid, class_token=True)
        scale = operands["query"].shape[-1] ** -0.5
        branch = linear(w, merge_heads(d.attention(operands, scale)), layer + "attn.proj")
        x = x + w.get(layer + "gamma_1", 1) * branch
        x = x + w.get(layer + "gamma_2", 1) * mlp(w, norm(w, x, layer + "norm2", VIT_EPS), layer + "mlp.")
    if "fc_norm.weight" in w:
        return linear(w, norm(w, x[:, -(grid**2) :].mean(1), "fc_norm", VIT_EPS), "head")
    x = norm(w, x, "norm", VIT_EPS)
    if "attn_pool.latent" in w:
        return linear(w, attention_pooling(w, x, HEADS[name]), "head")
    if "head_dist.weight" in w:
        return (linear(w, x[:, 0], "head") + linear(w, x[:, 1], "head_dist")) / 2
    return linear(w, x[:, 0], "head")


# --- Rotary positions -------------------------------------------------------------------------------------------------


def make_angles(name: str, grid: int, dim: int) -> np.ndarray:
    """[N, D / 2]: what the features of a patch's heads are turned by."""
    base = 1e4 if name.startswith("eva02") else 100
    frequencies = base ** (-np.arange(dim // 4) / (dim // 4))
    places = np.arange(grid, dtype=np.float64)
    if name.startswith("eva02"):
        places *= 16 / grid
    elif "dinov3" in name:
        places = 2 * np.pi * (2 * (places + 0.5) / grid - 1)
    of_side = np.broadcast_to((places[:, None] * frequencies)[None], (grid, grid, dim // 4))
    sides = [of_side.swapaxes(0, 1), of_side]  # height, width
    return np.concatenate(sides[::-1] if "rope" in name else sides, -1).reshape(grid * grid, -1)


def turn(x: np.ndarray, angles: np.ndarray, neighbours: bool) -> np.ndarray:
    """The last patches of [B, H, N, D]; a feature is turned with its neighbour, or with the one half a head away."""
    before, patches = x[:, :, : -len(angles)], x[:, :, -len(angles) :]
    split = patches.reshape(*patches.shape[:3], -1, 2) if neighbours else np.stack(np.split(patches, 2, -1), -1)
    cosine, sine = np.cos(angles), np.sin(angles)
    pairs = [split[..., 0] * cosine - split[..., 1] * sine, split[..., 1] * cosine + split[..., 0] * sine]
    turned = np.stack(pairs, -1).reshape(patches.shape) if neighbours else np.concatenate(pairs, -1)
    return np.concatenate([before, turned], 2)


def eva_mlp(w: Weights, x: np.ndarray, layer: str) -> np.ndarray:
    if layer + "fc1_g.weight" in w:
        gate, hidden = linear(w, x, layer + "fc1_g"), linear(w, x, layer + "fc1_x")
    elif w[layer + "fc1.weight"].shape[0] == 2 * w[layer + "fc2.weight"].shape[1]:
        gate, hidden = np.split(linear(w, x, layer + "fc1"), 2, -1)
    else:
        return mlp(w, x, layer)
    hidden = gate / (1 + np.exp(-gate)) * hidden
    if layer + "norm.weight" in w:
        hidden = norm(w, hidden, layer + "norm", VIT_EPS)
    return linear(w, hidden, layer + "fc2")


def eva(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    epsilon = EPS.get(name, VIT_EPS)
    patches = d.patch_embed({"image": x, "filter": w["patch_embed.proj.weight"], "bias": w["patch_embed.proj.bias"]})
    grid = math.isqrt(patches.shape[1])
    tokens = [np.repeat(w[key], len(x), 0) for key in ("cls_token", "reg_token") if key in w]
    x = np.concatenate([*tokens, patches], 1) + w.get("pos_embed", 0)
    for block in range(2):
        layer = f"blocks.{block}."
        attention, normed = layer + "attn.", norm(w, x, layer + "norm1", epsilon)
        if attention + "qkv.weight" in w:
            parts = split_qkv(w, normed, attention, HEADS[name])
        else:
            rows = [linear(w, normed, f"{attention}{part}_proj") for part in "qkv"]
            parts = [row.reshape(*x.shape[:2], HEADS[name], -1).transpose(0, 2, 1, 3) for row in rows]
        angles = make_angles(name, grid, parts[0].shape[-1])
        parts[:2] = [turn(part, angles, neighbours="dinov3" not in name) for part in parts[:2]]
        operands = dict(zip(("query", "key", "value"), parts, strict=True))
        merged = merge_heads(d.attention(operands, parts[0].shape[-1] ** -0.5))
        if attention + "norm.weight" in w:
            merged = norm(w, merged, attention + "norm", epsilon)
        x = x + w.get(layer + "gamma_1", 1) * linear(w, merged, attention + "proj")
        x = x + w.get(layer + "gamma_2", 1) * eva_mlp(w, norm(w, x, layer + "norm2", epsilon), layer + "mlp.")
    if "fc_norm.weight" in w:
        return linear(w, norm(w, x[:, -(grid**2) :].mean(1), "fc_norm", epsilon), "head")
    x = norm(w, x, "norm", epsilon)
    return linear(w, x[:, -(grid**2) :].mean(1) if "dinov3" in name else x[:, 0], "head")


# --- XCiT -------------------------------------------------------------------------------------------------------------


def batch_norm(w: Weights, x: np.ndarray, layer: str) -> np.ndarray:
    scale = w[layer + ".weight"] / np.sqrt(w[layer + ".running_var"] + 1e-5)
    shift = w[layer + ".bias"] - w[layer + ".running_mean"] * scale
    return x * scale[:, None, None] + shift[:, None, None]


def fourier_positions(w: Weights, grid: int) -> np.ndarray:
    """[N, E]: waves of the height, then of the width, through a linear layer."""
    places = np.arange(1, grid + 1) / (grid + 1e-6) * 2 * np.pi
    angles = places[:, None] / 1e4 ** (np.arange(0, 32, 2) / 32)
    of_side = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(grid, 32)
    rows = np.broadcast_to(of_side[:, None], (grid, grid, 32))
    waves = np.concatenate([rows, rows.swapaxes(0, 1)], -1).reshape(grid * grid, 64)
    layer = "pos_embed.token_projection"
    return waves @ w[layer + ".weight"][:, :, 0, 0].T + w[layer + ".bias"]


def depthwise(w: Weights, x: np.ndarray, layer: str) -> np.ndarray:
    operands = {"input": x, "filter": w[layer + ".weight"], "bias": w[layer + ".bias"]}
    return d.conv2d(operands, (1, 1), (1, 1, 1, 1), (1, 1), x.shape[1])


def channel_attention(w: Weights, x: np.ndarray, layer: str) -> np.ndarray:
    heads = len(w[layer + "temperature"])
    query, key, value = (part.swapaxes(-1, -2) for part in split_qkv(w, x, layer, heads))
    operands = {"query": unit(query) * w[layer + "temperature"], "key": unit(key), "value": value}
    return linear(w, merge_heads(d.attention(operands, 1.0).swapaxes(-1, -2)), layer + "proj")


def class_attention(w: Weights, x: np.ndarray, layer: str, heads: int) -> np.ndarray:
    def split(part: str, rows: np.ndarray) -> np.ndarray:
        return linear(w, rows, layer + part).reshape(*rows.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    operands = {"query": split("q", x[:, :1]), "key": split("k", x), "value": split("v", x)}
    return linear(w, merge_heads(d.attention(operands, operands["query"].shape[-1] ** -0.5)), layer + "proj")


def xcit(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    for index in range(4 if "_p16_" in name else 3):
        layer = f"patch_embed.proj.{2 * index}."
        x = d.gelu(x) if index else x
        x = d.conv2d({"input": x, "filter": w[layer + "0.weight"]}, (2, 2), (1, 1, 1, 1), (1, 1), 1)
        x = batch_norm(w, x, layer + "1")
    shape = x.shape
    x = x.reshape(*shape[:2], -1).swapaxes(1, 2) + fourier_positions(w, shape[2])
    for block in range(2):
        layer = f"blocks.{block}."
        x = x + w[layer + "gamma1"] * channel_attention(w, norm(w, x, layer + "norm1", VIT_EPS), layer + "attn.")
        maps = norm(w, x, layer + "norm3", VIT_EPS).swapaxes(1, 2).reshape(shape)
        maps = batch_norm(w, d.gelu(depthwise(w, maps, layer + "local_mp.conv1")), layer + "local_mp.bn")
        maps = depthwise(w, maps, layer + "local_mp.conv2")
        x = x + w[layer + "gamma3"] * maps.reshape(*shape[:2], -1).swapaxes(1, 2)
        x = x + w[layer + "gamma2"] * mlp(w, norm(w, x, layer + "norm2", VIT_EPS), layer + "mlp.")
    heads = len(w["blocks.0.attn.temperature"])
    x = np.concatenate([np.repeat(w["cls_token"], len(x), 0), x], 1)
    for block in range(2):
        layer = f"cls_attn_blocks.{block}."
        normed = norm(w, x, layer + "norm1", VIT_EPS)
        branch = np.concatenate([class_attention(w, normed, layer + "attn.", heads), normed[:, 1:]], 1)
        x = x + w[layer + "gamma1"] * branch
        normed = norm(w, x, layer + "norm2", VIT_EPS)
        # XCiT-N norms the class token alone.
        x = np.concatenate([normed[:, :1], x[:, 1:]], 1) if "nano" in name else normed
        token = w[layer + "gamma2"] * mlp(w, x[:, :1], layer + "mlp.")
        x = x + np.concatenate([token, x[:, 1:]], 1)
    return linear(w, norm(w, x, "norm", VIT_EPS)[:, 0], "head")


# --- Swin -------------------------------------------------------------------------------------------------------------


def continuous_bias_table(w: Weights, layer: str, window: int, pretrained: int) -> np.ndarray:
    """Liu et al. 2022 (Swin v2), eqs. (3) and (4)."""
    distances = np.arange(1 - window, window) * 8 / ((pretrained or window) - 1)
    scaled = np.sign(distances) * np.log2(1 + np.abs(distances)) / 3
    grid = np.stack(np.meshgrid(scaled, scaled, indexing="ij"), -1).reshape(-1, 2)
    hidden = np.maximum(linear(w, grid, layer + "cpb_mlp.0"), 0)
    return 16 / (1 + np.exp(-linear(w, hidden, layer + "cpb_mlp.2")))


def unit(x: np.ndarray) -> np.ndarray:
    """As torch.nn.functional.normalize; the keys of padding are zeros."""
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def window_attention(
    w: Weights, x: np.ndarray, layer: str, heads: int, window: int, pretrained: int, shifted: bool
) -> np.ndarray:
    """x is a map [B, H, W, C]."""
    size = x.shape[1]
    shift = window // 2 if shifted and size > window else 0
    window = min(window, size)
    padding = -size % window
    # timm pads what is shifted.
    padded = np.pad(np.roll(x, (-shift, -shift), (1, 2)), ((0, 0), (0, padding), (0, padding), (0, 0)))
    windows = d.window_partition(padded, window, window)
    query, key, value = split_qkv(w, windows, layer, heads)
    scale = query.shape[-1] ** -0.5
    if layer + "logit_scale" in w:
        query, key, scale = unit(query) * np.exp(w[layer + "logit_scale"]), unit(key), 1.0
        table = continuous_bias_table(w, layer, window, pretrained)
    else:
        table = w[layer + "relative_position_bias_table"]
    operands = {"query": query, "key": key, "value": value, "bias": d.relative_position_bias(table, window, window)}
    if shift:
        operands["mask"] = d.shift_mask((size + padding,) * 2, (window,) * 2, (shift,) * 2, -100.0)
    rows = linear(w, merge_heads(d.attention(operands, scale)), layer + "proj")
    merged = d.window_reverse(rows, (window, window), (size + padding, size + padding))
    return np.roll(merged[:, :size, :size], (shift, shift), (1, 2))


def swin(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    v2 = name in SWINV2_WINDOWS

    def add_branch(x: np.ndarray, layer: str, branch) -> np.ndarray:
        if v2:
            return x + norm(w, branch(x), layer, SWIN_EPS)
        return x + branch(norm(w, x, layer, SWIN_EPS))

    x = d.patch_embed({"image": x, "filter": w["patch_embed.proj.weight"], "bias": w["patch_embed.proj.bias"]})
    x = norm(w, x, "patch_embed.norm", SWIN_EPS)
    side = math.isqrt(x.shape[1])
    x = x.reshape(len(x), side, side, -1)
    for stage, (depth, heads) in enumerate(zip(SWIN_DEPTHS, SWIN_HEADS, strict=True)):
        window, pretrained = SWINV2_WINDOWS[name] if v2 else (SWIN_WINDOWS[name][stage], 0)
        pretrained //= 2 if stage == len(SWIN_DEPTHS) - 1 else 1
        if stage > 0:
            layer = f"layers.{stage}.downsample."
            x = d.patch_merging(x)
            x = x if v2 else norm(w, x, layer + "norm", SWIN_EPS)
            x = linear(w, x, layer + "reduction")
            x = norm(w, x, layer + "norm", SWIN_EPS) if v2 else x
        for block in range(depth):
            layer = f"layers.{stage}.blocks.{block}."
            arguments = (layer + "attn.", heads, window, pretrained, block % 2 == 1)
            x = add_branch(x, layer + "norm1", lambda x, a=arguments: window_attention(w, x, *a))
            x = add_branch(x, layer + "norm2", lambda x, layer=layer: mlp(w, x, layer + "mlp."))
    return linear(w, norm(w, x, "norm", SWIN_EPS).mean((1, 2)), "head.fc")


# --- Tests ------------------------------------------------------------------------------------------------------------


def find_model(name: str):
    if any(part in name for part in ("eva", "rope", "dinov3")):
        return eva
    return {"swin": swin, "xcit": xcit}.get(name[:4], vit)


def assert_agrees_with_numpy(name: str, weights: Weights, tmp_path: Path) -> None:
    size = CONFIGS[name][0]
    write_folder(tmp_path / "model", make_config(name), weights)
    pixels = np.random.default_rng(0).standard_normal((2, 3, size, size), np.float32)
    np.save(tmp_path / "pixels.npy", pixels)
    run_ok(VITC, "run", tmp_path / "model", "--input", tmp_path / "pixels.npy", "--output-dir", tmp_path / "out")
    logits = np.load(tmp_path / "out" / "logits.npy")

    model = find_model(name)
    exact = {key: value.astype(np.float64) for key, value in weights.items()}
    expected = model(exact, name, pixels.astype(np.float64))
    # A tiny output would agree with anything.
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(logits, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


@pytest.mark.parametrize("name", CONFIGS)
def test_agrees_with_numpy(name: str, tmp_path: Path) -> None:
    assert_agrees_with_numpy(name, make_weights(name), tmp_path)


@pytest.mark.parametrize(("patch", "tokens"), [(1, 145), (12, 2)], ids=["each-element", "whole-map"])
def test_patches_of_a_feature_map_of_12x12(patch: int, tokens: int, tmp_path: Path) -> None:
    """A hybrid's patches may be the map's elements or the map, which gives one token beside the class token."""
    name = "vit_tiny_r_s16_p8_224"
    assert_agrees_with_numpy(name, make_weights(name, patch), tmp_path)
    module = run_ok(VITC, "compile", tmp_path / "model", "--compile-to=import", "-o", "-")
    (line,) = (line for line in module.splitlines() if "vit.patch_embed" in line)
    assert line.split(" -> ")[1].startswith(f"tensor<?x{tokens}x48xf32>")


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_program_names_the_licence(name: str, tmp_path: Path) -> None:
    write_folder(tmp_path / "model", make_config(name), make_weights(name))
    run_ok(VITC, "compile", tmp_path / "model", "-o", tmp_path / "out")
    assert json.loads(run_ok(tmp_path / "out", "--info", "--json"))["licence"] == "apache-2.0"


def test_refuses_a_licence_that_is_no_text(tmp_path: Path) -> None:
    name = "vit_tiny_patch16_224"
    config = make_config(name)
    config["pretrained_cfg"]["license"] = 2
    write_folder(tmp_path / "model", config, make_weights(name))
    line = error_line(VITC, "compile", tmp_path / "model", "-o", tmp_path / "out", code=1)
    assert line.endswith("license = 2; it needs a string")


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_model_without_a_head_gives_features(name: str, tmp_path: Path) -> None:
    weights = {key: value for key, value in make_weights(name).items() if not key.startswith("head")}
    write_folder(tmp_path / "model", {**make_config(name), "num_classes": 0}, weights)
    size = CONFIGS[name][0]
    pixels = np.random.default_rng(0).standard_normal((1, 3, size, size), np.float32)
    np.save(tmp_path / "pixels.npy", pixels)
    run_ok(VITC, "run", tmp_path / "model", "--input", tmp_path / "pixels.npy", "--output-dir", tmp_path / "out")
    features = np.load(tmp_path / "out" / "features.npy")
    dim = weights["norm.weight"].shape[0]
    head = {"head.weight": np.eye(dim), "head.fc.weight": np.eye(dim)}
    exact = {key: value.astype(np.float64) for key, value in weights.items()}
    expected = (swin if name.startswith("swin") else vit)({**exact, **head}, name, pixels.astype(np.float64))
    np.testing.assert_allclose(features, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("vit_tiny_patch16_224", "dynamic_img_pad", True, "has dynamic_img_pad = true; vitc reads act_layer, "),
        ("vit_tiny_patch16_224", "norm_layer", "rmsnorm", 'has norm_layer = "rmsnorm"; vitc reads act_layer, '),
        ("vit_tiny_patch16_224", "window_size", 7, "has window_size = 7; vitc reads act_layer, "),
        ("vit_tiny_patch16_224", "act_layer", "relu", "has act_layer = 'relu'; vitc imports gelu, "),
        ("vit_tiny_patch16_224", "num_heads", 0, "num_heads = 0; it needs an integer from 1 "),
        ("vit_tiny_patch16_224", "num_heads", 5, "embed_dim = 48 is not a multiple of num_heads = 5"),
        ("vit_small_patch16_rope_224", "num_heads", 16, "embed_dim = 96 in 16 heads; rotary positions need a multiple"),
        ("vit_small_patch16_rope_224", "rope_temperature", 10, "has rope_temperature = 10; vitc reads act_layer, "),
        ("vit_tiny_patch16_224", "global_pool", "map", "global_pool = 'map'; vitc imports token, avg and, "),
        ("xcit_nano_12_p8_224", "img_size", 50, "img_size = 50x50 is not a multiple of patch_size = 8"),
        ("xcit_nano_12_p8_224", "global_pool", "max", "global_pool = 'max'; vitc imports token and avg"),
        ("xcit_nano_12_p8_224", "norm_layer", "rmsnorm", 'has norm_layer = "rmsnorm"; vitc reads'),
        ("swin_tiny_patch4_window7_224", "global_pool", "max", "global_pool = 'max'; vitc imports avg"),
        ("swin_tiny_patch4_window7_224", "always_partition", True, "has always_partition = true; vitc reads "),
        ("swinv2_tiny_window8_256", "window_size", [4, 5], "has window_size = [4, 5]; vitc needs both the same"),
        ("swinv2_tiny_window8_256", "pretrained_window_sizes", [1, 3], "has pretrained_window_sizes = [1,3]; it needs"),
        ("swinv2_tiny_window8_256", "pretrained_window_sizes", [6], "has pretrained_window_sizes = [6]; it needs"),
    ],
)
def test_refuses_arguments(name: str, key: str, value: object, message: str, tmp_path: Path) -> None:
    config = make_config(name)
    config["model_args"] = {**config["model_args"], key: value}
    write_folder(tmp_path / "model", config, make_weights(name))
    assert message in error_line(VITC, "compile", tmp_path / "model", "-o", tmp_path / "out", code=1)


def test_refuses_norms_of_turned_queries(tmp_path: Path) -> None:
    name = "vit_small_patch16_rope_224"
    weights = make_weights(name)
    weights["blocks.0.attn.q_norm.weight"] = np.ones(16, np.float32)
    write_folder(tmp_path / "model", make_config(name), weights)
    line = error_line(VITC, "compile", tmp_path / "model", "-o", tmp_path / "out", code=1)
    assert "the weights have norms of queries and keys, 'blocks.0.attn.q_norm'; with rotary positions" in line


def test_features_that_are_off_are_no_arguments(tmp_path: Path) -> None:
    name = "vit_tiny_patch16_224"
    config = make_config(name)
    config["model_args"] = {**config["model_args"], "dynamic_img_pad": False, "norm_layer": None, "drop_path_rate": 0.1}
    write_folder(tmp_path / "model", config, make_weights(name))
    run_ok(VITC, "inspect", tmp_path / "model")


def test_lists_the_weights_that_lack(tmp_path: Path) -> None:
    name = "swin_tiny_patch4_window7_224"
    weights = make_weights(name)
    del weights["layers.1.downsample.norm.bias"], weights["layers.0.blocks.1.attn.proj.weight"]
    write_folder(tmp_path / "model", make_config(name), weights)
    line = error_line(VITC, "compile", tmp_path / "model", "-o", tmp_path / "out", code=1)
    assert line.endswith(
        "error: lacks 2 tensors that config.json asks for: 'layers.0.blocks.1.attn.proj.weight', "
        "'layers.1.downsample.norm.bias'"
    )
