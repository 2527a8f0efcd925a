# ===- test_gpu_nodes.py - Single ops on an emulated GPU ------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Tiny ONNX graphs, one for each kind of kernel, compiled for sm_80, against ONNX Runtime at batch 1 and 7."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from gpu import assert_close, compile_gpu, needs_emulator

pytestmark = needs_emulator

BATCHES = (1, 7)
RANDOM = np.random.default_rng(5)


def weight(*shape: int, scale: float = 0.25) -> np.ndarray:
    return RANDOM.standard_normal(shape, np.float32) * np.float32(scale)


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


# Of each case: the nodes, from x to y; the shape of x behind the batch; what the nodes read besides.
CASES: dict[str, tuple[list[onnx.NodeProto], tuple[int, ...], dict[str, np.ndarray]]] = {
    "elementwise": (
        [helper.make_node("Erf", ["x"], ["e"]), helper.make_node("Mul", ["e", "w"], ["y"])],
        (5, 33),
        {"w": weight(33)},
    ),
    "transpose": ([helper.make_node("Transpose", ["x"], ["y"], perm=[0, 2, 1])], (17, 40), {}),
    "embedding": (
        [helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT64), helper.make_node("Gather", ["w", "i"], ["y"])],
        (9,),
        {"w": weight(4, 24)},
    ),
    "linear": (
        [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["y"])],
        (19, 48),
        {"w": weight(48, 80), "b": weight(80)},
    ),
    "linear_of_odd_sizes": ([helper.make_node("MatMul", ["x", "w"], ["y"])], (13, 37), {"w": weight(37, 29)}),
    "products_of_two_inputs": (
        [helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]), helper.make_node("MatMul", ["x", "t"], ["y"])],
        (21, 32),
        {},
    ),
    "gelu": (
        [
            helper.make_node("MatMul", ["x", "w"], ["p"]),
            helper.make_node("Gelu", ["p"], ["g"]),
            helper.make_node("MatMul", ["g", "v"], ["o"]),
            helper.make_node("Add", ["o", "x"], ["y"]),
        ],
        (17, 32),
        {"w": weight(32, 96), "v": weight(96, 32)},
    ),
    "softmax": ([helper.make_node("Softmax", ["x"], ["y"], axis=-1)], (6, 65), {}),
    "layer_norm": (
        [helper.make_node("LayerNormalization", ["x", "s", "b"], ["y"], axis=-1, epsilon=1e-6)],
        (11, 96),
        {"s": weight(96) + 1, "b": weight(96)},
    ),
    "mean": ([helper.make_node("ReduceMean", ["x", "axes"], ["y"], keepdims=0)], (49, 40), {"axes": numbers(1)}),
    "sum_and_max": (
        [
            helper.make_node("ReduceSum", ["x", "axes"], ["s"]),
            helper.make_node("ReduceMax", ["x", "axes"], ["m"]),
            helper.make_node("Sub", ["s", "m"], ["y"]),
        ],
        (7, 50),
        {"axes": numbers(2)},
    ),
    "patches": (
        [helper.make_node("Conv", ["x", "w", "b"], ["y"], kernel_shape=[4, 4], strides=[4, 4])],
        (3, 16, 24),
        {"w": weight(32, 3, 4, 4), "b": weight(32)},
    ),
    "conv": (
        [helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])],
        (8, 15, 14),
        {"w": weight(24, 8, 3, 3)},
    ),
    "depthwise_conv": (
        [helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=16)],
        (16, 9, 10),
        {"w": weight(16, 1, 3, 3)},
    ),
    "max_pool": (
        [helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])],
        (8, 12, 13),
        {},
    ),
    "average_pool": (
        [helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
        (8, 12, 14),
        {},
    ),
    "resize": (
        [
            helper.make_node(
                "Resize", ["x", "", "", "sizes"], ["y"], mode="linear", coordinate_transformation_mode="half_pixel"
            )
        ],
        (4, 6, 5),
        {"sizes": numbers(-1, 4, 12, 15)},
    ),
    "top_1": ([helper.make_node("ArgMax", ["x"], ["y"], axis=-1, keepdims=0)], (5, 30), {}),
}


def make_model(name: str, path: Path) -> onnx.ModelProto:
    nodes, shape, weights = CASES[name]
    batch: int | str = BATCHES[-1] if -1 in weights.get("sizes", ()) else "batch"
    if batch != "batch":
        weights = weights | {"sizes": numbers(batch, *weights["sizes"][1:])}
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(value, key) for key, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    onnx.save(model, path)
    return model


@pytest.mark.parametrize("name", CASES)
def test_node(name: str, tmp_path: Path) -> None:
    model = make_model(name, tmp_path / "model.onnx")
    program = compile_gpu(tmp_path / "model.onnx", tmp_path)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    shape = session.get_inputs()[0].shape
    for batch in BATCHES if isinstance(shape[0], str) else shape[:1]:
        x = np.random.default_rng(batch).standard_normal((batch, *shape[1:]), np.float32)
        if name == "embedding":
            x = np.floor(x % 4)
        (expected,) = session.run(None, {"x": x})
        for seed in (0, 1):
            assert_close(program.run({"x": x}, tmp_path / "run", seed=seed)["y"], expected)
