# ===- make_models.py - Decoders whose states grow, by PyTorch ------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes the folders beside this file, with PyTorch 2.15:

    python test/Python/data/growing_states/make_models.py

Each is a small decoder with random weights whose step takes the keys and values of the tokens before and gives them
with its own behind: a captioner that looks at a picture, and writers that only read what they wrote. Both of PyTorch's
exporters write each of them.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

FOLDER = Path(__file__).parent
VOCABULARY, WIDTH, HEADS, LAYERS, LENGTH, SIDE, PATCH = 23, 16, 2, 2, 16, 8, 2
PLACES = (SIDE // PATCH) ** 2


def split_heads(x: torch.Tensor) -> torch.Tensor:
    return x.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)


def merge_heads(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(1, 2).flatten(2)


class Encoder(nn.Module):
    """[B, 16, WIDTH] of a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.norm(self.patches(pixel_values).flatten(2).transpose(1, 2))


class Block(nn.Module):
    def __init__(self, *, looks: bool) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        if looks:
            self.query, self.pair, self.back = (nn.Linear(WIDTH, n * WIDTH) for n in (1, 2, 1))

    def attend(self, x, past_key, past_value, mask):
        q, k, v = (split_heads(part) for part in self.qkv(self.norms[0](x)).chunk(3, dim=-1))
        k, v = torch.cat([past_key, k], dim=2), torch.cat([past_value, v], dim=2)
        return x + self.out(merge_heads(scaled_dot_product_attention(q, k, v, attn_mask=mask))), k, v

    def look(self, x: torch.Tensor, memory: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        q = split_heads(self.query(self.norms[1](x)))
        k, v = (split_heads(part) for part in self.pair(memory).chunk(2, dim=-1))
        weights = (q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5).softmax(-1)
        return x + self.back(merge_heads(weights @ v)), weights.mean(1)

    def think(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(nn.functional.gelu(self.up(self.norms[2](x))))


class Decoder(nn.Module):
    def __init__(self, *, looks: bool) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(Block(looks=looks) for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)
        for block in self.blocks:
            # What is said depends on all that came before, and on the picture.
            for linear in (block.qkv, block.out, block.down, *(block.back for _ in range(looks))):
                linear.weight.data *= 3
        self.head.weight.data *= 4
        self.register_buffer("seen", torch.ones(LENGTH, LENGTH).tril().bool()[None, None], persistent=False)

    def score(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(x))


class Captioner(Decoder):
    """A position, a mask of the tokens that there are, True for each, and a cache for each layer's keys and values."""

    def __init__(self) -> None:
        super().__init__(looks=True)

    def forward(self, token, position, mask, memory, *past):
        x = self.tokens(token) + self.positions(position)
        present = []
        for index, block in enumerate(self.blocks):
            x, k, v = block.attend(x, past[2 * index], past[2 * index + 1], mask[:, None, None])
            x, alpha = block.look(x, memory)
            x = block.think(x)
            present += [k, v]
        return self.score(x), alpha, *present


class Writer(Decoder):
    """The position is the size of the past; a mask of all positions is cut to those that there are."""

    def __init__(self) -> None:
        super().__init__(looks=False)

    def forward(self, token, *past):
        count, new = past[0].shape[2], token.shape[1]
        x = self.tokens(token) + self.positions(torch.arange(count, count + new))
        mask = self.seen[:, :, count : count + new, : count + new]
        present = []
        for index, block in enumerate(self.blocks):
            x, k, v = block.attend(x, past[2 * index], past[2 * index + 1], mask)
            x = block.think(x)
            present += [k, v]
        return self.score(x), *present


class StackedWriter(Decoder):
    """All layers' keys and values in one tensor [layers, 2, B, H, P, D]."""

    def __init__(self) -> None:
        super().__init__(looks=False)

    def forward(self, token: torch.Tensor, past: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.tokens(token) + self.positions.weight[past.shape[4]]
        present = []
        for index, block in enumerate(self.blocks):
            x, k, v = block.attend(x, past[index, 0], past[index, 1], None)
            x = block.think(x)
            present.append(torch.stack([k, v]))
        return self.score(x), torch.stack(present)


def export(model: nn.Module, path: Path, inputs: dict[str, torch.Tensor], outputs: list[str], axes: dict) -> None:
    """`axes` has the names of the sizes that are open, of inputs and, for the older exporter, of outputs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_dynamo = path.parent.name.endswith("dynamo")
    names, values = list(inputs), tuple(inputs.values())
    if not is_dynamo:
        torch.onnx.export(model, values, path, input_names=names, output_names=outputs, dynamic_axes=axes, dynamo=False)
        return
    shapes = [{dim: torch.export.Dim(name) for dim, name in axes.get(each, {}).items()} for each in names]
    if any(each.startswith("past_") for each in names):  # what *past takes
        first = next(index for index, name in enumerate(names) if name.startswith("past_"))
        shapes = [*shapes[:first], tuple(shapes[first:])]
    torch.onnx.export(
        model,
        values,
        path,
        input_names=names,
        output_names=outputs,
        dynamic_shapes=tuple(shapes),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    strip(path)


def strip(path: Path) -> None:
    """Without the lines of source code that each node is from."""
    exported = onnx.load(path)
    for part in (*exported.graph.node, *exported.graph.value_info, exported.graph):
        del part.metadata_props[:]
    del exported.graph.value_info[:]
    onnx.save(exported, path)


def make_past(batch: int, count: int) -> dict[str, torch.Tensor]:
    names = [f"past_{part}_{layer}" for layer in range(LAYERS) for part in ("key", "value")]
    return {name: torch.randn(batch, HEADS, count, WIDTH // HEADS) for name in names}


def make_captioner(folder: Path) -> dict:
    encoder, step = Encoder().eval(), Captioner().eval()
    axes = {"pixel_values": {0: "batch"}, "memory": {0: "batch"}}
    export(encoder, folder / "encoder.onnx", {"pixel_values": torch.randn(2, 3, SIDE, SIDE)}, ["memory"], axes)
    past = make_past(2, 3)
    inputs = {
        "token": torch.ones(2, 1, dtype=torch.int64),
        "position": torch.tensor([3]),
        "mask": torch.ones(2, 4, dtype=torch.bool),
        "memory": torch.randn(2, PLACES, WIDTH),
    }
    present = [name.replace("past", "present") for name in past]
    axes = {name: {0: "batch", 2: "past"} for name in past} | {name: {0: "batch", 2: "all"} for name in present}
    axes |= {name: {0: "batch"} for name in ("token", "memory", "scores", "alpha")}
    axes |= {"mask": {0: "batch", 1: "all"}}
    export(step, folder / "step.onnx", inputs | past, ["scores", "alpha", *present], axes)
    return {
        "encoder": "encoder.onnx",
        "step": "step.onnx",
        "position": "position",
        "states": dict(zip(past, present, strict=True)),
        "masks": {"mask": True},
        "attention": "alpha",
    }


def make_writer(folder: Path) -> dict:
    past = make_past(2, 3)
    present = [name.replace("past", "present") for name in past]
    axes = {name: {0: "batch", 2: "past"} for name in past} | {name: {0: "batch", 2: "all"} for name in present}
    axes |= {"token": {0: "batch"}, "scores": {0: "batch"}}
    token = torch.ones(2, 1, dtype=torch.int64)
    export(Writer().eval(), folder / "step.onnx", {"token": token} | past, ["scores", *present], axes)
    return {"step": "step.onnx", "states": dict(zip(past, present, strict=True))}


def make_stacked(folder: Path) -> dict:
    token = torch.ones(2, 1, dtype=torch.int64)
    past = torch.randn(LAYERS, 2, 2, HEADS, 3, WIDTH // HEADS)
    axes = {"token": {0: "batch"}, "scores": {0: "batch"}}
    axes |= {"past": {2: "batch", 4: "past"}, "present": {2: "batch", 4: "all"}}
    inputs = {"token": token, "past": past}
    export(StackedWriter().eval(), folder / "step.onnx", inputs, ["scores", "present"], axes)
    return {"step": "step.onnx", "states": {"past": "present"}}


def main() -> None:
    warnings.simplefilter("ignore")
    for make in (make_captioner, make_writer, make_stacked):
        for exporter in ("torchscript", "dynamo"):
            torch.manual_seed(5)
            folder = FOLDER / f"{make.__name__.removeprefix('make_')}-{exporter}"
            manifest = make(folder) | {"start": 1, "end": 2, "pad": 0, "max_length": 12}
            if make is make_captioner:
                manifest |= {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
            (folder / "vitc.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
