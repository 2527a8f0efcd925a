# ===- test_aarch64.py - Programs for aarch64 under qemu ------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What --target=aarch64-linux-gnu makes agrees with the references of the models, as programs of this machine do.

Needs qemu-aarch64, a compiler and libraries to link with, and vitc's runtime for aarch64 in the build.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_kernels import CASES, assert_computes, evaluate
from test_models import MODELS, assert_agrees

from harness import BUILD, EXAMPLES, REPO, SIGNDIGITS, VITC, Photos, error_line, run, run_ok

TARGET = "aarch64-linux-gnu"
QEMU = shutil.which("qemu-aarch64")
GXX = shutil.which(f"{TARGET}-g++")
RUNTIME = BUILD / "lib" / TARGET / "libVitcRuntime.a"
EMULATOR = (QEMU or "",)
JPEGS = sorted((SIGNDIGITS / "images").glob("*.jpg"))[::5]

pytestmark = pytest.mark.skipif(
    not (QEMU and GXX and RUNTIME.is_file()), reason=f"needs qemu-aarch64, {TARGET}-g++ and the runtime for {TARGET}"
)


@pytest.fixture(scope="module")
def compile_for_arm(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A model and the name of an output to that output, made once."""

    @functools.cache
    def compile_once(source: Path, name: str = "program") -> Path:
        path = tmp_path_factory.mktemp("arm") / name
        run_ok(VITC, "compile", source, f"--target={TARGET}", "-o", path)
        return path

    return compile_once


def run_arrays(program: Path, inputs: dict[str, np.ndarray], folder: Path, *options: str) -> dict[str, np.ndarray]:
    """The outputs of a program under qemu, by name."""
    folder.mkdir(exist_ok=True)
    arguments = []
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        arguments += ["--input", f"{name}={folder / name}.npy"]
    run_ok(*EMULATOR, program, *options, *arguments, "--output-dir", folder / "outputs")
    return {path.stem: np.load(path) for path in (folder / "outputs").glob("*.npy")}


@pytest.mark.parametrize("name", CASES)
def test_program_computes(name: str, tmp_path: Path) -> None:
    """Kernels alone, against float64."""
    assert_computes(CASES[name], *evaluate(CASES[name], tmp_path, [f"--target={TARGET}"], EMULATOR))


@pytest.mark.parametrize("folder", sorted(MODELS.iterdir()), ids=lambda path: path.name)
def test_agrees_with_reference(folder: Path, compile_for_arm: Callable[..., Path], tmp_path: Path) -> None:
    with np.load(folder / "io.npz") as data:
        inputs = {name: data[name] for name in data if name != "expected"}
        expected = data["expected"]
    (actual,) = run_arrays(compile_for_arm(folder), inputs, tmp_path).values()
    assert_agrees(actual, expected)


@pytest.mark.parametrize("name", EXAMPLES)
def test_trained_models(name: str, compile_for_arm: Callable[..., Path], photos: Photos, tmp_path: Path) -> None:
    """Logits and classes of PyTorch for every tenth photo, with the same bits at any number of threads and images."""
    expected = photos.logits
    if name != "vit":
        with np.load(SIGNDIGITS / name / "expected.npz") as data:
            expected = data["logits"]
    program = compile_for_arm(EXAMPLES[name])
    pixels, expected = photos.pixels[::10], expected[::10]
    source_name = json.loads(run_ok(*EMULATOR, program, "--info", "--json"))["inputs"][0]["name"]
    results = []
    for threads in ("1", "2"):
        outputs = run_arrays(program, {source_name: pixels}, tmp_path / threads, "--threads", threads)
        results += outputs.values()
    (alone,) = run_arrays(program, {source_name: pixels[-1:]}, tmp_path / "alone").values()
    np.testing.assert_allclose(results[0], expected, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(results[0].argmax(1), expected.argmax(1))
    assert results[0].tobytes() == results[1].tobytes()
    assert results[0][-1:].tobytes() == alone.tobytes()


def test_classifies_jpegs(compile_for_arm: Callable[..., Path]) -> None:
    """As the program for this machine does: pictures are decoded and resized, too."""
    assert len(JPEGS) == 8
    arguments = ["--json", "--top-k", "3", "--threads", "2", *JPEGS]
    expected = json.loads(run_ok(VITC, "run", SIGNDIGITS / "model", *arguments))
    actual = json.loads(run_ok(*EMULATOR, compile_for_arm(SIGNDIGITS / "model"), *arguments))
    for one, other in zip(actual, expected, strict=True):
        assert [each["label"] for each in one["classes"]] == [each["label"] for each in other["classes"]]
        for mine, theirs in zip(one["classes"], other["classes"], strict=True):
            assert mine["probability"] == pytest.approx(theirs["probability"], abs=1e-4)


def test_attention_maps(compile_for_arm: Callable[..., Path], tmp_path: Path) -> None:
    run_ok(VITC, "run", SIGNDIGITS / "model", "--attention", tmp_path / "here", JPEGS[0])
    run_ok(*EMULATOR, compile_for_arm(SIGNDIGITS / "model"), "--attention", tmp_path / "arm", JPEGS[0])
    names = sorted(path.name for path in (tmp_path / "here").glob("*.npy"))
    assert names and names == sorted(path.name for path in (tmp_path / "arm").glob("*.npy"))
    for name in names:
        here, arm = (np.load(tmp_path / folder / name) for folder in ("here", "arm"))
        np.testing.assert_allclose(arm, here, rtol=0, atol=1e-5)


def test_nan_propagates(compile_for_arm: Callable[..., Path], photos: Photos, tmp_path: Path) -> None:
    """Of one picture to its own answer: NaN differs between processors in comparisons and conversions."""
    pixels = photos.pixels[:3].copy()
    pixels[1, 0, 5, 7] = np.nan
    (logits,) = run_arrays(compile_for_arm(SIGNDIGITS / "model"), {"pixel_values": pixels}, tmp_path).values()
    assert np.isnan(logits[1]).all()
    assert np.isfinite(logits[[0, 2]]).all()


def test_info_names_the_target(compile_for_arm: Callable[..., Path]) -> None:
    program = compile_for_arm(SIGNDIGITS / "model")
    info = json.loads(run_ok(*EMULATOR, program, "--info", "--json"))
    assert info["target"] == TARGET
    assert info["isa_levels"] == ["armv8-a"]
    assert run(*EMULATOR, program, "--isa", "armv8-a", JPEGS[0]).returncode == 0
    line = error_line(*EMULATOR, program, "--isa", "x86-64-v2", JPEGS[0], code=1)
    assert "'x86-64-v2'; it has armv8-a" in line


def test_needs_only_libc_and_libm(compile_for_arm: Callable[..., Path]) -> None:
    for name in ("program", "model.so"):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\.so", run_ok("readelf", "-d", compile_for_arm(EXAMPLES["vit"], name)))
        assert "libc" in needed
        assert set(needed) <= {"libc", "libm", "ld-linux-aarch64"}


def test_shared_library_allocates_nothing(compile_for_arm: Callable[..., Path], tmp_path: Path) -> None:
    """Through the C ABI, on two threads."""
    program = tmp_path / "count-allocations"
    source = REPO / "test" / "Tools" / "CountAllocations.cpp"
    # At -O0 it would refer to the functions whose types it names.
    run_ok(
        GXX or "",
        "-O2",
        "-std=c++17",
        "-rdynamic",
        f"-I{REPO / 'include'}",
        source,
        "-o",
        program,
        "-ldl",
        "-static-libstdc++",
        "-static-libgcc",
    )
    library = compile_for_arm(SIGNDIGITS / "model", "model.so")
    counts = run_ok(*EMULATOR, program, library, "2", "3", "4").split()
    assert counts[-3:] == ["0", "0", "0"]


def test_object_links(compile_for_arm: Callable[..., Path], photos: Photos, tmp_path: Path) -> None:
    """By hand, with the runtime: the same bits as the program of vitc."""
    model = compile_for_arm(SIGNDIGITS / "model", "model.o")
    names = ("Program", "Runtime", "Text", "Image", "Jpeg", "Png", "Zlib")
    libraries = [RUNTIME.parent / f"libVitc{name}.a" for name in names]
    group = ["-Wl,--start-group", *libraries, "-Wl,--end-group"]
    run_ok(GXX or "", model, *group, "-o", tmp_path / "linked", "-lm", "-ldl", "-pthread", "-static-libstdc++")
    pixels = {"pixel_values": photos.pixels[:2]}
    (linked,) = run_arrays(tmp_path / "linked", pixels, tmp_path).values()
    (expected,) = run_arrays(compile_for_arm(SIGNDIGITS / "model"), pixels, tmp_path / "program").values()
    assert linked.tobytes() == expected.tobytes()
