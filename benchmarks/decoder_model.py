# ===- decoder_model.py - A Transformer that translates, in two formats ----===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The base model of Vaswani et al. 2017, N = 6 and d = 512, with seeded random weights: as a folder of Hugging Face's
MarianMTModel, which vitc compiles, and as two ONNX files that ONNX Runtime steps with past keys and values.

encoder.onnx makes cross_key_I and cross_value_I of input_ids [1, n]. step.onnx makes logits [1, V] and present_* of a
token [1, 1], its position [1], cross_* and past_* [1, H, tokens, D]."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

LAYERS = 6
WIDTH = 512
HEADS = 8
HIDDEN = 2048
VOCABULARY = 8000
POSITIONS = 128
START, END = VOCABULARY - 1, 0
EPSILON = 1e-5
_MAIN_OPSET = 17


def make_weights() -> dict[str, np.ndarray]:
    """By transformers' names; products keep the size of values, and logits are far enough apart to choose by."""
    generator = np.random.default_rng(0)
    weights = {"model.shared.weight": generator.standard_normal((VOCABULARY, WIDTH), np.float32) / np.float32(4)}
    weights["lm_head.weight"] = generator.standard_normal((VOCABULARY, WIDTH), np.float32) / np.float32(np.sqrt(WIDTH))
    weights["final_logits_bias"] = np.zeros((1, VOCABULARY), np.float32)
    # The end is never chosen: every run has as many tokens.
    weights["final_logits_bias"][0, END] = -1e4

    def add_linear(name: str, outputs: int, inputs: int) -> None:
        values = generator.standard_normal((outputs, inputs), np.float32) / np.float32(np.sqrt(inputs))
        weights[f"{name}.weight"] = values
        weights[f"{name}.bias"] = generator.standard_normal(outputs, np.float32) / np.float32(10)

    def add_norm(name: str) -> None:
        weights[f"{name}.weight"] = 1 + generator.standard_normal(WIDTH, np.float32) / np.float32(10)
        weights[f"{name}.bias"] = generator.standard_normal(WIDTH, np.float32) / np.float32(10)

    for side, attentions in (("encoder", ["self_attn"]), ("decoder", ["self_attn", "encoder_attn"])):
        for number in range(LAYERS):
            layer = f"model.{side}.layers.{number}"
            for attention in attentions:
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    add_linear(f"{layer}.{attention}.{part}", WIDTH, WIDTH)
                add_norm(f"{layer}.{attention}_layer_norm")
            add_linear(f"{layer}.fc1", HIDDEN, WIDTH)
            add_linear(f"{layer}.fc2", WIDTH, HIDDEN)
            add_norm(f"{layer}.final_layer_norm")
    return weights


def is_read_by_step(name: str) -> bool:
    """Whether every token reads the whole of a weight: of the table it reads a row, and the encoder projects keys and
    values."""
    if name.startswith("model.encoder.") or name == "model.shared.weight":
        return False
    return not ("encoder_attn.k_proj" in name or "encoder_attn.v_proj" in name)


def step_bytes(weights: dict[str, np.ndarray]) -> int:
    """Bytes of the weights that a step reads."""
    return sum(values.nbytes for name, values in weights.items() if is_read_by_step(name))


def write_folder(weights: dict[str, np.ndarray], folder: Path) -> None:
    """A MarianMTModel that generates greedily."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, str(folder / "model.safetensors"))
    sizes = {}
    for side in ("encoder", "decoder"):
        sizes |= {f"{side}_layers": LAYERS, f"{side}_attention_heads": HEADS, f"{side}_ffn_dim": HIDDEN}
    config = {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "d_model": WIDTH,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": POSITIONS,
        "activation_function": "relu",
        "scale_embedding": True,
        "tie_word_embeddings": False,
        "share_encoder_decoder_embeddings": True,
        "decoder_start_token_id": START,
        "eos_token_id": END,
        "pad_token_id": START,
        **sizes,
    }
    (folder / "config.json").write_text(json.dumps(config))


def _sines() -> np.ndarray:
    """Marian's positions: all sines, then all cosines."""
    rates = np.power(10000.0, -2 * (np.arange(WIDTH) // 2) / WIDTH)
    angles = np.arange(POSITIONS)[:, None] * rates
    return np.concatenate([np.sin(angles[:, 0::2]), np.cos(angles[:, 1::2])], axis=1).astype(np.float32)


class _Graph:
    """Nodes of one file; every method returns the name of its result."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list = []
        self.constants: dict = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper

        self.constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, *inputs: str, output: str | None = None, **attributes) -> str:
        from onnx import helper

        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def linear(self, value: str, name: str) -> str:
        weight = self.constant(f"{name}.weight", self.weights[f"{name}.weight"].T)
        bias = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.node("Add", self.node("MatMul", value, weight), bias)

    def norm(self, value: str, residual: str, name: str) -> str:
        scale = self.constant(f"{name}.weight", self.weights[f"{name}.weight"])
        shift = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        total = self.node("Add", value, residual)
        return self.node("LayerNormalization", total, scale, shift, axis=-1, epsilon=EPSILON)

    def split(self, value: str, output: str | None = None) -> str:
        """[1, n, E] -> [1, H, n, D]."""
        shape = self.constant("heads", np.array([1, -1, HEADS, WIDTH // HEADS]))
        return self.node("Transpose", self.node("Reshape", value, shape), perm=[0, 2, 1, 3], output=output)

    def attend(self, query: str, key: str, value: str) -> str:
        keys = self.node("Transpose", key, perm=[0, 1, 3, 2])
        scale = self.constant("scale", np.float32(1 / np.sqrt(WIDTH // HEADS)))
        scores = self.node("Mul", self.node("MatMul", query, keys), scale)
        heads = self.node("MatMul", self.node("Softmax", scores, axis=-1), value)
        shape = self.constant("tokens", np.array([1, -1, WIDTH]))
        return self.node("Reshape", self.node("Transpose", heads, perm=[0, 2, 1, 3]), shape)

    def feed_forward(self, x: str, layer: str) -> str:
        hidden = self.node("Relu", self.linear(x, f"{layer}.fc1"))
        return self.norm(x, self.linear(hidden, f"{layer}.fc2"), f"{layer}.final_layer_norm")

    def embed(self, ids: str, positions: str) -> str:
        name = "model.shared.weight"
        # The scale is the table's: one Mul less for the peer.
        table = self.constant(f"{name}.scaled", self.weights[name] * np.float32(np.sqrt(WIDTH)))
        return self.node("Add", self.node("Gather", table, ids), positions)

    def save(self, path: Path, inputs: dict[str, tuple], outputs: list[str]) -> None:
        import onnx
        from onnx import TensorProto, helper

        integers = ("input_ids", "token", "position")
        sources = [
            helper.make_tensor_value_info(name, TensorProto.INT64 if name in integers else TensorProto.FLOAT, shape)
            for name, shape in inputs.items()
        ]
        # ONNX Runtime finds the shapes.
        of_floats = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
        results = [helper.make_value_info(name, of_floats) for name in outputs]
        graph = helper.make_graph(self.nodes, path.stem, sources, results, list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _MAIN_OPSET)], ir_version=8)
        onnx.save(model, path)


def _write_encoder(weights: dict[str, np.ndarray], path: Path, source: int) -> None:
    g = _Graph(weights)
    x = g.embed("input_ids", g.constant("sines", _sines()[None, :source]))
    for number in range(LAYERS):
        layer = f"model.encoder.layers.{number}"
        query, key, value = (g.split(g.linear(x, f"{layer}.self_attn.{part}_proj")) for part in "qkv")
        attended = g.linear(g.attend(query, key, value), f"{layer}.self_attn.out_proj")
        x = g.norm(x, attended, f"{layer}.self_attn_layer_norm")
        x = g.feed_forward(x, layer)
    outputs = []
    for number in range(LAYERS):
        for part in ("key", "value"):
            name = f"model.decoder.layers.{number}.encoder_attn.{part[0]}_proj"
            outputs.append(g.split(g.linear(x, name), output=f"cross_{part}_{number}"))
    g.save(path, {"input_ids": (1, source)}, outputs)


def _write_step(weights: dict[str, np.ndarray], path: Path, source: int) -> None:
    g = _Graph(weights)
    inputs: dict[str, tuple] = {"token": (1, 1), "position": (1,)}
    outputs = ["logits"]
    x = g.embed("token", g.node("Gather", g.constant("sines", _sines()), "position"))
    for number in range(LAYERS):
        layer = f"model.decoder.layers.{number}"
        query, key, value = (g.split(g.linear(x, f"{layer}.self_attn.{part}_proj")) for part in "qkv")
        present = []
        for part, rows in (("key", key), ("value", value)):
            past = f"past_{part}_{number}"
            inputs[past] = (1, HEADS, "past", WIDTH // HEADS)
            inputs[f"cross_{part}_{number}"] = (1, HEADS, source, WIDTH // HEADS)
            present.append(g.node("Concat", past, rows, axis=2, output=f"present_{part}_{number}"))
        outputs += present
        attended = g.linear(g.attend(query, *present), f"{layer}.self_attn.out_proj")
        x = g.norm(x, attended, f"{layer}.self_attn_layer_norm")
        query = g.split(g.linear(x, f"{layer}.encoder_attn.q_proj"))
        attended = g.attend(query, f"cross_key_{number}", f"cross_value_{number}")
        x = g.norm(x, g.linear(attended, f"{layer}.encoder_attn.out_proj"), f"{layer}.encoder_attn_layer_norm")
        x = g.feed_forward(x, layer)
    row = g.node("Reshape", x, g.constant("row", np.array([1, WIDTH])))
    product = g.node("MatMul", row, g.constant("lm_head.weight", weights["lm_head.weight"].T))
    g.node("Add", product, g.constant("final_logits_bias", weights["final_logits_bias"]), output="logits")
    g.save(path, inputs, outputs)


def write_onnx(weights: dict[str, np.ndarray], folder: Path, source: int) -> None:
    """encoder.onnx and step.onnx, for sources of so many tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_encoder(weights, folder / "encoder.onnx", source)
    _write_step(weights, folder / "step.onnx", source)
