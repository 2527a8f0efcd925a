# ===- gpu.py - Programs for GPUs on the emulator -------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles programs for GPUs and runs them, unchanged, on the emulated driver of test/Emulator/Cuda.

The driver finds the kernels' LLVM IR among the dumps of the compile, and proves that it is what the program's PTX was
made from. What it objects to goes to stderr in lines with MARKER, which no run here may print.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from harness import BUILD, VITC

EMULATOR = BUILD / "emulator"
MARKER = "libcuda emulator: "

needs_emulator = pytest.mark.skipif(
    not (EMULATOR / "libcuda.so.1").exists(), reason="the build has no emulated GPU: VITC_BUILD_TESTS is off"
)


def hide_ptxas() -> dict[str, str]:
    """An environment in which vitc finds no ptxas: the emulator runs PTX, never machine code."""
    folders = [folder for folder in os.get_exec_path() if not Path(folder, "ptxas").exists()]
    variables = {key: value for key, value in os.environ.items() if key not in ("CUDA_ROOT", "CUDA_HOME", "CUDA_PATH")}
    return variables | {"PATH": os.pathsep.join(folders)}


class GpuProgram(NamedTuple):
    """A compiled program and the folder of its phases."""

    path: Path
    phases: Path

    def start(
        self, *arguments: str | os.PathLike[str], timeout: float = 300, **machine: object
    ) -> subprocess.CompletedProcess[str]:
        """Runs it on the machine that `machine` describes: device="8.0", seed=1, ... as VITC_EMULATOR_DEVICE, ..."""
        variables = {f"VITC_EMULATOR_{key.upper()}": str(value) for key, value in machine.items()}
        return subprocess.run(
            [os.fspath(part) for part in (self.path, *arguments)],
            env=os.environ
            | {"LD_LIBRARY_PATH": str(EMULATOR), "VITC_EMULATOR_IR": str(self.phases), "VITC_EMULATOR_LEAKS": "1"}
            | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def start_ok(self, *arguments: str | os.PathLike[str], timeout: float = 300, **machine: object) -> str:
        """The same; it must end with 0 and misuse nothing. Returns its stdout."""
        result = self.start(*arguments, timeout=timeout, **machine)
        assert result.returncode == 0, f"{result.args}: code {result.returncode}\n{result.stderr}"
        assert MARKER not in result.stderr, result.stderr
        return result.stdout

    def error_line(
        self, *arguments: str | os.PathLike[str], timeout: float = 300, code: int = 1, **machine: object
    ) -> str:
        """As start; it must end with the code 1, or 4, misuse nothing and print nothing but an error.

        Returns that line of stderr; a note follows an internal error."""
        result = self.start(*arguments, timeout=timeout, **machine)
        lines = result.stderr.splitlines()
        assert MARKER not in result.stderr, result.stderr
        assert (result.returncode, result.stdout, len(lines)) == (code, "", 2 if code == 4 else 1), result
        return lines[0]

    def run(
        self, inputs: dict[str, np.ndarray], folder: Path, *arguments: str, timeout: float = 300, **machine: object
    ) -> dict[str, np.ndarray]:
        """Its outputs by their names."""
        options = [*arguments, *save_inputs(inputs, folder), "--output-dir", folder / "outputs"]
        shutil.rmtree(folder / "outputs", ignore_errors=True)
        self.start_ok(*options, timeout=timeout, **machine)
        return load_outputs(folder / "outputs")


def save_inputs(inputs: dict[str, np.ndarray], folder: Path) -> list[str]:
    """Writes them as files; the options that name these."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
    return [part for name in inputs for part in ("--input", f"{name}={folder / name}.npy")]


def load_outputs(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def compile_gpu(
    model: str | os.PathLike[str], folder: Path, *options: str, targets: Iterable[str] = ("sm_80",)
) -> GpuProgram:
    program = GpuProgram(folder / "program", folder / "phases")
    command = [VITC, "compile", model, "-o", program.path, f"--target={','.join(targets)}"]
    result = subprocess.run(
        [os.fspath(part) for part in (*command, "--dump-phases-to", program.phases, *options)],
        env=hide_ptxas(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, f"{result.args}: code {result.returncode}\n{result.stderr}"
    return program


def assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float = 1e-4) -> None:
    """Each element within `tolerance` of the largest of `expected`; nothing is NaN."""
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if not np.issubdtype(expected.dtype, np.floating):
        np.testing.assert_array_equal(actual, expected)
        return
    largest = float(np.abs(expected).max(initial=0))
    error = float(np.abs(actual.astype(np.float64) - expected).max(initial=0))
    assert error <= tolerance * largest, f"error {error} where the largest is {largest}"
