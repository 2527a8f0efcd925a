# ===- test_zoo.py - Seeded models agree with ONNX Runtime ----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Models of the zoo, written as ONNX and as a Hugging Face folder, in ONNX Runtime and in vitc."""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
import pytest

import vitc
from harness import VITC, error_line, run_ok

BATCHES = (1, 7)
TOLERANCE = 1e-4  # of the largest logit

# Maps that are no whole windows; test_models.py compares folders of these classes with transformers.
SWINS = [
    "swin?dim=24,depths=2-2-1,heads=2-3-4,window=4,image=72,classes=7",
    "swinv2?dim=24,depths=2-2-1,heads=2-3-4,window=4,image=72,classes=7",
]
# Of these no class of transformers exists; they are compiled by name only.
BY_NAME = [
    "vit-small-tutorial",
    "vit?dim=96,depth=3,heads=2,image=48,pool=mean,head-layers=2",
    "hybrid?dim=48,depth=2,heads=3,image=72,stages=1-2,patch=3,classes=7",
    "linformer?dim=48,depth=2,image=64,k=5,classes=7",
    "linformer?dim=48,depth=2,image=64,k=5,classes=7,one-kv-head=true,share-kv=true,pool=mean",
]
AS_FOLDER = [
    "vit-ti",
    "deit-ti-distilled",
    "vit?dim=96,depth=3,heads=2,image=48,channels=1,classes=7,seed=5",
    "beit?dim=48,depth=2,image=80,classes=7",
    "dinov2?dim=48,depth=2,image=70,classes=7",
    "dinov2-reg?dim=48,depth=2,image=70,classes=7",
]
SLOW = [pytest.param("vit-b", marks=pytest.mark.slow)]


class Exported(NamedTuple):
    """A model of the zoo on disk, inputs for it, and ONNX Runtime's outputs."""

    name: str
    folder: Path
    pixels: np.ndarray
    logits: np.ndarray


def export(name: str, folder: str, *options: str | Path) -> Exported:
    onnx = Path(folder, "model.onnx")
    run_ok(sys.executable, "-m", "vitc.zoo", f"zoo:{name}", "--onnx", onnx, "--batch", "dynamic", *options)
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    (model_input,) = session.get_inputs()
    shape = (max(BATCHES), *model_input.shape[1:])
    pixels = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    (logits,) = session.run(None, {model_input.name: pixels})
    # A tiny output would agree with anything.
    assert np.abs(logits).max() > 0.5
    return Exported(f"zoo:{name}", Path(folder, "hf"), pixels, logits)


@pytest.fixture(scope="module", params=BY_NAME + SWINS)
def named(request: pytest.FixtureRequest) -> Iterator[Exported]:
    with tempfile.TemporaryDirectory() as folder:
        yield export(request.param, folder)


@pytest.fixture(scope="module", params=AS_FOLDER + SLOW)
def saved(request: pytest.FixtureRequest) -> Iterator[Exported]:
    with tempfile.TemporaryDirectory() as folder:
        yield export(request.param, folder, "--hf", Path(folder, "hf"))


def check_logits(exported: Exported, source: str | Path, backend: str) -> None:
    with vitc.compile(source, batch="dynamic", backend=backend) as model:
        for batch in BATCHES:
            logits = model(exported.pixels[:batch])
            expected = exported.logits[:batch]
            np.testing.assert_allclose(logits, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def test_named_model_agrees(named: Exported, backend: str) -> None:
    check_logits(named, named.name, backend)


def test_saved_model_agrees(saved: Exported, backend: str) -> None:
    check_logits(saved, saved.folder, backend)


def test_name_and_folder_are_the_same_model(saved: Exported) -> None:
    with vitc.compile(saved.name) as by_name, vitc.compile(saved.folder) as by_folder:
        pixels = saved.pixels[:1]
        assert by_name(pixels).tobytes() == by_folder(pixels).tobytes()


@pytest.mark.parametrize("name", SWINS)
def test_swin_agrees_with_its_folder(name: str, tmp_path: Path) -> None:
    run_ok(sys.executable, "-m", "vitc.zoo", name, "--hf", tmp_path)
    pixels = np.random.default_rng(0).standard_normal((2, 3, 72, 72), dtype=np.float32)
    with vitc.compile(f"zoo:{name}", batch=2) as by_name, vitc.compile(tmp_path, batch=2) as by_folder:
        expected = by_folder(pixels)
        assert np.abs(expected).max() > 0.5
        np.testing.assert_allclose(by_name(pixels), expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("linformer", "--hf", "a Linformer is no class of transformers; write it with --onnx"),
        ("hybrid", "--hf", "a hybrid is no class of transformers; write it with --onnx"),
    ],
)
def test_refuses_a_form_that_the_model_has_not(name: str, option: str, message: str, tmp_path: Path) -> None:
    line = error_line(sys.executable, "-m", "vitc.zoo", name, option, tmp_path / "out", code=1)
    assert line == f"zoo:{name}: error: {message}"
    assert not (tmp_path / "out").exists()


def test_lists_the_same_names_as_vitc(tmp_path: Path) -> None:
    by_vitc = error_line(VITC, "compile", "zoo:vgg", "-o", tmp_path / "out", code=1)
    by_python = error_line(sys.executable, "-m", "vitc.zoo", "vgg", "--onnx", tmp_path / "out", code=1)
    assert by_vitc.split("error: ")[1] == by_python.split("error: ")[1]


@pytest.mark.parametrize("name", ["vit", "beit", "dinov2-reg", "hybrid", "swin", "linformer"])
def test_lists_the_same_keys_as_vitc(name: str, tmp_path: Path) -> None:
    by_vitc = error_line(VITC, "compile", f"zoo:{name}?width=3", "-o", tmp_path / "out", code=1)
    by_python = error_line(sys.executable, "-m", "vitc.zoo", f"{name}?width=3", "--onnx", tmp_path / "out", code=1)
    assert by_vitc.split("error: ")[1] == by_python.split("error: ")[1]


@pytest.mark.slow
def test_vit_b_compiles_in_seconds(tmp_path: Path) -> None:
    program = tmp_path / "program"
    before = child_cpu_seconds()
    run_ok(VITC, "compile", "zoo:vit-b", "-o", program)
    assert child_cpu_seconds() - before < 20
    program.unlink()  # 350 MB


def child_cpu_seconds() -> float:
    """Processor time of all programs run so far, which a busy machine does not change."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
