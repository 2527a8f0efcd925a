# ===- weights.py - Generated weights --------------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The weights of zoo models, the same bits as in a program that vitc compiles."""

from __future__ import annotations

import math

import numpy as np

from vitc.zoo.models import Model

_SCALES = {"bias": 0.125, "norm_shift": 0.125, "norm_scale": 0.25, "token": 1.0}


def fnv1a64(text: str) -> int:
    """The 64-bit FNV-1a hash of the text's bytes."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def uniform(seed: int, count: int, mean: float, scale: float) -> np.ndarray:
    """`count` float32 values of a generated `vit.weight`: mean + scale * (2 u - 1), u from splitmix64."""
    out = np.empty(count, np.float32)
    chunk = 1 << 20
    for begin in range(0, count, chunk):
        i = np.arange(begin, min(begin + chunk, count), dtype=np.uint64)
        x = np.uint64(seed) + i * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
        u = (x >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
        spread = np.float32(scale) * (np.float32(2) * u - np.float32(1))
        out[begin : begin + len(i)] = np.float32(mean) + spread
    return out


def _scale(role: str, shape: tuple[int, ...]) -> float:
    if role == "matrix":
        return math.sqrt(3.0 / math.prod(shape[1:]))
    if role == "transposed_matrix":
        return math.sqrt(3.0 / shape[0])
    return _SCALES[role]


def weights(model: Model) -> dict[str, np.ndarray]:
    """Name -> float32 values."""
    values = {}
    for name, (role, shape) in model.shapes().items():
        seed = fnv1a64(name) ^ (model.seed * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
        mean = 1.0 if role == "norm_scale" else 0.0
        values[name] = uniform(seed, math.prod(shape), mean, _scale(role, shape)).reshape(shape)
    return values
