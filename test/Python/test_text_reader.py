# ===- test_text_reader.py - PP-OCRv6 on rendered text --------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The text reader, detector and classifier of the package rapidocr 3.10.0, whose sizes are open in the file.

Without the package, which python/requirements-models.txt names, they are skipped. The reference is ONNX Runtime.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from harness import VITC, error_line, find_models, run_ok

MODELS = find_models("rapidocr")
TOLERANCE = 1e-4
# Where a character ends, two classes share a probability: there rounding moves it from float64's by 1e-4, and ONNX
# Runtime's by nearly as much.
PROBABILITY_TOLERANCE = 1e-3
HEIGHT = 48

pytestmark = pytest.mark.skipif(not MODELS, reason="rapidocr 3.10.0 is not installed")

WORDS = """
window vision patch token query attention kernel Compiler Zurich Lisbon Harbour Invoice TOTAL Street
Avenue gate Platform exit receipt NORTH south Camera model batch shift linear norm mask
"""


def make_strings(count: int, words: int) -> list[str]:
    """Seeded lines of words, amounts, dates and codes."""
    generator = random.Random(0)

    def make_part() -> str:
        kind = generator.randrange(5)
        if kind == 0:
            return f"${generator.randrange(1, 999)}.{generator.randrange(10, 99)}"
        if kind == 1:
            return f"{generator.randrange(2000, 2040)}-{generator.randrange(10, 13)}-{generator.randrange(10, 29)}"
        if kind == 2:
            return f"{generator.choice('ABCDEFGH')}{generator.randrange(1000, 9999)}"
        return generator.choice(WORDS.split())

    return [" ".join(make_part() for _ in range(words)) for _ in range(count)]


def render(text: str, width: int) -> np.ndarray:
    """Black on white, as the reader's input: [3, 48, width] from -1 to 1, zeros behind the line."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(30)
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("RGB", (right - left + 16, bottom - top + 16), "white")
    ImageDraw.Draw(picture).text((8 - left, 8 - top), text, "black", font)
    scaled = min(width, picture.width * HEIGHT // picture.height)
    pixels = np.asarray(picture.resize((scaled, HEIGHT), Image.Resampling.BILINEAR), np.float32)
    line = np.zeros((3, HEIGHT, width), np.float32)
    line[:, :, :scaled] = pixels.transpose(2, 0, 1) / 127.5 - 1
    return line


def run_reference(model: Path, pixels: np.ndarray) -> tuple[np.ndarray, dict[str, str]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": pixels})[0], session.get_modelmeta().custom_metadata_map


def run_program(model: Path, pixels: np.ndarray, folder: Path, *options: str) -> np.ndarray:
    np.save(folder / "x.npy", pixels)
    run_ok(VITC, "compile", model, "-o", folder / "program", "-march=native", *options)
    run_ok(folder / "program", "--input", folder / "x.npy", "--output-dir", folder / "outputs")
    (output,) = (folder / "outputs").rglob("*.npy")
    return np.load(output)


def decode(scores: np.ndarray, characters: list[str]) -> list[str]:
    """The likeliest characters without repetitions and blanks, which are class 0."""
    lines = []
    for best in scores.argmax(-1):
        kept = best[np.insert(best[1:] != best[:-1], 0, True) & (best != 0)]
        lines.append("".join(characters[index - 1] for index in kept))
    return lines


def largest_error(actual: np.ndarray, expected: np.ndarray) -> float:
    assert actual.shape == expected.shape
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize(("width", "words", "count"), [(320, 2, 60), (640, 4, 40)])
def test_reader_reads_as_onnxruntime(width: int, words: int, count: int, tmp_path: Path) -> None:
    model = MODELS / "PP-OCRv6_rec_small.onnx"
    strings = make_strings(count, words)
    pixels = np.stack([render(text, width) for text in strings])
    expected, metadata = run_reference(model, pixels)
    actual = run_program(model, pixels, tmp_path, "--shape", f"DynamicDimension.1={width}")
    assert largest_error(actual, expected) < PROBABILITY_TOLERANCE
    characters = [*metadata["character"].split("\n"), " "]
    read = decode(actual, characters)
    assert read == decode(expected, characters)
    assert read == strings


@pytest.mark.slow
def test_detector_finds_as_onnxruntime(tmp_path: Path) -> None:
    lines = [render(text, 320) for text in make_strings(4, 2)]
    pixels = np.concatenate([np.pad(line, ((0, 0), (16, 0), (0, 0)), constant_values=1) for line in lines], axis=1)[
        None
    ]
    model = MODELS / "PP-OCRv6_det_small.onnx"
    expected, _ = run_reference(model, pixels)
    sizes = ("--shape", "DynamicDimension.1=256", "--shape", "DynamicDimension.2=320", "--batch=1")
    actual = run_program(model, pixels, tmp_path, *sizes)
    assert largest_error(actual, expected) < TOLERANCE
    text = actual > 0.3
    assert text.any(axis=(0, 1, 3)).sum() > 60 and not text.all()


@pytest.mark.slow
def test_classifier_turns_as_onnxruntime(tmp_path: Path) -> None:
    lines = np.stack([render(text, 192) for text in make_strings(8, 1)])
    pixels = np.concatenate([lines, lines[:, :, ::-1, ::-1]])
    model = MODELS / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"
    expected, _ = run_reference(model, pixels)
    actual = run_program(model, pixels, tmp_path, "--shape", "x.2=48", "--shape", "x.3=192")
    assert largest_error(actual, expected) < TOLERANCE
    assert (actual.argmax(-1) == expected.argmax(-1)).all()


def test_open_sizes_are_named(tmp_path: Path) -> None:
    model = MODELS / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"
    message = error_line(VITC, "compile", model, "-o", tmp_path / "program", code=1)
    assert "has symbolic sizes 'x.2', 'x.3'; needs a number for each, as in --shape x.2=64" in message
