# ===- conftest.py - Fixtures of the Python tests -------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Each example model is compiled once per provider and shared by all tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from harness import REPO, SIGNDIGITS, VITC, Photos, backends, run_ok

sys.path.insert(0, str(REPO / "python"))
os.environ["VITC"] = str(VITC)
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
def library(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """examples/signdigits as a shared library."""
    path = tmp_path_factory.mktemp(backend) / "signdigits.so"
    run_ok(VITC, "compile", SIGNDIGITS / "model", "-o", path, f"--backend={backend}", "--batch=dynamic")
    return path


@pytest.fixture(scope="session")
def program(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """examples/signdigits as an executable."""
    path = tmp_path_factory.mktemp(backend) / "signdigits"
    run_ok(VITC, "compile", SIGNDIGITS / "model", "-o", path, f"--backend={backend}", "--batch=dynamic")
    return path
