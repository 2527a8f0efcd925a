# ===- test_signdigits.py - Trained models give PyTorch's answers ---------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vitc
from harness import SIGNDIGITS, Example, Photos, isa_levels, run_ok

NUM_RIGHT = {"vit": 364, "swin": 409, "linformer": 384}  # of 413, as PyTorch's
JPEGS = sorted((SIGNDIGITS / "images").glob("*.jpg"))


@pytest.mark.parametrize("isa", isa_levels())
def test_logits(example: Example, photos: Photos, isa: str) -> None:
    with vitc.load(example.library, isa=isa) as model:
        assert model.isa == isa
        logits = model(photos.pixels)
    np.testing.assert_allclose(logits, example.logits, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(logits.argmax(1), example.logits.argmax(1))
    np.testing.assert_array_equal(logits.argmax(1) == photos.labels, example.right)
    assert np.count_nonzero(example.right) == NUM_RIGHT[example.name]


@pytest.mark.parametrize("isa", isa_levels())
def test_same_bits_at_any_thread_count(example: Example, photos: Photos, isa: str) -> None:
    results = []
    for threads in (1, 2, 3):
        with vitc.load(example.library, threads=threads, isa=isa) as model:
            assert model.threads == threads
            results.append(model(photos.pixels).tobytes())
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("isa", isa_levels())
def test_batch_grows_and_shrinks(example: Example, photos: Photos, isa: str) -> None:
    with vitc.load(example.library, isa=isa) as model:
        alone = np.concatenate([model(photos.pixels[index : index + 1]) for index in range(64)])
        np.testing.assert_allclose(alone, example.logits[:64], rtol=0, atol=1e-4)
        for batch in (7, 3, 64):
            np.testing.assert_array_equal(model(photos.pixels[:batch]), alone[:batch])


def test_attention_maps(library: Path, photos: Photos) -> None:
    with vitc.load(library) as model:
        pixels = photos.pixels[:5]
        outputs, maps, projections = model.attention(pixels)
        assert outputs.tobytes() == model(pixels).tobytes()
    assert list(maps) == [0, 1, 2, 3] and not projections
    for rows in maps.values():
        assert rows.shape == (5, 1, 4, 1, 65)  # 4 heads, class token and 8 x 8 patches
        assert rows.min() >= 0
        np.testing.assert_allclose(rows.sum(-1), 1, rtol=0, atol=1e-5)


def test_model_facts(library: Path) -> None:
    with vitc.load(library) as model:
        assert [tuple(info) for info in model.inputs] == [("pixel_values", np.float32, (-1, 3, 64, 64))]
        assert [tuple(info) for info in model.outputs] == [("logits", np.float32, (-1, 10))]
        assert model.labels == ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.mark.parametrize("example", ["vit", "swin"], indirect=True)
def test_read_image_equals_pil(example: Example) -> None:
    with vitc.load(example.library) as model:
        for path in JPEGS:
            np.testing.assert_allclose(model.read_image(path), pil_pixels(path), rtol=0, atol=1e-6)


def test_program_classifies_jpegs(program: Path, library: Path) -> None:
    assert len(JPEGS) == 40
    answers = json.loads(run_ok(program, "--json", "--top-k", "1", *JPEGS))
    with vitc.load(library) as model:
        logits = model(np.concatenate([pil_pixels(path) for path in JPEGS]))
        expected = [model.labels[index] for index in logits.argmax(1)]
    assert [answer["classes"][0]["label"] for answer in answers] == expected
    assert [answer["image"] for answer in answers] == [str(path) for path in JPEGS]


def pil_pixels(path: Path) -> np.ndarray:
    """The model's preprocessing with Pillow and numpy: float32 [1, 3, 64, 64]."""
    with Image.open(path) as image:
        resized = image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
    pixels = np.asarray(resized, dtype=np.float32) * np.float32(1 / 255)
    return ((pixels - np.float32(0.5)) / np.float32(0.5)).transpose(2, 0, 1)[np.newaxis].copy()
