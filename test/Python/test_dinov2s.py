# ===- test_dinov2s.py - Pretrained DINOv2-S on real photos ---------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Features and attention maps of trained weights, against what transformers computes of the same pixels in f32.

data/dinov2s.npz holds for each photo `features`, the rows `tokens` of last_hidden_state, the `largest` magnitude of all
of them, and `attention`, the class token's probabilities in the last layer, [heads, 1 + 37 * 37], computed with eager
attention. data/photos says where the photos come from.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vitc
from harness import VITC, run_ok

DATA = Path(__file__).parent / "data"
FIXTURES = os.environ.get("VITC_FIXTURES")
SIZE = 518
PHOTOS = ["chelsea.png", "rocket.jpg"]

pytestmark = pytest.mark.skipif(not FIXTURES, reason="VITC_FIXTURES names no folder of models")


@pytest.fixture(scope="module")
def model_folder() -> Path:
    return Path(FIXTURES) / "real" / "dinov2s_focus_hf"


def make_square(photo: str) -> Image.Image:
    picture = Image.open(DATA / "photos" / photo).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    box = (left, top, left + side, top + side)
    return picture.crop(box).resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def test_features_and_maps_agree_with_transformers(model_folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "dinov2s.so"
    run_ok(VITC, "compile", model_folder, "-o", library, f"--image-size={SIZE}x{SIZE}")
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    with vitc.load(library) as model, np.load(DATA / "dinov2s.npz") as expected:
        for photo in PHOTOS:
            pixels = (np.asarray(make_square(photo), np.float32) / 255 - mean) / std
            pixels = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
            outputs, maps, _ = model.attention(pixels, layers=[11])
            name = Path(photo).stem
            largest = expected[f"{name}.largest"]
            assert largest > 10
            np.testing.assert_allclose(
                outputs["last_hidden_state"][0, expected["tokens"]],
                expected[f"{name}.features"],
                rtol=0,
                atol=2e-5 * largest,
            )
            np.testing.assert_allclose(
                maps[11].reshape(6, -1), expected[f"{name}.attention"].reshape(6, -1), rtol=0, atol=1e-5
            )


def test_maps_are_shown_over_the_photos(model_folder: Path, tmp_path: Path) -> None:
    program = tmp_path / "dinov2s"
    run_ok(VITC, "compile", model_folder, "-o", program, f"--image-size={SIZE}x{SIZE}")
    squares = [tmp_path / f"{Path(photo).stem}.png" for photo in PHOTOS]
    for photo, square in zip(PHOTOS, squares, strict=True):
        make_square(photo).save(square)
    run_ok(program, "--attention", tmp_path, "--attention-layers=11", *squares)
    for square in squares:
        rows = np.load(tmp_path / f"{square.stem}.layer-11.npy")
        maps = np.load(tmp_path / f"{square.stem}.layer-11.map.npy")
        np.testing.assert_array_equal(maps.reshape(len(rows), -1), rows[:, 1:])
        with Image.open(tmp_path / f"{square.stem}.layer-11.png") as shown:
            assert shown.size == (SIZE, SIZE)
            assert np.ptp(np.asarray(shown, int), axis=-1).mean() > 10
