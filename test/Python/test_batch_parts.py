# ===- test_batch_parts.py - Large batches, part by part -------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A batch goes through all layers in parts that fit into the threads' caches; no bit depends on the parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness import VITC, run_ok

BATCH = 5
# What layers pass on takes more than half of what a thread keeps in its cache: one image a thread.
MODELS = ["zoo:swin?dim=48,depths=2-2,heads=3-6", "zoo:vit-ti", "zoo:linformer?depth=2,image=512"]


@pytest.fixture(scope="module", params=MODELS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "program"
    run_ok(VITC, "compile", request.param, "-o", path, "-march=native")
    return path


def run_logits(program: Path, images: np.ndarray, folder: Path, *options: str) -> np.ndarray:
    folder.mkdir(parents=True)
    np.save(folder / "images.npy", images)
    run_ok(program, "--input", folder / "images.npy", "--output-dir", folder / "out", *options)
    return np.load(folder / "out" / "logits.npy")


def test_same_bits_for_any_parts(program: Path, tmp_path: Path) -> None:
    info = json.loads(run_ok(program, "--info", "--json"))
    shape = info["inputs"][0]["shape"][1:]
    images = np.random.default_rng(7).standard_normal((BATCH, *shape), np.float32)
    alone = [run_logits(program, images[i : i + 1], tmp_path / f"image{i}", "--threads", "1") for i in range(BATCH)]
    expected = np.concatenate(alone)
    assert not np.array_equal(expected[0], expected[1])
    for threads in (1, 2, 3, 8):
        logits = run_logits(program, images, tmp_path / f"threads{threads}", "--threads", str(threads))
        np.testing.assert_array_equal(logits, expected, err_msg=f"{threads} threads")


def test_profiles_show_the_parts(program: Path, tmp_path: Path) -> None:
    counts, flops = {}, {}
    for threads in (2, 8):
        trace = tmp_path / f"{threads}.json"
        run_ok(program, "--profile", trace, "--threads", str(threads), "--batch", str(BATCH))
        slices = [event for event in json.loads(trace.read_text())["traceEvents"] if event["ph"] == "X"]
        counts[threads] = len(slices)
        flops[threads] = sum(event["args"]["flops"] for event in slices)
    assert counts[2] == 3 * counts[8]
    assert flops[2] == flops[8]
