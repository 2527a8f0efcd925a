# ===- test_gpu_benchmark.py - benchmarks/gpu on an emulated GPU ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A small carried build, as prepare.py makes it, and what run.py says of it on the emulated driver."""

from __future__ import annotations

import ctypes.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gpu import EMULATOR, needs_emulator
from harness import BUILD, REPO, run, run_ok

pytestmark = needs_emulator

FOLDER = REPO / "benchmarks" / "gpu"


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Beside it, in "ir", what the emulated driver needs."""
    folder = tmp_path_factory.mktemp("gpu-benchmark")
    options = ["--small", "--architectures=sm_80", "--build-dir", BUILD, "--phases", folder / "phases"]
    run_ok(sys.executable, FOLDER / "prepare.py", folder / "carried", *options)
    (folder / "ir").mkdir()
    for file in (folder / "phases").glob("*/4-llvm.sm_80.ll"):
        shutil.copy(file, folder / "ir" / f"{file.parent.name}.sm_80.ll")
    return folder / "carried"


def start(carried: Path, *options: str | os.PathLike[str], device: str = "8.0") -> subprocess.CompletedProcess[str]:
    """run.py of the folder, with the emulated driver and without PyTorch."""
    machine = {
        "LD_LIBRARY_PATH": str(EMULATOR),
        "VITC_EMULATOR_IR": str(carried.parent / "ir"),
        "VITC_EMULATOR_DEVICE": device,
    }
    return subprocess.run(
        [sys.executable, carried / "run.py", *options],
        env=os.environ | machine,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def keep_one(carried: Path, part: str, name: str, folder: Path) -> Path:
    """A copy of a carried build with one program."""
    copy = folder / "carried"
    shutil.copytree(carried, copy, ignore=shutil.ignore_patterns("speed", "kernels", "models"))
    shutil.copytree(carried / part / name, copy / part / name)
    manifest = json.loads((carried / "manifest.json").read_text())
    kept = [each for each in manifest[part] if each["name"] == name]
    (copy / "manifest.json").write_text(json.dumps(manifest | {"kernels": [], "models": [], "speed": [], part: kept}))
    (folder / "ir").symlink_to(carried.parent / "ir")
    return copy


def change(path: Path, output: str) -> None:
    """Plants a wrong number."""
    with np.load(path) as data:
        arrays = dict(data)
    arrays[output].flat[-1] += 1
    np.savez(path, **arrays)


def test_all_agree(carried: Path, tmp_path: Path) -> None:
    result = start(carried, "--min-time=0.001", "--rounds=1", "--batches=2", "--output", tmp_path / "results")
    assert result.returncode == 0, result.stdout + result.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["device"]["name"] == "emulated 8.0"
    assert {each["architecture"] for each in results["kernels"]} == {"sm_80"}
    assert {each["precision"] for each in results["kernels"]} == {"f32", "bf16"}
    # The driver that recorded the kernels' results is the one that gives them again.
    assert all(each["error"] == 0 and each["reason"] == "" for each in results["kernels"])
    assert all(each["reason"] == "" for each in results["models"])
    (model,) = results["speed"]["models"]
    assert model["batch"] == 2 and model["vitc_ms"] > 0
    products = {(each["rows"], each["outputs"], each["inputs"]) for each in results["speed"]["products"]}
    assert (10, 64, 32) in products  # keys and values of two pictures of four patches and a class token
    page = (tmp_path / "results.md").read_text()
    assert "# vitc on emulated 8.0" in page
    assert "| softmax.f32 | sm_80 |" in page


@pytest.mark.parametrize(
    ("part", "name", "file", "output", "message"),
    [
        ("kernels", "softmax.f32", "sm_80.npz", "y", "DIFFERS: 'y' has an error of"),
        ("models", "decoder.f32", "expected.npz", "tokens", "DIFFERS: 'tokens' differs in 1 of"),
    ],
)
def test_finds_a_wrong_result(
    part: str, name: str, file: str, output: str, message: str, carried: Path, tmp_path: Path
) -> None:
    copy = keep_one(carried, part, name, tmp_path)
    change(copy / part / name / file, output)
    result = start(copy, f"--parts={part}")
    assert result.returncode == 1
    assert f"{name} sm_80: {message}" in result.stdout
    assert "0 of 1 results agree" in result.stdout


def test_finds_a_program_that_does_not_run(carried: Path, tmp_path: Path) -> None:
    copy = keep_one(carried, "kernels", "softmax.f32", tmp_path)
    program = copy / "kernels" / "softmax.f32" / "program"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 4\n")
    result = start(copy, "--parts=kernels")
    assert result.returncode == 1
    assert "DIFFERS: program ended with 4: broken" in result.stdout


def test_says_that_the_gpu_is_another(carried: Path) -> None:
    result = start(carried, device="7.5")
    assert result.returncode == 1
    assert result.stderr == (
        "run.py: error: the GPU 'emulated 7.5' has compute capability 7.5; the programs were compiled for sm_80: "
        "prepare.py --architectures takes others\n"
    )


@pytest.mark.skipif(ctypes.util.find_library("cuda") is not None, reason="this machine has NVIDIA's driver")
def test_says_that_there_is_no_gpu(carried: Path) -> None:
    result = run(sys.executable, carried / "run.py")
    assert result.returncode == 1
    assert result.stderr.startswith("run.py: error: found no NVIDIA driver (libcuda.so.1: ")
    assert result.stderr.endswith("); a machine with an NVIDIA GPU is needed\n")


def test_needs_a_carried_build(tmp_path: Path) -> None:
    result = run(sys.executable, FOLDER / "run.py", "--carried", tmp_path)
    assert result.returncode == 1
    assert "a folder that prepare.py wrote is needed" in result.stderr
