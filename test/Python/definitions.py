# ===- definitions.py - The vit ops in numpy ------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Every vit op in float64, written from its definition."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

# By the operand's name in the op's description.
Operands = dict[str, np.ndarray]


def softmax_of_scores(x: Operands, scale: float) -> np.ndarray:
    """The probabilities [B, H, Nq, Nk]; a fully masked row is zeros."""
    groups = x["query"].shape[1] // x["key"].shape[1]
    key = np.repeat(x["key"], groups, axis=1)
    scores = scale * np.einsum("bhid,bhjd->bhij", x["query"], key)
    for name in ("bias", "mask"):
        if name in x:
            # Item b of the batch reads item b mod Bb.
            scores = scores + np.tile(x[name], (len(scores) // len(x[name]), 1, 1, 1))
    weights = np.zeros_like(scores)
    for index in np.ndindex(scores.shape[:3]):
        row = scores[index]
        if np.isneginf(row).all():
            continue
        weights[index] = np.exp(row - row.max())
        weights[index] /= weights[index].sum()
    return weights


def attention(x: Operands, scale: float) -> np.ndarray:
    groups = x["query"].shape[1] // x["key"].shape[1]
    return softmax_of_scores(x, scale) @ np.repeat(x["value"], groups, axis=1)


def gelu(x: np.ndarray) -> np.ndarray:
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def gelu_quick(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-1.702 * x))


def linear(x: Operands, activation: Callable[[np.ndarray], np.ndarray] = lambda x: x) -> np.ndarray:
    return activation(x["input"] @ x["weight"].T + x.get("bias", 0)) + x.get("residual", 0)


def layer_norm(x: Operands, epsilon: float) -> np.ndarray:
    mean = x["input"].mean(-1, keepdims=True)
    variance = x["input"].var(-1, keepdims=True)
    return (x["input"] - mean) / np.sqrt(variance + epsilon) * x.get("scale", 1) + x.get("shift", 0)


def rms_norm(x: Operands, epsilon: float) -> np.ndarray:
    return x["input"] / np.sqrt((x["input"] ** 2).mean(-1, keepdims=True) + epsilon) * x.get("scale", 1)


def conv2d(
    x: Operands, stride: tuple[int, int], pad: tuple[int, int, int, int], dilation: tuple[int, int], groups: int
) -> np.ndarray:
    """pad is top, left, bottom, right."""
    image = np.pad(x["input"], ((0, 0), (0, 0), (pad[0], pad[2]), (pad[1], pad[3])))
    filters = x["filter"]
    outputs, channels, height, width = filters.shape
    span = [(height - 1) * dilation[0] + 1, (width - 1) * dilation[1] + 1]
    rows = (image.shape[2] - span[0]) // stride[0] + 1
    columns = (image.shape[3] - span[1]) // stride[1] + 1
    result = np.zeros((len(image), outputs, rows, columns))
    for output, row, column in np.ndindex(outputs, rows, columns):
        first = output // (outputs // groups) * channels
        top, left = row * stride[0], column * stride[1]
        patch = image[
            :, first : first + channels, top : top + span[0] : dilation[0], left : left + span[1] : dilation[1]
        ]
        result[:, output, row, column] = (patch * filters[output]).sum((1, 2, 3))
    return result + x.get("bias", np.zeros(outputs))[:, None, None]


def window_partition(x: np.ndarray, height: int, width: int) -> np.ndarray:
    windows = [
        x[b, top : top + height, left : left + width].reshape(height * width, -1)
        for b in range(len(x))
        for top in range(0, x.shape[1], height)
        for left in range(0, x.shape[2], width)
    ]
    return np.stack(windows)


def window_reverse(x: np.ndarray, window: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    windows = iter(x)
    batch = len(x) * window[0] * window[1] // (size[0] * size[1])
    result = np.zeros((batch, *size, x.shape[2]))
    for b in range(batch):
        for top in range(0, size[0], window[0]):
            for left in range(0, size[1], window[1]):
                block = next(windows).reshape(*window, -1)
                result[b, top : top + window[0], left : left + window[1]] = block
    return result


def shift_mask(size: tuple[int, int], window: tuple[int, int], shift: tuple[int, int], value: float) -> np.ndarray:
    """As Swin's authors make it: number the regions of the shifted map, then compare within each window."""
    regions = np.zeros((1, *size, 1))
    number = 0
    cuts = [
        [slice(0, -w), slice(-w, -s), slice(-s, None)] if s else [slice(None)]
        for w, s in zip(window, shift, strict=True)
    ]
    for rows in cuts[0]:
        for columns in cuts[1]:
            regions[:, rows, columns] = number
            number += 1
    tokens = window_partition(regions, *window)[..., 0]
    return np.where(tokens[:, None, :, None] == tokens[:, None, None, :], 0.0, value)


def relative_position_index(height: int, width: int) -> np.ndarray:
    """As Swin's authors make it, from the coordinates of all tokens."""
    coords = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij")).reshape(2, -1)
    relative = coords[:, :, None] - coords[:, None, :]
    return (relative[0] + height - 1) * (2 * width - 1) + relative[1] + width - 1


def relative_position_bias(table: np.ndarray, height: int, width: int, class_token: bool = False) -> np.ndarray:
    index = relative_position_index(height, width)
    if class_token:
        # As BEiT's authors do.
        index = np.pad(index, ((1, 0), (1, 0)))
        index[0, :] = len(table) - 3
        index[:, 0] = len(table) - 2
        index[0, 0] = len(table) - 1
    return table[index].transpose(2, 0, 1)[None]


def patch_merging(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], axis=-1)


def patch_embed(x: Operands, norm: Callable[[np.ndarray], np.ndarray] = lambda rows: rows) -> np.ndarray:
    image, filters = x["image"], x["filter"]
    embed_dim, _, height, width = filters.shape
    rows = []
    for top in range(0, image.shape[2], height):
        for left in range(0, image.shape[3], width):
            patch = image[:, :, top : top + height, left : left + width].reshape(len(image), -1)
            rows.append(norm(patch) @ filters.reshape(embed_dim, -1).T + x.get("bias", 0))
    tokens = x.get("tokens", np.zeros((0, embed_dim)))
    tokens = np.broadcast_to(tokens, (len(image), *tokens.shape))
    return np.concatenate([tokens, np.stack(rows, 1)], axis=1) + x.get("position", 0)
