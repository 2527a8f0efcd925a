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
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from gpu import EMULATOR, needs_emulator
from harness import BUILD, REPO, VITC, run, run_ok

pytestmark = needs_emulator

FOLDER = REPO / "benchmarks" / "gpu"
ARCHITECTURES = ("sm_80", "sm_90a")
# Answers as torch_peer.py does, but that there is no memory for products.
PEER = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    answers = {
        "versions": {"torch": "2.0", "cuda": "12.0"},
        "ceilings": {"flops_per_second": 1e15, "bytes_per_second": 4e12},
        "model": {"median_ms": 2.0},
        "product": {"error": "out of memory"},
    }
    print(json.dumps(answers[request["do"]]), flush=True)
"""


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Beside it, in "ir", what the emulated driver needs."""
    folder = tmp_path_factory.mktemp("gpu-benchmark")
    options = ["--small", f"--architectures={','.join(ARCHITECTURES)}", "--build-dir", BUILD]
    run_ok(sys.executable, FOLDER / "prepare.py", folder / "carried", *options, "--phases", folder / "phases")
    (folder / "ir").mkdir()
    for file in (folder / "phases").glob("*/4-llvm.*.ll"):
        shutil.copy(file, folder / "ir" / f"{file.parent.name}.{file.name}")
    return folder / "carried"


def start(
    carried: Path, *options: str | os.PathLike[str], device: str = "8.0", **variables: str
) -> subprocess.CompletedProcess[str]:
    """run.py of the folder, with the emulated driver and without PyTorch."""
    machine = {
        "LD_LIBRARY_PATH": str(EMULATOR),
        "VITC_EMULATOR_IR": str(carried.parent / "ir"),
        "VITC_EMULATOR_DEVICE": device,
    }
    return subprocess.run(
        [sys.executable, carried / "run.py", *options],
        env=os.environ | machine | variables,
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
    assert {each["precision"] for each in results["kernels"]} == {"f32", "tf32", "bf16"}
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


def test_all_architectures_agree(carried: Path, tmp_path: Path) -> None:
    """Kernels of sm_80 and of sm_90a on a GPU that takes both; the latter has tiles of warpgroups."""
    result = start(carried, "--parts=kernels", "--output", tmp_path / "results", device="9.0")
    assert result.returncode == 0, result.stdout + result.stderr
    kernels = json.loads((tmp_path / "results.json").read_text())["kernels"]
    assert {each["architecture"] for each in kernels} == set(ARCHITECTURES)
    assert all(each["error"] == 0 and each["reason"] == "" for each in kernels)
    tiles = {(each["name"], each["architecture"]): each["tiles"] for each in kernels}
    assert tiles["product-577-264-776.bf16", "sm_90a"] == ["64x64, 64 rows x 1 panel"]
    assert tiles["product-577-264-776.bf16", "sm_80"] != tiles["product-577-264-776.bf16", "sm_90a"]
    assert "| 64x64, 64 rows x 1 panel | agrees |" in (tmp_path / "results.md").read_text()


def test_cases_have_all_tiles_of_warpgroups(tmp_path: Path) -> None:
    """Of sm_90a in bf16: each with more steps than stages somewhere, the largest with more tiles than blocks."""
    cases = runpy.run_path(str(FOLDER / "cases.py"))
    multiprocessors, columns = 132, re.compile(r"gemm_n(\d+)_k(\d+)")
    wrapped, repeated = set(), set()
    for name in cases["CASES"]:
        if not name.startswith(("product", "normalised-product", "mlp")):
            continue
        case = cases["CASES"][name]
        onnx.save(case.build(), tmp_path / "case.onnx")
        options = ["--target=sm_90a", "--precision=bf16", "--json"]
        for kernel in json.loads(run_ok(VITC, "explain", tmp_path / "case.onnx", *options))["kernels"]:
            match = columns.match(kernel["kernel"])
            values = dict(re.findall(r"(\w+) = (\d+)", kernel["tiling"] or ""))
            if not match or values["columns"] != str(64 * int(values.get("panels", 1))):
                continue  # no product, or one of warps
            outputs, inputs = map(int, match.groups())
            rows, width, terms = (int(values[key]) for key in ("rowBlock", "columns", "kBlock"))
            tile = (rows, width, "from_bf16" in kernel["kernel"])
            if inputs > terms * int(values["unroll"]):
                wrapped.add(tile)
            if -(-case.shape[1] // rows) * -(-outputs // width) > multiprocessors:
                repeated.add(tile)
    tiles = {(64, 64), (64, 128), (128, 64), (128, 128), (128, 192), (128, 256)}
    assert {tile[:2] for tile in wrapped} == tiles
    large = {(128, 256, False), (128, 256, True)}
    assert large <= wrapped and large <= repeated


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


@pytest.mark.parametrize("size", [0, 100])
def test_finds_a_file_that_ends_early(size: int, carried: Path, tmp_path: Path) -> None:
    copy = keep_one(carried, "kernels", "softmax.f32", tmp_path)
    path = copy / "kernels" / "softmax.f32" / "sm_80.npz"
    path.write_bytes(path.read_bytes()[:size])
    result = start(copy)
    assert result.returncode == 1
    assert f"softmax.f32 sm_80: DIFFERS: {path}: " in result.stdout
    assert "; the whole file that prepare.py wrote is needed" in result.stdout
    assert result.stderr == ""


def test_finds_a_timed_program_that_ends_early(carried: Path, tmp_path: Path) -> None:
    copy = keep_one(carried, "speed", "vit-small", tmp_path)
    path = copy / "speed" / "vit-small" / "program"
    path.write_bytes(path.read_bytes()[:64])
    result = start(copy)
    assert result.returncode == 1
    assert f"run.py: error: vit-small: {path} has 64 bytes, weights begin at " in result.stderr


@pytest.mark.parametrize(
    ("script", "message"), [("echo broken >&2\nexit 4", "ended with 4: broken"), ("echo fast", "wrote no JSON")]
)
def test_finds_a_timed_program_that_fails(script: str, message: str, carried: Path, tmp_path: Path) -> None:
    copy = keep_one(carried, "speed", "vit-small", tmp_path)
    manifest = json.loads((copy / "manifest.json").read_text())
    script = f"#!/bin/sh\n{script}\n"
    (copy / "speed" / "vit-small" / "program").write_text(script + "\n")
    # The script has its weights behind it.
    manifest["speed"][0] |= {"weights_offset": len(script), "weights_bytes": 0}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    result = start(copy, "--batches=2", "--output", tmp_path / "results")
    assert result.returncode == 1
    assert f"FAILED: vit-small at batch 2: vit-small {message}" in result.stdout
    assert f"run.py: error: vit-small at batch 2: vit-small {message}" in result.stderr
    assert "- It failed: vit-small at batch 2" in (tmp_path / "results.md").read_text()


def test_says_what_pytorch_cannot_multiply(carried: Path, tmp_path: Path) -> None:
    """The first product that it fails on ends those of a model, and is no failure of vitc's."""
    copy = keep_one(carried, "speed", "vit-small", tmp_path)
    (tmp_path / "modules" / "torch").mkdir(parents=True)
    (copy / "torch_peer.py").write_text(PEER)
    options = ["--min-time=0.001", "--rounds=1", "--batches=2", "--output", tmp_path / "results"]
    result = start(copy, *options, PYTHONPATH=str(tmp_path / "modules"))
    assert result.returncode == 0, result.stdout + result.stderr
    message = "products of vit-small at batch 2: PyTorch: out of memory"
    assert f"not measured: {message}" in result.stdout
    assert result.stderr == f"run.py: not measured: {message}\n"
    assert f"- Not measured: {message}" in (tmp_path / "results.md").read_text()
    results = json.loads((tmp_path / "results.json").read_text())["speed"]
    assert results["models"][0]["torch_ms"] == 2.0
    assert results["products"] and all(each["torch_ms"] is None for each in results["products"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--parts=models"], "has no models; prepare.py --parts models makes them"),
        (["--parts=kernels,models,speed"], "has no models and no speed; prepare.py --parts models,speed makes them"),
        (["--parts=speed", "--speed-models=vit-b"], "has no speed; prepare.py --parts speed makes them"),
    ],
)
def test_needs_something_to_run(options: list[str], message: str, carried: Path, tmp_path: Path) -> None:
    copy = keep_one(carried, "kernels", "softmax.f32", tmp_path)
    result = start(copy, *options)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"run.py: error: {copy} {message}\n"


def test_needs_something_that_was_prepared(carried: Path, tmp_path: Path) -> None:
    copy = keep_one(carried, "kernels", "softmax.f32", tmp_path)
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"kernels": []}))
    result = start(copy)
    assert result.returncode == 1
    assert "has no kernels and no models and no speed; prepare.py --parts kernels,models,speed" in result.stderr


def test_needs_a_timed_model(carried: Path) -> None:
    result = start(carried, "--parts=speed", "--speed-models=vit-b")
    assert result.returncode == 1
    assert result.stderr == f"run.py: error: --speed-models has 'vit-b'; {carried} has vit-small\n"


def test_says_that_the_gpu_is_another(carried: Path) -> None:
    result = start(carried, device="7.5")
    assert result.returncode == 1
    assert result.stderr == (
        "run.py: error: the GPU 'emulated 7.5' has compute capability 7.5; the programs were compiled for sm_80, "
        "sm_90a: prepare.py --architectures takes others\n"
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
