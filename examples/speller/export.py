# ===- export.py - The speller of e2k as two ONNX graphs ------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes encoder.onnx, step.onnx, characters.txt and vitc.json of a model that spells English words in katakana.

    pip install e2k==0.8.1
    python export.py FOLDER [base|turbo]

e2k (Patchethium, public domain) reads letters with a GRU in both directions; a second GRU asks four heads of attention
where to look, a third says the next character. Its own code is numpy; here the same weights, in f16 as it stores them,
are the constants of two graphs. Characters that are said come first in the list, letters that are read behind them:
letters have a score that is never chosen. expected.json gets what e2k itself says of WORDS.

Needs e2k, numpy and onnx.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

import e2k
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MAX_LETTERS, HEADS = 24, 4
PLACES = MAX_LETTERS + 2  # and the start and the end
SPECIAL = 3  # <pad>, <sos> and <eos> are the first of both tables
NEVER = -1e4
WORDS = """
vision transformer compiler attention window patch encoder decoder caption image segment linear layer matrix vector
tensor model weight kernel memory machine learning network computer program camera picture color green orange banana
coffee hotel taxi piano guitar tennis soccer football baseball swimming dance music movie theater television radio
internet keyboard mouse monitor printer scanner
"""


class Graph:
    """Nodes and constants of a graph; weights are kept in f16 and cast."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def op(self, kind: str, *inputs: str, outputs: tuple[str, ...] = (), **attributes: Any) -> str:
        """A node; the name of its last output."""
        names = outputs or (f"{kind.lower()}_{len(self.nodes)}",)
        self.nodes.append(helper.make_node(kind, list(inputs), list(names), name=names[-1], **attributes))
        return names[-1]

    def constant(self, values: Any, dtype: type = np.int64) -> str:
        """A small constant."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def weight(self, name: str, values: np.ndarray) -> str:
        """A weight in f32."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float16), name))
        return self.op("Cast", name, outputs=(f"{name}.f32",), to=TensorProto.FLOAT)

    def linear(self, x: str, name: str, weight: np.ndarray, bias: np.ndarray, output: str = "") -> str:
        """x W^T + b."""
        product = self.op("MatMul", x, self.weight(f"{name}.weight", weight.T))
        outputs = (output,) if output else ()
        return self.op("Add", product, self.weight(f"{name}.bias", bias), outputs=outputs)

    def gru(self, x: str, name: str, suffixes: tuple[str, ...], *inputs: str, outputs: tuple[str, ...]) -> str:
        """Over x [T, B, D]; PyTorch's gates are reset, update, new, ONNX's update, reset, new."""

        def gates(part: str) -> np.ndarray:
            parts = [self.weights[f"{name}.{part}_l0{suffix}"] for suffix in suffixes]
            return np.stack([np.concatenate(np.split(p, 3)[1::-1] + np.split(p, 3)[2:]) for p in parts])

        given = [
            self.weight(f"{name}.W", gates("weight_ih")),
            self.weight(f"{name}.R", gates("weight_hh")),
            self.weight(f"{name}.B", np.concatenate([gates("bias_ih"), gates("bias_hh")], 1)),
        ]
        hidden = self.weights[f"{name}.weight_hh_l0"].shape[1]
        direction = "bidirectional" if len(suffixes) == 2 else "forward"
        attributes = {"hidden_size": hidden, "direction": direction, "linear_before_reset": 1}
        return self.op("GRU", x, *given, *inputs, outputs=outputs, **attributes)

    def save(self, path: pathlib.Path, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """A checked file; shapes are given without the batch, which is any."""

        def describe(values: dict[str, Any]) -> list[onnx.ValueInfoProto]:
            kinds = {True: TensorProto.INT64, False: TensorProto.FLOAT}
            integers = ("letters", "mask", "token")
            return [
                helper.make_tensor_value_info(name, kinds[name in integers], ["batch", *shape])
                for name, shape in values.items()
            ]

        graph = helper.make_graph(self.nodes, path.stem, describe(inputs), describe(outputs), self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)


def export_encoder(speller: e2k.inference.S2S, weights: dict[str, np.ndarray], path: pathlib.Path) -> int:
    """Letters to keys and values of each head. Returns the width of the states."""
    g = Graph(weights)
    width = weights["e_emb.weight"].shape[1]
    size = width // HEADS
    # <sos>, the letters as the encoder numbers them, <eos> behind the last, <pad>.
    column = g.op("Slice", "mask", g.constant([0]), g.constant([1]), g.constant([1]))
    none = g.op("Mul", column, g.constant(0))
    shifted = g.op("Sub", "letters", g.constant(len(speller.out_table) - SPECIAL))
    start = g.op("Add", none, g.constant(speller.sos_idx))
    row = g.op("Concat", start, g.op("Mul", shifted, "mask"), none, axis=1)
    length = g.op("ReduceSum", "mask", g.constant([1]), keepdims=1)
    end = g.op("Add", length, g.constant(1))
    places = g.constant([range(PLACES)])
    framed = g.op("Where", g.op("Equal", places, end), g.constant(speller.eos_idx), row)
    # Both directions, each over the word's own letters.
    embedded = g.op("Gather", g.weight("e_emb", weights["e_emb.weight"]), framed)
    steps = g.op("Transpose", embedded, perm=[1, 0, 2])
    counts = g.op("Cast", g.op("Squeeze", g.op("Add", end, g.constant(1)), g.constant([1])), to=TensorProto.INT32)
    states = g.gru(steps, "encoder", ("", "_reverse"), counts, outputs=("states",))
    rows = g.op("Reshape", g.op("Transpose", states, perm=[2, 0, 1, 3]), g.constant([0, 0, 2 * width]))
    read = g.op("Tanh", g.linear(rows, "fc", weights["encoder_fc.0.weight"], weights["encoder_fc.0.bias"]))
    for index, (name, axes) in enumerate({"keys": [0, 2, 3, 1], "values": [0, 2, 1, 3]}.items(), 1):
        weight, bias = (np.split(weights[f"attn.in_proj_{part}"], 3)[index] for part in ("weight", "bias"))
        projected = g.linear(read, name, weight, bias)
        heads = g.op("Reshape", projected, g.constant([0, 0, HEADS, size]))
        g.op("Transpose", heads, outputs=(name,), perm=axes)
    zero, never = g.constant(0, np.float32), g.constant(NEVER, np.float32)
    hidden = g.op("Where", g.op("LessOrEqual", places, end), zero, never)
    g.op("Unsqueeze", hidden, g.constant([1, 2]), outputs=("bias",))
    made = {"keys": [HEADS, size, PLACES], "values": [HEADS, PLACES, size], "bias": [1, 1, PLACES]}
    g.save(path, {"letters": [MAX_LETTERS], "mask": [MAX_LETTERS]}, made)
    return width


def export_step(speller: e2k.inference.S2S, weights: dict[str, np.ndarray], width: int, path: pathlib.Path) -> None:
    """A character and two states to scores and the next states."""
    g = Graph(weights)
    size = width // HEADS
    embedded = g.op("Gather", g.weight("k_emb", weights["k_emb.weight"]), "token")
    first = g.constant([0])
    before = g.op("Unsqueeze", "asking", first)
    g.gru(g.op("Transpose", embedded, perm=[1, 0, 2]), "pre_decoder", ("",), "", before, outputs=("", "asked"))
    asking = g.op("Squeeze", "asked", first, outputs=("asking_next",))
    query = g.linear(
        asking, "query", np.split(weights["attn.in_proj_weight"], 3)[0], np.split(weights["attn.in_proj_bias"], 3)[0]
    )
    heads = g.op("Reshape", query, g.constant([0, HEADS, 1, size]))
    scaled = g.op("Div", g.op("MatMul", heads, "keys"), g.constant(size**0.5, np.float32))
    alpha = g.op("Softmax", g.op("Add", scaled, "bias"), axis=-1)
    context = g.op("Reshape", g.op("MatMul", alpha, "values"), g.constant([0, width]))
    seen = g.linear(context, "out_proj", weights["attn.out_proj.weight"], weights["attn.out_proj.bias"])
    both = g.op("Unsqueeze", g.op("Concat", asking, seen, axis=1), first)
    g.gru(both, "post_decoder", ("",), "", g.op("Unsqueeze", "saying", first), outputs=("", "said"))
    saying = g.op("Squeeze", "said", first, outputs=("saying_next",))
    letters = len(speller.in_table) - SPECIAL
    fc = np.concatenate([weights["fc.weight"], np.zeros((letters, width), np.float16)])
    bias = np.concatenate([weights["fc.bias"], np.full(letters, NEVER, np.float16)])
    g.linear(saying, "fc", fc, bias, "scores")
    states = {"asking": [width], "saying": [width]}
    memory = {"keys": [HEADS, size, PLACES], "values": [HEADS, PLACES, size], "bias": [1, 1, PLACES]}
    made = {"scores": [len(fc)], **{f"{name}_next": shape for name, shape in states.items()}}
    g.save(path, {"token": [1], **states, **memory}, made)


def main() -> None:
    """Writes the folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=pathlib.Path, help="is written")
    parser.add_argument("model", choices=["base", "turbo"], nargs="?", default="base")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    name = e2k.inference.model_file("c2k", options.model)
    weights, _ = e2k.inference.load_safetensors(e2k.inference.read_asset(name))
    own = e2k.C2K(model=options.model)
    speller = own.s2s
    width = export_encoder(speller, weights, options.folder / "encoder.onnx")
    export_step(speller, weights, width, options.folder / "step.onnx")
    characters = [*speller.out_table, *speller.in_table[SPECIAL:]]
    (options.folder / "characters.txt").write_text("".join(f"{each}\n" for each in characters))
    manifest = {
        "encoder": "encoder.onnx",
        "step": "step.onnx",
        "states": {"asking": "asking_next", "saying": "saying_next"},
        "characters": "characters.txt",
        "lowercase": True,
        "start": "<sos>",
        "end": "<eos>",
        "pad": "<pad>",
        "max_length": 1 + speller.max_len,
        "text": {"ids": "letters", "mask": "mask", "max_length": MAX_LETTERS},
        "name": "e2k-c2k",
    }
    (options.folder / "vitc.json").write_text(json.dumps(manifest, indent=2) + "\n")
    expected = {word: own(word) for word in WORDS.split()}
    (options.folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
