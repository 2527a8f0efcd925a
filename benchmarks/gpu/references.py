# ===- references.py - Models whose results are known ----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The trained models of examples/ and small ones of the tests, with what PyTorch and transformers compute of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

# Photos of a batch: no whole block of rows.
PHOTOS = 7
SOURCE_LENGTH = 12
# Of what SMALL_MODELS names the emulator computes all in seconds.
SMALL_MODELS = ("digits-linformer", "decoder")


@dataclasses.dataclass(frozen=True)
class Reference:
    name: str
    model: Path
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    compile_options: list[str] = dataclasses.field(default_factory=list)
    run_options: list[str] = dataclasses.field(default_factory=list)
    classes: str = ""


def read_photos(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Held-out photos of the digits as the models take them, and the ViT's logits."""
    with np.load(data / "signdigits_test.npz") as arrays:
        pixels = (arrays["x"][:PHOTOS].astype(np.float32) / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)), arrays["logits"][:PHOTOS]


def read_digits(examples: Path, data: Path, name: str) -> Reference:
    pixels, logits = read_photos(data)
    folder = examples / name
    model = folder / "linformer.onnx" if name == "linformer" else folder
    if name != "model":
        with np.load(folder / "expected.npz") as arrays:
            logits = arrays["logits"][:PHOTOS]
    label = {"model": "vit"}.get(name, name)
    return Reference(
        f"digits-{label}", model, {"pixel_values": pixels}, {"logits": logits}, ["--batch=dynamic"], classes="logits"
    )


def read_segmenter(data: Path) -> Reference:
    folder = data / "dense_models" / "SegformerForSemanticSegmentation"
    (path,) = folder.glob("io-*.npz")
    with np.load(path) as arrays:
        inputs = {name: arrays[name] for name in arrays if not name.startswith("expected.")}
        outputs = {name.removeprefix("expected."): arrays[name] for name in arrays if name not in inputs}
    return Reference("segformer", folder, inputs, outputs, [f"--image-size={path.stem.removeprefix('io-')}"])


def read_decoder(data: Path) -> Reference:
    """Greedy tokens of an encoder and decoder, without the prompt and the end."""
    folder = data / "generation" / "T5ForConditionalGeneration"
    end = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
    with np.load(folder / "io.npz") as arrays:
        inputs = {
            name: np.pad(arrays[name], [(0, 0), (0, SOURCE_LENGTH - arrays[name].shape[1])])
            for name in ("input_ids", "attention_mask")
        }
        tokens = arrays["greedy_tokens"][:1, 1:]
        length = int(arrays["max_length"])
    inputs = {name: value[:1] for name, value in inputs.items()}
    ended = np.flatnonzero(tokens[0] == end)
    tokens = tokens[:, : ended[0]] if ended.size else tokens
    options = ["--beams=1", f"--max-length={length}"]
    return Reference("decoder", folder, inputs, {"tokens": tokens}, [f"--max-source-length={SOURCE_LENGTH}"], options)


def find_references(repo: Path, names: Sequence[str] = ()) -> list[Reference]:
    """Those with the given names, or all."""
    examples, data = repo / "examples" / "signdigits", repo / "test" / "Python" / "data"
    readers: dict[str, Callable[[], Reference]] = {
        "digits-vit": lambda: read_digits(examples, data, "model"),
        "digits-swin": lambda: read_digits(examples, data, "swin"),
        "digits-linformer": lambda: read_digits(examples, data, "linformer"),
        "segformer": lambda: read_segmenter(data),
        "decoder": lambda: read_decoder(data),
    }
    return [readers[name]() for name in names or readers]
