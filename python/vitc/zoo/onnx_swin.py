# ===- onnx_swin.py - Swin and Swin v2 as ONNX ------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The ops of transformers' Swin and Swin v2 for image classification, shifts and windows spelled out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from vitc.zoo.models import Swin

if TYPE_CHECKING:
    from vitc.zoo.onnx_file import GraphBuilder

_MASKED = -100.0
# Of torch.nn.functional.normalize.
_NORMALIZE_EPS = 1e-12
_MAX_LOGIT_SCALE = math.log(100.0)


def _position_index(window: int) -> np.ndarray:
    """[N, N]: the row of a table over distances, for each query and key of a window."""
    coords = np.stack(np.meshgrid(np.arange(window), np.arange(window), indexing="ij")).reshape(2, -1)
    distances = coords[:, :, None] - coords[:, None, :] + window - 1
    return distances[0] * (2 * window - 1) + distances[1]


def _position_bias(g: GraphBuilder, model: Swin, attention: str, window: int) -> np.ndarray:
    """[1, H, N, N]: from its table, or of v2 by a small network on logarithmic distances (Liu et al. 2022, eq. (4))."""
    if model.v2:
        steps = np.arange(-(window - 1), window) / max(window - 1, 1) * 8
        steps = np.sign(steps) * np.log2(np.abs(steps) + 1) / np.log2(8)
        distances = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
        network = attention + "continuous_position_bias_mlp."
        hidden = distances @ g.values[network + "0.weight"].T + g.values[network + "0.bias"]
        table = 16 / (1 + np.exp(-np.maximum(hidden, 0) @ g.values[network + "2.weight"].T))
    else:
        table = g.values[attention + "relative_position_bias_table"]
    return np.ascontiguousarray(table[_position_index(window)].transpose(2, 0, 1)[None]).astype(np.float32)


def _shift_mask(size: int, window: int, shift: int) -> np.ndarray:
    """[1, windows, 1, N, N]: tokens that only the shift brought together do not attend (Liu et al. 2021, fig. 4)."""
    along = np.zeros(size, np.int64)
    along[size - window : size - shift] = 1
    along[size - shift :] = 2
    regions = (3 * along[:, None] + along).reshape(size // window, window, size // window, window)
    regions = regions.transpose(0, 2, 1, 3).reshape(-1, window * window)
    return np.where(regions[:, :, None] == regions[:, None, :], 0, _MASKED).astype(np.float32)[None, :, None]


def _slice(g: GraphBuilder, x: str, axis: int, begin: int, end: int, step: int = 1) -> str:
    return g.op("Slice", x, g.shape(begin), g.shape(end), g.shape(axis), g.shape(step))


def _pad(g: GraphBuilder, x: str, before: int, after: int) -> str:
    """x [B, size, size, C] with zeros at its right and bottom."""
    extra = after - before
    return g.op("Pad", x, g.shape(0, 0, 0, 0, 0, extra, extra, 0)) if extra else x


def _roll(g: GraphBuilder, x: str, size: int, shift: int) -> str:
    """x [B, size, size, C] moved by `shift` to the top left, cyclically."""
    for axis in (1, 2):
        x = g.op("Concat", _slice(g, x, axis, shift, size), _slice(g, x, axis, 0, shift), axis=axis)
    return x


def _normalize(g: GraphBuilder, x: str) -> str:
    length = g.op("ReduceL2", x, axes=[-1], keepdims=1)
    return g.op("Div", x, g.op("Max", length, g.scalar(_NORMALIZE_EPS)))


def _attend(g: GraphBuilder, model: Swin, x: str, layer: str, heads: int, dim: int, window: int, mask: str) -> str:
    """Attention in windows, x [windows, N, C]."""
    attention, head_dim, tokens = layer + "attention.self.", dim // heads, window * window
    query, key, value = (
        g.split_heads(g.linear(x, attention + role), heads, head_dim, [0, 2, 1, 3])
        for role in ("query", "key", "value")
    )
    if model.v2:
        scale = np.exp(np.minimum(g.values[attention + "logit_scale"], _MAX_LOGIT_SCALE)).reshape(1, heads, 1, 1)
        query, key = _normalize(g, query), _normalize(g, key)
        factor = g.constant(attention + "scale", scale.astype(np.float32))
    else:
        factor = g.scalar(1.0 / math.sqrt(head_dim))
    scores = g.op("Mul", g.op("MatMul", query, g.op("Transpose", key, perm=[0, 1, 3, 2])), factor)
    scores = g.op("Add", scores, g.constant(attention + "bias", _position_bias(g, model, attention, window)))
    if mask:
        by_picture = g.op("Reshape", scores, g.shape(-1, g.constants[mask].shape[1], heads, tokens, tokens))
        scores = g.op("Reshape", g.op("Add", by_picture, mask), g.shape(-1, heads, tokens, tokens))
    mixed = g.op("Transpose", g.op("MatMul", g.op("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
    return g.linear(g.op("Reshape", mixed, g.shape(0, 0, dim)), layer + "attention.output.dense")


def _build_block(
    g: GraphBuilder, model: Swin, x: str, layer: str, heads: int, dim: int, size: int, is_shifted: bool
) -> str:
    """x [B, size * size, C]."""
    window = min(model.window, size)
    shift = window // 2 if is_shifted and size > window else 0
    padded = -(-size // window) * window
    windows = padded // window

    branch = x if model.v2 else g.layer_norm(x, layer + "layernorm_before")
    branch = _pad(g, g.op("Reshape", branch, g.shape(0, size, size, dim)), size, padded)
    branch = _roll(g, branch, padded, shift) if shift else branch
    branch = g.op("Reshape", branch, g.shape(-1, windows, window, windows, window, dim))
    branch = g.op("Reshape", g.op("Transpose", branch, perm=[0, 1, 3, 2, 4, 5]), g.shape(-1, window * window, dim))
    mask = g.constant(f"mask_{padded}_{window}", _shift_mask(padded, window, shift)) if shift else ""
    branch = _attend(g, model, branch, layer, heads, dim, window, mask)
    branch = g.op("Reshape", branch, g.shape(-1, windows, windows, window, window, dim))
    branch = g.op("Reshape", g.op("Transpose", branch, perm=[0, 1, 3, 2, 4, 5]), g.shape(-1, padded, padded, dim))
    branch = _roll(g, branch, padded, padded - shift) if shift else branch
    if padded > size:
        branch = _slice(g, _slice(g, branch, 1, 0, size), 2, 0, size)
    branch = g.op("Reshape", branch, g.shape(0, size * size, dim))
    x = g.op("Add", x, g.layer_norm(branch, layer + "layernorm_before") if model.v2 else branch)

    hidden = x if model.v2 else g.layer_norm(x, layer + "layernorm_after")
    hidden = g.linear(g.gelu(g.linear(hidden, layer + "intermediate.dense")), layer + "output.dense")
    return g.op("Add", x, g.layer_norm(hidden, layer + "layernorm_after") if model.v2 else hidden)


def _merge_patches(g: GraphBuilder, model: Swin, x: str, layer: str, dim: int, size: int) -> str:
    even = size + size % 2
    x = _pad(g, g.op("Reshape", x, g.shape(0, size, size, dim)), size, even)
    corners = [_slice(g, _slice(g, x, 1, row, even, 2), 2, column, even, 2) for column in (0, 1) for row in (0, 1)]
    x = g.op("Reshape", g.op("Concat", *corners, axis=-1), g.shape(0, (even // 2) ** 2, 4 * dim))
    if model.v2:
        return g.layer_norm(g.linear(x, layer + "reduction"), layer + "norm")
    return g.linear(g.layer_norm(x, layer + "norm"), layer + "reduction")


def build_swin(g: GraphBuilder, model: Swin) -> str:
    """Adds the model, from pixel_values, and returns its logits."""
    embeddings, dim = model.prefix + "embeddings.", model.dim
    size = -(-model.image // model.patch)
    extra = size * model.patch - model.image
    pixels = g.op("Pad", "pixel_values", g.shape(0, 0, 0, 0, 0, 0, extra, extra)) if extra else "pixel_values"
    projection = embeddings + "patch_embeddings.projection"
    x = g.op("Conv", pixels, projection + ".weight", projection + ".bias", strides=[model.patch] * 2)
    x = g.op("Transpose", g.op("Reshape", x, g.shape(0, dim, -1)), perm=[0, 2, 1])
    x = g.layer_norm(x, embeddings + "norm")
    for stage, (depth, heads) in enumerate(zip(model.depths, model.heads)):
        layer = f"{model.prefix}encoder.layers.{stage}."
        for block in range(depth):
            x = _build_block(g, model, x, f"{layer}blocks.{block}.", heads, dim, size, is_shifted=block % 2 == 1)
        if stage + 1 < len(model.depths):
            x = _merge_patches(g, model, x, layer + "downsample.", dim, size)
            size, dim = (size + 1) // 2, 2 * dim
    x = g.layer_norm(x, model.prefix + "layernorm")
    return g.linear(g.op("ReduceMean", x, axes=[1], keepdims=0), "classifier")
