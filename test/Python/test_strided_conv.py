# ===- test_strided_conv.py - 3 x 3 convolutions at a stride of 2 ---------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Convolutions that are computed with fewer products, beside float64."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import harness

BATCH = 2
# Of the largest value. Sums of up to 2304 products, each of them rounded.
TOLERANCE = 2e-6


class Map(NamedTuple):
    """The input of a convolution with 3 x 3 taps and a stride of 2, and its padding in ONNX's order."""

    channels: int
    outputs: int
    size: tuple[int, int]
    pads: tuple[int, int, int, int] = (1, 1, 1, 1)


MAPS = {
    "even": Map(64, 128, (28, 36)),
    "odd": Map(64, 64, (29, 31)),
    "odd_results": Map(48, 80, (42, 42)),
    "same_upper": Map(64, 64, (32, 32), (0, 0, 1, 1)),
    "unpadded": Map(64, 64, (33, 35), (0, 0, 0, 0)),
    "left_over": Map(64, 64, (34, 34), (0, 0, 0, 0)),
    "wide_border": Map(64, 64, (25, 27), (3, 4, 2, 5)),
    "many_channels": Map(256, 192, (28, 28)),
}


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape, dtype=np.float32)


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, pads: tuple[int, int, int, int]) -> np.ndarray:
    """In the type of the operands."""
    top, left, bottom, right = pads
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    return np.einsum("bcyxij,ocij->boyx", windows, weight, optimize=True) + bias[:, None, None]


def conv_node(source: str, number: int, pads: tuple[int, int, int, int], result: str) -> onnx.NodeProto:
    operands = [source, f"w{number}", f"b{number}"]
    return helper.make_node("Conv", operands, [result], name=result, kernel_shape=(3, 3), strides=(2, 2), pads=pads)


def run(folder: Path, nodes: list[onnx.NodeProto], x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", *x.shape[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["B", *"CHW"])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "m.onnx")
    np.save(folder / "x.npy", x)
    options = ["--input", folder / "x.npy", "--output-dir", folder / "out"]
    harness.run_ok(harness.VITC, "run", folder / "m.onnx", *options)
    return np.load(folder / "out" / "y.npy")


def make_weights(number: int, outputs: int, channels: int) -> dict[str, np.ndarray]:
    weight = random(outputs, channels, 3, 3) / np.sqrt(9 * channels).astype(np.float32)
    return {f"w{number}": weight, f"b{number}": random(outputs)}


@pytest.mark.parametrize("case", MAPS.values(), ids=MAPS.keys())
def test_strided_conv(case: Map, tmp_path: Path) -> None:
    x, weights = random(BATCH, case.channels, *case.size), make_weights(0, case.outputs, case.channels)
    result = run(tmp_path, [conv_node("x", 0, case.pads, "y")], x, weights)
    reference = convolve(x.astype(np.float64), weights["w0"], weights["b0"], case.pads)
    assert result.shape == reference.shape
    np.testing.assert_allclose(result, reference, rtol=0, atol=TOLERANCE * np.abs(reference).max())


def test_encoder(tmp_path: Path) -> None:
    """Each layer writes its map into the next one's border."""
    pads, widths = (1, 1, 1, 1), (16, 64, 96, 96)
    x, nodes, weights = random(BATCH, widths[0], 96, 80), [], {}
    reference, source = x.astype(np.float64), "x"
    for number, (channels, outputs) in enumerate(zip(widths, widths[1:])):
        weights |= make_weights(number, outputs, channels)
        result = "y" if number == 2 else f"r{number}"
        nodes.append(conv_node(source, number, pads, f"c{number}"))
        nodes.append(helper.make_node("Relu", [f"c{number}"], [result]))
        reference = np.maximum(convolve(reference, weights[f"w{number}"], weights[f"b{number}"], pads), 0)
        source = result
    result = run(tmp_path, nodes, x, weights)
    np.testing.assert_allclose(result, reference, rtol=0, atol=TOLERANCE * np.abs(reference).max())
