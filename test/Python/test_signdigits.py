# ===- test_signdigits.py - A trained model gives PyTorch's answers -------===#
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
from harness import SIGNDIGITS, Photos, isa_levels, run_ok

NUM_RIGHT = 364  # of 413, as PyTorch's
JPEGS = sorted((SIGNDIGITS / "images").glob("*.jpg"))


@pytest.mark.parametrize("isa", isa_levels())
def test_logits(library: Path, photos: Photos, isa: str) -> None:
    with vitc.load(library, isa=isa) as model:
        assert model.isa == isa
        logits = model(photos.pixels)
    np.testing.assert_allclose(logits, photos.logits, rtol=0, atol=1e-4)
    assert np.count_nonzero(logits.argmax(1) == photos.labels) == NUM_RIGHT


@pytest.mark.parametrize("isa", isa_levels())
def test_same_bits_at_any_thread_count(library: Path, photos: Photos, isa: str) -> None:
    results = []
    for threads in (1, 2, 3):
        with vitc.load(library, threads=threads, isa=isa) as model:
            assert model.threads == threads
            results.append(model(photos.pixels).tobytes())
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("isa", isa_levels())
def test_batch_grows_and_shrinks(library: Path, photos: Photos, isa: str) -> None:
    with vitc.load(library, isa=isa) as model:
        for batch in (1, 7, 3, 64):
            logits = model(photos.pixels[:batch])
            np.testing.assert_allclose(logits, photos.logits[:batch], rtol=0, atol=1e-4)


def test_attention_maps(library: Path, photos: Photos) -> None:
    with vitc.load(library) as model:
        pixels = photos.pixels[:5]
        outputs, maps = model.attention(pixels)
        assert outputs.tobytes() == model(pixels).tobytes()
    assert maps.shape == (5, 4, 4, 65)  # 4 layers, 4 heads, class token and 8 x 8 patches
    assert maps.min() >= 0
    np.testing.assert_allclose(maps.sum(-1), 1, rtol=0, atol=1e-5)


def test_model_facts(library: Path) -> None:
    with vitc.load(library) as model:
        assert [tuple(info) for info in model.inputs] == [("pixel_values", np.float32, (-1, 3, 64, 64))]
        assert [tuple(info) for info in model.outputs] == [("logits", np.float32, (-1, 10))]
        assert model.labels == ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def test_read_image_equals_pil(library: Path) -> None:
    with vitc.load(library) as model:
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
