# ===- zoo.py - Zoo models as files for other programs --------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The models of `zoo:NAME` as files, to compare vitc with other programs.

vitc generates the weights of zoo models; this module generates the same ones, bit for bit, with numpy, and writes them
as a Hugging Face folder or as ONNX:

    python -m vitc.zoo vit-b --onnx vit-b.onnx --hf vit-b
    python -m vitc.zoo "vit?dim=192,depth=2,heads=3,pool=mean" --onnx small.onnx --batch dynamic
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import pathlib
import sys

import numpy as np

LAYER_NORM_EPS = 1e-6
POOLS = ("cls", "mean", "mean-patches")
# name: dim, depth, heads, distilled; the rest as in ViT-B/16 with 1000 classes.
ARCHITECTURES = {
    "vit": (192, 12, 3, False),
    "vit-ti": (192, 12, 3, False),
    "vit-s": (384, 12, 6, False),
    "vit-b": (768, 12, 12, False),
    "vit-l": (1024, 24, 16, False),
    "deit-ti": (192, 12, 3, False),
    "deit-s": (384, 12, 6, False),
    "deit-b": (768, 12, 12, False),
    "deit-ti-distilled": (192, 12, 3, True),
    "deit-s-distilled": (384, 12, 6, True),
    "deit-b-distilled": (768, 12, 12, True),
    "vit-small-tutorial": (128, 6, 8, False),
}
INTEGER_KEYS = {
    "dim": "dim",
    "depth": "depth",
    "heads": "heads",
    "patch": "patch",
    "image": "image",
    "channels": "channels",
    "hidden": "hidden",
    "head-layers": "head_layers",
    "classes": "classes",
    "seed": "seed",
}


@dataclasses.dataclass
class ZooModel:
    """A parsed zoo name; sizes in elements, image and patch in pixels along a side."""

    dim: int
    depth: int
    heads: int
    distilled: bool
    patch: int = 16
    image: int = 224
    channels: int = 3
    hidden: int = 0
    pool: str = "cls"
    head_layers: int = 1
    classes: int = 1000
    seed: int = 0

    @property
    def prefix(self) -> str:
        return "deit." if self.distilled else "vit."

    @property
    def num_prefix_tokens(self) -> int:
        return 2 if self.distilled else 1

    @property
    def num_tokens(self) -> int:
        return self.num_prefix_tokens + (self.image // self.patch) ** 2


def parse(name: str) -> ZooModel:
    """Parses `NAME[?KEY=VALUE,...]`, with or without `zoo:` before it.

    Raises:
        ValueError: an unknown model or key, or a value that does not fit.
    """
    base, _, parameters = name.removeprefix("zoo:").partition("?")
    if base not in ARCHITECTURES:
        raise ValueError(f"model '{base}' is not one of {', '.join(ARCHITECTURES)}")
    model = ZooModel(*ARCHITECTURES[base])
    if base == "vit-small-tutorial":
        model.patch, model.pool, model.classes = 32, "mean", 2
    ratio = 4.0
    for item in filter(None, parameters.split(",")):
        key, _, value = item.partition("=")
        if key in INTEGER_KEYS:
            if not value.isdecimal() or (key != "seed" and int(value) < 1):
                raise ValueError(f"{key} = '{value}'; it needs a positive integer")
            setattr(model, INTEGER_KEYS[key], int(value))
        elif key == "mlp":
            ratio = float(value)
        elif key == "pool" and value in POOLS:
            model.pool = value
        elif key == "pool":
            raise ValueError(f"pool = '{value}'; it needs {', '.join(POOLS)}")
        else:
            raise ValueError(f"key '{key}' is not one of {', '.join([*INTEGER_KEYS, 'mlp', 'pool'])}")
    model.hidden = model.hidden or int(model.dim * ratio)
    if model.dim % model.heads:
        raise ValueError(f"dim = {model.dim} is not a multiple of heads = {model.heads}")
    if model.image % model.patch:
        raise ValueError(f"image = {model.image} is not a multiple of patch = {model.patch}")
    if model.distilled and (model.pool != "cls" or model.head_layers != 1):
        raise ValueError("a distilled model needs pool=cls and head-layers=1")
    return model


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


def weight_shapes(model: ZooModel) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name of each weight -> role and shape. Roles: matrix, bias, norm_scale, norm_shift, token."""
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {}

    def linear(layer: str, outputs: int, inputs: int) -> None:
        shapes[layer + ".weight"] = ("matrix", (outputs, inputs))
        shapes[layer + ".bias"] = ("bias", (outputs,))

    def norm(layer: str) -> None:
        shapes[layer + ".weight"] = ("norm_scale", (model.dim,))
        shapes[layer + ".bias"] = ("norm_shift", (model.dim,))

    dim, prefix = model.dim, model.prefix
    embeddings = prefix + "embeddings."
    projection = embeddings + "patch_embeddings.projection"
    shapes[projection + ".weight"] = ("matrix", (dim, model.channels, model.patch, model.patch))
    shapes[projection + ".bias"] = ("bias", (dim,))
    shapes[embeddings + "cls_token"] = ("token", (1, 1, dim))
    if model.distilled:
        shapes[embeddings + "distillation_token"] = ("token", (1, 1, dim))
    shapes[embeddings + "position_embeddings"] = ("token", (1, model.num_tokens, dim))
    for i in range(model.depth):
        layer = f"{prefix}encoder.layer.{i}."
        norm(layer + "layernorm_before")
        for role in ("query", "key", "value"):
            linear(f"{layer}attention.attention.{role}", dim, dim)
        linear(layer + "attention.output.dense", dim, dim)
        norm(layer + "layernorm_after")
        linear(layer + "intermediate.dense", model.hidden, dim)
        linear(layer + "output.dense", dim, model.hidden)
    norm(prefix + "layernorm")
    if model.distilled:
        linear("cls_classifier", model.classes, dim)
        linear("distillation_classifier", model.classes, dim)
    elif model.head_layers == 1:
        linear("classifier", model.classes, dim)
    else:
        for i in range(model.head_layers):
            linear(f"classifier.{2 * i}", model.classes if i == model.head_layers - 1 else dim, dim)
    return shapes


def weights(model: ZooModel) -> dict[str, np.ndarray]:
    """Name -> float32 values, the same bits as in a program that vitc compiles."""
    scales = {"bias": 0.125, "norm_shift": 0.125, "norm_scale": 0.25, "token": 1.0}
    values = {}
    for name, (role, shape) in weight_shapes(model).items():
        seed = fnv1a64(name) ^ (model.seed * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
        scale = math.sqrt(3.0 / math.prod(shape[1:])) if role == "matrix" else scales[role]
        mean = 1.0 if role == "norm_scale" else 0.0
        values[name] = uniform(seed, math.prod(shape), mean, scale).reshape(shape)
    return values


def write_huggingface(model: ZooModel, folder: pathlib.Path) -> None:
    """Writes config.json, model.safetensors and preprocessor_config.json.

    Raises:
        ValueError: the model has a head that no class of transformers has.
    """
    from safetensors.numpy import save_file

    if model.pool != "cls" or model.head_layers != 1:
        raise ValueError(
            f"pool = {model.pool} and head-layers = {model.head_layers} are in no class of transformers; "
            "a Hugging Face folder needs pool=cls and head-layers=1"
        )
    labels = {str(i): f"LABEL_{i}" for i in range(model.classes)}
    config = {
        "architectures": ["DeiTForImageClassificationWithTeacher" if model.distilled else "ViTForImageClassification"],
        "model_type": "deit" if model.distilled else "vit",
        "hidden_size": model.dim,
        "num_hidden_layers": model.depth,
        "num_attention_heads": model.heads,
        "intermediate_size": model.hidden,
        "hidden_act": "gelu",
        "layer_norm_eps": LAYER_NORM_EPS,
        "image_size": model.image,
        "patch_size": model.patch,
        "num_channels": model.channels,
        "qkv_bias": True,
        "id2label": labels,
        "label2id": {label: int(i) for i, label in labels.items()},
    }
    size = {"height": model.image, "width": model.image}
    preprocessor = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": size,
        "resample": 2,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5] * model.channels,
        "image_std": [0.5] * model.channels,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")
    save_file(weights(model), folder / "model.safetensors", metadata={"format": "pt"})


class GraphBuilder:
    """Collects the nodes and constants of an ONNX graph."""

    def __init__(self, values: dict[str, np.ndarray]):
        self.nodes = []
        self.constants = dict(values)
        self.values = values

    def op(self, kind: str, *inputs: str, **attributes) -> str:
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
        return self.op("Add", self.op("MatMul", x, matrix), layer + ".bias")

    def layer_norm(self, x: str, layer: str) -> str:
        return self.op("LayerNormalization", x, layer + ".weight", layer + ".bias", axis=-1, epsilon=LAYER_NORM_EPS)

    def gelu(self, x: str) -> str:
        erf = self.op("Erf", self.op("Div", x, self.scalar(math.sqrt(2.0))))
        return self.op("Mul", self.op("Mul", x, self.op("Add", erf, self.scalar(1.0))), self.scalar(0.5))


def build_encoder(g: GraphBuilder, model: ZooModel) -> str:
    """From pixel_values to the tokens behind the final norm."""
    dim, heads, prefix = model.dim, model.heads, model.prefix
    head_dim = dim // heads
    embeddings = prefix + "embeddings."
    projection = embeddings + "patch_embeddings.projection"
    patches = g.op(
        "Conv", "pixel_values", projection + ".weight", projection + ".bias", strides=[model.patch, model.patch]
    )
    patches = g.op("Transpose", g.op("Reshape", patches, g.shape(0, dim, -1)), perm=[0, 2, 1])
    tokens = [embeddings + "cls_token"] + ([embeddings + "distillation_token"] if model.distilled else [])
    batch = g.op("Shape", "pixel_values", start=0, end=1)
    token_shape = g.op("Concat", batch, g.shape(1, dim), axis=0)
    x = g.op("Concat", *[g.op("Expand", token, token_shape) for token in tokens], patches, axis=1)
    x = g.op("Add", x, embeddings + "position_embeddings")
    for i in range(model.depth):
        layer = f"{prefix}encoder.layer.{i}."
        normed = g.layer_norm(x, layer + "layernorm_before")

        def split(role: str, perm: list[int], normed: str = normed, layer: str = layer) -> str:
            projected = g.linear(normed, f"{layer}attention.attention.{role}")
            return g.op("Transpose", g.op("Reshape", projected, g.shape(0, 0, heads, head_dim)), perm=perm)

        scores = g.op("MatMul", split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]))
        scores = g.op("Softmax", g.op("Mul", scores, g.scalar(1.0 / math.sqrt(head_dim))), axis=-1)
        mixed = g.op("MatMul", scores, split("value", [0, 2, 1, 3]))
        mixed = g.op("Reshape", g.op("Transpose", mixed, perm=[0, 2, 1, 3]), g.shape(0, 0, dim))
        x = g.op("Add", g.linear(mixed, layer + "attention.output.dense"), x)
        normed = g.layer_norm(x, layer + "layernorm_after")
        hidden = g.gelu(g.linear(normed, layer + "intermediate.dense"))
        x = g.op("Add", g.linear(hidden, layer + "output.dense"), x)
    return g.layer_norm(x, prefix + "layernorm")


def build_head(g: GraphBuilder, model: ZooModel, tokens: str) -> str:
    """From the tokens to the logits."""

    def row(index: int) -> str:
        return g.op("Gather", tokens, g.constant(f"index_{index}", np.int64(index)), axis=1)

    if model.distilled:
        both = g.op("Add", g.linear(row(0), "cls_classifier"), g.linear(row(1), "distillation_classifier"))
        return g.op("Mul", both, g.scalar(0.5))
    if model.pool == "cls":
        x = row(0)
    else:
        if model.pool == "mean-patches":
            tokens = g.op("Slice", tokens, g.shape(1), g.shape(model.num_tokens), g.shape(1))
        x = g.op("ReduceMean", tokens, axes=[1], keepdims=0)
    if model.head_layers == 1:
        return g.linear(x, "classifier")
    for i in range(model.head_layers):
        x = g.linear(x, f"classifier.{2 * i}")
        if i < model.head_layers - 1:
            x = g.gelu(x)
    return x


def write_onnx(model: ZooModel, path: pathlib.Path, batch: int | str = "dynamic") -> None:
    """Writes an opset 17 model, pixel_values -> logits; `batch` is a number or "dynamic"."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    g = GraphBuilder(weights(model))
    result = build_head(g, model, build_encoder(g, model))
    g.nodes.append(helper.make_node("Identity", [result], ["logits"]))
    size = "batch" if batch == "dynamic" else int(batch)
    graph = helper.make_graph(
        g.nodes,
        "zoo",
        [
            helper.make_tensor_value_info(
                "pixel_values", TensorProto.FLOAT, [size, model.channels, model.image, model.image]
            )
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [size, model.classes])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in g.constants.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, str(path))


def parse_batch(text: str) -> int | str:
    """A positive number or "dynamic"."""
    if text == "dynamic":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}'; it needs a positive number or 'dynamic'")
    return int(text)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m vitc.zoo", description=__doc__.split("\n", 1)[0])
    parser.add_argument("name", help="what follows zoo:, e.g. vit-b or vit?dim=192,heads=3")
    parser.add_argument("--onnx", type=pathlib.Path, metavar="FILE", help="write an ONNX model")
    parser.add_argument("--hf", type=pathlib.Path, metavar="DIR", help="write a Hugging Face folder")
    parser.add_argument("--batch", type=parse_batch, default="dynamic", help="of the ONNX model (default: dynamic)")
    options = parser.parse_args(argv)
    if not options.onnx and not options.hf:
        parser.error("neither --onnx nor --hf was given; one is needed")
    try:
        model = parse(options.name)
        if options.hf:
            write_huggingface(model, options.hf)
        if options.onnx:
            write_onnx(model, options.onnx, options.batch)
    except (ValueError, OSError) as error:
        print(f"zoo:{options.name.removeprefix('zoo:')}: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
