# ===- test_gpu_errors.py - Machines that cannot run a GPU's program ------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What a program says where the driver or the GPU is not what it needs, and which of its codes it chooses."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_gpu_nodes import make_model

from gpu import MARKER, GpuProgram, compile_gpu, needs_emulator, save_inputs
from harness import REPO

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
    """A file that is no library stands for none, also where there is one."""
    (tmp_path / "libcuda.so.1").write_bytes(b"")
    command = [programs[PLAIN].path, *save_inputs({"x": X}, tmp_path), "--output-dir", tmp_path / "outputs"]
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert f"found no NVIDIA driver ({tmp_path / 'libcuda.so.1'}: file too short)" in result.stderr
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


LOOP = REPO / "test" / "Driver" / "Inputs" / "loop.mlir"


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> GpuProgram:
    """Ends when what it reads back is large: it never does on zeros."""
    return compile_gpu(LOOP, tmp_path_factory.mktemp("loop"))


def loop_arguments(folder: Path) -> list[str | Path]:
    x = np.full((2, 6, 8), 0.5, np.float32)
    return [*save_inputs({"x": x}, folder), "--output-dir", folder / "outputs"]


@pytest.mark.parametrize("call", ["cuStreamSynchronize:3=719", "cuMemcpyDtoHAsync:2=719"])
def test_read_that_fails_ends_a_loop(call: str, loop: GpuProgram, tmp_path: Path) -> None:
    line = loop.error_line(*loop_arguments(tmp_path), code=4, timeout=60, fail=call)
    assert f"CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure from {call.partition(':')[0]}" in line
    assert not (tmp_path / "outputs").exists()


# All that a program calls of the driver.
FUNCTIONS = re.findall(r"F\((\w+),", (REPO / "lib" / "Runtime" / "Cuda" / "CudaApi.h").read_text())


@pytest.mark.parametrize("mode", ["graph", "loop", "profile"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_call_that_fails(
    function: str, mode: str, programs: dict[tuple[str, ...], GpuProgram], loop: GpuProgram, tmp_path: Path
) -> None:
    """Each call in turn, until there is none more: one message, and nothing is misused or left behind."""
    program = loop if mode == "loop" else programs[PLAIN]
    arguments = loop_arguments(tmp_path) if mode == "loop" else save_inputs({"x": X}, tmp_path)
    if mode == "graph":
        arguments += ["--output-dir", tmp_path / "outputs"]
    elif mode == "profile":
        arguments = ["--profile", tmp_path / "outputs"]
    for call in itertools.count(1):
        failure = f"{function}:{call}=999"
        # What cannot be freed is lost.
        result = program.start(*arguments, fail=failure, leaks=0, timeout=60)
        assert MARKER not in result.stderr, (failure, result.stderr)
        if result.returncode == 0:
            break
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1), (failure, result)
        assert HINT in result.stderr, failure
        assert [path.name for path in tmp_path.iterdir() if path.suffix != ".npy"] == [], failure
    assert (tmp_path / "outputs").exists()


ADD = """
func.func @forward(%x: tensor<?x1024xf32> {vit.name = "x"}) -> (tensor<?x1024xf32> {vit.name = "y"}) {
  %y = arith.addf %x, %x : tensor<?x1024xf32>
  return %y : tensor<?x1024xf32>
}
"""
# Arguments: the library, batches; prints for each whether there was room.
CALLS = """
import sys
import numpy as np
import vitc
with vitc.load(sys.argv[1]) as model:
    for batch in map(int, sys.argv[2:]):
        x = np.full((batch, 1024), batch, np.float32)
        try:
            print(batch, np.array_equal(model(x), x + x))
        except vitc.OutOfMemoryError:
            print(batch, None)
"""


@pytest.mark.parametrize(
    ("memory", "printed"), [(160_000, "8 True\n16 True\n8 True\n"), (100_000, "8 True\n16 None\n8 True\n")]
)
def test_session_that_grows(memory: int, printed: str, tmp_path: Path) -> None:
    """An image needs 8 kB: one session of 8 and one of 16 do not fit, one of 16 may."""
    (tmp_path / "add.mlir").write_text(ADD)
    library, phases = compile_gpu(tmp_path / "add.mlir", tmp_path, "--emit=so")
    python = GpuProgram(Path(sys.executable), phases)
    assert python.start_ok("-c", CALLS, library, "8", "16", "8", memory=memory) == printed
