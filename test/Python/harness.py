# ===- harness.py - What the Python tests share ---------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Where things are, what this machine and build can do, and how programs are run."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VITC_BUILD_DIR", REPO / "build"))
VITC = BUILD / "bin" / "vitc"
SIGNDIGITS = REPO / "examples" / "signdigits"
# The trained models, as vitc takes them.
EXAMPLES = {
    "vit": SIGNDIGITS / "model",
    "swin": SIGNDIGITS / "swin",
    "linformer": SIGNDIGITS / "linformer" / "linformer.onnx",
}

_CPU_FLAGS = {
    "x86-64-v2": {"ssse3", "sse4_1", "sse4_2", "popcnt", "cx16"},
    "x86-64-v3": {"avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


class Photos(NamedTuple):
    """The held-out photos of the sign language digits, as the model's input, and PyTorch's answers."""

    pixels: np.ndarray  # float32 [413, 3, 64, 64]
    labels: np.ndarray  # int64 [413]
    logits: np.ndarray  # float32 [413, 10]


class Example(NamedTuple):
    """A trained model as a shared library, and what PyTorch makes of the held-out photos with it."""

    name: str
    library: Path
    logits: np.ndarray  # float32 [413, 10]
    right: np.ndarray  # bool [413]


def backends() -> list[str]:
    """The CPU providers that this build and this machine have: oneDNN needs AVX-512."""
    cache = (BUILD / "CMakeCache.txt").read_text() if (BUILD / "CMakeCache.txt").is_file() else ""
    has_onednn = "VITC_ENABLE_ONEDNN:BOOL=OFF" not in cache and "x86-64-v4" in isa_levels()
    return ["llvm", "onednn"] if has_onednn else ["llvm"]


def isa_levels() -> list[str]:
    """The x86-64 levels this machine runs."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return [level for level, needed in _CPU_FLAGS.items() if needed <= flags]


def find_models(package: str) -> Path | None:
    """The folder of models of a package of requirements-models.txt, where that is installed."""
    spec = importlib.util.find_spec(package)
    folders = [Path(folder, "models") for folder in spec.submodule_search_locations] if spec else []
    return next((folder for folder in folders if folder.is_dir()), None)


def run(*command: str | os.PathLike[str], timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end without a terminal and keeps what it prints."""
    return subprocess.run(
        [os.fspath(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def run_ok(*command: str | os.PathLike[str], timeout: float = 300) -> str:
    """As run; the program must end with 0. Returns its stdout."""
    result = run(*command, timeout=timeout)
    assert result.returncode == 0, f"{result.args}: code {result.returncode}\n{result.stderr}"
    return result.stdout


def error_line(*command: str | os.PathLike[str], code: int) -> str:
    """As run; the program must end with `code`, print nothing but one line to stderr, which is returned."""
    result = run(*command)
    assert result.returncode == code, f"{result.args}: code {result.returncode}\n{result.stderr}"
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert "error: " in lines[0]
    assert not lines[0].endswith(".")
    return lines[0]


def load_benchmark(name: str) -> ModuleType:
    """A module of benchmarks/, which import each other by their names."""
    folder = str(REPO / "benchmarks")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)
