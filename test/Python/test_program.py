# ===- test_program.py - The command line of a compiled program -----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vitc
from harness import SIGNDIGITS, VITC, Photos, isa_levels, run_ok

PHOTO = SIGNDIGITS / "images" / "3_1.jpg"


def test_prints_top_classes(program: Path) -> None:
    lines = run_ok(program, "--top-k", "3", PHOTO).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{PHOTO}: three ")
    percents = [float(re.search(r"([0-9.]+) %$", line)[1]) for line in lines]
    assert percents == sorted(percents, reverse=True)


def test_json_probabilities(program: Path, library: Path) -> None:
    (answer,) = json.loads(run_ok(program, "--json", "--top-k", "10", PHOTO))
    probabilities = {item["label"]: item["probability"] for item in answer["classes"]}
    with vitc.load(library) as model:
        logits = model(model.read_image(PHOTO))[0].astype(np.float64)
        expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        np.testing.assert_allclose([probabilities[label] for label in model.labels], expected, atol=1e-5)
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("spelling", ["{path}", "pixel_values={path}"])
def test_raw_tensors(program: Path, photos: Photos, tmp_path: Path, spelling: str) -> None:
    pixels = tmp_path / "pixels.npy"
    np.save(pixels, photos.pixels[:9])
    run_ok(program, "--input", spelling.format(path=pixels), "--output-dir", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["logits.npy"]
    logits = np.load(tmp_path / "out" / "logits.npy")
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, photos.logits[:9], rtol=0, atol=1e-4)


def test_attention(program: Path, library: Path, tmp_path: Path) -> None:
    run_ok(program, "--attention", tmp_path, PHOTO)
    with vitc.load(library) as model:
        maps = model.attention(model.read_image(PHOTO)).maps
    for number in range(4):
        rows = np.load(tmp_path / f"3_1.layer-{number:02}.npy")
        np.testing.assert_allclose(rows.sum(-1), 1, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(rows, maps[number][0, 0, :, 0])
        patches = np.load(tmp_path / f"3_1.layer-{number:02}.map.npy")
        np.testing.assert_array_equal(patches, rows[:, 1:].reshape(4, 8, 8))
    pictures = sorted(tmp_path.glob("3_1.layer-*.png"))
    assert len(pictures) == 4
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
            assert picture.mode == "RGB"
            assert min(picture.size) >= 256


def test_benchmark(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    run_ok(program, "--benchmark", "--threads", "1", "--min-time", "0.05", "--json", path)
    result = json.loads(path.read_text())
    assert 0 < result["min_ms"] <= result["median_ms"] <= result["p90_ms"]
    assert result["runs"] >= 3
    assert result["threads"] == 1
    assert result["precision"] == "f32"


@pytest.mark.parametrize("isa", isa_levels())
def test_benchmark_of_a_level(program: Path, isa: str) -> None:
    options = ("--isa", isa, "--batch", "3", "--min-time", "0", "--json", "-")
    result = json.loads(run_ok(program, "--benchmark", *options))
    assert result["isa"] == isa
    assert result["batch"] == 3


def test_profile(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    run_ok(program, "--profile", path)
    trace = json.loads(path.read_text())
    events = trace["traceEvents"]
    names = " ".join(event["name"] for event in events)
    assert "vit.encoder.layer.3" in names
    for event in events:
        assert event["ph"] == "X"
        assert event["ts"] >= 0
        assert event["dur"] > 0
    assert trace["otherData"]["precision"] == "f32"


def test_info(program: Path, backend: str) -> None:
    info = json.loads(run_ok(program, "--info", "--json"))
    assert info["inputs"] == [{"name": "pixel_values", "dtype": "f32", "shape": ["batch", 3, 64, 64]}]
    assert info["outputs"] == [{"name": "logits", "dtype": "f32", "shape": ["batch", 10]}]
    assert info["precision"] == "f32"
    assert info["backend"] == backend
    assert re.fullmatch("[0-9a-f]{64}", info["source_hash"])
    text = run_ok(program, "--info")
    assert "pixel_values" in text
    assert "logits" in text


def test_version(program: Path) -> None:
    assert re.search(r"\d+\.\d+\.\d+", run_ok(program, "--version"))


@pytest.mark.parametrize("level", ["x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_march_leaves_one_level(tmp_path: Path, level: str) -> None:
    run_ok(VITC, "compile", SIGNDIGITS / "model", "-o", tmp_path / "program", f"--march={level}")
    assert json.loads(run_ok(tmp_path / "program", "--info", "--json"))["isa_levels"] == [level]


def test_needs_only_libc_and_libm(program: Path) -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.*)\.so", run_ok("readelf", "-d", program))
    assert "libc" in needed
    assert set(needed) <= {"libc", "libm", "ld-linux-x86-64"}
