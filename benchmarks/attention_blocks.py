# ===- attention_blocks.py - Attention layers by the papers ----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Single attention layers as ONNX files, with their projections, for any number of tokens: [1, n, C] -> [1, n, C].

| kind | multiply-adds | paper |
|---|---|---|
| global | 4nC^2 + 2n^2C | Liu et al. 2021 (Swin), eq. (1) |
| windowed | 4nC^2 + 2M^2nC | Liu et al. 2021 (Swin), eq. (2), windows of M x M tokens |
| linformer | 4nC^2 + 4nkC | Wang et al. 2020 (Linformer), k projected keys and values, O(nk) |
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

KINDS = ["global", "windowed", "linformer"]
# ViT-Ti's width and heads.
DIM = 192
HEADS = 3
WINDOW = 7
PROJECTED = 256


def round_tokens(kind: str, tokens: int) -> int:
    """The number of tokens of a layer that is asked for with `tokens`: windows need whole ones."""
    area = WINDOW * WINDOW
    return max(1, round(tokens / area)) * area if kind == "windowed" else tokens


def formula_flops(kind: str, tokens: int) -> int:
    """Operations by the paper's formula, two for each multiply-add."""
    keys = {"global": 2 * tokens, "windowed": 2 * WINDOW * WINDOW, "linformer": 4 * PROJECTED}[kind]
    return 2 * tokens * DIM * (4 * DIM + keys)


class _Graph:
    """Nodes of a layer; every method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.constants: list = []
        self.generator = np.random.default_rng(0)

    def constant(self, value: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, *shape: int) -> str:
        """Random, scaled so that a product by it keeps the size of values."""
        values = self.generator.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[-2]))
        return self.constant(values.astype(np.float32))

    def node(self, op: str, *inputs: str, **attributes) -> str:
        from onnx import helper

        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def reshape(self, value: str, *shape: int) -> str:
        return self.node("Reshape", value, self.constant(np.array(shape, np.int64)))

    def transpose(self, value: str, *perm: int) -> str:
        return self.node("Transpose", value, perm=list(perm))

    def linear(self, value: str) -> str:
        return self.node("Add", self.node("MatMul", value, self.weight(DIM, DIM)), self.weight(1, DIM))


def _attend(g: _Graph, x: str, batch: int, tokens: int, projected: int | None) -> str:
    """Attention over `tokens` of each item of the batch, or over `projected` mixtures of them."""
    query, key, value = (g.linear(x) for _ in range(3))
    keys = tokens
    if projected:
        scale = np.float32(1 / np.sqrt(tokens))
        mix = [g.generator.standard_normal((projected, tokens), np.float32) * scale for _ in range(2)]
        key, value = (g.node("MatMul", g.constant(matrix), rows) for matrix, rows in zip(mix, (key, value)))
        keys = projected
    head = DIM // HEADS
    query = g.transpose(g.reshape(query, batch, tokens, HEADS, head), 0, 2, 1, 3)
    key = g.transpose(g.reshape(key, batch, keys, HEADS, head), 0, 2, 3, 1)
    value = g.transpose(g.reshape(value, batch, keys, HEADS, head), 0, 2, 1, 3)
    scores = g.node("Mul", g.node("MatMul", query, key), g.constant(np.array(head**-0.5, np.float32)))
    attended = g.node("MatMul", g.node("Softmax", scores, axis=-1), value)
    return g.linear(g.reshape(g.transpose(attended, 0, 2, 1, 3), batch, tokens, DIM))


def write(kind: str, tokens: int, path: Path) -> None:
    """Writes a layer of `round_tokens(kind, tokens)` tokens; windows lie in one row."""
    import onnx
    from onnx import TensorProto, helper

    tokens = round_tokens(kind, tokens)
    g = _Graph()
    if kind == "windowed":
        windows, area = tokens // (WINDOW * WINDOW), WINDOW * WINDOW
        rows = g.transpose(g.reshape("tokens", 1, WINDOW, windows, WINDOW, DIM), 0, 2, 1, 3, 4)
        attended = _attend(g, g.reshape(rows, windows, area, DIM), windows, area, None)
        back = g.transpose(g.reshape(attended, 1, windows, WINDOW, WINDOW, DIM), 0, 2, 1, 3, 4)
        g.reshape(back, 1, tokens, DIM)
    else:
        _attend(g, "tokens", 1, tokens, PROJECTED if kind == "linformer" else None)
    g.nodes[-1].output[0] = "attended"
    shape = [1, tokens, DIM]
    graph = helper.make_graph(
        g.nodes,
        f"{kind}_attention",
        [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("attended", TensorProto.FLOAT, shape)],
        g.constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
