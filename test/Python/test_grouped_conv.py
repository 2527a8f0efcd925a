# ===- test_grouped_conv.py - Convolutions in groups, from ONNX -----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Depthwise and other grouped convolutions of ONNX files, beside ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import harness

BATCH = 2


class Conv(NamedTuple):
    """The sizes of a Conv node, in ONNX's order; `size` is the map's or, for one dim, the sequence's."""

    channels: int
    outputs: int
    groups: int
    taps: tuple[int, ...]
    size: tuple[int, ...]
    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (0, 0, 0, 0)
    dilations: tuple[int, ...] = (1, 1)


CONVS = {
    "3x3": Conv(96, 96, 96, (3, 3), (14, 14), pads=(1, 1, 1, 1)),
    "5x5": Conv(33, 33, 33, (5, 5), (17, 23), pads=(2, 2, 2, 2)),
    "7x7": Conv(64, 64, 64, (7, 7), (56, 56), pads=(3, 3, 3, 3)),
    "7x7_on_smaller_map": Conv(40, 40, 40, (7, 7), (4, 3), pads=(3, 3, 3, 3)),
    "3x3_stride_2": Conv(48, 48, 48, (3, 3), (31, 56), strides=(2, 2), pads=(1, 1, 1, 1)),
    "5x5_stride_2_asymmetric": Conv(24, 24, 24, (5, 5), (28, 29), strides=(2, 2), pads=(1, 2, 2, 1)),
    "3x3_dilation_2": Conv(32, 32, 32, (3, 3), (19, 40), pads=(2, 2, 2, 2), dilations=(2, 2)),
    "1x5": Conv(16, 16, 16, (1, 5), (9, 50), pads=(0, 2, 0, 2)),
    "pads_beyond_filter": Conv(8, 8, 8, (3, 3), (5, 5), pads=(4, 0, 0, 6)),
    "multiplier_2": Conv(32, 64, 32, (3, 3), (27, 27), strides=(2, 2), pads=(1, 1, 1, 1)),
    "multiplier_3": Conv(10, 30, 10, (3, 3), (9, 9), pads=(1, 1, 1, 1)),
    "groups_of_4": Conv(64, 64, 16, (3, 3), (14, 14), pads=(1, 1, 1, 1)),
    "groups_of_32": Conv(96, 96, 3, (3, 3), (14, 14), pads=(1, 1, 1, 1)),
    "groups_of_48_to_24": Conv(192, 96, 4, (3, 3), (14, 14), strides=(2, 2), pads=(1, 1, 1, 1)),
    "pointwise_groups": Conv(96, 96, 6, (1, 1), (14, 14)),
    "sequence": Conv(48, 48, 48, (3,), (50,), strides=(1,), pads=(1, 1), dilations=(1,)),
}


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape, dtype=np.float32)


def conv_node(conv: Conv, operands: list[str], result: str) -> onnx.NodeProto:
    return helper.make_node(
        "Conv",
        operands,
        [result],
        name=result,
        group=conv.groups,
        kernel_shape=conv.taps,
        strides=conv.strides,
        pads=conv.pads,
        dilations=conv.dilations,
    )


def make_model(
    nodes: list[onnx.NodeProto], shape: tuple[int, ...], rank: int, weights: dict[str, np.ndarray]
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["B", *"CHW"[:rank]])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def check(folder: Path, model: onnx.ModelProto, shape: tuple[int, ...], tolerance: float) -> None:
    x = random(BATCH, *shape)
    onnx.save(model, folder / "model.onnx")
    np.save(folder / "x.npy", x)
    harness.run_ok(
        harness.VITC, "run", folder / "model.onnx", "--input", folder / "x.npy", "--output-dir", folder / "out"
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (reference,) = session.run(None, {"x": x})
    result = np.load(folder / "out" / "y.npy")
    assert result.shape == reference.shape
    np.testing.assert_allclose(result, reference, rtol=tolerance, atol=tolerance * np.abs(reference).max())


@pytest.mark.parametrize("conv", CONVS.values(), ids=CONVS.keys())
def test_conv(conv: Conv, tmp_path: Path) -> None:
    weights = {"w": random(conv.outputs, conv.channels // conv.groups, *conv.taps), "b": random(conv.outputs)}
    shape = (conv.channels, *conv.size)
    model = make_model([conv_node(conv, ["x", "w", "b"], "y")], shape, len(shape), weights)
    check(tmp_path, model, shape, tolerance=1e-6)


def test_inverted_residual(tmp_path: Path) -> None:
    """As in MobileNetV2 and its kin: the activation and the sums are the convolutions' epilogues."""
    depthwise = Conv(64, 64, 64, (3, 3), (15, 15), pads=(1, 1, 1, 1))
    expand = Conv(16, 64, 1, (1, 1), (15, 15))
    project = Conv(64, 16, 1, (1, 1), (15, 15))
    nodes = [
        conv_node(expand, ["x", "w0", "b0"], "expanded"),
        conv_node(depthwise, ["expanded", "w1", "b1"], "filtered"),
        helper.make_node("Sigmoid", ["filtered"], ["gate"]),
        helper.make_node("Mul", ["filtered", "gate"], ["active"]),
        helper.make_node("Add", ["active", "expanded"], ["sum"]),
        conv_node(project, ["sum", "w2", "b2"], "projected"),
        helper.make_node("Add", ["projected", "x"], ["y"]),
    ]
    weights = {"w0": random(64, 16, 1, 1), "w1": random(64, 1, 3, 3), "w2": random(16, 64, 1, 1)}
    weights |= {"b0": random(64), "b1": random(64), "b2": random(16)}
    model = make_model(nodes, (16, 15, 15), 3, weights)
    check(tmp_path, model, (16, 15, 15), tolerance=1e-5)
    text = harness.run_ok(harness.VITC, tmp_path / "model.onnx", "--emit=mlir", "--compile-to=kernel", "-o", "-")
    (kernel,) = (line for line in text.splitlines() if "kernel.grouped_conv" in line)
    assert "residual(" in kernel
    assert "activation silu" in kernel
