# ===- conftest.py - Fixtures of the Python tests -------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Each example model is compiled once per provider and shared by all tests."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness import EXAMPLES, REPO, SIGNDIGITS, VITC, Example, Photos, backends, run_ok

sys.path.insert(0, str(REPO / "python"))
os.environ["VITC"] = str(VITC)
os.environ["VITC_PYTHON"] = sys.executable
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPO / "python"), os.environ.get("PYTHONPATH")]))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than ten seconds; leave out with -m 'not slow'")


@pytest.fixture(scope="session")
def photos() -> Photos:
    with np.load(Path(__file__).parent / "data" / "signdigits_test.npz") as data:
        pixels = (data["x"].astype(np.float32) * np.float32(1 / 255) - np.float32(0.5)) / np.float32(0.5)
        return Photos(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)), data["y"], data["logits"])


@pytest.fixture(scope="session", params=backends())
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def compile_example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Name and backend to a shared library, which is kept however pytest orders the tests."""

    @functools.cache
    def compile_once(name: str, backend: str) -> Path:
        path = tmp_path_factory.mktemp(backend) / f"{name}.so"
        run_ok(VITC, "compile", EXAMPLES[name], "-o", path, f"--backend={backend}", "--batch=dynamic")
        return path

    return compile_once


@pytest.fixture(scope="session")
def library(backend: str, compile_example: Callable[[str, str], Path]) -> Path:
    """examples/signdigits as a shared library."""
    return compile_example("vit", backend)


@pytest.fixture(scope="session")
def program(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """examples/signdigits as an executable."""
    path = tmp_path_factory.mktemp(backend) / "signdigits"
    run_ok(VITC, "compile", SIGNDIGITS / "model", "-o", path, f"--backend={backend}", "--batch=dynamic")
    return path


@pytest.fixture(scope="session", params=EXAMPLES)
def example(
    request: pytest.FixtureRequest, backend: str, photos: Photos, compile_example: Callable[[str, str], Path]
) -> Example:
    """Each trained model in turn."""
    name = request.param
    path = compile_example(name, backend)
    if name == "vit":
        return Example(name, path, photos.logits, photos.logits.argmax(1) == photos.labels)
    with np.load(SIGNDIGITS / name / "expected.npz") as data:
        return Example(name, path, data["logits"], data["right"])
