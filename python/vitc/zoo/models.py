# ===- models.py - The models of the zoo -----------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Sizes, names and weights' shapes of the zoo's models."""

from __future__ import annotations

import dataclasses

# Name -> role and shape. Roles: matrix, transposed_matrix, bias, norm_scale, norm_shift, token.
Shapes = dict[str, tuple[str, tuple[int, ...]]]

POOLS = ("cls", "mean", "mean-patches")


def _vit(dim: int, depth: int, heads: int, kind: str = "vit", **sizes: object) -> dict[str, object]:
    return {"dim": dim, "depth": depth, "heads": heads, "kind": kind, **sizes}


def _swin(dim: int, depth: int, *, v2: bool) -> dict[str, object]:
    heads = tuple(dim // 32 << stage for stage in range(4))
    sizes = {"window": 8, "image": 256} if v2 else {}
    return {"dim": dim, "depths": (2, 2, depth, 2), "heads": heads, "v2": v2, **sizes}


_TUTORIAL = {"patch": 32, "pool": "mean", "classes": 2}
_BEIT = {"kind": "beit", "pool": "mean-patches"}
_DINOV2 = {"kind": "dinov2", "patch": 14}
_REGISTERS = {"kind": "dinov2-reg", "patch": 14, "registers": 4}
_HYBRID = {"kind": "hybrid", "patch": 1}
# The rest as in ViT-B/16 with 1000 classes.
VITS = {
    "vit": _vit(192, 12, 3),
    "vit-ti": _vit(192, 12, 3),
    "vit-s": _vit(384, 12, 6),
    "vit-b": _vit(768, 12, 12),
    "vit-l": _vit(1024, 24, 16),
    "deit-ti": _vit(192, 12, 3),
    "deit-s": _vit(384, 12, 6),
    "deit-b": _vit(768, 12, 12),
    "deit-ti-distilled": _vit(192, 12, 3, "distilled"),
    "deit-s-distilled": _vit(384, 12, 6, "distilled"),
    "deit-b-distilled": _vit(768, 12, 12, "distilled"),
    "vit-small-tutorial": _vit(128, 6, 8, **_TUTORIAL),
    "beit": _vit(192, 12, 3, **_BEIT),
    "beit-b": _vit(768, 12, 12, **_BEIT),
    "beit-l": _vit(1024, 24, 16, **_BEIT),
    "dinov2": _vit(192, 12, 3, **_DINOV2),
    "dinov2-s": _vit(384, 12, 6, **_DINOV2),
    "dinov2-b": _vit(768, 12, 12, **_DINOV2),
    "dinov2-l": _vit(1024, 24, 16, **_DINOV2),
    "dinov2-reg": _vit(192, 12, 3, **_REGISTERS),
    "dinov2-s-reg": _vit(384, 12, 6, **_REGISTERS),
    "dinov2-b-reg": _vit(768, 12, 12, **_REGISTERS),
    "dinov2-l-reg": _vit(1024, 24, 16, **_REGISTERS),
    "hybrid": _vit(192, 12, 3, **_HYBRID),
    "hybrid-r26-s": _vit(384, 12, 6, **_HYBRID),
    "hybrid-r50-b": _vit(768, 12, 12, stages=(3, 4, 9), **_HYBRID),
}
SWINS = {
    "swin": _swin(96, 6, v2=False),
    "swin-t": _swin(96, 6, v2=False),
    "swin-s": _swin(96, 18, v2=False),
    "swin-b": _swin(128, 18, v2=False),
    "swinv2": _swin(96, 6, v2=True),
    "swinv2-t": _swin(96, 6, v2=True),
    "swinv2-s": _swin(96, 18, v2=True),
    "swinv2-b": _swin(128, 18, v2=True),
}
LINFORMERS = {
    "linformer": {},
    "linformer-2048": {"dim": 512, "heads": 8, "k": 256, "patch": 32, "image": 2048},
}


class _ShapeTable(dict):
    """Collects weights by layer."""

    def linear(self, layer: str, outputs: int, inputs: int, bias: bool = True) -> None:
        self[layer + ".weight"] = ("matrix", (outputs, inputs))
        if bias:
            self[layer + ".bias"] = ("bias", (outputs,))

    def conv(self, layer: str, outputs: int, inputs: int, kernel: int, bias: bool = True) -> None:
        self[layer + ".weight"] = ("matrix", (outputs, inputs, kernel, kernel))
        if bias:
            self[layer + ".bias"] = ("bias", (outputs,))

    def norm(self, layer: str, channels: int) -> None:
        self[layer + ".weight"] = ("norm_scale", (channels,))
        self[layer + ".bias"] = ("norm_shift", (channels,))

    def tokens(self, name: str, *shape: int) -> None:
        self[name] = ("token", shape)


class Model:
    """A parsed zoo name; sizes in elements, image and patch in pixels along a side."""

    keys: tuple[str, ...]
    seed: int

    def finish(self) -> None:
        """Sets what depends on several keys; raises ValueError for sizes that do not fit each other."""

    def shapes(self) -> Shapes:
        """Every weight of the model."""
        raise NotImplementedError


@dataclasses.dataclass
class BlockNames:
    """A block's layers in transformers."""

    norm1: str = "layernorm_before"
    norm2: str = "layernorm_after"
    mlp_input: str = "intermediate.dense"
    mlp_output: str = "output.dense"
    attention_scale: str = ""
    mlp_scale: str = ""


_DINOV2_NAMES = BlockNames("norm1", "norm2", "mlp.fc1", "mlp.fc2", "layer_scale1.lambda1", "layer_scale2.lambda1")
_PREFIXES = {
    "vit": "vit.",
    "distilled": "deit.",
    "beit": "beit.",
    "dinov2": "dinov2.",
    "dinov2-reg": "dinov2_with_registers.",
    "hybrid": "vit.",
}


@dataclasses.dataclass
class Vit(Model):
    """ViT, DeiT, BEiT, DINOv2 and hybrids, by `kind`."""

    dim: int
    depth: int
    heads: int
    kind: str
    patch: int = 16
    image: int = 224
    channels: int = 3
    mlp: float = 4.0
    hidden: int = 0
    stages: tuple[int, ...] = (2, 2, 2, 2)
    registers: int = 0
    pool: str = "cls"
    head_layers: int = 1
    classes: int = 1000
    seed: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        own = {"hybrid": ("stages",), "dinov2-reg": ("registers",)}.get(self.kind, ())
        head = () if self.kind in ("beit", "dinov2", "dinov2-reg") else ("pool", "head-layers")
        sizes = ("dim", "depth", "heads", "patch", "image", "channels", "mlp", "hidden")
        return (*sizes, *own, *head, "classes", "seed")

    @property
    def prefix(self) -> str:
        return _PREFIXES[self.kind]

    @property
    def names(self) -> BlockNames:
        if self.kind.startswith("dinov2"):
            return _DINOV2_NAMES
        return BlockNames(attention_scale="lambda_1", mlp_scale="lambda_2") if self.kind == "beit" else BlockNames()

    @property
    def map_size(self) -> int:
        """What is cut into patches, along a side."""
        size = self.image
        for _ in range(len(self.stages) + 1 if self.kind == "hybrid" else 0):
            size = (size + 1) // 2
        return size

    @property
    def grid(self) -> int:
        return self.map_size // self.patch

    @property
    def prefix_tokens(self) -> list[str]:
        """Weights of the tokens before the patches."""
        names = ["cls_token"]
        names += ["distillation_token"] if self.kind == "distilled" else []
        names += ["register_tokens"] if self.registers else []
        return [f"{self.prefix}embeddings.{name}" for name in names]

    @property
    def num_prefix_tokens(self) -> int:
        return (2 if self.kind == "distilled" else 1) + self.registers

    def finish(self) -> None:
        if self.pool not in POOLS:
            raise ValueError(f"pool = '{self.pool}'; it needs {', '.join(POOLS)}")
        self.hidden = self.hidden or int(self.dim * self.mlp)
        if self.dim % self.heads:
            raise ValueError(f"dim = {self.dim} is not a multiple of heads = {self.heads}")
        if self.map_size % self.patch:
            raise ValueError(f"image = {self.image} is not a multiple of patch = {self.patch}")
        if self.kind == "distilled" and (self.pool != "cls" or self.head_layers != 1):
            raise ValueError("a distilled model needs pool=cls and head-layers=1")

    def shapes(self) -> Shapes:
        table = _ShapeTable()
        embeddings = self.prefix + "embeddings."
        channels = self.channels
        if self.kind == "hybrid":
            channels = self._add_backbone(table, embeddings + "backbone.")
        table.conv(embeddings + "patch_embeddings.projection", self.dim, channels, self.patch)
        for name in self.prefix_tokens:
            table.tokens(name, 1, self.registers if name.endswith("register_tokens") else 1, self.dim)
        if self.kind != "beit":
            positioned = self.num_prefix_tokens - self.registers + self.grid**2
            table.tokens(embeddings + "position_embeddings", 1, positioned, self.dim)
        for i in range(self.depth):
            self._add_block(table, f"{self.prefix}encoder.layer.{i}.")
        table.norm(self.prefix + ("pooler.layernorm" if self.kind == "beit" else "layernorm"), self.dim)
        self._add_head(table)
        return table

    def _add_backbone(self, table: _ShapeTable, prefix: str) -> int:
        """ResNet v2 as timm names it; returns the channels of its map."""
        table.conv(prefix + "stem.conv", 64, self.channels, 7, bias=False)
        table.norm(prefix + "stem.norm", 64)
        inputs = 64
        for stage, depth in enumerate(self.stages):
            outputs = 256 << stage
            for block in range(depth):
                layer = f"{prefix}stages.{stage}.blocks.{block}."
                convs = [("1", outputs // 4, inputs, 1), ("2", outputs // 4, outputs // 4, 3)]
                for index, rows, columns, kernel in [*convs, ("3", outputs, outputs // 4, 1)]:
                    table.conv(f"{layer}conv{index}", rows, columns, kernel, bias=False)
                    table.norm(f"{layer}norm{index}", rows)
                if block == 0:
                    table.conv(layer + "downsample.conv", outputs, inputs, 1, bias=False)
                    table.norm(layer + "downsample.norm", outputs)
                inputs = outputs
        return inputs

    def _add_block(self, table: _ShapeTable, layer: str) -> None:
        dim, names = self.dim, self.names
        table.norm(layer + names.norm1, dim)
        for role in ("query", "key", "value"):
            table.linear(f"{layer}attention.attention.{role}", dim, dim, bias=role != "key" or self.kind != "beit")
        if self.kind == "beit":
            name = "attention.attention.relative_position_bias.relative_position_bias_table"
            table.tokens(layer + name, (2 * self.grid - 1) ** 2 + 3, self.heads)
        table.linear(layer + "attention.output.dense", dim, dim)
        table.norm(layer + names.norm2, dim)
        table.linear(layer + names.mlp_input, self.hidden, dim)
        table.linear(layer + names.mlp_output, dim, self.hidden)
        for name in filter(None, (names.attention_scale, names.mlp_scale)):
            table[layer + name] = ("norm_scale", (dim,))

    def _add_head(self, table: _ShapeTable) -> None:
        if self.kind == "distilled":
            table.linear("cls_classifier", self.classes, self.dim)
            table.linear("distillation_classifier", self.classes, self.dim)
        elif self.head_layers == 1:
            table.linear("classifier", self.classes, self.dim * (2 if self.kind.startswith("dinov2") else 1))
        else:
            for i in range(self.head_layers):
                last = i == self.head_layers - 1
                table.linear(f"classifier.{2 * i}", self.classes if last else self.dim, self.dim)


@dataclasses.dataclass
class Swin(Model):
    """Swin and Swin v2."""

    dim: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    v2: bool
    window: int = 7
    patch: int = 4
    image: int = 224
    channels: int = 3
    mlp: float = 4.0
    classes: int = 1000
    seed: int = 0
    keys = ("dim", "depths", "heads", "window", "patch", "image", "channels", "mlp", "classes", "seed")

    @property
    def prefix(self) -> str:
        return "swinv2." if self.v2 else "swin."

    def finish(self) -> None:
        if len(self.depths) != len(self.heads):
            raise ValueError(f"depths has {len(self.depths)} stages but heads has {len(self.heads)}")
        for stage, heads in enumerate(self.heads):
            if (self.dim << stage) % heads:
                raise ValueError(f"stage {stage} has {self.dim << stage} channels, no multiple of heads = {heads}")

    def shapes(self) -> Shapes:
        table = _ShapeTable()
        embeddings = self.prefix + "embeddings."
        table.conv(embeddings + "patch_embeddings.projection", self.dim, self.channels, self.patch)
        table.norm(embeddings + "norm", self.dim)
        size = -(-self.image // self.patch)
        for stage, (depth, heads) in enumerate(zip(self.depths, self.heads)):
            dim, layer = self.dim << stage, f"{self.prefix}encoder.layers.{stage}."
            for block in range(depth):
                self._add_block(table, f"{layer}blocks.{block}.", dim, heads, min(self.window, size))
            if stage + 1 < len(self.depths):
                table.norm(layer + "downsample.norm", (2 if self.v2 else 4) * dim)
                table.linear(layer + "downsample.reduction", 2 * dim, 4 * dim, bias=False)
                size = (size + 1) // 2
        dim = self.dim << (len(self.depths) - 1)
        table.norm(self.prefix + "layernorm", dim)
        table.linear("classifier", self.classes, dim)
        return table

    def _add_block(self, table: _ShapeTable, layer: str, dim: int, heads: int, window: int) -> None:
        table.norm(layer + "layernorm_before", dim)
        attention = layer + "attention.self."
        for role in ("query", "key", "value"):
            table.linear(attention + role, dim, dim, bias=role != "key" or not self.v2)
        if self.v2:
            table.tokens(attention + "logit_scale", heads, 1, 1)
            table.linear(attention + "continuous_position_bias_mlp.0", 512, 2)
            table.linear(attention + "continuous_position_bias_mlp.2", heads, 512, bias=False)
        else:
            table.tokens(attention + "relative_position_bias_table", (2 * window - 1) ** 2, heads)
        table.linear(layer + "attention.output.dense", dim, dim)
        table.norm(layer + "layernorm_after", dim)
        table.linear(layer + "intermediate.dense", int(self.mlp * dim), dim)
        table.linear(layer + "output.dense", dim, int(self.mlp * dim))


@dataclasses.dataclass
class Linformer(Model):
    """vit_pytorch's efficient.ViT around linformer's Linformer."""

    dim: int = 192
    depth: int = 12
    heads: int = 3
    k: int = 32
    one_kv_head: bool = False
    share_kv: bool = False
    patch: int = 16
    image: int = 224
    channels: int = 3
    pool: str = "cls"
    classes: int = 1000
    seed: int = 0
    keys = (
        *("dim", "depth", "heads", "k", "one-kv-head", "share-kv"),
        *("patch", "image", "channels", "pool", "classes", "seed"),
    )

    @property
    def grid(self) -> int:
        return self.image // self.patch

    @property
    def kv_dim(self) -> int:
        """The width of keys and values."""
        return self.dim // self.heads if self.one_kv_head else self.dim

    def finish(self) -> None:
        if self.pool not in POOLS[:2]:
            raise ValueError(f"pool = '{self.pool}'; it needs {', '.join(POOLS[:2])}")
        if self.dim % self.heads:
            raise ValueError(f"dim = {self.dim} is not a multiple of heads = {self.heads}")
        if self.image % self.patch:
            raise ValueError(f"image = {self.image} is not a multiple of patch = {self.patch}")

    def shapes(self) -> Shapes:
        table = _ShapeTable()
        dim, tokens, patch_dim = self.dim, self.grid**2 + 1, self.channels * self.patch**2
        table.norm("to_patch_embedding.1", patch_dim)
        table.linear("to_patch_embedding.2", dim, patch_dim)
        table.norm("to_patch_embedding.3", dim)
        table.tokens("cls_token", 1, 1, dim)
        table.tokens("pos_embedding", 1, tokens, dim)
        for i in range(self.depth):
            attention, mlp = f"transformer.net.layers.{i}.0.", f"transformer.net.layers.{i}.1."
            table.norm(attention + "norm", dim)
            table.linear(attention + "fn.to_q", dim, dim, bias=False)
            for role in "k" if self.share_kv else "kv":
                table.linear(f"{attention}fn.to_{role}", self.kv_dim, dim, bias=False)
                table[f"{attention}fn.proj_{role}"] = ("transposed_matrix", (tokens, self.k))
            table.linear(attention + "fn.to_out", dim, dim)
            table.norm(mlp + "norm", dim)
            table.linear(mlp + "fn.w1", 4 * dim, dim)
            table.linear(mlp + "fn.w2", dim, 4 * dim)
        table.norm("mlp_head.0", dim)
        table.linear("mlp_head.1", self.classes, dim)
        return table
