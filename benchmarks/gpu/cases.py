# ===- cases.py - Models of one kernel or two ------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""ONNX graphs from x to y, one for each kind of kernel and each shape that a kernel has code of its own for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Rows of products: one, a picture's tokens at 224 and 384 pixels, and one more than whole blocks have.
ROWS = (1, 197, 577, 4097)
# Rows, inputs and outputs of products in bf16 for which sm_90a has tiles of warpgroups, and more steps than it has room
# for: of rows that become bf16 on their way, in tiles of 64 x 64 to 128 x 256, ...
CHANGED = ((577, 264, 776), (1025, 264, 776), (2049, 264, 776), (5000, 264, 520), (8000, 264, 776))
# ... and of rows that a norm before wrote as bf16. In the largest of both a block has several tiles.
COPIED = ((1025, 520, 264), (1200, 520, 776), (2049, 392, 520))
HEAD_SIZES = (24, 32, 48, 64, 80, 128, 256)
QUERIES = (49, 197, 577)


@dataclasses.dataclass
class Graph:
    """Nodes and what they read besides x."""

    shape: tuple[int, ...]  # of x
    random: np.random.Generator
    nodes: list[onnx.NodeProto] = dataclasses.field(default_factory=list)
    constants: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def add(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: object) -> str:
        """Adds a node; returns the name of its output."""
        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def numbers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def weight(self, *shape: int) -> str:
        """Of products that keep the size of what they multiply."""
        deviation = np.float32(np.prod(shape[:-1]) ** -0.5)
        return self.constant(self.random.standard_normal(shape, np.float32) * deviation)

    def linear(self, x: str, inputs: int, outputs: int, output: str = "") -> str:
        return self.add("Add", [self.add("MatMul", [x, self.weight(inputs, outputs)]), self.weight(outputs)], output)

    def norm(self, x: str, channels: int, output: str = "") -> str:
        scale = self.constant(np.ones(channels, np.float32) + self.constants[self.weight(channels)])
        return self.add("LayerNormalization", [x, scale, self.weight(channels)], output, axis=-1, epsilon=1e-6)

    def build(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "case",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_empty_tensor_value_info("y")],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)


@dataclasses.dataclass(frozen=True)
class Case:
    shape: tuple[int, ...]
    fill: Callable[[Graph], object]

    def build(self) -> onnx.ModelProto:
        graph = Graph(self.shape, np.random.default_rng(7))
        self.fill(graph)
        return graph.build()

    def make_input(self) -> np.ndarray:
        return np.random.default_rng(8).standard_normal(self.shape, np.float32)


def product(rows: int, inputs: int, outputs: int) -> Case:
    return Case((1, rows, inputs), lambda g: g.linear("x", inputs, outputs, "y"))


def normalised_product(rows: int, channels: int, outputs: int) -> Case:
    return Case((1, rows, channels), lambda g: g.linear(g.norm("x", channels), channels, outputs, "y"))


def mlp(rows: int, channels: int, hidden: int) -> Case:
    """A transformer's MLP: a norm, GELU behind the first product, the residual behind the second."""

    def fill(g: Graph) -> None:
        activated = g.add("Gelu", [g.linear(g.norm("x", channels), channels, hidden)])
        g.add("Add", [g.linear(activated, hidden, channels), "x"], "y")

    return Case((1, rows, channels), fill)


def attention(queries: int, heads: int, size: int, is_causal: bool = False) -> Case:
    """Projections of x to queries, keys and values, and what attention makes of them."""
    width = heads * size

    def split(g: Graph, order: Sequence[int]) -> str:
        rows = g.linear("x", width, width)
        return g.add("Transpose", [g.add("Reshape", [rows, g.numbers(1, queries, heads, size)])], perm=list(order))

    def fill(g: Graph) -> None:
        query, key, value = split(g, (0, 2, 1, 3)), split(g, (0, 2, 3, 1)), split(g, (0, 2, 1, 3))
        scores = g.add("Mul", [g.add("MatMul", [query, key]), g.constant(np.float32(size**-0.5))])
        if is_causal:
            mask = np.triu(np.full((queries, queries), -np.inf, np.float32), 1)
            scores = g.add("Add", [scores, g.constant(mask)])
        mixed = g.add("MatMul", [g.add("Softmax", [scores], axis=-1), value])
        merged = g.add("Transpose", [mixed], perm=[0, 2, 1, 3])
        g.add("Reshape", [merged, g.numbers(1, queries, width)], "y")

    return Case((1, queries, width), fill)


def convolution(channels: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> Case:
    pads = [kernel // 2] * 4 if stride < kernel else [0] * 4

    def fill(g: Graph) -> None:
        filters = g.weight(outputs, channels // groups, kernel, kernel)
        shape = [kernel, kernel]
        g.add("Conv", ["x", filters], "y", kernel_shape=shape, strides=[stride] * 2, pads=pads, group=groups)

    return Case((2, channels, 32, 24), fill)


def softmax_of_many(g: Graph) -> None:
    g.add("Softmax", ["x"], "y", axis=-1)


def mean_of_tokens(g: Graph) -> None:
    g.add("ReduceMean", ["x", g.numbers(1)], "y", keepdims=0)


def largest(g: Graph) -> None:
    g.add("MaxPool", ["x"], "y", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


def resized(g: Graph) -> None:
    sizes = g.numbers(2, 8, 25, 30)
    g.add("Resize", ["x", "", "", sizes], "y", mode="linear", coordinate_transformation_mode="half_pixel")


def elementwise(g: Graph) -> None:
    g.add("Mul", [g.add("Erf", ["x"]), g.add("Sigmoid", ["x"])], "y")


PRODUCTS: dict[str, Case] = {
    **{f"product-{rows}": product(rows, 96, 128) for rows in ROWS},
    "product-odd": product(131, 77, 45),
    "product-long": product(64, 1536, 192),
    "product-wide": product(64, 96, 1000),
    **{f"normalised-product-{rows}": normalised_product(rows, 96, 128) for rows in ROWS},
    "normalised-product-long": normalised_product(49, 1536, 96),
    **{f"mlp-{rows}": mlp(rows, 64, 256) for rows in (1, 197)},
}
WARPGROUP_PRODUCTS: dict[str, Case] = {
    **{f"product-{rows}-{inputs}-{outputs}": product(rows, inputs, outputs) for rows, inputs, outputs in CHANGED},
    **{
        f"normalised-product-{rows}-{inputs}-{outputs}": normalised_product(rows, inputs, outputs)
        for rows, inputs, outputs in COPIED
    },
    "mlp-8321-264-776": mlp(8321, 264, 776),
}
ATTENTION: dict[str, Case] = {
    **{f"attention-{size}": attention(197, 1, size) for size in HEAD_SIZES},
    **{f"attention-of-{queries}": attention(queries, 2, 32) for queries in QUERIES},
    **{f"attention-causal-{queries}": attention(queries, 2, 32, is_causal=True) for queries in (49, 197)},
}
CASES: dict[str, Case] = {
    **PRODUCTS,
    **WARPGROUP_PRODUCTS,
    **ATTENTION,
    "patches": convolution(3, 64, 4, 4),
    "convolution": convolution(16, 32, 3, 1),
    "convolution-stem": convolution(3, 16, 7, 2),
    "convolution-depthwise": convolution(32, 32, 3, 1, groups=32),
    "layer-norm": Case((3, 197, 192), lambda g: g.norm("x", 192, "y")),
    "softmax": Case((2, 6, 577), softmax_of_many),
    "mean": Case((2, 197, 96), mean_of_tokens),
    "max-pool": Case((2, 8, 24, 26), largest),
    "resize": Case((2, 8, 12, 15), resized),
    "elementwise": Case((2, 5, 333), elementwise),
}
# What tf32 rounds the operands of; warpgroups have no tiles for it.
TF32_CASES = (*PRODUCTS, *ATTENTION)
# What takes no time to emulate and touches each kind once.
SMALL_CASES = ("product-odd", "product-577-264-776", "mlp-1", "attention-of-49", "convolution", "softmax")
