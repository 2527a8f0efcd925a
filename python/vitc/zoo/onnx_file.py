# ===- onnx_file.py - Zoo models as ONNX -----------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes a model of the zoo as ONNX, in the operators that exporters choose."""

from __future__ import annotations

import math
import pathlib

import numpy as np

from vitc.zoo.models import Linformer, Model, Vit
from vitc.zoo.onnx_swin import build_swin
from vitc.zoo.weights import weights

_VIT_EPS = 1e-6
_TORCH_EPS = 1e-5


class GraphBuilder:
    """Collects the nodes and constants of an ONNX graph."""

    def __init__(self, values: dict[str, np.ndarray], epsilon: float) -> None:
        self.nodes = []
        self.constants = dict(values)
        self.values = values
        self.epsilon = epsilon

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        from onnx import helper

        result = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [result], **attributes))
        return result

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants[name] = value
        return name

    def shape(self, *dims: int) -> str:
        return self.constant("shape_" + "_".join(map(str, dims)), np.array(dims, np.int64))

    def scalar(self, value: float) -> str:
        return self.constant(f"scalar_{value!r}", np.float32(value))

    def linear(self, x: str, layer: str) -> str:
        # MatMul takes [K, N]: store the transposed matrix, as exporters do.
        matrix = self.constant(layer + ".weight", np.ascontiguousarray(self.values[layer + ".weight"].T))
        product = self.op("MatMul", x, matrix)
        return self.op("Add", product, layer + ".bias") if layer + ".bias" in self.values else product

    def layer_norm(self, x: str, layer: str) -> str:
        return self.op("LayerNormalization", x, layer + ".weight", layer + ".bias", axis=-1, epsilon=self.epsilon)

    def gelu(self, x: str) -> str:
        erf = self.op("Erf", self.op("Div", x, self.scalar(math.sqrt(2.0))))
        return self.op("Mul", self.op("Mul", x, self.op("Add", erf, self.scalar(1.0))), self.scalar(0.5))

    def split_heads(self, x: str, heads: int, head_dim: int, perm: list[int]) -> str:
        return self.op("Transpose", self.op("Reshape", x, self.shape(0, 0, heads, head_dim)), perm=perm)

    def attention(self, query: str, key: str, value: str, head_dim: int, dim: int, bias: str = "") -> str:
        """query [B, H, N, D], key [B, Hk, D, K], value [B, Hk, K, D] to tokens [B, N, H * D]."""
        scores = self.op("Mul", self.op("MatMul", query, key), self.scalar(1.0 / math.sqrt(head_dim)))
        scores = self.op("Add", scores, bias) if bias else scores
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), value)
        return self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), self.shape(0, 0, dim))

    def repeat(self, token: str, count: int, dim: int) -> str:
        """token [1, count, dim] for each item of the batch."""
        batch = self.op("Shape", "pixel_values", start=0, end=1)
        return self.op("Expand", token, self.op("Concat", batch, self.shape(count, dim), axis=0))

    def row(self, tokens: str, index: int) -> str:
        return self.op("Gather", tokens, self.constant(f"index_{index}", np.int64(index)), axis=1)

    def mean(self, tokens: str, begin: int, end: int) -> str:
        rows = self.op("Slice", tokens, self.shape(begin), self.shape(end), self.shape(1))
        return self.op("ReduceMean", rows, axes=[1], keepdims=0)


# --- Hybrids' backbone ------------------------------------------------------------------------------------------------


def _same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _convolve(g: GraphBuilder, x: str, layer: str, size: int, stride: int) -> str:
    """A convolution by standardised filters, then a group norm of 32 groups."""
    filters = g.values[layer + ".weight"].astype(np.float64)
    axes = (1, 2, 3)
    filters = (filters - filters.mean(axes, keepdims=True)) / np.sqrt(filters.var(axes, keepdims=True) + 1e-8)
    name = g.constant(layer + ".weight", filters.astype(np.float32))
    before, behind = _same_pads(size, filters.shape[2], stride)
    x = g.op("Conv", x, name, strides=[stride, stride], pads=[before, before, behind, behind])
    # A norm of each group: one of instances that are groups.
    norm = layer.replace("conv", "norm")
    ones, zeros = np.ones(32, np.float32), np.zeros(32, np.float32)
    grouped = g.op("Reshape", x, g.shape(0, 32, -1))
    unit = g.op(
        "InstanceNormalization", grouped, g.constant("ones", ones), g.constant("zeros", zeros), epsilon=_TORCH_EPS
    )
    outputs, mapped = len(filters), -(-size // stride)
    unit = g.op("Reshape", unit, g.shape(0, outputs, mapped, mapped))
    scale, shift = (g.constant(norm + part, g.values[norm + part].reshape(-1, 1, 1)) for part in (".weight", ".bias"))
    return g.op("Add", g.op("Mul", unit, scale), shift)


def _build_backbone(g: GraphBuilder, model: Vit, prefix: str) -> str:
    size = model.image
    x = g.op("Relu", _convolve(g, "pixel_values", prefix + "stem.conv", size, 2))
    size = (size + 1) // 2
    before, behind = _same_pads(size, 3, 2)
    x = g.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[before, before, behind, behind])
    size = (size + 1) // 2
    for stage, depth in enumerate(model.stages):
        for block in range(depth):
            layer = f"{prefix}stages.{stage}.blocks.{block}."
            stride = 2 if stage > 0 and block == 0 else 1
            shortcut = _convolve(g, x, layer + "downsample.conv", size, stride) if block == 0 else x
            x = g.op("Relu", _convolve(g, x, layer + "conv1", size, 1))
            x = g.op("Relu", _convolve(g, x, layer + "conv2", size, stride))
            size = -(-size // stride)
            x = g.op("Relu", g.op("Add", _convolve(g, x, layer + "conv3", size, 1), shortcut))
    return x


# --- Isotropic transformers -------------------------------------------------------------------------------------------


def _relative_position_bias(model: Vit, table: np.ndarray) -> np.ndarray:
    """BEiT's bias [1, H, N, N] from its table; the last three rows are for the class token."""
    grid = model.grid
    coords = np.stack(np.meshgrid(np.arange(grid), np.arange(grid), indexing="ij")).reshape(2, -1)
    relative = coords[:, :, None] - coords[:, None, :] + grid - 1
    index = np.pad(relative[0] * (2 * grid - 1) + relative[1], ((1, 0), (1, 0)))
    index[0, :], index[:, 0], index[0, 0] = len(table) - 3, len(table) - 2, len(table) - 1
    return np.ascontiguousarray(table[index].transpose(2, 0, 1))[None]


def _embed(g: GraphBuilder, model: Vit) -> str:
    dim, embeddings = model.dim, model.prefix + "embeddings."
    image = _build_backbone(g, model, embeddings + "backbone.") if model.kind == "hybrid" else "pixel_values"
    projection = embeddings + "patch_embeddings.projection"
    patches = g.op("Conv", image, projection + ".weight", projection + ".bias", strides=[model.patch] * 2)
    patches = g.op("Transpose", g.op("Reshape", patches, g.shape(0, dim, -1)), perm=[0, 2, 1])
    tokens = [g.repeat(name, g.values[name].shape[1], dim) for name in model.prefix_tokens]
    if model.kind == "beit":
        return g.op("Concat", *tokens, patches, axis=1)
    if not model.registers:
        return g.op("Add", g.op("Concat", *tokens, patches, axis=1), embeddings + "position_embeddings")
    # Registers have no position.
    positions = g.values[embeddings + "position_embeddings"]
    first = g.op("Add", tokens[0], g.constant("position_of_class", positions[:, :1]))
    patches = g.op("Add", patches, g.constant("position_of_patches", positions[:, 1:]))
    return g.op("Concat", first, *tokens[1:], patches, axis=1)


def _build_block(g: GraphBuilder, model: Vit, x: str, layer: str) -> str:
    names, head_dim = model.names, model.dim // model.heads

    def add(branch: str, scale: str, x: str) -> str:
        return g.op("Add", g.op("Mul", branch, layer + scale) if scale else branch, x)

    normed = g.layer_norm(x, layer + names.norm1)
    query, key, value = (
        g.split_heads(g.linear(normed, f"{layer}attention.attention.{role}"), model.heads, head_dim, perm)
        for role, perm in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
    )
    bias = ""
    if model.kind == "beit":
        name = layer + "attention.attention.relative_position_bias.relative_position_bias_table"
        bias = g.constant(layer + "bias", _relative_position_bias(model, g.values[name]))
    mixed = g.attention(query, key, value, head_dim, model.dim, bias)
    x = add(g.linear(mixed, layer + "attention.output.dense"), names.attention_scale, x)
    hidden = g.gelu(g.linear(g.layer_norm(x, layer + names.norm2), layer + names.mlp_input))
    return add(g.linear(hidden, layer + names.mlp_output), names.mlp_scale, x)


def _build_head(g: GraphBuilder, model: Vit, tokens: str) -> str:
    first, end = model.num_prefix_tokens, model.num_prefix_tokens + model.grid**2
    if model.kind == "beit":
        return g.linear(g.layer_norm(g.mean(tokens, first, end), model.prefix + "pooler.layernorm"), "classifier")
    tokens = g.layer_norm(tokens, model.prefix + "layernorm")
    if model.kind == "distilled":
        logits = [g.linear(g.row(tokens, 0), "cls_classifier"), g.linear(g.row(tokens, 1), "distillation_classifier")]
        return g.op("Mul", g.op("Add", *logits), g.scalar(0.5))
    if model.kind.startswith("dinov2"):
        return g.linear(g.op("Concat", g.row(tokens, 0), g.mean(tokens, first, end), axis=1), "classifier")
    x = g.row(tokens, 0) if model.pool == "cls" else g.mean(tokens, first if model.pool == "mean-patches" else 0, end)
    if model.head_layers == 1:
        return g.linear(x, "classifier")
    for i in range(model.head_layers):
        x = g.linear(x, f"classifier.{2 * i}")
        x = g.gelu(x) if i < model.head_layers - 1 else x
    return x


def _build_vit(g: GraphBuilder, model: Vit) -> str:
    x = _embed(g, model)
    for i in range(model.depth):
        x = _build_block(g, model, x, f"{model.prefix}encoder.layer.{i}.")
    return _build_head(g, model, x)


# --- Linformer --------------------------------------------------------------------------------------------------------


def _build_linformer(g: GraphBuilder, model: Linformer) -> str:
    dim, head_dim, grid, patch = model.dim, model.dim // model.heads, model.grid, model.patch
    x = g.op("Reshape", "pixel_values", g.shape(0, model.channels, grid, patch, grid, patch))
    x = g.op("Transpose", x, perm=[0, 2, 4, 3, 5, 1])
    x = g.op("Reshape", x, g.shape(0, grid * grid, patch * patch * model.channels))
    x = g.layer_norm(g.linear(g.layer_norm(x, "to_patch_embedding.1"), "to_patch_embedding.2"), "to_patch_embedding.3")
    x = g.op("Add", g.op("Concat", g.repeat("cls_token", 1, dim), x, axis=1), "pos_embedding")
    for i in range(model.depth):
        layer = f"transformer.net.layers.{i}."
        normed, attention = g.layer_norm(x, layer + "0.norm"), layer + "0.fn."

        def project(role: str, perm: list[int], normed: str = normed, attention: str = attention) -> str:
            rows = g.op(
                "Einsum", g.linear(normed, f"{attention}to_{role}"), f"{attention}proj_{role}", equation="bnd,nk->bkd"
            )
            return g.split_heads(rows, model.kv_dim // head_dim, head_dim, perm)

        query = g.split_heads(g.linear(normed, attention + "to_q"), model.heads, head_dim, [0, 2, 1, 3])
        value = project("k" if model.share_kv else "v", [0, 2, 1, 3])
        mixed = g.attention(query, project("k", [0, 2, 3, 1]), value, head_dim, dim)
        x = g.op("Add", g.linear(mixed, attention + "to_out"), x)
        hidden = g.gelu(g.linear(g.layer_norm(x, layer + "1.norm"), layer + "1.fn.w1"))
        x = g.op("Add", g.linear(hidden, layer + "1.fn.w2"), x)
    pooled = g.row(x, 0) if model.pool == "cls" else g.mean(x, 0, grid * grid + 1)
    return g.linear(g.layer_norm(pooled, "mlp_head.0"), "mlp_head.1")


def write_onnx(model: Model, path: pathlib.Path, batch: int | str = "dynamic") -> None:
    """Writes an opset 17 model, pixel_values -> logits; `batch` is a number or "dynamic"."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    if isinstance(model, Vit):
        g = GraphBuilder(weights(model), _VIT_EPS)
        result = _build_vit(g, model)
    elif isinstance(model, Linformer):
        g = GraphBuilder(weights(model), _TORCH_EPS)
        result = _build_linformer(g, model)
    else:
        g = GraphBuilder(weights(model), _TORCH_EPS)
        result = build_swin(g, model)
    g.nodes.append(helper.make_node("Identity", [result], ["logits"]))
    size = "batch" if batch == "dynamic" else int(batch)
    used = {name for node in g.nodes for name in node.input}
    graph = helper.make_graph(
        g.nodes,
        "zoo",
        [
            helper.make_tensor_value_info(
                "pixel_values", TensorProto.FLOAT, [size, model.channels, model.image, model.image]
            )
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [size, model.classes])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in g.constants.items() if name in used],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, str(path))
