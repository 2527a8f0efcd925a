# ===- test_gpu_errors.py - Machines that cannot run a GPU's program ------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What a program says where the driver or the GPU is not what it needs, and which of its codes it chooses."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from gpu import MARKER, GpuProgram, compile_gpu, needs_emulator, save_inputs
from test_gpu_nodes import make_model

pytestmark = needs_emulator

X = np.zeros((1, 5, 33), np.float32)
HINT = "or compile the model for a CPU (vitc compile without --target)"
SM_90A, BOTH, PLAIN = ("sm_90a",), ("sm_80", "sm_90a"), ("sm_80",)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], GpuProgram]:
    folder = tmp_path_factory.mktemp("errors")
    make_model("elementwise", folder / "model.onnx")
    compiled = {}
    for targets in (PLAIN, SM_90A, BOTH):
        place = folder / "-".join(targets)
        place.mkdir()
        compiled[targets] = compile_gpu(folder / "model.onnx", place, targets=targets)
    return compiled


@pytest.mark.parametrize(
    ("targets", "options", "machine", "message"),
    [
        (PLAIN, [], {"device": "none"}, "the NVIDIA driver finds no GPU"),
        (PLAIN, [], {"driver": "11.2"}, "the NVIDIA driver is for CUDA 11.2; the program needs one for 11.4 or newer"),
        (PLAIN, [], {"fail": "cuInit=999"}, "the NVIDIA driver does not start (CUDA_ERROR_UNKNOWN: unknown error)"),
        (
            PLAIN,
            [],
            {"device": "7.5"},
            "the GPU 'emulated 7.5' has compute capability 7.5; the program was compiled for sm_80 and needs that",
        ),
        (
            SM_90A,
            [],
            {"device": "10.0"},
            "the GPU 'emulated 10.0' has compute capability 10.0; the program was compiled for sm_90a and needs that",
        ),
        (
            SM_90A,
            [],
            {"device": "9.0", "driver": "11.8"},
            "the NVIDIA driver is for CUDA 11.8 and does not know PTX 8.0; the program's code for sm_90a needs a newer "
            "driver",
        ),
        (
            PLAIN,
            [],
            {"fail": "cuModuleLoadDataEx=218"},
            "does not compile the program's PTX for sm_80 (CUDA_ERROR_INVALID_PTX: a PTX JIT compilation failed)",
        ),
        (
            PLAIN,
            [],
            {"fail": "cuDevicePrimaryCtxRetain=2"},
            "the GPU 'emulated 8.0' cannot be used (CUDA_ERROR_OUT_OF_MEMORY: out of memory)",
        ),
        (PLAIN, [], {"memory": 512}, "the GPU 'emulated 8.0' has "),
    ],
)
def test_message(
    targets: tuple[str, ...],
    options: list[str],
    machine: dict[str, object],
    message: str,
    programs: dict[tuple[str, ...], GpuProgram],
    tmp_path: Path,
) -> None:
    arguments = [*options, *save_inputs({"x": X}, tmp_path), "--output-dir", tmp_path / "outputs"]
    line = programs[targets].error_line(*arguments, **machine)
    assert message in line
    assert HINT in line
    assert not (tmp_path / "outputs").exists()


def test_device_that_is_not_there(programs: dict[tuple[str, ...], GpuProgram], tmp_path: Path) -> None:
    arguments = [*save_inputs({"x": X}, tmp_path), "--output-dir", tmp_path / "outputs"]
    line = programs[PLAIN].error_line("--device", "2", *arguments, device="8.0,8.0")
    assert "GPU 2 was asked for; the machine has 2, counted from 0" in line


def test_no_driver(programs: dict[tuple[str, ...], GpuProgram], tmp_path: Path) -> None:
    command = [programs[PLAIN].path, *save_inputs({"x": X}, tmp_path), "--output-dir", tmp_path / "outputs"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if result.returncode == 0:
        pytest.skip("this machine has an NVIDIA driver")
    assert result.returncode == 1
    assert "found no NVIDIA driver (libcuda.so.1: cannot open shared object file" in result.stderr
    assert HINT in result.stderr


@pytest.mark.parametrize(
    ("device", "chosen"), [("8.0", "sm_80"), ("8.9", "sm_80"), ("9.0", "sm_90a"), ("12.0", "sm_80")]
)
def test_chooses_the_best_code(
    device: str, chosen: str, programs: dict[tuple[str, ...], GpuProgram], tmp_path: Path
) -> None:
    """The driver that lacks the IR of the chosen code says so."""
    program = programs[BOTH]
    arguments = [*save_inputs({"x": X}, tmp_path), "--output-dir", tmp_path / "outputs"]
    program.start_ok(*arguments, device=device)
    other = GpuProgram(program.path, tmp_path / "none")
    result = other.start(*arguments, device=device)
    assert f"{MARKER}cuModuleLoadDataEx: no file of LLVM IR in '{tmp_path / 'none'}' gives this PTX for {chosen}" in (
        result.stderr
    )


def test_second_device(programs: dict[tuple[str, ...], GpuProgram], tmp_path: Path) -> None:
    outputs = programs[SM_90A].run({"x": X}, tmp_path, "--device", "1", device="8.0,9.0")
    np.testing.assert_array_equal(outputs["y"], X)
